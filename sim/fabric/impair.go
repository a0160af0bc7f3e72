package fabric

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"infinisim/sim/store"
)

// Impairment is what a fault does to a path, on top of its model.
type Impairment struct {
	// Down takes it down.
	Down bool `json:"down,omitempty"`
	// DownFrom is the array whose messages do not arrive, empty for none.
	DownFrom string `json:"down_from,omitempty"`
	// Latency is added, one way; Jitter is the most that a message adds to it.
	Latency time.Duration `json:"latency_ns,omitempty"`
	Jitter  time.Duration `json:"jitter_ns,omitempty"`
	// Loss is the share of what the path carries that is sent twice, in parts of a
	// million.
	Loss int64 `json:"loss_ppm,omitempty"`
	// Bandwidth is the most, 0 for no limit.
	Bandwidth int64 `json:"bandwidth,omitempty"`
}

const spaceImpaired = "fabric.impaired"

func impairKey(ends Ends, id string) []byte { return append(append(ends.key(), 0), id...) }

// Impair has an impairment of the path begin.
func (f *Fabric) Impair(tx *store.Tx, p Ends, id string, do Impairment) error {
	raw, err := json.Marshal(do)
	if err != nil {
		return fmt.Errorf("impairment: %w", err)
	}
	return f.change(tx, p, func() { tx.KV("", spaceImpaired).Put(impairKey(p, id), raw) })
}

// Lift ends an impairment; one that has not begun changes nothing.
func (f *Fabric) Lift(tx *store.Tx, p Ends, id string) error {
	kv := tx.KV("", spaceImpaired)
	if kv.Get(impairKey(p, id)) == nil {
		return nil
	}
	return f.change(tx, p, func() { kv.Delete(impairKey(p, id)) })
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
		m.Cut = m.Cut || i.Down || i.DownFrom != "" && m.CutFrom != "" && m.CutFrom != i.DownFrom // both ways
		if i.DownFrom != "" {
			m.CutFrom = i.DownFrom
		}
		m.Latency += i.Latency
		m.Jitter += i.Jitter
		m.Loss += (Million - m.Loss) * i.Loss / Million // each loses of what is left
		if i.Bandwidth > 0 {
			m.Bandwidth = min(m.Bandwidth, i.Bandwidth)
		}
		return true
	})
	return m
}
