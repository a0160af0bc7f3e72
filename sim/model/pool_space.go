package model

import (
	"encoding/json"
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// A pool that runs out of physical space lives on its emergency buffer: it
// grows by what hosts write, at most by max_extend bytes and by what the array
// has left, and is LIMITED: writes are served, new entities are not. When
// nothing is left it is LOCKED and serves no writes. Space that is freed, and a
// greater capacity, bring it back (vendor KB 6211384767517).
//
// unsourced: that the buffer is used for hosts' writes alone, that
// physical_capacity shows it, and that a pool is LOCKED by the first write that
// does not fit.

// The private fields of a pool's space.
var (
	// What the emergency buffer added to the capacity.
	poolExtended = schema.Int(schema.Field{Name: "_extended", Flags: schema.Private | schema.NotNull})
	// An administrator locked it.
	poolHeld = schema.Bool(schema.Field{Name: "_held", Flags: schema.Private})
	// A write did not fit.
	poolFull = schema.Bool(schema.Field{Name: "_full", Flags: schema.Private})
	// So many faults have it full.
	poolFaults = schema.Int(schema.Field{Name: "_faults", Flags: schema.Private})
)

// settlePool brings a pool whose figures changed up to date, saves it and
// reports what came of it.
func (b *Box) settlePool(old, p *schema.Object) error {
	if err := b.extendPool(p); err != nil {
		return err
	}
	if poolPhysical.Get(p) < poolPhysical.Get(old) || PoolPhysical.Get(p) > PoolPhysical.Get(old) {
		poolFull.Set(p, false)
	}
	PoolState.Set(p, stateOf(p))
	if err := b.Tx.Put(b.Key, p); err != nil {
		return err
	}
	if err := b.reportThresholds(old, p); err != nil {
		return err
	}
	if err := b.reportState(old, p); err != nil {
		return err
	}
	return b.planFill(p)
}

func stateOf(p *schema.Object) string {
	switch {
	case poolHeld.Get(p) || poolFull.Get(p) || poolFaults.Get(p) > 0:
		return Locked
	case poolExtended.Get(p) > 0:
		return Limited
	}
	return Normal
}

// extendPool gives the pool as much of the emergency buffer as it needs and can
// have, and gives back what it needs no more. Only a host's write extends it.
func (b *Box) extendPool(p *schema.Object) error {
	if poolPhysical.Get(p) > PoolPhysical.Get(p) && !b.hostWrites {
		return nil
	}
	need, fits, err := b.extension(p, poolPhysical.Get(p))
	if err != nil || !fits {
		return err // checkPhysical refuses what led to this
	}
	own := ownCapacity(p)
	poolExtended.Set(p, need)
	PoolPhysical.Set(p, own+need)
	return nil
}

// ownCapacity is a pool's capacity without what the emergency buffer added.
func ownCapacity(p *schema.Object) int64 { return PoolPhysical.Get(p) - poolExtended.Get(p) }

// extension is how far a pool that allocates so many bytes is extended beyond its
// own capacity: in whole units, or, while workloads fill it, in hundredths of
// what the buffer has.
//
// unsourced: the steps of a pool that hosts fill without a pause.
func (b *Box) extension(p *schema.Object, allocated int64) (need int64, fits bool, err error) {
	beyond := allocated - ownCapacity(p)
	if beyond <= 0 {
		return 0, true, nil
	}
	most, err := b.bufferOf(p)
	if err != nil {
		return 0, false, err
	}
	need = roundUp(beyond, poolUnit)
	if need > most {
		return 0, false, nil
	}
	if b.fillingOf(p.ID()).Rate > 0 {
		step := roundUp(max(most/100, 1), poolUnit)
		need = min(roundUp(beyond, step), most/poolUnit*poolUnit)
	}
	return need, true, nil
}

// bufferOf is how far the emergency buffer can extend a pool in all.
func (b *Box) bufferOf(p *schema.Object) (int64, error) {
	free, err := b.unallocated()
	if err != nil {
		return 0, err
	}
	free += poolExtended.Get(p)
	if most := PoolMaxExtend.Get(p); most >= 0 {
		free = min(free, most)
	}
	return free, nil
}

// LockFull locks the pool of a dataset, after a write that did not fit in it.
func (b *Box) LockFull(dataset int64) error {
	o, err := b.Dataset(dataset)
	if err != nil {
		return err
	}
	p, err := b.Must(Pool, DatasetPool.Get(o))
	if err != nil {
		return err
	}
	old := p.Clone()
	poolFull.Set(p, true)
	return b.settlePool(old, p)
}

// FaultPool has a pool full for as long as a fault lasts, or ends that; a pool
// that is gone meanwhile is let be. It returns POOL_NOT_FOUND where one begins.
func (b *Box) FaultPool(id int64, begins bool) error {
	p, err := b.Tx.Get(b.Key, Pool, id)
	switch {
	case err != nil:
		return err
	case p == nil && begins:
		return apierr.New(apierr.PoolNotFound, "pool %d does not exist", id).About("object")
	case p == nil:
		return nil
	}
	old := p.Clone()
	by := int64(-1)
	if begins {
		by = 1
	}
	poolFaults.Set(p, max(0, poolFaults.Get(p)+by))
	return b.settlePool(old, p)
}

// holdPool is an administrator's lock and unlock.
func (b *Box) holdPool(p *schema.Object, held bool) (any, error) {
	old := p.Clone()
	poolHeld.Set(p, held)
	if !held {
		poolFull.Set(p, false)
	}
	UpdatedAt.Set(p, b.Tx.Now().MS())
	return p, b.settlePool(old, p)
}

// reportState tells of a state that is new.
//
// unsourced: the codes of the events about a pool's space.
func (b *Box) reportState(old, p *schema.Object) error {
	state := PoolState.Get(p)
	if state == PoolState.Get(old) {
		return nil
	}
	level := map[string]string{Normal: "INFO", Limited: "ERROR", Locked: "CRITICAL"}[state]
	err := b.Emit(Event{
		Code: "POOL_STATE_" + state, Level: level, Entity: p.ID(), Template: "pool {name} is {state}",
		Data: []Datum{{Name: "name", Type: "String", Value: PoolName.Get(p)}, {Name: "state", Type: "String", Value: state}},
	})
	if err != nil {
		return err
	}
	if err := b.Guard(Moment("state"), nil, p); err != nil {
		return err
	}
	return b.paceIn(p.ID())
}

// over reports whether used is at or above so many percent of all (InfiniSDK
// 289.1.4, pool.py: _is_over_threshold).
func over(used, all int64, percent schema.Attr[int64], o *schema.Object) bool {
	return !percent.IsNull(o) && all > 0 && float64(used)*100 >= float64(all)*float64(percent.Get(o))
}

// reportThresholds tells of the thresholds of physical capacity that a pool
// crossed, up or down.
func (b *Box) reportThresholds(old, p *schema.Object) error {
	for _, t := range []struct {
		percent     schema.Attr[int64]
		code, level string
	}{{PoolWarning, "POOL_PHYSICAL_CAPACITY_WARNING", "WARNING"}, {PoolCritical, "POOL_PHYSICAL_CAPACITY_CRITICAL", "CRITICAL"}} {
		before := over(poolPhysical.Get(old), PoolPhysical.Get(old), t.percent, old)
		now := over(poolPhysical.Get(p), PoolPhysical.Get(p), t.percent, p)
		if before == now {
			continue
		}
		if err := b.reportCrossed(p, PoolName.Get(p), t.code, t.level, now, t.percent.Get(p)); err != nil {
			return err
		}
	}
	return nil
}

func (b *Box) reportCrossed(o *schema.Object, name, code, level string, up bool, percent int64) error {
	template := "{name} uses {percent} percent of its capacity or more"
	if !up {
		code, level, template = code+"_CLEARED", "INFO", "{name} uses less than {percent} percent of its capacity again"
	}
	return b.Emit(Event{
		Code: code, Level: level, Entity: o.ID(), Template: template,
		Data: []Datum{{Name: "name", Type: "String", Value: name}, {Name: "percent", Type: "Int", Value: percent}},
	})
}

// systemSpace is the array's physical and virtual capacity.
func (b *Box) systemSpace() (physical, virtual int64, err error) {
	physical, virtual = b.Profile().Capacity()
	raw := b.Tx.KV(b.Key, spaceConfig).Get([]byte(totalVirtual))
	if raw != nil {
		if err := json.Unmarshal(raw, &virtual); err != nil {
			return 0, 0, fmt.Errorf("total virtual capacity: %w", err)
		}
	}
	return physical, virtual, nil
}

const totalVirtual = "system/capacity/total_virtual_capacity"

// setTotalVirtual changes how much virtual capacity the array offers.
//
// unsourced: that it cannot go below what the pools have.
func setTotalVirtual(b *Box, _ *schema.Object, in *Input) (any, error) {
	var n int64
	if err := json.Unmarshal(in.Raw, &n); err != nil || n <= 0 {
		return nil, apierr.New(apierr.InvalidValue, "total_virtual_capacity: %.40s is no number of bytes", in.Raw).About("total_virtual_capacity")
	}
	var used int64
	err := b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		used += PoolVirtual.Get(p)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	if n < used {
		return nil, apierr.New(apierr.InvalidValue, "total_virtual_capacity: %d is below the %d bytes of the pools", n, used).About("total_virtual_capacity")
	}
	b.Tx.KV(b.Key, spaceConfig).Put([]byte(totalVirtual), in.Raw)
	return n, nil
}
