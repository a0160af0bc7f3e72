// Package outbox lets a transaction ask another process. No transaction is
// open while a message is under way: the transaction that asks is undone, but
// for a row that keeps its intent; the message goes out; then the transaction
// runs again from the start, and what it asks is answered from what came back.
//
// A trip is all that one piece of work asks: a request, a job, a message that
// is being answered. What a trip asked and in the end did not need is called
// off at the peer.
package outbox

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/store"
)

// ErrPending is returned by Ask for what has not been answered yet. It ends the
// run; whoever sees it passes it on.
var ErrPending = errors.New("another process has to answer first")

// Message is what crosses from one array to another.
type Message struct {
	// ID is unique in the sender's lab, 0 for a message that only reads.
	ID int64 `json:"id"`
	// Name says what it asks for.
	Name string `json:"name"`
	// From and To are array keys.
	From string `json:"from"`
	To   string `json:"to"`
	// Sent is the sender's time.
	Sent clock.Time `json:"sent"`
	// Body is the message's own.
	Body json.RawMessage `json:"body"`
}

// Answer is what came back.
type Answer struct {
	// Reply is the receiver's, for a message that it took.
	Reply json.RawMessage `json:"reply,omitempty"`
	// Refusal is the receiver's error.
	Refusal *apierr.Error `json:"refusal,omitempty"`
	// Unreachable says that nobody answered, or that the receiver sees the path
	// down.
	Unreachable bool `json:"unreachable,omitempty"`
}

// Call is a message with its answer, nil while there is none.
type Call struct {
	Message
	Answer *Answer `json:"answer,omitempty"`
}

// Trip is what one piece of work asks. It is used by one goroutine.
type Trip struct {
	key    string // its row; empty for one that only reads
	loaded bool
	calls  []*Call
	next   int
	want   *Call
	stale  []*Call
}

// The spaces of an outbox, in the lab's own bucket.
const (
	spaceIntent = "outbox.intent"
	spaceAbort  = "outbox.abort"
	sequence    = "outbox.message"
)

// RequestKey begins the keys of trips that nobody runs again after a restart.
const RequestKey = "request/"

// New makes the trip of a key, which goes on where its row stopped; an empty
// key is a trip of a reader, which keeps no row.
func New(key string) *Trip { return &Trip{key: key, loaded: key == ""} }

// Of is the trip that a transaction is on, nil for none.
func Of(tx *store.Tx) *Trip {
	t, _ := tx.Carried().(*Trip)
	return t
}

// Begin starts a run.
func (t *Trip) Begin(tx *store.Tx) {
	t.next, t.want, t.stale = 0, nil, nil
	tx.Carry(t)
}

func (t *Trip) load(tx *store.Tx) {
	if t.loaded {
		return
	}
	t.loaded = true
	if raw := tx.KV("", spaceIntent).Get([]byte(t.key)); raw != nil {
		if err := json.Unmarshal(raw, &t.calls); err != nil {
			panic(fmt.Sprintf("outbox: intent %s: %v", t.key, err))
		}
	}
}

// Ask gives the answer to a message, or ErrPending until there is one. A run
// that asks something else than the run before has the old message called off.
func (t *Trip) Ask(tx *store.Tx, m Message) (*Answer, error) {
	if t.want != nil {
		return nil, ErrPending
	}
	t.load(tx)
	if t.next < len(t.calls) {
		c := t.calls[t.next]
		if c.Name == m.Name && c.From == m.From && c.To == m.To && bytes.Equal(c.Body, m.Body) {
			t.next++
			if c.Answer == nil {
				t.want = c
				return nil, ErrPending
			}
			return c.Answer, nil
		}
		t.stale = append(t.stale, t.calls[t.next:]...)
		t.calls = t.calls[:t.next]
	}
	t.want = &Call{Message: m}
	t.calls = append(t.calls, t.want)
	t.next++
	return nil, ErrPending
}

// Sent is what the run before asked at this place, nil for nothing: work whose
// question changes by itself asks it again as it was.
func (t *Trip) Sent(tx *store.Tx) *Call {
	t.load(tx)
	if t.next < len(t.calls) {
		return t.calls[t.next]
	}
	return nil
}

// Wants is the call that has to be answered before the next run, nil for none.
func (t *Trip) Wants() *Call { return t.want }

