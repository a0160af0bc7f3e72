package fabric

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/store"
)

// Flow is a transfer of bytes from one array to another. All flows of one
// path and direction share its bandwidth equally.
type Flow struct {
	// ID is set by Start.
	ID int64 `json:"id"`
	// Ends is where from and where to.
	Ends Ends `json:"ends"`
	// Bytes is the length of the transfer.
	Bytes int64 `json:"bytes"`
	// Class is that of the work that waits for it.
	Class job.Class `json:"class"`
	// Done names who is told when all bytes are through.
	Done string `json:"done"`
	// Owner is whose transfer it is.
	Owner job.Owner `json:"owner"`
	// Mark is the lane's virtual service at which the flow ends.
	Mark string `json:"mark"`
}

// A lane is one direction of a path: its virtual service grows by bandwidth
// over number of flows, so that a flow of b bytes ends when the service has
// grown by b since its start, and only the earliest end needs a due time.
// Service is counted in 2^-32 bytes.
type lane struct {
	Service string     `json:"service"`
	At      clock.Time `json:"at"`
	Flows   int64      `json:"flows"`
	Settles int64      `json:"settles"`
}

const (
	laneJob    = "fabric.lane"
	spaceLane  = "fabric.lane"
	spaceFlow  = "fabric.flow"
	spaceMark  = "fabric.mark"
	fraction   = 32
	markLength = 20
)

// OnDone says who is told when flows with that Done are through. It panics if
// the name is taken.
func (f *Fabric) OnDone(name string, fn func(tx *store.Tx, fl Flow) error) {
	if f.done[name] != nil {
		panic("fabric: two ends for flows " + name)
	}
	f.done[name] = fn
}

func (e Ends) lane() []byte { return []byte(e.From + ">" + e.To) }

func (e Ends) laneOwner() job.Owner { return job.Owner{Array: e.From, Kind: "lane>" + e.To} }

func loadLane(tx *store.Tx, e Ends) lane {
	l := lane{Service: "0", At: tx.Now()}
	if raw := tx.KV("", spaceLane).Get(e.lane()); raw != nil {
		if err := json.Unmarshal(raw, &l); err != nil {
			panic(fmt.Sprintf("fabric: lane %s: %v", e.lane(), err))
		}
	}
	return l
}

func (l lane) save(tx *store.Tx, e Ends) {
	if l.Flows == 0 {
		tx.KV("", spaceLane).Delete(e.lane())
		return
	}
	raw, err := json.Marshal(l)
	if err != nil {
		panic("fabric: lane: " + err.Error())
	}
	tx.KV("", spaceLane).Put(e.lane(), raw)
}

func number(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic("fabric: not a number: " + s)
	}
	return n
}

// settleLane brings the lane's service up to now.
func settleLane(tx *store.Tx, e Ends) lane {
	l := laneNow(tx, e)
	l.save(tx, e)
	return l
}

// laneNow is the lane with its service as it is now.
func laneNow(tx *store.Tx, e Ends) lane {
	l := loadLane(tx, e)
	if l.Flows > 0 && Up(tx, e) && tx.Now() > l.At {
		grown := big.NewInt(ModelOf(tx, e).Throughput())
		grown.Mul(grown, big.NewInt(int64(tx.Now().Sub(l.At))))
		grown.Lsh(grown, fraction)
		grown.Quo(grown, big.NewInt(l.Flows*int64(time.Second)))
		l.Service = grown.Add(grown, number(l.Service)).String()
	}
	l.At = tx.Now()
	return l
}

// timeLane puts the lane's next end on the timetable; a lane that is down has
// none.
func timeLane(tx *store.Tx, e Ends) {
	job.Cancel(tx, e.laneOwner(), laneJob)
	l := loadLane(tx, e)
	head, ok := firstFlow(tx, e)
	if !ok || !Up(tx, e) {
		return
	}
	class := job.Periodic
	if l.Settles > 0 {
		class = job.Settle
	}
	bandwidth := ModelOf(tx, e).Throughput()
	left := number(head.Mark)
	left.Sub(left, number(l.Service))
	if left.Sign() < 0 {
		left.SetInt64(0)
	}
	// The first nanosecond at which all bytes are through: rounded up.
	left.Mul(left, big.NewInt(l.Flows*int64(time.Second)))
	per := new(big.Int).Lsh(big.NewInt(bandwidth), fraction)
	left.Add(left, new(big.Int).Sub(per, big.NewInt(1)))
	left.Quo(left, per)
	job.Add(tx, job.Job{Due: l.At.Add(time.Duration(left.Int64())), Class: class, Name: laneJob, Owner: e.laneOwner()})
}

func (fl Flow) markKey() []byte {
	key := append(fl.Ends.lane(), 0)
	key = append(key, number(fl.Mark).FillBytes(make([]byte, markLength))...)
	return binary.BigEndian.AppendUint64(key, uint64(fl.ID)) //nolint:gosec // ids count up from 1
}

func flowKey(id int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(id)) //nolint:gosec // ids count up from 1
}

