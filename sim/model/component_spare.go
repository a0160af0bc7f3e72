package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// Spare space takes the content of drives that are lost: first that of the spare
// drives, twelve in an array with 480, then capacity that no pool has, which is
// InfiniSpares. While that is engaged, the capacity of two more drives is kept
// ahead. All of it comes back when a drive is replaced (vendor KB
// 6211176147357).
const (
	spareDrives     = 12
	aheadDrives     = 2
	drivePartitions = sparePartitions / spareDrives
	driveBytes      = spareBytes / spareDrives
)

// How a rebuild goes on.
//
// unsourced: that the content of a drive is rebuilt in a quarter of an hour, one
// RAID group for each partition; that groups which lost two sections come first;
// that the groups of two drives meet as if drives were chosen by chance, sixteen
// sections a group.
const (
	rebuildTime   = 15 * time.Minute
	groupSections = 16
	sharedGroups  = drivePartitions * (groupSections - 1) / (enclosures*drivesPerEnclosure - 1)
)

// spaceLost keeps since when each drive of the enclosures is lost, in
// milliseconds, by its path.
const spaceLost = "component.lost"

const jobRebuilt = "drive.rebuilt"

// lost reports whether a state of a drive takes its content away.
//
// unsourced: that a missing drive is rebuilt as a failed one is.
func lost(state any) bool { return state == componentFailed || state == "MISSING" }

// lostDrives are the times since when drives are lost, the earliest first.
func (b *Box) lostDrives() (since []int64, err error) {
	b.Tx.KV(b.Key, spaceLost).Scan(nil, func(_, raw []byte) bool {
		var at int64
		at, err = strconv.ParseInt(string(raw), 10, 64)
		since = append(since, at)
		return err == nil
	})
	slices.Sort(since)
	return since, err
}

// follow keeps account of a drive that is lost, or replaced.
func (b *Box) follow(kind, path string, old, now component) error {
	was, is := lost(old["state"]), lost(now["state"])
	if kind != "enclosures/drives" || was == is {
		return nil
	}
	rows := b.Tx.KV(b.Key, spaceLost)
	if !is {
		rows.Delete([]byte(path))
		return nil
	}
	rows.Put([]byte(path), strconv.AppendInt(nil, b.Tx.Now().MS(), 10))
	o, err := b.System()
	if err != nil {
		return err
	}
	payload, err := json.Marshal(path)
	if err != nil {
		return fmt.Errorf("drive %s: %w", path, err)
	}
	job.Add(b.Tx, job.Job{Due: b.Tx.Now().Add(rebuildTime), Class: job.Deadline, Name: jobRebuilt, Owner: b.Owner(o), Payload: payload})
	return b.engage(path)
}

// engage reports a drive whose content takes capacity that is no spare drive's,
// with the level of an error (vendor KB 6211176147357).
func (b *Box) engage(path string) error {
	since, err := b.lostDrives()
	if err != nil || len(since) <= spareDrives {
		return err
	}
	return b.Emit(Event{
		Code: "INFINISPARES_ENGAGED", Level: "ERROR", Template: "{component} failed and no spare drive is left: free capacity is used for it",
		Data: []Datum{{Name: "component", Type: "String", Value: path}},
	})
}

// rebuilt reports that a drive's content is whole again, unless the drive was
// replaced or lost anew before.
//
// unsourced: the event.
func rebuilt(b *Box, _ *schema.Object, j job.Job) error {
	var path string
	if err := json.Unmarshal(j.Payload, &path); err != nil {
		return fmt.Errorf("%s: %w", jobRebuilt, err)
	}
	since := strconv.AppendInt(nil, b.Tx.Now().Add(-rebuildTime).MS(), 10)
	if !bytes.Equal(b.Tx.KV(b.Key, spaceLost).Get([]byte(path)), since) {
		return nil
	}
	return b.Emit(Event{
		Code: "DRIVE_REBUILD_COMPLETED", Template: "the content of {component} is rebuilt",
		Data: []Datum{{Name: "component", Type: "String", Value: path}},
	})
}

// pending are the RAID groups that lack one section and those that lack two.
func (b *Box) pending(since []int64) (one, two int) {
	now := b.Tx.Now().MS()
	left := func(at int64, of int) int {
		done := (now - at) * drivePartitions / rebuildTime.Milliseconds()
		return max(0, of-int(done))
	}
	for i, at := range since {
		for _, before := range since[:i] {
			if left(before, drivePartitions) > 0 {
				two += left(at, sharedGroups)
			}
		}
		one += left(at, drivePartitions)
	}
	return one, two
}

// spares are the members of the capacity that tell of spare space, and what
// InfiniSpares takes of the capacity that no pool has.
//
// unsourced: dynamic_spare_drive_cost while InfiniSpares is not engaged.
func (b *Box) spares() (shown map[string]any, taken int64, err error) {
	since, err := b.lostDrives()
	if err != nil {
		return nil, 0, err
	}
	plain := min(len(since), spareDrives)
	dynamic, cost := int64(len(since)-plain), int64(0)
	if dynamic > 0 {
		cost, taken = driveBytes, (dynamic+aheadDrives)*driveBytes
	}
	return map[string]any{
		"total_spare_bytes": int64(spareBytes), "total_spare_partitions": sparePartitions,
		"used_spare_bytes": int64(plain) * driveBytes, "used_spare_partitions": plain * drivePartitions,
		"dynamic_spare_drive_cost": cost, "used_dynamic_spare_bytes": dynamic * driveBytes,
		"used_dynamic_spare_partitions": dynamic * drivePartitions,
	}, taken, nil
}

// unallocated is the physical capacity that neither a pool nor InfiniSpares has,
// below 0 if they have more than there is.
func (b *Box) unallocated() (int64, error) {
	free, _, err := b.systemSpace()
	if err != nil {
		return 0, err
	}
	_, taken, err := b.spares()
	if err != nil {
		return 0, err
	}
	free -= taken
	err = b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		free -= PoolPhysical.Get(p)
		return true, nil
	})
	return free, err
}

// readOnly reports whether InfiniSpares has used up the capacity that no pool
// has: the array takes no writes then (vendor KB 6211178487069).
func (b *Box) readOnly() (bool, error) {
	since, err := b.lostDrives()
	if err != nil || len(since) <= spareDrives {
		return false, err
	}
	free, err := b.unallocated()
	return free <= 0, err
}

// checkWritable refuses a host's write to an array that takes none.
func (b *Box) checkWritable() error {
	full, err := b.readOnly()
	if err == nil && full {
		err = apierr.New(apierr.SystemReadOnly, "lost drives used up the array's capacity: it takes no writes")
	}
	return err
}

// systemState is the array's operational state.
func systemState(b *Box, _ *schema.Object) (any, error) {
	t, err := b.treeMaker()
	if err != nil {
		return nil, err
	}
	state := t.system()
	state["read_only_system"], err = b.readOnly()
	return state, err
}
