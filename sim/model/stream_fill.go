package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// A pool fills while workloads write to its datasets, though nothing happens at
// a write. When it crosses a threshold, its capacity or the end of its
// emergency buffer is worked out and put on the timetable.

// jobFill is a pool that comes to the next mark while it fills.
const jobFill = "pool.fill"

// spaceStream lists the datasets that are written to: pool | dataset -> type;
// spaceFilling sums them up: pool -> filling.
const (
	spaceStream  = "stream"
	spaceFilling = "filling"
)

// filling is what the streams of a pool can do to it.
type filling struct {
	Span  int64 `json:"span"` // bytes that they can add at most
	Rate  int64 `json:"rate"` // bytes a second
	Files int64 `json:"files"`
}

// streamRow is a dataset's share of it.
type streamRow struct {
	Type string `json:"type"`
	filling
}

func streamKey(pool, dataset int64) []byte { return append(imageKey(pool), imageKey(dataset)...) }

// enlist keeps up the list of the datasets that are written to.
func (b *Box) enlist(o *schema.Object, all streams) error {
	pool := DatasetPool.Get(o)
	now := streamRow{Type: o.Type().Name(), filling: all.filling()}
	if o.Type() == Filesystem && now.Rate > 0 {
		now.Files = 1
	}
	rows, sums := b.Tx.KV(b.Key, spaceStream), b.Tx.KV(b.Key, spaceFilling)
	var was streamRow
	key := streamKey(pool, o.ID())
	if raw := rows.Get(key); raw != nil {
		if err := json.Unmarshal(raw, &was); err != nil {
			return fmt.Errorf("streams of %d: %w", o.ID(), err)
		}
	}
	if now.filling == was.filling {
		return nil
	}
	sum := b.fillingOf(pool)
	sum.Span += now.Span - was.Span
	sum.Rate += now.Rate - was.Rate
	sum.Files += now.Files - was.Files
	if now.Rate == 0 {
		rows.Delete(key)
	} else if err := putJSON(rows.Put, key, now); err != nil {
		return err
	}
	if sum == (filling{}) {
		sums.Delete(imageKey(pool))
	} else if err := putJSON(sums.Put, imageKey(pool), sum); err != nil {
		return err
	}
	p, err := b.Must(Pool, pool)
	if err != nil {
		return err
	}
	return b.planFill(p)
}

func putJSON(put func(key, value []byte), key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	put(key, raw)
	return nil
}

func (b *Box) fillingOf(pool int64) (f filling) {
	if raw := b.Tx.KV(b.Key, spaceFilling).Get(imageKey(pool)); raw != nil {
		if err := json.Unmarshal(raw, &f); err != nil {
			panic(fmt.Sprintf("model: streams of pool %d: %v", pool, err)) // a row of our own
		}
	}
	return f
}

// writtenIn are the datasets of a pool that are written to now.
func (b *Box) writtenIn(pool int64) ([]*schema.Object, error) {
	var out []*schema.Object
	var err error
	prefix := string(imageKey(pool))
	b.Tx.KV(b.Key, spaceStream).Scan([]byte(prefix), func(key, value []byte) bool {
		if string(key[:8]) != prefix {
			return false
		}
		var row streamRow
		if err = json.Unmarshal(value, &row); err != nil {
			return false
		}
		var o *schema.Object
		o, err = b.Must(b.Eng.Catalog.Kind(row.Type).Type, int64(binary.BigEndian.Uint64(key[8:]))) //nolint:gosec // written by streamKey
		out = append(out, o)
		return err == nil
	})
	return out, err
}

// growth is what a pool's datasets hold at a time beyond what is accounted for.
func (b *Box) growth(pool int64, t clock.Time) (n int64, err error) {
	if b.fillingOf(pool).Rate == 0 {
		return 0, nil
	}
	all, err := b.writtenIn(pool)
	if err != nil {
		return 0, err
	}
	type family struct {
		t  *schema.Type
		id int64
	}
	seen := map[family]bool{}
	for _, o := range all {
		f := family{o.Type(), DatasetFamily.Get(o)}
		if seen[f] {
			continue
		}
		seen[f] = true
		size, err := b.measureAt(f.t, f.id, t)
		if err != nil {
			return 0, err
		}
		n += size - b.familyAllocated(o)
	}
	return n, nil
}

// physicalOf is what a pool has allocated now.
func (b *Box) physicalOf(p *schema.Object) (int64, error) {
	n, err := b.growth(p.ID(), b.Tx.Moment())
	return poolPhysical.Get(p) + n, err
}

// treeOf is what a dataset's family has allocated now.
func (b *Box) treeOf(o *schema.Object) (int64, error) {
	if b.fillingOf(DatasetPool.Get(o)).Rate == 0 {
		return b.familyAllocated(o), nil
	}
	return b.measureAt(o.Type(), DatasetFamily.Get(o), b.Tx.Moment())
}

// fillPool is a pool that came to a mark. A write that does not fit locks it.
func fillPool(b *Box, p *schema.Object, _ job.Job) error {
	n, err := b.physicalOf(p)
	if err != nil {
		return err
	}
	_, fits, err := b.extension(p, n)
	if err != nil {
		return err
	}
	all, err := b.writtenIn(p.ID())
	if err != nil {
		return err
	}
	for _, o := range all {
		if fits {
			_, err = b.Freeze(o)
		} else {
			err = b.stopBefore(o)
		}
		if err != nil {
			return err
		}
	}
	if p, err = b.Must(Pool, p.ID()); err != nil {
		return err
	}
	if !fits {
		old := p.Clone()
		poolFull.Set(p, true)
		return b.settlePool(old, p)
	}
	return b.planFill(p)
}

// stopBefore stores what a dataset held just before now, and stops the writes
// to it.
func (b *Box) stopBefore(o *schema.Object) error {
	if err := b.freezeAt(o, b.Tx.Now()-1); err != nil {
		return err
	}
	all := b.streamsOf(o)
	for _, s := range all.list() {
		s.restart(0, b.Tx.Now()-1)
	}
	return b.setStreams(o, all)
}
