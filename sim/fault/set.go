package fault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/chance"
	"infinisim/sim/clock"
	"infinisim/sim/store"
)

// Set is the rules of one lab with their counts. The zero value has none, and
// needs Seed before rules with odds. It is safe for concurrent use.
type Set struct {
	chance *chance.Source

	// mu guards rules; it is a leaf.
	mu    sync.Mutex
	rules []*counted
}

// counted is a rule with what became of it.
type counted struct {
	Rule
	matched, hits int
}

// Count is a rule with what became of it.
type Count struct {
	Rule
	// Matched is how often the rule matched, Hits how often it struck.
	Matched int `json:"matched"`
	Hits    int `json:"hits"`
}

// Seed gives the set its dice, before its first strike.
func (s *Set) Seed(c *chance.Source) { s.chance = c }

// Of is the set of the lab that a transaction belongs to; it is nil, and has
// no rules, outside a lab.
func Of(tx *store.Tx) *Set {
	if owner, ok := tx.Owner().(interface{ Faults() *Set }); ok {
		return owner.Faults()
	}
	return nil
}

// Copy is a set of its own with the same rules and counts.
func (s *Set) Copy() *Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Set{chance: s.chance}
	for _, r := range s.rules {
		c.rules = append(c.rules, new(*r))
	}
	return c
}

// Name gives a rule without an id one that its content makes.
func (r Rule) Name() (string, error) {
	if r.ID != "" {
		return r.ID, nil
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return "", refuse("fields", "%v", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:4]), nil
}

// Add puts a rule at the end of the set. It returns FAULT_EXISTS for an id
// that another rule has.
func (s *Set) Add(r Rule) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.rules {
		if other.ID == r.ID {
			return apierr.New(apierr.FaultExists, "id: rule %q exists", r.ID).About("id")
		}
	}
	s.rules = append(s.rules, &counted{Rule: r})
	return nil
}

// Remove takes a rule out; it reports false if there is none of that id.
func (s *Set) Remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.rules)
	s.rules = slices.DeleteFunc(s.rules, func(r *counted) bool { return r.ID == id })
	return len(s.rules) < n
}

// List is the rules in their order, with their counts.
func (s *Set) List() []Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Count{}
	for _, r := range s.rules {
		out = append(out, Count{Rule: r.Rule, Matched: r.matched, Hits: r.hits})
	}
	return out
}

// Struck counts a strike of a rule that the lab itself carries out: a link's.
func (s *Set) Struck(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		if r.ID == id {
			r.matched++
			r.hits++
		}
	}
}

// Event is what a rule is held against.
type Event struct {
	// Site is where it happens, Now when.
	Site Site
	Now  clock.Time
	// Array is the array's key.
	Array string
	// Kind and Object are the object that the path, or the job, is about.
	Kind   string
	Object int64
	// Method and Path are a request's; the path is what follows /api/rest/.
	Method, Path string
	// Inside says that User and Fields are known: the request is past its
	// session. Rules that ask for them match inside alone, the others outside.
	Inside bool
	User   string
	Fields map[string]json.RawMessage
	// Job and Class are a job's.
	Job, Class string
	// Past are ids of rules that struck this event before.
	Past []string
}

// Hit is a strike.
type Hit struct {
	// ID is the rule's.
	ID string
	Effect
}

// Strike holds an event against all rules, in their order. Every rule that
// matches counts it and rolls its dice, whether or not another strikes. The
// hits are all delays, and the first other effect.
func (s *Set) Strike(e Event) []Hit {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var hits []Hit
	other := false
	for _, r := range s.rules {
		if slices.Contains(e.Past, r.ID) || !r.match(e) {
			continue
		}
		r.matched++
		if !s.rollLocked(r) || other && r.Effect.Type != Delay {
			continue
		}
		other = other || r.Effect.Type != Delay
		r.hits++
		hit := Hit{ID: r.ID, Effect: r.Effect}
		if r.Effect.Spread > 0 {
			draw := s.chance.Uint64("fault.spread/"+r.ID, uint64(r.matched)) //nolint:gosec // counts up
			hit.Delay += Duration(draw % uint64(r.Effect.Spread+1))          //nolint:gosec // not negative
		}
		hits = append(hits, hit)
	}
	return hits
}

// rollLocked decides whether a match is a strike.
func (s *Set) rollLocked(r *counted) bool {
	if r.matched <= r.Skip || r.Times > 0 && r.hits >= r.Times {
		return false
	}
	if r.Odds == 0 || r.Odds == 1 {
		return true
	}
	const exact = 1 << 53
	draw := s.chance.Uint64("fault/"+r.ID, uint64(r.matched)) % exact //nolint:gosec // counts up
	return float64(draw) < r.Odds*exact
}

// inside reports whether the rule asks for what is known past the session.
func (r *counted) inside() bool { return r.User != "" || len(r.Fields) > 0 }

func (r *counted) match(e Event) bool {
	ms := e.Now.MS()
	switch {
	case r.Site != e.Site || r.inside() != e.Inside && r.Site == HTTP,
		r.Array != "" && r.Array != e.Array,
		r.Kind != "" && r.Kind != e.Kind,
		r.Object != 0 && r.Object != e.Object,
		r.Method != "" && r.Method != e.Method,
		r.Path != "" && !matchPath(r.Path, e.Path),
		r.User != "" && r.User != e.User,
		r.Job != "" && r.Job != e.Job,
		r.Class != "" && r.Class != e.Class,
		ms < r.From, r.Until != 0 && ms >= r.Until:
		return false
	}
	for name, want := range r.Fields {
		got, ok := e.Fields[name]
		if !ok || string(want) != "null" && !sameJSON(got, want) {
			return false
		}
	}
	return true
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// matchPath holds a path against a pattern: a star stands for one part, two at
// the end for the rest.
func matchPath(pattern, path string) bool {
	want, got := strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range want {
		if part == "**" && i == len(want)-1 {
			return true
		}
		if i >= len(got) || part != "*" && part != got[i] {
			return false
		}
	}
	return len(want) == len(got)
}

// After is when a failed job runs again.
func (e Effect) After() time.Duration {
	if e.Retry == 0 {
		return time.Minute
	}
	return time.Duration(e.Retry)
}