func firstFlow(tx *store.Tx, e Ends) (fl Flow, ok bool) {
	prefix := append(e.lane(), 0)
	tx.KV("", spaceMark).Scan(prefix, func(k, raw []byte) bool {
		if len(k) < len(prefix) || string(k[:len(prefix)]) != string(prefix) {
			return false
		}
		fl, ok = FlowByID(tx, int64(binary.BigEndian.Uint64(raw))) //nolint:gosec // written by Start
		return false
	})
	return fl, ok
}

// FlowByID finds a flow that is under way.
func FlowByID(tx *store.Tx, id int64) (fl Flow, ok bool) {
	raw := tx.KV("", spaceFlow).Get(flowKey(id))
	if raw == nil {
		return Flow{}, false
	}
	if err := json.Unmarshal(raw, &fl); err != nil {
		panic(fmt.Sprintf("fabric: flow %d: %v", id, err))
	}
	return fl, true
}

// Flows lists all flows that are under way.
func Flows(tx *store.Tx) []Flow {
	var out []Flow
	tx.KV("", spaceFlow).Scan(nil, func(key, _ []byte) bool {
		fl, _ := FlowByID(tx, int64(binary.BigEndian.Uint64(key))) //nolint:gosec // written by Start
		out = append(out, fl)
		return true
	})
	return out
}

// Start begins a transfer now and returns it with its id. A transfer over a
// path that is down waits until it is up.
func Start(tx *store.Tx, fl Flow) Flow {
	l := settleLane(tx, fl.Ends)
	mark := new(big.Int).Lsh(big.NewInt(fl.Bytes), fraction)
	fl.Mark = mark.Add(mark, number(l.Service)).String()
	fl.ID = tx.Next("", "fabric.flow")
	raw, err := json.Marshal(fl)
	if err != nil {
		panic("fabric: flow: " + err.Error())
	}
	tx.KV("", spaceFlow).Put(flowKey(fl.ID), raw)
	tx.KV("", spaceMark).Put(fl.markKey(), flowKey(fl.ID))
	l.count(fl, 1)
	l.save(tx, fl.Ends)
	timeLane(tx, fl.Ends)
	return fl
}

// Load puts a transfer on its lane as it was there: with its id and its mark.
func Load(tx *store.Tx, fl Flow) error {
	if _, ok := new(big.Int).SetString(fl.Mark, 10); !ok {
		return fmt.Errorf("flow %d: mark: %q is no number", fl.ID, fl.Mark)
	}
	raw, err := json.Marshal(fl)
	if err != nil {
		return fmt.Errorf("flow %d: %w", fl.ID, err)
	}
	tx.KV("", spaceFlow).Put(flowKey(fl.ID), raw)
	tx.KV("", spaceMark).Put(fl.markKey(), flowKey(fl.ID))
	return nil
}

func (l *lane) count(fl Flow, by int64) {
	l.Flows += by
	if fl.Class == job.Settle {
		l.Settles += by
	}
}

// Stop ends a transfer before its time and tells how many bytes were left.
// It is 0 for a flow that is not under way.
func Stop(tx *store.Tx, id int64) (left int64) {
	fl, ok := FlowByID(tx, id)
	if !ok {
		return 0
	}
	l := settleLane(tx, fl.Ends)
	left = fl.left(l)
	drop(tx, fl, l)
	timeLane(tx, fl.Ends)
	return left
}

func drop(tx *store.Tx, fl Flow, l lane) lane {
	tx.KV("", spaceFlow).Delete(flowKey(fl.ID))
	tx.KV("", spaceMark).Delete(fl.markKey())
	l.count(fl, -1)
	l.save(tx, fl.Ends)
	return l
}

func (fl Flow) left(l lane) int64 {
	left := number(fl.Mark)
	left.Sub(left, number(l.Service))
	if left.Sign() <= 0 {
		return 0
	}
	left.Add(left, big.NewInt(1<<fraction-1))
	return left.Rsh(left, fraction).Int64()
}

// Left tells how many bytes of a flow are still to be sent now, without
// changing anything.
func Left(tx *store.Tx, id int64) int64 {
	fl, ok := FlowByID(tx, id)
	if !ok {
		return 0
	}
	return min(fl.left(laneNow(tx, fl.Ends)), fl.Bytes)
}

// laneDue ends the flows of a lane that are through.
func (f *Fabric) laneDue(tx *store.Tx, j job.Job) error {
	e := Ends{From: j.Owner.Array, To: j.Owner.Kind[len("lane>"):]}
	l := settleLane(tx, e)
	var through []Flow
	for {
		fl, ok := firstFlow(tx, e)
		if !ok || number(fl.Mark).Cmp(number(l.Service)) > 0 {
			break
		}
		l = drop(tx, fl, l)
		through = append(through, fl)
	}
	timeLane(tx, e)
	for _, fl := range through {
		end := f.done[fl.Done]
		if end == nil {
			return fmt.Errorf("no end for flows %s", fl.Done)
		}
		if err := end(tx, fl); err != nil {
			return err
		}
	}
	return nil
}

// Rate is the bandwidth that a flow has now, in bytes a second.
func Rate(tx *store.Tx, id int64) int64 {
	fl, ok := FlowByID(tx, id)
	if !ok || !Up(tx, fl.Ends) {
		return 0
	}
	return ModelOf(tx, fl.Ends).Throughput() / max(1, loadLane(tx, fl.Ends).Flows)
}
