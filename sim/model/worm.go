package model

import (
	"errors"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/schema"
)

// A filesystem that is written once and read many times (WORM) keeps what was
// written for its retention, counted from the latest write. Only the names of
// its fields are public (CSI driver, iboxapi, 2025: worm_level, worm_legal_hold,
// worm_default_retention, worm_max_retention).
//
// unsourced: all behaviour of WORM filesystems: that the level is chosen at
// creation, its words, that retention is in seconds, that bytes stand for
// files, and every refusal.

// The levels of a WORM filesystem: one of ENTERPRISE lets its administrators
// shorten the retention to come, one of COMPLIANCE nobody.
const (
	wormEnterprise = "ENTERPRISE"
	wormCompliance = "COMPLIANCE"
)

// fsRetained is until when a filesystem's content is kept, in milliseconds
// since 1970.
var fsRetained = schema.Int(schema.Field{Name: "_retained_until", Flags: schema.Private})

func isWorm(o *schema.Object) bool { return o.Type() == Filesystem && FSWormLevel.Get(o) != "" }

func wormLevel(v schema.Value) error {
	switch v.Text() {
	case "", wormEnterprise, wormCompliance:
		return nil
	}
	return errors.New("is none of " + wormEnterprise + ", " + wormCompliance)
}

// checkWorm refuses retention without a level, a default above the maximum,
// and a shorter retention where the level is COMPLIANCE. old is nil for a new
// filesystem.
func checkWorm(old, o *schema.Object) error {
	retention := []schema.Attr[int64]{FSWormRetention, FSWormMax}
	if !isWorm(o) {
		for _, a := range retention {
			if !a.IsNull(o) {
				return apierr.New(apierr.InvalidValue, "%s: %d: the filesystem has no worm_level", a.Name(), a.Get(o)).About(a.Name())
			}
		}
		if !FSWormHold.IsNull(o) {
			return apierr.New(apierr.InvalidValue, "worm_legal_hold: %v: the filesystem has no worm_level", FSWormHold.Get(o)).About("worm_legal_hold")
		}
		return nil
	}
	if FSWormRetention.IsNull(o) {
		FSWormRetention.Set(o, 0)
	}
	if FSWormHold.IsNull(o) {
		FSWormHold.Set(o, false)
	}
	if !FSWormMax.IsNull(o) && FSWormRetention.Get(o) > FSWormMax.Get(o) {
		return apierr.New(apierr.InvalidValue, "worm_default_retention: %d is above worm_max_retention, %d",
			FSWormRetention.Get(o), FSWormMax.Get(o)).About("worm_default_retention")
	}
	if old == nil || FSWormLevel.Get(o) != wormCompliance {
		return nil
	}
	for _, a := range retention {
		shorter := a.Get(o) < a.Get(old)
		if a == FSWormMax { // none is the longest
			shorter = !a.IsNull(o) && (a.IsNull(old) || a.Get(o) < a.Get(old))
		}
		if shorter {
			return apierr.New(apierr.InvalidValue, "%s: %d is shorter than before, and the worm_level is %s", a.Name(), a.Get(o), wormCompliance).
				About(a.Name())
		}
	}
	return nil
}

// commitWorm refuses a write over what a WORM filesystem holds, and keeps what
// is new for the retention that is the default now.
func (b *Box) commitWorm(o *schema.Object, before, now data.Image, length int64) error {
	if !isWorm(o) {
		return nil
	}
	if now.Used() != before.Used()+length {
		return apierr.New(apierr.FilesystemRetained, "filesystem %d is written once: the write touches what it holds", o.ID())
	}
	until := b.Tx.Now().Add(clock.Span(FSWormRetention.Get(o), time.Second)).MS()
	fsRetained.Set(o, max(fsRetained.Get(o), until))
	return nil
}

// longestRetention keeps retention within what the clock can count.
const longestRetention = 100 * 365 * 24 * 3600

func wormSeconds(v schema.Value) error {
	if !v.IsNull() && (v.Int() < 0 || v.Int() > longestRetention) {
		return errors.New("is no number of seconds up to 100 years")
	}
	return nil
}

// checkRetained refuses to take away what a WORM filesystem must keep: under
// legal hold always, otherwise until its retention is over. One of the vendor's
// people may take it from an ENTERPRISE one.
func (b *Box) checkRetained(o *schema.Object) error {
	if !isWorm(o) || DatasetKind.Get(o) == Snapshot {
		return nil
	}
	switch until := fsRetained.Get(o); {
	case FSWormHold.Get(o):
		return apierr.New(apierr.FilesystemRetained, "filesystem %d is under legal hold", o.ID())
	case until <= b.Tx.Now().MS(), FSWormLevel.Get(o) == wormEnterprise && b.Who.Role == RoleInfinidat:
		return nil
	default:
		return apierr.New(apierr.FilesystemRetained, "filesystem %d is retained until %s", o.ID(), clock.FromMS(until))
	}
}
