package fabric

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/store"
)

// Impairment is what a fault does to a path, on top of its model.
type Impairment struct {
	// Down takes it down.
	Down bool `json:"down,omitempty"`
	// Latency is added, one way.
	Latency time.Duration `json:"latency_ns,omitempty"`
	// Bandwidth is the most, 0 for no limit.
	Bandwidth int64 `json:"bandwidth,omitempty"`
}

const (
	spaceImpaired = "fabric.impaired"
	impairJob     = "fabric.impair"
	impairKind    = "fault:"
)

// impairing is the payload of the jobs that begin and end an impairment.
type impairing struct {
	Ends Ends       `json:"ends"`
	ID   string     `json:"id"`
	Do   Impairment `json:"do"`
	End  bool       `json:"end"`
}

func impairKey(ends Ends, id string) []byte { return append(append(ends.key(), 0), id...) }

// Impair has an impairment of the path begin and end at lab times; it begins
// at once if that time is past, and a zero end is never.
func (f *Fabric) Impair(tx *store.Tx, p Ends, id string, do Impairment, from, until clock.Time) error {
	at := func(when clock.Time, end bool) error {
		raw, err := json.Marshal(impairing{Ends: p, ID: id, Do: do, End: end})
		if err != nil {
			return fmt.Errorf("impairment: %w", err)
		}
		job.Add(tx, job.Job{Due: when, Class: job.Deadline, Name: impairJob, Owner: job.Owner{Kind: impairKind + id}, Payload: raw})
		return nil
	}
	if until != 0 {
		if err := at(until, true); err != nil {
			return err
		}
	}
	if from > tx.Now() {
		return at(from, false)
	}
	return f.impair(tx, impairing{Ends: p, ID: id, Do: do})
}

// Lift ends an impairment, also one that has not begun.
func (f *Fabric) Lift(tx *store.Tx, p Ends, id string) error {
	job.Cancel(tx, job.Owner{Kind: impairKind + id})
	return f.impair(tx, impairing{Ends: p, ID: id, End: true})
}

func (f *Fabric) impairDue(tx *store.Tx, j job.Job) error {
	var i impairing
	if err := json.Unmarshal(j.Payload, &i); err != nil {
		return fmt.Errorf("impairment: %w", err)
	}
	return f.impair(tx, i)
}

func (f *Fabric) impair(tx *store.Tx, i impairing) error {
	raw, err := json.Marshal(i.Do)
	if err != nil {
		return fmt.Errorf("impairment: %w", err)
	}
	return f.change(tx, i.Ends, func() {
		kv := tx.KV("", spaceImpaired)
		if i.End {
			kv.Delete(impairKey(i.Ends, i.ID))
			return
		}
		kv.Put(impairKey(i.Ends, i.ID), raw)
	})
}

// impaired is a model with what the faults of now do to it.
func impaired(tx *store.Tx, ends Ends, m Model) Model {
	prefix := string(append(ends.key(), 0))
	tx.KV("", spaceImpaired).Scan([]byte(prefix), func(key, raw []byte) bool {
		if !strings.HasPrefix(string(key), prefix) {
			return false
		}
		var i Impairment
		if err := json.Unmarshal(raw, &i); err != nil {
			panic(fmt.Sprintf("fabric: impairment %q: %v", key, err))
		}
		m.Cut = m.Cut || i.Down
		m.Latency += i.Latency
		if i.Bandwidth > 0 {
			m.Bandwidth = min(m.Bandwidth, i.Bandwidth)
		}
		return true
	})
	return m
}
