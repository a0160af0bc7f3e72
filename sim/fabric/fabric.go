// Package fabric is the only way from one array to another. It knows where
// addresses lead, whether a path is up, how long a message and how long a
// transfer takes. No other package reads or changes a peer's objects.
package fabric

import (
	"encoding/json"
	"errors"
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/job"
	"infinisim/sim/outbox"
	"infinisim/sim/store"
)

// ErrUnreachable is returned by Call when the path is cut or the peer is
// down: the message did not arrive.
var ErrUnreachable = errors.New("peer array is unreachable")

// Message is what crosses from one array to another.
type Message = outbox.Message

// Decode reads a message's body.
func Decode(m Message, v any) error {
	if err := json.Unmarshal(m.Body, v); err != nil {
		return fmt.Errorf("message %s: %w", m.Name, err)
	}
	return nil
}

// Handler answers a message on the receiving array, in a savepoint of its
// own.
type Handler func(tx *store.Tx, m Message) (reply any, err error)

// Undo takes back what a message did whose sender called it off: the message,
// and the reply that was given.
type Undo func(tx *store.Tx, m Message, reply json.RawMessage) error

// Fabric carries messages and transfers. Handlers and listeners are set while
// a lab is put together; after that it holds no state outside the store.
type Fabric struct {
	handlers map[string]Handler
	undo     map[string]Undo
	done     map[string]func(*store.Tx, Flow) error
	changed  []func(tx *store.Tx, ends Ends, up bool) error
	retimed  []func(tx *store.Tx, ends Ends) error
	witness  []func(tx *store.Tx, array, address string, seen bool) error
}

// New makes a fabric whose transfers are driven by the timetable.
func New(jobs *job.Timetable) *Fabric {
	f := &Fabric{handlers: map[string]Handler{}, undo: map[string]Undo{}, done: map[string]func(*store.Tx, Flow) error{}}
	jobs.Handle(laneJob, f.laneDue)
	jobs.Handle(pingJob, f.pingDue)
	jobs.Handle(scheduleJob, f.scheduleDue)
	return f
}

// Handle says who answers the messages of a name. It panics if the name is
// taken.
func (f *Fabric) Handle(name string, h Handler) {
	if f.handlers[name] != nil {
		panic("fabric: two handlers for " + name)
	}
	f.handlers[name] = h
}

// OnAbort says how messages of a name are taken back; one without is only kept
// from being applied later.
func (f *Fabric) OnAbort(name string, u Undo) { f.undo[name] = u }

// OnChange has fn called, in the transaction that did it, when a path comes
// up or goes down.
func (f *Fabric) OnChange(fn func(tx *store.Tx, ends Ends, up bool) error) {
	f.changed = append(f.changed, fn)
}

// OnRetimed has fn called, in the transaction that did it, when a path changed
// otherwise: it carries faster or slower, or more first copies at a time.
func (f *Fabric) OnRetimed(fn func(tx *store.Tx, ends Ends) error) { f.retimed = append(f.retimed, fn) }

// Call sends a message and waits for the reply, which is decoded into reply
// unless that is nil. A refusal of the peer comes back as *apierr.Error marked
// remote; ErrUnreachable means that nobody answered. The peer's half is a
// savepoint of its own: it is undone alone if the peer refuses.
//
// An array of another process is asked between two runs of the transaction:
// Call then returns outbox.ErrPending, which the caller passes on.
func (f *Fabric) Call(tx *store.Tx, ends Ends, name string, body, reply any) error {
	half := oneWay(tx, ends)
	if !Up(tx, ends) && !half {
		return fmt.Errorf("%s to %s: %w", name, ends.To, ErrUnreachable)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("message %s: %w", name, err)
	}
	m := Message{Name: name, From: ends.From, To: ends.To, Sent: tx.Now(), Body: raw}
	var answer json.RawMessage
	if Remote(tx, ends.To) {
		answer, err = away(tx, m)
	} else {
		answer, err = f.deliver(tx, m)
	}
	if half {
		return fmt.Errorf("%s to %s: the answer is lost: %w", name, ends.To, ErrUnreachable)
	}
	if err != nil {
		if e, ok := apierr.As(err); ok {
			return e.FromPeer()
		}
		return err
	}
	if reply == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, reply)
}

