package fault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
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
	// seen counts, for rules that ask for what is known past the session, the
	// requests that match all that is known before it.
	seen, matched, struck, hits int
}

// Count is a rule with what became of it.
type Count struct {
	Rule
	// Matched is how often the rule matched, Hits how often it struck.
	Matched int `json:"matched"`
	Hits    int `json:"hits"`
	// State is waiting before the rule's window, in force, spent when it struck
	// as often as it may, or over after its window.
	State string `json:"state"`
}

// state is what the rule is at a time.
func (r *counted) state(now clock.Time) string {
	ms, at := now.MS(), r.At(now)
	switch {
	case ms < at.From:
		return "waiting"
	case at.Until != 0 && ms >= at.Until:
		return "over"
	case r.Times > 0 && r.struck >= r.Times:
		return "spent"
	}
	return "in force"
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

// Tell has the owner of a transaction hear, once it is committed, of what
// struck an event that is no request.
func Tell(tx *store.Tx, e Event, hits []Hit) {
	owner, ok := tx.Owner().(interface{ Struck(e Event, ids []string) })
	if !ok || len(hits) == 0 {
		return
	}
	ids := make([]string, 0, len(hits))
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	tx.OnCommit(func() { owner.Struck(e, ids) })
}

// Empty reports whether there is no rule.
func (s *Set) Empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rules) == 0
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

// Kept is Copy for what remembers it: nil for a set without rules.
func (s *Set) Kept() any {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	none := len(s.rules) == 0
	s.mu.Unlock()
	if none {
		return nil
	}
	return s.Copy()
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

// List is the rules in their order, with their counts and their state at a
// time.
func (s *Set) List(now clock.Time) []Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Count{}
	for _, r := range s.rules {
		out = append(out, Count{Rule: r.Rule, Matched: r.matched, Hits: r.hits, State: r.state(now)})
	}
	return out
}

// Struck counts a strike of a rule that the lab itself carries out: of a link
// or an array.
func (s *Set) Struck(id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		if r.ID == id {
			r.matched++
			r.struck++
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
	// Past are ids of rules that decided about this event before.
	Past []string
	// Draws are, by rule, the numbers of the dice that were drawn for a request
	// before it was past its session; the rules that strike inside use them, so
	// that what ends a request before does not move their dice. Nil keeps none.
	Draws map[string]int
}

// Hit is a strike.
type Hit struct {
	// ID is the rule's.
	ID string
	Effect
}

// Strike holds an event against all rules, in their order. Every rule that
// matches counts it, rolls its dice and decides, whether or not another
// strikes. The hits are all delays, and the first other effect.
func (s *Set) Strike(e Event) []Hit {
	hits, _ := s.Decide(e)
	return hits
}

// Decide is Strike that names the rules that decided, whatever they decided.
func (s *Set) Decide(e Event) (hits []Hit, decided []string) {
	if s == nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	other := false
	for _, r := range s.rules {
		if slices.Contains(e.Past, r.ID) {
			continue
		}
		if e.Draws != nil && !e.Inside && r.Site == HTTP && r.inside() && r.matchOutside(e) {
			r.seen++
			e.Draws[r.ID] = r.seen
		}
		if !r.match(e) {
			continue
		}
		r.matched++
		decided = append(decided, r.ID)
		nth, ok := e.Draws[r.ID]
		if !ok {
			nth = r.matched
		}
		if !s.rollLocked(r, nth) {
			continue
		}
		r.struck++
		if other && r.Effect.Type != Delay {
			continue
		}
		other = other || r.Effect.Type != Delay
		r.hits++
		hit := Hit{ID: r.ID, Effect: r.Effect}
		hit.Delay = s.delayLocked(r, uint64(nth)) //nolint:gosec // counts up
		hits = append(hits, hit)
	}
	return hits, decided
}

// exact is how many steps a draw between 0 and 1 has.
const exact = 1 << 53

// partLocked is the nth draw of one of the rule's streams, from 0 to below 1.
func (s *Set) partLocked(stream string, nth uint64) float64 {
	return float64(s.chance.Uint64(stream, nth)%exact) / exact
}

// delayLocked is the delay of a strike: fixed, uniform or lognormal, in whole
// microseconds unless it is fixed.
func (s *Set) delayLocked(r *counted, nth uint64) Duration {
	e := r.Effect
	switch {
	case e.Spread > 0:
		draw := s.chance.Uint64("fault.spread/"+r.ID, nth)
		return e.Delay + Duration(draw%uint64(e.Spread+1)) //nolint:gosec // not negative
	case e.Sigma > 0:
		// Box and Muller's normal number out of two uniform ones.
		u, v := 1-s.partLocked("fault.sigma/"+r.ID, 2*nth), s.partLocked("fault.sigma/"+r.ID, 2*nth+1)
		z := math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
		us := math.Min(float64(e.Delay)*math.Exp(e.Sigma*z), float64(maxDelay)) / float64(time.Microsecond)
		return Duration(us) * Duration(time.Microsecond)
	}
	return e.Delay
}

// rollLocked decides whether a match is a strike; nth is the number of the
// dice.
func (s *Set) rollLocked(r *counted, nth int) bool {
	if r.matched <= r.Skip || r.Times > 0 && r.struck >= r.Times {
		return false
	}
	if r.Odds == 0 || r.Odds == 1 {
		return true
	}
	return s.partLocked("fault/"+r.ID, uint64(nth)) < r.Odds //nolint:gosec // counts up
}

// inside reports whether the rule asks for what is known past the session.
func (r *counted) inside() bool { return r.User != "" || len(r.Fields) > 0 }

// matchOutside holds the rule against what is known of a request before its
// session.
func (r *counted) matchOutside(e Event) bool {
	ms, at := e.Now.MS(), r.At(e.Now)
	return r.Site == e.Site && !r.Lasting() &&
		(r.Array == "" || r.Array == e.Array) && (r.Kind == "" || r.Kind == e.Kind) && (r.Object == 0 || r.Object == e.Object) &&
		(r.Method == "" || r.Method == e.Method) && (r.Path == "" || matchPath(r.Path, e.Path)) &&
		(r.Job == "" || r.Job == e.Job) && (r.Class == "" || r.Class == e.Class) &&
		ms >= at.From && (at.Until == 0 || ms < at.Until)
}

func (r *counted) match(e Event) bool {
	if r.Site == HTTP && r.inside() != e.Inside || r.User != "" && r.User != e.User || !r.matchOutside(e) {
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
