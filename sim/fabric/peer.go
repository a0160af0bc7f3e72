package fabric

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/job"
	"infinisim/sim/outbox"
	"infinisim/sim/store"
)

// The arrays of other processes, in the lab's own bucket.
const (
	spacePeer  = "fabric.peer"  // array key -> nothing
	spaceLost  = "fabric.lost"  // path -> nothing
	spaceReply = "fabric.reply" // origin NUL message id -> remembered
	pingJob    = "fabric.ping"
	msgPing    = "fabric.ping"
	msgLocate  = "fabric.locate"
	peerKind   = "peer:"
)

// pingEvery is how often a process asks after the arrays of another, in lab
// time.
//
// unsourced: how soon an array notices that its peer is gone.
const pingEvery = 5 * time.Second

// AddPeer makes an array of another process known.
func AddPeer(tx *store.Tx, key string) {
	tx.KV("", spacePeer).Put([]byte(key), nil)
	owner := job.Owner{Kind: peerKind + key}
	if len(job.Of(tx, owner)) == 0 {
		job.Add(tx, job.Job{Due: tx.Now(), Class: job.Periodic, Name: pingJob, Owner: owner})
	}
}

// Peers lists the arrays of other processes.
func Peers(tx *store.Tx) (keys []string) {
	tx.KV("", spacePeer).Scan(nil, func(key, _ []byte) bool {
		keys = append(keys, string(key))
		return true
	})
	return keys
}

// Remote reports whether an array is in another process.
func Remote(tx *store.Tx, key string) bool { return tx.KV("", spacePeer).Get([]byte(key)) != nil }

// lost reports whether the process of a remote end does not answer.
func lost(tx *store.Tx, ends Ends) bool {
	kv := tx.KV("", spaceLost)
	return kv.Get([]byte(ends.To)) != nil || kv.Get([]byte(ends.From)) != nil
}

// SetLost says that the process of an array answers no more, or answers
// again: the paths from the given arrays to it go down or come up.
func (f *Fabric) SetLost(tx *store.Tx, key string, gone bool, arrays []string) error {
	kv := tx.KV("", spaceLost)
	if (kv.Get([]byte(key)) != nil) == gone {
		return nil
	}
	ups := make([]bool, len(arrays))
	for i, a := range arrays {
		ups[i] = Up(tx, Ends{From: a, To: key})
		settleLane(tx, Ends{From: a, To: key})
		settleLane(tx, Ends{From: key, To: a})
	}
	if gone {
		kv.Put([]byte(key), nil)
	} else {
		kv.Delete([]byte(key))
	}
	for i, a := range arrays {
		if err := f.moved(tx, Ends{From: a, To: key}, ups[i]); err != nil {
			return err
		}
	}
	return nil
}

// Find is the array that has an address: one of the lab, or of another
// process, which is asked.
func (f *Fabric) Find(tx *store.Tx, from, address string) (array string, ok bool, err error) {
	if array, ok := Locate(tx, address); ok {
		return array, true, nil
	}
	for _, key := range Peers(tx) {
		var has bool
		err := f.Call(tx, Ends{From: from, To: key}, msgLocate, address, &has)
		if err == nil && has {
			return key, true, nil
		}
		if err != nil && !errors.Is(err, ErrUnreachable) {
			return "", false, err
		}
	}
	return "", false, nil
}

// ping is what a process tells another every few seconds: that it lives, what
// it calls off, and what may be forgotten.
type ping struct {
	Aborts []outbox.Abort `json:"aborts"`
	Oldest int64          `json:"oldest"`
}

// pingDue asks after an array of another process. A path that was lost comes
// up when it answers.
func (f *Fabric) pingDue(tx *store.Tx, j job.Job) error {
	key := j.Owner.Kind[len(peerKind):]
	arrays := Local(tx)
	if len(arrays) == 0 {
		return f.pingLater(tx, j)
	}
	ask, raw, err := pingBody(tx, key)
	if err != nil {
		return err
	}
	_, err = away(tx, Message{Name: msgPing, From: arrays[0], To: key, Sent: tx.Now(), Body: raw})
	switch {
	case errors.Is(err, ErrUnreachable):
		err = f.SetLost(tx, key, true, arrays)
	case err == nil:
		outbox.CalledOff(tx, ask.Aborts)
		if len(outbox.Aborts(tx, key)) > 0 {
			j.Due = tx.Now().Add(-pingEvery) // what was called off meanwhile is taken back before anything else is asked
			return f.pingLater(tx, j)
		}
		// What it refuses now is asked again at the next ping.
		err = tx.Savepoint(tx.Now(), func(tx *store.Tx) error { return f.SetLost(tx, key, false, arrays) })
		if _, refused := apierr.As(err); refused {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	return f.pingLater(tx, j)
}

// pingBody is what a ping says: what it said in the run before, if it is under
// way, whatever was called off since.
func pingBody(tx *store.Tx, key string) (ask ping, raw []byte, err error) {
	if c := outbox.Of(tx).Sent(tx); c != nil {
		return ask, c.Body, Decode(c.Message, &ask)
	}
	ask = ping{Aborts: outbox.Aborts(tx, key), Oldest: outbox.Oldest(tx)}
	if raw, err = json.Marshal(ask); err != nil {
		return ask, nil, fmt.Errorf("ping: %w", err)
	}
	return ask, raw, nil
}

func (f *Fabric) pingLater(tx *store.Tx, j job.Job) error {
	job.Add(tx, job.Job{Due: j.Due.Add(pingEvery), Class: job.Periodic, Name: pingJob, Owner: j.Owner})
	return nil
}

const spaceLocal = "fabric.local"

// AddLocal makes an array of the lab known to the fabric; RemoveLocal takes it
// out.
func AddLocal(tx *store.Tx, key string) { tx.KV("", spaceLocal).Put([]byte(key), nil) }

// RemoveLocal takes an array of the lab out.
func RemoveLocal(tx *store.Tx, key string) { tx.KV("", spaceLocal).Delete([]byte(key)) }

// Local lists the arrays of the lab.
func Local(tx *store.Tx) (keys []string) {
	tx.KV("", spaceLocal).Scan(nil, func(key, _ []byte) bool {
		keys = append(keys, string(key))
		return true
	})
	return keys
}

// remembered is a message that was taken, with what was answered.
type remembered struct {
	Message Message       `json:"message"`
	Answer  outbox.Answer `json:"answer"`
	Aborted bool          `json:"aborted,omitempty"`
}

func replyKey(origin string, id int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(origin), 0), uint64(id)) //nolint:gosec // counts up from 1
}

