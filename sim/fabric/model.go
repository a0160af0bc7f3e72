package fabric

import (
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"infinisim/sim/store"
)

// Model is how a path behaves.
type Model struct {
	// Bandwidth is in bytes a second and direction.
	Bandwidth int64 `json:"bandwidth"`
	// Latency is one way.
	Latency time.Duration `json:"latency_ns"`
	// Jitter is the most that is added to the latency of a message; how much
	// of it follows from the lab's seed.
	Jitter time.Duration `json:"jitter_ns,omitempty"`
	// Loss is the share of the bytes that is sent twice, in parts of a million:
	// it takes that much of the bandwidth away.
	Loss int64 `json:"loss_ppm,omitempty"`
	// Slots limits the initial copies under way from one array over the path;
	// negative means that the array's own limit alone holds.
	Slots int `json:"slots"`
	// Cut is the path being down in both directions.
	Cut bool `json:"cut"`
	// CutFrom is the array whose messages do not arrive, empty for none. What
	// the other one sends arrives, and its answers are lost.
	CutFrom string `json:"cut_from,omitempty"`
	// Lost is how many of the addresses of each side do not answer, while
	// others do.
	Lost int `json:"addresses_down,omitempty"`
}

// DefaultModel is the path between two arrays of which nothing was said.
func DefaultModel() Model {
	return Model{Bandwidth: 100_000_000, Latency: time.Millisecond, Slots: -1}
}

// RTT is the time of a message and its answer, without jitter.
func (m Model) RTT() time.Duration { return 2 * m.Latency }

// Million is the whole of a loss.
const Million = 1_000_000

// Throughput is what is left of the bandwidth after loss, at least one byte a
// second.
func (m Model) Throughput() int64 {
	left := big.NewInt(m.Bandwidth)
	left.Mul(left, big.NewInt(Million-m.Loss))
	return max(1, left.Quo(left, big.NewInt(Million)).Int64())
}

// Delay is how long a message takes over the path; part is the lab's chance of
// this message, from 0 to 1.
func (m Model) Delay(part float64) time.Duration {
	return m.Latency + time.Duration(part*float64(m.Jitter))
}

// ModelOf is how the path behaves now, with the faults of now.
func ModelOf(tx *store.Tx, ends Ends) Model { return impaired(tx, ends, Nominal(tx, ends)) }

// Nominal is how the path behaves where no fault strikes.
func Nominal(tx *store.Tx, ends Ends) Model {
	m := DefaultModel()
	if raw := tx.KV("", spacePath).Get(ends.key()); raw != nil {
		if err := json.Unmarshal(raw, &m); err != nil {
			panic(fmt.Sprintf("fabric: path %s: %v", ends.key(), err))
		}
	}
	return m
}

// SetModel changes how the path behaves from now on. Transfers under way keep
// what they have sent. It tells the listeners if the path comes up or goes
// down thereby, or carries faster or slower.
func (f *Fabric) SetModel(tx *store.Tx, ends Ends, m Model) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("path model: %w", err)
	}
	return f.change(tx, ends, func() { tx.KV("", spacePath).Put(ends.key(), raw) })
}

// change settles the lanes of a path, changes it, and goes on from there.
func (f *Fabric) change(tx *store.Tx, ends Ends, do func()) error {
	before := Up(tx, ends)
	for _, e := range []Ends{ends, ends.Back()} {
		settleLane(tx, e)
	}
	do()
	return f.moved(tx, ends, before)
}