// Save keeps the intent of a run that was undone.
func (t *Trip) Save(tx *store.Tx) {
	if t.key == "" {
		return
	}
	for _, c := range t.calls {
		if c.ID == 0 {
			c.ID = tx.Next("", sequence)
		}
	}
	abort(tx, t.stale)
	t.stale = nil
	raw, err := json.Marshal(t.calls)
	if err != nil {
		panic("outbox: " + err.Error()) // messages were JSON already
	}
	tx.KV("", spaceIntent).Put([]byte(t.key), raw)
}

// Open reports whether the trip's intent is kept: nobody did the work in
// another run meanwhile, or took it away.
func (t *Trip) Open(tx *store.Tx) bool { return tx.KV("", spaceIntent).Get([]byte(t.key)) != nil }

// Finish ends the trip, in the transaction that keeps what it was for. What a
// refused piece of work asked is called off, and so is what it did not need.
func (t *Trip) Finish(tx *store.Tx, refused error) {
	t.load(tx)
	abort(tx, t.stale)
	if len(t.calls) == 0 || t.key == "" {
		return
	}
	if refused != nil {
		abort(tx, t.calls)
	} else {
		abort(tx, t.calls[t.next:])
	}
	Drop(tx, t.key)
}

// Drop takes an intent away, and calls nothing off.
func Drop(tx *store.Tx, key string) { tx.KV("", spaceIntent).Delete([]byte(key)) }

// Cancel calls off what the trip of a key asked, if it asked anything: its
// work will not be done.
func Cancel(tx *store.Tx, key string) {
	raw := tx.KV("", spaceIntent).Get([]byte(key))
	if raw == nil {
		return
	}
	t := New(key)
	t.load(tx)
	abort(tx, t.calls)
	Drop(tx, key)
}

// Key names the trip's row.
func (t *Trip) Key() string { return t.key }

// CallOff has a message called off that may or may not have arrived.
func CallOff(tx *store.Tx, c *Call) { abort(tx, []*Call{c}) }

// Abort is a message to be called off at its receiver.
type Abort struct {
	ID   int64  `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
}

func abort(tx *store.Tx, calls []*Call) {
	for _, c := range calls {
		if c.ID == 0 || c.Answer != nil && c.Answer.Refusal != nil {
			continue // it was never sent, or changed nothing
		}
		raw, err := json.Marshal(Abort{ID: c.ID, From: c.From, To: c.To})
		if err != nil {
			panic("outbox: " + err.Error()) // numbers and names
		}
		tx.KV("", spaceAbort).Put(idKey(c.ID), raw)
	}
}

func idKey(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) } //nolint:gosec // counts up from 1

// Aborts lists what has to be called off at an array.
func Aborts(tx *store.Tx, to string) []Abort {
	out := []Abort{}
	tx.KV("", spaceAbort).Scan(nil, func(_, raw []byte) bool {
		var a Abort
		if err := json.Unmarshal(raw, &a); err != nil {
			panic("outbox: abort: " + err.Error())
		}
		if a.To == to {
			out = append(out, a)
		}
		return true
	})
	return out
}

// CalledOff takes aborts off the list that the receiver has confirmed.
func CalledOff(tx *store.Tx, list []Abort) {
	for _, a := range list {
		tx.KV("", spaceAbort).Delete(idKey(a.ID))
	}
}

// Abandon calls off what requests asked that no longer run: their process
// ended. It gives the arrays that were asked.
func Abandon(tx *store.Tx) (asked []string) {
	each(tx, func(key string, calls []*Call) {
		if strings.HasPrefix(key, RequestKey) {
			abort(tx, calls)
			Drop(tx, key)
			for _, c := range calls {
				if !slices.Contains(asked, c.To) {
					asked = append(asked, c.To)
				}
			}
		}
	})
	slices.Sort(asked)
	return asked
}

func each(tx *store.Tx, fn func(key string, calls []*Call)) {
	tx.KV("", spaceIntent).Scan(nil, func(key, raw []byte) bool {
		var calls []*Call
		if err := json.Unmarshal(raw, &calls); err != nil {
			panic(fmt.Sprintf("outbox: intent %s: %v", key, err))
		}
		fn(string(key), calls)
		return true
	})
}

// Oldest is the id of the oldest message that may still be sent again or
// called off: the receiver may forget all before it.
func Oldest(tx *store.Tx) int64 {
	oldest := tx.Peek("", sequence)
	each(tx, func(_ string, calls []*Call) {
		for _, c := range calls {
			oldest = min(oldest, c.ID)
		}
	})
	tx.KV("", spaceAbort).Scan(nil, func(key, _ []byte) bool {
		oldest = min(oldest, int64(binary.BigEndian.Uint64(key))) //nolint:gosec // written by idKey
		return false
	})
	return oldest
}
