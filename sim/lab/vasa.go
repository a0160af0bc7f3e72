package lab

import (
	"context"

	"infinisim/sim/model"
)

// AddVM has a hypervisor make a virtual machine known to an array; it returns
// its id.
func (l *Lab) AddVM(ctx context.Context, key string, s model.VMSpec) (id int64, err error) {
	err = l.On(ctx, key, func(b *model.Box) (err error) {
		id, err = b.AddVM(s)
		return err
	})
	return id, err
}

// AddVVol has a hypervisor make a vvol on an array, or a snapshot or a clone
// of one; it returns its id.
func (l *Lab) AddVVol(ctx context.Context, key string, s model.VVolSpec) (id int64, err error) {
	err = l.On(ctx, key, func(b *model.Box) (err error) {
		id, err = b.AddVVol(s)
		return err
	})
	return id, err
}

// ChangeVVol has a hypervisor bind, grow or rename a vvol.
func (l *Lab) ChangeVVol(ctx context.Context, key string, id int64, c model.VVolChange) error {
	return l.On(ctx, key, func(b *model.Box) error { return b.ChangeVVol(id, c) })
}

// RevertVVol has a hypervisor take a vvol back to one of its snapshots.
func (l *Lab) RevertVVol(ctx context.Context, key string, id, snapshot int64) error {
	return l.On(ctx, key, func(b *model.Box) error { return b.RevertVVol(id, snapshot) })
}

// AddToGroup has a hypervisor put a vvol in a replication group.
func (l *Lab) AddToGroup(ctx context.Context, key string, group, vvol int64) error {
	return l.On(ctx, key, func(b *model.Box) error { return b.AddToGroup(group, vvol) })
}
