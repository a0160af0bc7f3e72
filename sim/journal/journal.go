// Package journal remembers what a lab was asked and what it answered, which
// jobs ran and how replicas moved in between: rings of entries with lab time
// alone, nothing of the host, a port or the wall clock, so that the same seed
// and the same requests leave the same bytes.
package journal

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"sync"

	"infinisim/sim/clock"
	"infinisim/sim/queue"
	"infinisim/sim/store"
)

// Limits bound what a journal keeps; the oldest entries go first.
type Limits struct {
	// Entries is how many requests it keeps, and how many jobs and moves, which
	// push out each other alone; 0 for DefaultEntries.
	Entries int
	// Bytes is how much the requests may take, and how much the jobs and moves;
	// 0 for DefaultBytes.
	Bytes int
}

// The limits of a journal that is told no others.
const (
	DefaultEntries = 100_000
	DefaultBytes   = 64 << 20
)

// Journal is the rings. It is safe for concurrent use.
type Journal struct {
	// mu guards everything below; it is a leaf.
	mu       sync.Mutex
	limits   Limits
	requests ring
	others   ring
	next     int64
	secrets  map[[sha256.Size]byte]int // digest to number
	named    int                       // secrets so far
	changed  chan struct{}             // closed by the next entry, nil where nobody waits
	tallies  map[Tally]map[string]int  // also of what left the rings
}

// New makes a journal.
func New(l Limits) *Journal {
	l.Entries, l.Bytes = cmp.Or(l.Entries, DefaultEntries), cmp.Or(l.Bytes, DefaultBytes)
	return &Journal{limits: l, next: 1, tallies: map[Tally]map[string]int{}}
}

// Of is the journal of the lab that a transaction belongs to; it is nil outside
// a lab.
func Of(tx *store.Tx) *Journal {
	if owner, ok := tx.Owner().(interface{ Journal() *Journal }); ok {
		return owner.Journal()
	}
	return nil
}

// ring keeps the last entries.
type ring struct {
	queue.Queue[Entry]
	bytes int
	gone  int64 // the number of the last one that left it
}

func (r *ring) add(e *Entry, l Limits) {
	r.Push(*e)
	r.bytes += e.size()
	for n := r.Len(); n > l.Entries || n > 1 && r.bytes > l.Bytes; n-- {
		old := r.Pop()
		r.bytes, r.gone = r.bytes-old.size(), old.Seq
	}
}

// Record numbers and keeps an entry; its secrets are replaced by «secret:n»,
// one number for each different secret. It returns the number of the entry. A
// nil journal keeps nothing.
func (j *Journal) Record(e Entry) int64 {
	if j == nil {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Seq = j.next
	j.next++
	e.Kind = cmp.Or(e.Kind, Request)
	j.tallyLocked(&e)
	if e.Kind == Request {
		j.hideLocked(&e)
		j.requests.add(&e, j.limits)
	} else {
		j.others.add(&e, j.limits)
	}
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
	return e.Seq
}

// Entries lists what the filter picks, oldest first.
func (j *Journal) Entries(f Filter) []Entry {
	out, _ := j.look(f)
	return out
}

// look lists what the filter picks, and gives a channel that the next entry
// closes.
func (j *Journal) look(f Filter) (out []Entry, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	out = []Entry{}
	a, b := &j.requests, &j.others
	for i, k := 0, 0; i < a.Len() || k < b.Len(); {
		var e *Entry
		if i == a.Len() || k < b.Len() && b.At(k).Seq < a.At(i).Seq {
			e = b.At(k)
			k++
		} else {
			e = a.At(i)
			i++
		}
		if f.match(e) {
			out = append(out, *e)
		}
	}
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return out, j.changed
}

// Last is the number of the last entry, 0 for none.
func (j *Journal) Last() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next - 1
}

// Next is closed by the next entry.
func (j *Journal) Next() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// Reset forgets all entries and numbers from 1 again.
func (j *Journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests, j.others, j.next, j.secrets, j.named = ring{}, ring{}, 1, nil, 0
}

// Begin is Reset that takes the tallies away too: the lab is made, and what
// made it was nobody's doing.
func (j *Journal) Begin() {
	j.Reset()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tallies = map[Tally]map[string]int{}
}