// away asks an array of another process.
func away(tx *store.Tx, m Message) (json.RawMessage, error) {
	trip := outbox.Of(tx)
	if trip == nil {
		return nil, fmt.Errorf("message %s to %s: nobody carries it", m.Name, m.To)
	}
	answer, err := trip.Ask(tx, m)
	switch {
	case err != nil:
		return nil, err
	case answer.Unreachable:
		return nil, fmt.Errorf("%s to %s: %w", m.Name, m.To, ErrUnreachable)
	case answer.Refusal != nil:
		return nil, answer.Refusal
	}
	return answer.Reply, nil
}

func (f *Fabric) deliver(tx *store.Tx, m Message) (answer json.RawMessage, err error) {
	h := f.handlers[m.Name]
	if h == nil {
		return nil, fmt.Errorf("no handler for message %s", m.Name)
	}
	err = tx.Savepoint(tx.Now(), func(tx *store.Tx) error {
		reply, err := h(tx, m)
		if err != nil {
			return err
		}
		answer, err = json.Marshal(reply)
		return err
	})
	return answer, err
}

// Ends names the two arrays of a path, seen from the first.
type Ends struct{ From, To string }

// Back is the same path seen from the other end.
func (e Ends) Back() Ends { return Ends{From: e.To, To: e.From} }

// key is the path's own, whichever end looks.
func (e Ends) key() []byte {
	if e.From < e.To {
		return []byte(e.From + "|" + e.To)
	}
	return []byte(e.To + "|" + e.From)
}

const (
	spacePath    = "fabric.path"
	spaceAddress = "fabric.address"
	spaceDown    = "fabric.down"
)

// SetDown takes an array off the network, or back on it.
func (f *Fabric) SetDown(tx *store.Tx, array string, down bool, others []string) error {
	kv := tx.KV("", spaceDown)
	if (kv.Get([]byte(array)) != nil) == down {
		return nil
	}
	ups := make([]bool, len(others))
	for i, o := range others {
		ends := Ends{From: array, To: o}
		ups[i] = Up(tx, ends)
		settleLane(tx, ends)
		settleLane(tx, ends.Back())
	}
	if down {
		kv.Put([]byte(array), []byte{1})
	} else {
		kv.Delete([]byte(array))
	}
	for i, o := range others {
		if err := f.moved(tx, Ends{From: array, To: o}, ups[i]); err != nil {
			return err
		}
	}
	return nil
}

// moved re-times the lanes after a change and tells the listeners.
func (f *Fabric) moved(tx *store.Tx, ends Ends, before bool) error {
	for _, e := range []Ends{ends, ends.Back()} {
		timeLane(tx, e)
	}
	after := Up(tx, ends)
	if before == after {
		return f.tellRetimed(tx, ends)
	}
	for _, fn := range f.changed {
		if err := fn(tx, ends, after); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fabric) tellRetimed(tx *store.Tx, ends Ends) error {
	for _, fn := range f.retimed {
		if err := fn(tx, ends); err != nil {
			return err
		}
	}
	return nil
}

// Up reports whether messages pass between the two arrays.
func Up(tx *store.Tx, ends Ends) bool {
	return open(tx, ends) && !lost(tx, ends)
}

// open reports whether the path is neither cut nor leads to an array that is
// down.
func open(tx *store.Tx, ends Ends) bool {
	down := tx.KV("", spaceDown)
	m := ModelOf(tx, ends)
	return !m.Cut && m.CutFrom == "" && down.Get([]byte(ends.From)) == nil && down.Get([]byte(ends.To)) == nil
}

// oneWay reports whether messages arrive over a path that is cut in the other
// direction alone: what they do is done, and nobody hears the answer.
func oneWay(tx *store.Tx, ends Ends) bool {
	m, down := ModelOf(tx, ends), tx.KV("", spaceDown)
	return m.CutFrom == ends.To && !m.Cut && !lost(tx, ends) && down.Get([]byte(ends.From)) == nil && down.Get([]byte(ends.To)) == nil
}

// Announce gives an address to an array. It reports false, and changes
// nothing, if another array of the lab has the address.
func Announce(tx *store.Tx, address, array string) bool {
	kv := tx.KV("", spaceAddress)
	if owner := kv.Get([]byte(address)); owner != nil && string(owner) != array {
		return false
	}
	kv.Put([]byte(address), []byte(array))
	return true
}

// Withdraw takes an address back.
func Withdraw(tx *store.Tx, address string) {
	tx.KV("", spaceAddress).Delete([]byte(address))
}

// Locate finds the array that has the address; ok is false if none has.
func Locate(tx *store.Tx, address string) (array string, ok bool) {
	owner := tx.KV("", spaceAddress).Get([]byte(address))
	return string(owner), owner != nil
}
