package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/schema"
)

// Workload is what hosts do to a dataset, second after second, until it is
// changed. It is a function of the lab's time, not an event for each operation:
// metrics count it, and what it writes changes the dataset's content. Writes go
// over the hot set and over the working set behind it, each from its start to
// its end and then again.
type Workload struct {
	// Reads and Writes are operations a second; both 0 end the workload.
	Reads  int64 `json:"reads"`
	Writes int64 `json:"writes"`
	// BlockSize is the bytes of an operation.
	BlockSize int64 `json:"block_size"`
	// Latency is how long an operation takes while no policy slows it down.
	Latency time.Duration `json:"latency"`
	// Protocol is how hosts reach the dataset, empty for FC or NFS.
	Protocol string `json:"protocol"`
	// Host is the id of the host that does it, 0 for none in particular.
	Host int64 `json:"host_id"`
	// HotSet is the bytes at the dataset's beginning that the share Overwrites of
	// the writes, in parts of a million, goes to.
	HotSet     int64 `json:"hot_set"`
	Overwrites int64 `json:"overwrites"`
	// WorkingSet is the bytes behind the hot set that all other writes go to, 0
	// for the rest of the dataset.
	WorkingSet int64 `json:"working_set"`
	// Seed stands for what is written, 0 for content of its own.
	Seed uint64 `json:"seed"`
}

// phase is a workload from a time on, until the next one begins.
type phase struct {
	From clock.Time `json:"from"`
	Workload
}

// spaceWorkload keeps the phases of each dataset's workload, so far back as a
// collector can still ask for them.
const spaceWorkload = "workload"

// The bounds of a workload.
const (
	mostOps      = 1_000_000_000
	mostBlock    = 1 << 30
	mostWritten  = 100_000_000_000
	mostLatency  = time.Hour
	protocolFC   = "FC"
	protocolNFS  = "NFS"
	workloadKept = 2 * mostPending
)

// protocolsOf are the protocols that reach a dataset.
func protocolsOf(o *schema.Object) []string {
	if o.Type() == Filesystem {
		return []string{protocolNFS, "SMB"}
	}
	return []string{protocolFC, "ISCSI", "NVME"}
}

// SetWorkload has hosts work on a dataset from now on, as an administrator
// cannot. It returns VOLUME_NOT_FOUND, INVALID_FIELD_VALUE, LUN_NOT_FOUND for a
// host that the volume is not mapped to, and the refusals of a write if there
// are any.
func (b *Box) SetWorkload(id int64, w Workload) error {
	o, err := b.Dataset(id)
	if err != nil {
		return err
	}
	if w.Protocol == "" {
		w.Protocol = protocolsOf(o)[0]
	}
	if err := b.checkWorkload(o, w); err != nil {
		return err
	}
	if w.WorkingSet == 0 {
		w.WorkingSet = DatasetSize.Get(o) - w.HotSet
	}
	if err := b.checkSets(o, w); err != nil {
		return err
	}
	all, err := b.phases(id)
	if err != nil {
		return err
	}
	now := b.Tx.Now()
	all = slices.DeleteFunc(all, func(p phase) bool { return p.From == now })
	all = append(all, phase{From: now, Workload: w})
	for len(all) > 1 && now.Sub(all[1].From) > workloadKept {
		all = all[1:]
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("workload of %d: %w", id, err)
	}
	b.Tx.KV(b.Key, spaceWorkload).Put(imageKey(id), raw)
	if err := b.writeOn(o, w); err != nil {
		return err
	}
	return b.paceIn(DatasetPool.Get(o)) // they share its policies
}

// writeOn has a workload's writes go on from now on, in place of those before.
func (b *Box) writeOn(o *schema.Object, w Workload) error {
	if w.Writes == 0 && b.streamsOf(o).Own == nil {
		return nil
	}
	birth, err := b.Birth()
	if err != nil {
		return err
	}
	seed := w.Seed
	if seed == 0 {
		seed = uint64(birth) //nolint:gosec // births count up from 1
	}
	rate, err := b.allowedRate(o)
	if err != nil {
		return err
	}
	return b.restream(o, func(all *streams) {
		all.Own = nil
		if w.Writes == 0 {
			return
		}
		all.Own = &Stream{Rate: rate, Since: b.Tx.Now()}
		for _, p := range []Part{
			{Cycle: data.Cycle{Len: w.HotSet}, Share: w.Overwrites},
			{Cycle: data.Cycle{Off: w.HotSet, Len: w.WorkingSet}, Share: data.Million - w.Overwrites},
		} {
			if p.Share > 0 {
				p.Seed, p.Birth = seed, birth
				all.Own.Parts = append(all.Own.Parts, p)
			}
		}
	})
}

func (b *Box) checkWorkload(o *schema.Object, w Workload) error {
	for _, c := range []struct {
		name        string
		value, most int64
		least       int64
	}{
		{"reads", w.Reads, mostOps, 0},
		{"writes", w.Writes, mostOps, 0},
		{"block_size", w.BlockSize, mostBlock, 1},
		{"latency", int64(w.Latency), int64(mostLatency), 1},
	} {
		if c.value < c.least || c.value > c.most {
			return apierr.New(apierr.InvalidValue, "%s: %d is not between %d and %d", c.name, c.value, c.least, c.most).About(c.name)
		}
	}
	if !slices.Contains(protocolsOf(o), w.Protocol) {
		return apierr.New(apierr.InvalidValue, "protocol: %q is none of %v", w.Protocol, protocolsOf(o)).About("protocol")
	}
	if w.Host != 0 {
		mapped, err := b.mappedTo(o, w.Host)
		if err != nil {
			return err
		}
		if !mapped {
			return apierr.New(apierr.LUNNotFound, "host_id: %s %d is not mapped to host %d", words(o.Type()), o.ID(), w.Host).About("host_id")
		}
	}
	if w.Writes == 0 {
		return nil
	}
	return b.mayWrite(o)
}

