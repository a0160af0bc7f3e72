package model

import (
	"errors"
	"regexp"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The security styles of filesystems.
const (
	StyleUnix    = "UNIX"
	StyleWindows = "WINDOWS"
)

// folderName is a name that a folder can have: that of a snapshot directory is
// chosen when its filesystem is created (vendor KB 360002108077).
//
// unsourced: which names are none.
func folderName(v schema.Value) error {
	switch name := v.Text(); {
	case name == "" || name == "." || name == "..":
		return errors.New("is no name of a folder")
	case len(name) > 255:
		return errors.New("is longer than 255 bytes")
	case strings.ContainsAny(name, "/\x00"):
		return errors.New("has a slash or a zero in it")
	}
	return nil
}

// fileMode is permissions in octal digits, such as 0755.
//
// unsourced: the form of root_mode and of a tree queue's mode.
func fileMode(v schema.Value) error {
	if v.IsNull() || regexp.MustCompile(`^[0-7]{3,5}$`).MatchString(v.Text()) {
		return nil
	}
	return errors.New("is no mode of three to five octal digits, like 0755")
}

// atimeModes are when a read changes a file's time of access. The CSI driver
// sends the field at creation.
//
// unsourced: the words besides NOATIME.
func atimeModes() []string { return []string{"NOATIME", "RELATIME", "STRICTATIME"} }

// inheritFiles copies what a snapshot of a filesystem shares with its parent.
// It does not show in the snapshot directory unless it is made to.
func inheritFiles(o, parent *schema.Object) {
	if o.Type() != Filesystem {
		return
	}
	for _, f := range []schema.Holder{
		FSSecurityStyle, FSPosixOwnership, FSSnapDir, FSSnapAccessible, FSAtimeMode, FSAtimeGrain, FSRootMode, FSWormLevel, FSWormRetention,
		FSWormMax, FSWormHold,
	} {
		o.SetRaw(f.Field(), parent.Raw(f.Field()))
	}
	FSSnapVisible.Set(o, false)
}

// showSnapshot puts a new snapshot in the snapshot directory: those of the
// filesystem itself are there, not snapshots of snapshots, that were never
// writable, and that replication did not make (vendor KB 360002108077).
func showSnapshot(o *schema.Object) {
	if DatasetKind.Get(o) == Snapshot {
		FSSnapVisible.Set(o, DatasetDepth.Get(o) == 1 && DatasetWriteProtected.Get(o))
	}
}

// checkFilesystem refuses values that do not go together, and takes a snapshot
// that becomes writable out of the snapshot directory.
//
// unsourced: that the warning cannot be above the critical threshold.
func checkFilesystem(old, o *schema.Object) error {
	if !FSWarning.IsNull(o) && !FSCritical.IsNull(o) && FSWarning.Get(o) > FSCritical.Get(o) {
		return apierr.New(apierr.InvalidValue, "used_capacity_warning: %d is above used_capacity_critical, %d",
			FSWarning.Get(o), FSCritical.Get(o)).About("used_capacity_warning")
	}
	if old != nil && DatasetKind.Get(o) == Snapshot && !DatasetWriteProtected.Get(o) {
		FSSnapVisible.Set(o, false)
	}
	return checkWorm(old, o)
}

// reachBy refuses to let clients of a protocol at a filesystem of the other
// style. Releases with both protocols on one filesystem do not (vendor KB
// 6211309319069: release 7.0; InfiniSDK 289.1.4, compatibility.py:
// has_native_smb_dual_protocol).
func (b *Box) reachBy(filesystem int64, style, what string) error {
	fs, err := b.Load(b.Eng.Catalog.Kind(Filesystem.Name()), filesystem)
	if err != nil {
		return err
	}
	if got := FSSecurityStyle.Get(fs); got != style && !gateDual().Open(b.Release()) {
		return apierr.New(apierr.InvalidValue, "filesystem_id: filesystem %d has the security style %s, and %s needs %s", fs.ID(), got, what, style).
			About("filesystem_id")
	}
	return nil
}

// fill is how full a filesystem is, and which thresholds that is measured by:
// its own, or those of its pool.
type fill struct {
	used, size        int64
	warning, critical *int64
}

func (b *Box) fillOf(o *schema.Object, used int64) (fill, error) {
	pool, err := b.Must(Pool, DatasetPool.Get(o))
	if err != nil {
		return fill{}, err
	}
	return fillIn(o, pool, used), nil
}

func fillIn(o, pool *schema.Object, used int64) fill {
	pick := func(own, ofPool schema.Attr[int64]) *int64 {
		switch {
		case !own.IsNull(o):
			return new(own.Get(o))
		case !ofPool.IsNull(pool):
			return new(ofPool.Get(pool))
		}
		return nil
	}
	return fill{used: used, size: DatasetSize.Get(o), warning: pick(FSWarning, PoolFSWarning), critical: pick(FSCritical, PoolFSCritical)}
}

// over reports whether a threshold is reached.
func (f fill) over(percent *int64) bool {
	return percent != nil && f.size > 0 && float64(f.used)*100 >= float64(f.size)*float64(*percent)
}

// reportFill tells of the thresholds that a filesystem crossed: by what was
// written, by its size, by the thresholds themselves, or by its pool.
//
// unsourced: the codes, and that changed thresholds count.
func (b *Box) reportFill(o *schema.Object, before, now fill) error {
	if o.Type() != Filesystem || !b.Open(FSWarning.Field()) {
		return nil
	}
	for _, t := range []struct {
		was, is     *int64
		code, level string
	}{
		{before.warning, now.warning, "FILESYSTEM_USED_CAPACITY_WARNING", "WARNING"},
		{before.critical, now.critical, "FILESYSTEM_USED_CAPACITY_CRITICAL", "CRITICAL"},
	} {
		up := now.over(t.is)
		if up == before.over(t.was) {
			continue
		}
		percent := t.is
		if percent == nil {
			percent = t.was
		}
		if err := b.reportCrossed(o, DatasetName.Get(o), t.code, t.level, up, *percent); err != nil {
			return err
		}
	}
	return nil
}

// reportUsed tells of the thresholds that a filesystem's content crossed.
func (b *Box) reportUsed(o *schema.Object, before, now int64) error {
	if o.Type() != Filesystem {
		return nil
	}
	was, err := b.fillOf(o, before)
	if err != nil {
		return err
	}
	is := was
	is.used = now
	return b.reportFill(o, was, is)
}

// reportChanged tells of the thresholds that a filesystem crossed by its size
// or by other thresholds.
func (b *Box) reportChanged(old, o *schema.Object) error {
	im, err := b.Content(o)
	if err != nil {
		return err
	}
	was, err := b.fillOf(old, im.Used())
	if err != nil {
		return err
	}
	is, err := b.fillOf(o, im.Used())
	if err != nil {
		return err
	}
	return b.reportFill(o, was, is)
}

// reportDefaults tells of the filesystems of a pool that crossed a threshold
// because the pool's own for them changed.
func (b *Box) reportDefaults(old, p *schema.Object) error {
	if PoolFSWarning.Get(old) == PoolFSWarning.Get(p) && PoolFSCritical.Get(old) == PoolFSCritical.Get(p) {
		return nil
	}
	for _, id := range b.Tx.IDsBy(b.Key, Filesystem, DatasetPool.Field(), schema.RefValue(p.ID())) {
		o, err := b.Must(Filesystem, id)
		if err != nil {
			return err
		}
		im, err := b.Content(o)
		if err != nil {
			return err
		}
		if err := b.reportFill(o, fillIn(o, old, im.Used()), fillIn(o, p, im.Used())); err != nil {
			return err
		}
	}
	return nil
}
