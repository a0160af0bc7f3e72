package model

import (
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// beforeDatasetDelete asks for approval in the array's order: first for what
// hangs below, then for the dataset itself. With approval the whole subtree
// goes (InfiniSDK tests).
func beforeDatasetDelete(b *Box, o *schema.Object, in *Input) error {
	if err := checkOwn(o); err != nil {
		return err
	}
	children := b.Children(o)
	if len(children) > 0 && !in.Approved {
		message := words(o.Type()) + " " + strconv.FormatInt(o.ID(), 10) + " has children"
		return apierr.New(apierr.ApprovalRequiredVolumeHasChildren, "%s", message).WithReason(message, children...)
	}
	if !in.Approved {
		message := "deleting " + words(o.Type()) + " " + strconv.FormatInt(o.ID(), 10) + " needs approval"
		return apierr.New(apierr.ApprovalRequired, "%s", message).WithReason(message, o.ID())
	}
	if !DatasetCG.IsNull(o) {
		return apierr.New(apierr.DatasetInCG, "%s %d is a member of consistency group %d", words(o.Type()), o.ID(), DatasetCG.Get(o))
	}
	if err := b.checkUnlocked(o, in); err != nil {
		return err
	}
	if err := b.Guard(OnDelete, nil, o); err != nil {
		return err
	}
	for _, id := range children {
		if _, err := b.Delete(b.Kind(o), id, in); err != nil {
			return err
		}
	}
	return b.freeInternals(o)
}

// checkUnlocked refuses to delete a locked snapshot or group of them, unless
// one who may force it does.
func (b *Box) checkUnlocked(o *schema.Object, in *Input) error {
	force, err := in.Flag("force_if_snapshot_locked", false)
	if err != nil {
		return err
	}
	if b.lockedNow(o) && (!force || b.Who.Role != "INFINIDAT") {
		return apierr.New(apierr.DatasetIsLocked, "%s %d is locked until %d", words(o.Type()), o.ID(), DatasetLockExpires.Get(o))
	}
	return nil
}

func afterDatasetDelete(b *Box, o *schema.Object, _ *Input) error {
	return b.afterRemove(o)
}

// ownVirtual is the virtual space that a dataset takes from its pool.
func ownVirtual(o *schema.Object) int64 {
	if DatasetKind.Get(o) == Master && !DatasetIsInternal.Get(o) {
		return DatasetSize.Get(o)
	}
	return 0
}

// checkOwn refuses what a client asks of an internal dataset.
func checkOwn(o *schema.Object) error {
	if DatasetIsInternal.Get(o) {
		return apierr.New(apierr.DatasetIsInternal, "%s %d is internal to the array", words(o.Type()), o.ID())
	}
	return nil
}

// afterRemove settles the accounts of a dataset that is gone.
func (b *Box) afterRemove(o *schema.Object) error {
	if err := b.DropImage(datasetImage.Get(o)); err != nil {
		return err
	}
	if err := b.dropTreeQs(o); err != nil {
		return err
	}
	if err := b.dropExpress(o); err != nil {
		return err
	}
	if err := b.account(DatasetPool.Get(o), 0, -ownVirtual(o)); err != nil {
		return err
	}
	if err := b.Recount(o); err != nil {
		return err
	}
	return b.EmitFor(o, "DELETED")
}