// checkSets refuses regions that are none of the dataset's.
func (b *Box) checkSets(o *schema.Object, w Workload) error {
	size := DatasetSize.Get(o)
	switch {
	case w.Overwrites < 0 || w.Overwrites > data.Million:
		return apierr.New(apierr.InvalidValue, "overwrites: %v is not from 0 to 1", float64(w.Overwrites)/data.Million).About("overwrites")
	case w.HotSet < 0 || w.HotSet > size || w.HotSet%BlockBytes != 0:
		return apierr.New(apierr.InvalidValue, "hot_set: %d is no number of whole blocks of the dataset's %d bytes", w.HotSet, size).About("hot_set")
	case (w.HotSet > 0) != (w.Overwrites > 0):
		return apierr.New(apierr.InvalidValue, "hot_set: %d bytes and overwrites of %v: there is one without the other", w.HotSet, float64(w.Overwrites)/data.Million).About("hot_set")
	case w.WorkingSet < 0 || w.WorkingSet > size-w.HotSet || w.WorkingSet%BlockBytes != 0 || w.WorkingSet == 0 && w.Overwrites < data.Million:
		return apierr.New(apierr.InvalidValue, "working_set: %d is no number of whole blocks of the %d bytes behind the hot set", w.WorkingSet, size-w.HotSet).About("working_set")
	case w.Writes*w.BlockSize > mostWritten:
		return apierr.New(apierr.InvalidValue, "writes: %d of %d bytes are more than %d bytes a second", w.Writes, w.BlockSize, int64(mostWritten)).About("writes")
	case w.Writes > 0 && b.streamsOf(o).Theirs != nil:
		return apierr.New(apierr.InvalidValue, "writes: the other side of %s %d's replica has a workload that writes", words(o.Type()), o.ID()).About("writes")
	}
	return nil
}

func (b *Box) mappedTo(o *schema.Object, host int64) (bool, error) {
	all, err := b.lunsBy(LUNVolume, o.ID())
	return slices.ContainsFunc(all, func(l *schema.Object) bool { return LUNHost.Get(l) == host }), err
}

func (b *Box) phases(id int64) ([]phase, error) {
	raw := b.Tx.KV(b.Key, spaceWorkload).Get(imageKey(id))
	if raw == nil {
		return nil, nil
	}
	var all []phase
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("workload of %d: %w", id, err)
	}
	return all, nil
}

// WorkloadOf is what hosts do to a dataset now.
func (b *Box) WorkloadOf(id int64) (Workload, error) {
	if _, err := b.Dataset(id); err != nil {
		return Workload{}, err
	}
	all, err := b.phases(id)
	if err != nil || len(all) == 0 {
		return Workload{}, err
	}
	return all[len(all)-1].Workload, nil
}

// dropWorkload ends the workload of a dataset that goes.
func (b *Box) dropWorkload(o *schema.Object) error {
	b.Tx.KV(b.Key, spaceWorkload).Delete(imageKey(o.ID()))
	if !slices.Contains(stores(), o.Type()) {
		return nil
	}
	return b.enlist(o, streams{})
}

// limit is what a QoS policy allows a second; 0 allows any.
type limit struct{ ops, bytes int64 }

// share is the part of a demand that the limit lets through.
func (l limit) share(ops, bytes float64) float64 {
	part := 1.0
	if l.ops > 0 && ops > float64(l.ops) {
		part = float64(l.ops) / ops
	}
	if l.bytes > 0 && bytes > float64(l.bytes) {
		part = min(part, float64(l.bytes)/bytes)
	}
	return part
}

// load is a dataset with the phases of its workload.
type load struct {
	dataset, pool int64
	kind          string // the type of a QoS policy of the dataset
	own, shared   limit
	phases        []phase
}

// worked are the ids of the datasets that have a workload.
func (b *Box) worked() (ids []int64) {
	b.Tx.KV(b.Key, spaceWorkload).Scan(nil, func(key, _ []byte) bool {
		ids = append(ids, int64(binary.BigEndian.Uint64(key))) //nolint:gosec // written by imageKey
		return true
	})
	return ids
}

// qosKind is the type of a QoS policy of a dataset.
func qosKind(o *schema.Object) string {
	if o.Type() == Filesystem {
		return QoSFilesystem
	}
	return QoSVolume
}

// loads are all workloads of the array.
func (b *Box) loads() ([]load, error) {
	ids := b.worked()
	out := make([]load, 0, len(ids))
	for _, id := range ids {
		o, err := b.Dataset(id)
		if err != nil {
			return nil, err
		}
		l := load{dataset: id, pool: DatasetPool.Get(o), kind: qosKind(o)}
		if l.phases, err = b.phases(id); err != nil {
			return nil, err
		}
		if l.own, err = b.limitAt(id, l.kind); err != nil {
			return nil, err
		}
		if l.shared, err = b.limitAt(l.pool, "POOL_"+l.kind); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// limitAt is what the policy of a type allows an entity.
//
// unsourced: that bursts are not counted.
func (b *Box) limitAt(entity int64, kind string) (limit, error) {
	if string(b.mgmt(qosEnabled)) != "true" {
		return limit{}, nil
	}
	a, err := b.qosAt(entity, kind)
	if err != nil || a == nil {
		return limit{}, err
	}
	policy, err := b.Must(QoSPolicy, qosOf.Get(a))
	if err != nil {
		return limit{}, err
	}
	return limit{ops: QoSOps.Get(policy), bytes: QoSBps.Get(policy)}, nil
}
