package model

import (
	"encoding/json"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// moveAsk is where a dataset or a group is to go.
type moveAsk struct {
	Pool         int64 `json:"pool_id"`
	WithCapacity bool  `json:"with_capacity"`
}

func readMove(b *Box, in *Input) (ask moveAsk, to *schema.Object, err error) {
	if err := json.Unmarshal(in.Raw, &ask); err != nil || ask.Pool == 0 {
		return ask, nil, apierr.New(apierr.MissingField, "pool_id: %.80s names no pool", in.Raw).About("pool_id")
	}
	if to, err = b.Load(b.Eng.Catalog.Kind(Pool.Name()), ask.Pool); err != nil {
		return ask, nil, err
	}
	if err := b.OwnPool(to.ID()); err != nil {
		return ask, nil, err
	}
	if err := poolOfType(to, Standard); err != nil { // vvols are a hypervisor's to move
		return ask, nil, err
	}
	return ask, to, openPool(to)
}

// moveDataset moves a family to another pool: a master with all its snapshots
// (vendor KB 6211206774429). A member of a group goes with its group alone.
func moveDataset(b *Box, o *schema.Object, in *Input) (any, error) {
	ask, to, err := readMove(b, in)
	if err != nil {
		return nil, err
	}
	switch {
	case !DatasetCG.IsNull(o):
		return nil, apierr.New(apierr.DatasetInCG, "%s %d is a member of consistency group %d", words(o.Type()), o.ID(), DatasetCG.Get(o))
	case DatasetKind.Get(o) != Master:
		return nil, apierr.New(apierr.DatasetNotMaster, "%s %d is a snapshot: it moves with its master", words(o.Type()), o.ID())
	}
	if err := b.moveFamily(o, to.ID(), ask.WithCapacity); err != nil {
		return nil, err
	}
	return b.Must(o.Type(), o.ID())
}

// moveGroup moves a consistency group with its members.
func moveGroup(b *Box, o *schema.Object, in *Input) (any, error) {
	ask, to, err := readMove(b, in)
	if err != nil {
		return nil, err
	}
	if DatasetKind.Get(o) == Snapshot {
		return nil, apierr.New(apierr.CGIsSnapshot, "snapshot group %d moves with its members", o.ID())
	}
	members, err := b.Members(o)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if err := b.moveFamily(m, to.ID(), ask.WithCapacity); err != nil {
			return nil, err
		}
	}
	groups := []int64{o.ID()}
	for i := 0; i < len(groups); i++ {
		g, err := b.Must(ConsGroup, groups[i])
		if err != nil {
			return nil, err
		}
		CGPool.Set(g, to.ID())
		TenantID.Set(g, TenantID.Get(to))
		if err := b.Save(g); err != nil {
			return nil, err
		}
		groups = append(groups, b.groupChildren(g)...)
	}
	return b.Must(ConsGroup, o.ID())
}

// moveFamily takes a family's space from one pool to another. With capacity
// the pools' own sizes move too, virtual by the sizes of the masters and
// physical by what the family allocates, in whole pool units.
func (b *Box) moveFamily(o *schema.Object, to int64, withCapacity bool) error {
	from := DatasetPool.Get(o)
	if from == to {
		return nil
	}
	resume, err := b.haltFamily(o)
	if err != nil {
		return err
	}
	physical, virtual := b.familyAllocated(o), DatasetSize.Get(o)
	if withCapacity {
		if err := b.shiftCapacity(from, -roundUp(physical, poolUnit), -roundUp(virtual, poolUnit)); err != nil {
			return err
		}
		if err := b.shiftCapacity(to, roundUp(physical, poolUnit), roundUp(virtual, poolUnit)); err != nil {
			return err
		}
	}
	if err := b.account(from, -physical, -virtual); err != nil {
		return err
	}
	if err := b.account(to, physical, virtual); err != nil {
		return err
	}
	pool, err := b.Must(Pool, to)
	if err != nil {
		return err
	}
	for _, id := range b.Tx.IDsBy(b.Key, o.Type(), DatasetFamily.Field(), schema.IntValue(DatasetFamily.Get(o))) {
		d, err := b.Must(o.Type(), id)
		if err != nil {
			return err
		}
		was := d.Clone()
		DatasetPool.Set(d, to)
		TenantID.Set(d, TenantID.Get(pool))
		setCensus(d)
		if err := b.Save(d); err != nil {
			return err
		}
		if d.Type() != Filesystem {
			continue
		}
		if err := b.reportChanged(was, d); err != nil {
			return err
		}
	}
	if err := b.checkVirtual(to); err != nil {
		return err
	}
	if err := b.checkPhysical(to); err != nil {
		return err
	}
	return resume()
}

// haltFamily takes the streams off a family's datasets; resume puts them back.
func (b *Box) haltFamily(o *schema.Object) (resume func() error, err error) {
	halted := map[int64]streams{}
	ids := b.Tx.IDsBy(b.Key, o.Type(), DatasetFamily.Field(), schema.IntValue(DatasetFamily.Get(o)))
	for _, id := range ids {
		d, err := b.Must(o.Type(), id)
		if err != nil {
			return nil, err
		}
		if len(b.streamsOf(d).list()) == 0 {
			continue
		}
		if _, err := b.Freeze(d); err != nil {
			return nil, err
		}
		halted[id] = b.streamsOf(d)
		if err := b.setStreams(d, streams{}); err != nil {
			return nil, err
		}
	}
	return func() error {
		for _, id := range ids {
			all, ok := halted[id]
			if !ok {
				continue
			}
			d, err := b.Must(o.Type(), id)
			if err != nil {
				return err
			}
			if err := b.setStreams(d, all); err != nil {
				return err
			}
			if err := b.pace(d); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (b *Box) shiftCapacity(pool, physical, virtual int64) error {
	p, err := b.Must(Pool, pool)
	if err != nil {
		return err
	}
	old := p.Clone()
	PoolPhysical.Set(p, PoolPhysical.Get(p)+physical)
	PoolVirtual.Set(p, PoolVirtual.Get(p)+virtual)
	UpdatedAt.Set(p, b.Tx.Now().MS())
	return b.settlePool(old, p)
}