// Gaps names numbers that are missing between the kept entries: there are
// none unless something is wrong.
func (j *Journal) Gaps() []string {
	j.mu.Lock()
	whole := j.requests.gone == 0 && j.others.gone == 0
	j.mu.Unlock()
	var bad []string
	entries := j.Entries(Filter{Entry: All})
	for i := 1; i < len(entries); i++ {
		if step := entries[i].Seq - entries[i-1].Seq; step < 1 || step > 1 && whole {
			bad = append(bad, fmt.Sprintf("journal: entry %d follows %d", entries[i].Seq, entries[i-1].Seq))
		}
	}
	return bad
}

// event is the line of a job or a move.
type event struct {
	Seq         int64      `json:"seq"`
	Time        clock.Time `json:"time_ns"`
	Kind        Kind       `json:"entry"`
	Array       string     `json:"array"`
	Ran         *Ran       `json:"job,omitempty"`
	Moved       *Moved     `json:"move,omitempty"`
	Faults      []string   `json:"faults,omitempty"`
	Objects     []Object   `json:"objects,omitempty"`
	MoreObjects int        `json:"more_objects,omitempty"`
}

// WriteTo writes the picked entries as JSON lines.
func (j *Journal) WriteTo(w io.Writer, f Filter) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, e := range j.Entries(f) {
		var line any = e
		if e.Kind != Request {
			line = event{e.Seq, e.Time, e.Kind, e.Array, e.Ran, e.Moved, e.Faults, e.Objects, e.MoreObjects}
		}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("journal entry %d: %w", e.Seq, err)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Driven counts the requests since the journal was made by method and route,
// such as "GET volumes/{id}"; neither the limits nor Reset take any away.
func (j *Journal) Driven() map[string]int { return j.Tallied(Routes) }

// Tally is a count that outlives the entries.
type Tally string

// The tallies.
const (
	// Routes counts requests by method and route.
	Routes Tally = "routes"
	// Codes counts refusals by their codes.
	Codes Tally = "codes"
	// States counts how often replicas were found in a state, Rules how often
	// a row of the replication table moved one.
	States Tally = "states"
	Rules  Tally = "rules"
	// Jobs counts jobs of the timetable by name and what became of them: done,
	// later, failed.
	Jobs Tally = "jobs"
	// Faults counts strikes by site and effect, FaultRules by the id of the
	// rule; a rule that never struck has a 0.
	Faults     Tally = "faults"
	FaultRules Tally = "fault_rules"
)

// Count adds to a tally; a nil journal counts nothing.
func (j *Journal) Count(t Tally, name string, n int) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.countLocked(t, name, n)
}

// Struck counts a strike of a fault rule; a nil journal counts nothing.
func (j *Journal) Struck(site, effect, rule string) {
	j.Count(Faults, site+" "+effect, 1)
	j.Count(FaultRules, rule, 1)
}

func (j *Journal) countLocked(t Tally, name string, n int) {
	if j.tallies[t] == nil {
		j.tallies[t] = map[string]int{}
	}
	j.tallies[t][name] += n
}

// tallyLocked counts what an entry tells.
func (j *Journal) tallyLocked(e *Entry) {
	if e.Route != "" {
		j.countLocked(Routes, e.Method+" "+e.Route, 1)
	}
	if e.Code != "" {
		j.countLocked(Codes, e.Code, 1)
	}
	if e.Ran != nil {
		j.countLocked(Jobs, e.Ran.Name+" "+e.Ran.outcome(), 1)
	}
	if e.Moved != nil {
		j.countLocked(States, e.Moved.From, 1)
		j.countLocked(States, e.Moved.To, 1)
		j.countLocked(Rules, fmt.Sprint(e.Moved.Rule), 1)
	}
}

// Tallied is what a tally counted since the journal was made.
func (j *Journal) Tallied(t Tally) map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if out := maps.Clone(j.tallies[t]); out != nil {
		return out
	}
	return map[string]int{}
}

// mostSecrets is how many secrets a journal knows again.
const mostSecrets = 10_000

// secretNumber is the number of a secret, a new one if it is not known: it is
// new, or there were very many others since.
func (j *Journal) secretNumber(secret string) int {
	of := sha256.Sum256([]byte(secret))
	n, known := j.secrets[of]
	if !known {
		if j.secrets == nil || len(j.secrets) >= mostSecrets {
			j.secrets = map[[sha256.Size]byte]int{}
		}
		j.named++
		n = j.named
		j.secrets[of] = n
	}
	return n
}