// Take applies a message of another process once: the same message again gets
// the remembered answer. A message that reads has no id and is not remembered.
// It returns outbox.ErrPending where the handler asks another process itself.
func (f *Fabric) Take(tx *store.Tx, origin string, m Message) (*outbox.Answer, error) {
	// A process that asks is not lost, whatever its last ping said.
	if !slices.Contains(Local(tx), m.To) || !open(tx, Ends{From: m.To, To: m.From}) {
		return &outbox.Answer{Unreachable: true}, nil
	}
	kv := tx.KV("", spaceReply)
	if m.ID != 0 {
		if raw := kv.Get(replyKey(origin, m.ID)); raw != nil {
			var r remembered
			if err := json.Unmarshal(raw, &r); err != nil {
				return nil, fmt.Errorf("remembered answer: %w", err)
			}
			if r.Aborted {
				return &outbox.Answer{Unreachable: true}, nil
			}
			return &r.Answer, nil
		}
	}
	answer, err := f.take(tx, origin, m)
	if err != nil || m.ID == 0 {
		return answer, err
	}
	raw, err := json.Marshal(remembered{Message: m, Answer: *answer})
	if err != nil {
		return nil, fmt.Errorf("remembered answer: %w", err)
	}
	kv.Put(replyKey(origin, m.ID), raw)
	return answer, nil
}

func (f *Fabric) take(tx *store.Tx, origin string, m Message) (*outbox.Answer, error) {
	switch m.Name {
	case msgPing:
		return f.takePing(tx, origin, m)
	case msgLocate:
		var address string
		if err := Decode(m, &address); err != nil {
			return nil, err
		}
		array, ok := Locate(tx, address)
		raw, err := json.Marshal(ok && array == m.To)
		return &outbox.Answer{Reply: raw}, err
	}
	reply, err := f.deliver(tx, m)
	if err == nil {
		return &outbox.Answer{Reply: reply}, nil
	}
	if refusal, ok := apierr.As(err); ok {
		return &outbox.Answer{Refusal: refusal}, nil
	}
	if errors.Is(err, ErrUnreachable) {
		return &outbox.Answer{Unreachable: true}, nil
	}
	return nil, err
}

// takePing takes back what the sender calls off, and forgets what it will not
// ask for again.
func (f *Fabric) takePing(tx *store.Tx, origin string, m Message) (*outbox.Answer, error) {
	var p ping
	if err := Decode(m, &p); err != nil {
		return nil, err
	}
	for _, a := range p.Aborts {
		if err := f.takeBack(tx, origin, a); err != nil {
			return nil, err
		}
	}
	kv := tx.KV("", spaceReply)
	end := replyKey(origin, p.Oldest)
	kv.Scan(replyKey(origin, 0), func(key, _ []byte) bool {
		if string(key) >= string(end) {
			return false
		}
		kv.Delete(slices.Clone(key))
		return true
	})
	return &outbox.Answer{}, nil
}

func (f *Fabric) takeBack(tx *store.Tx, origin string, a outbox.Abort) error {
	kv, key := tx.KV("", spaceReply), replyKey(origin, a.ID)
	var r remembered
	if raw := kv.Get(key); raw != nil {
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("remembered answer: %w", err)
		}
		undo := f.undo[r.Message.Name]
		if !r.Aborted && r.Answer.Refusal == nil && undo != nil {
			if err := undo(tx, r.Message, r.Answer.Reply); err != nil {
				return fmt.Errorf("take back %s: %w", r.Message.Name, err)
			}
		}
	}
	r.Aborted = true
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("remembered answer: %w", err)
	}
	kv.Put(key, raw)
	return nil
}
