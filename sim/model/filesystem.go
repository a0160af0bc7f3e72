package model

import (
	"errors"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// sectionBytes is what a filesystem's size is rounded up to (InfiniSDK
// tests, tag 225.1.0: internal.section_size).
const sectionBytes = 64 << 10

// The fields that filesystems alone have.
var (
	gateWorm = schema.Gate{Feature: "worm_filesystems"}
	gateDot  = schema.Gate{Feature: "dot_snapshots"}

	FSSerial         = schema.Compute(schema.String(schema.Field{Name: "serial"}))
	FSRootMode       = schema.String(schema.Field{Name: "root_mode", Flags: schema.Create | schema.Private, Check: fileMode})
	FSWormHold       = schema.NullBool(schema.Field{Name: "worm_legal_hold", Flags: schema.Editable, Gate: gateWorm})
	FSWormRetention  = schema.Int(schema.Field{Name: "worm_default_retention", Flags: schema.Editable, Check: wormSeconds, Gate: gateWorm})
	FSWormMax        = schema.Int(schema.Field{Name: "worm_max_retention", Flags: schema.Editable, Check: wormSeconds, Gate: gateWorm})
	FSWormLevel      = schema.String(schema.Field{Name: "worm_level", Flags: schema.Create, Check: wormLevel, Gate: gateWorm})
	FSNFSID          = schema.Compute(schema.Int(schema.Field{Name: "nfs_filesystem_id"}))
	FSAtimeMode      = schema.String(schema.Field{Name: "atime_mode", Flags: schema.Create, Check: anyOf(atimeModes()...), Default: "NOATIME"})
	FSAtimeGrain     = schema.Int(schema.Field{Name: "atime_granularity", Flags: schema.Editable, Check: notNegative, Default: 3600})
	FSConsistent     = schema.Bool(schema.Field{Name: "is_consistent", Default: true})
	FSEstablished    = schema.Bool(schema.Field{Name: "_is_established", Default: true})
	FSSnapDir        = schema.String(schema.Field{Name: "snapdir_name", Flags: schema.Create, Check: folderName, Default: ".snapshot", Gate: gateDot})
	FSSnapVisible    = schema.Bool(schema.Field{Name: "visible_in_snapdir", Default: true, Gate: gateDot})
	FSSnapAccessible = schema.Bool(schema.Field{Name: "snapdir_accessible", Flags: schema.Create, Default: true, Gate: gateDot})
	FSSuspendState   = schema.String(schema.Field{Name: "suspend_state"})
	FSSecurityStyle  = schema.Enum(schema.Field{Name: "security_style", Flags: schema.Create, Enum: []string{StyleUnix, StyleWindows}, Default: StyleUnix, Gate: schema.Gate{Feature: "native_smb"}})
	FSPosixOwnership = schema.Bool(schema.Field{Name: "posix_file_ownership", Flags: schema.Editable, Gate: gateUserMapping})
	FSModified       = schema.Compute(schema.Bool(schema.Field{Name: "modified"}))
	FSData           = schema.Compute(schema.Int(schema.Field{Name: "data"}))
	FSWarning        = schema.Int(schema.Field{Name: "used_capacity_warning", Flags: schema.Update, Check: percent, Most: 100, Gate: gateFSAlert()})
	FSCritical       = schema.Int(schema.Field{Name: "used_capacity_critical", Flags: schema.Update, Check: percent, Most: 100, Gate: gateFSAlert()})

	// Filesystem is a file store carved from a pool, or a snapshot of one.
	Filesystem = schema.NewType("filesystem", append(datasetFields(), fsRetained, FSSerial, FSRootMode, FSWormHold, FSWormRetention, FSWormMax,
		FSWormLevel, FSNFSID, FSAtimeMode, FSAtimeGrain, FSConsistent, FSEstablished, FSSnapDir, FSSnapVisible, FSSnapAccessible,
		FSSuspendState, FSSecurityStyle, FSPosixOwnership, FSModified, FSData, FSWarning, FSCritical)...)
)

// gateFSAlert closes the alerts of filesystems that fill up (InfiniSDK
// 289.1.4, compatibility.py: has_filesystem_capacity_alert).
func gateFSAlert() schema.Gate { return schema.Gate{From: "8.4"} }

func percent(v schema.Value) error {
	if !v.IsNull() && (v.Int() < 0 || v.Int() > 100) {
		return errors.New("is no percentage from 0 to 100")
	}
	return nil
}

func filesystemKind() *Kind {
	k := datasetKind(Filesystem, "filesystems", apierr.FilesystemNotFound, apierr.FilesystemNameConflict)
	k.Gate = schema.Gate{Feature: "nas"}
	k.Forms[0].Refused = append(k.Forms[0].Refused, "security_style", "snapdir_name", "snapdir_accessible", "root_mode", "atime_mode", "worm_level",
		"worm_legal_hold", "worm_default_retention", "worm_max_retention")
	k.Computed[FSNFSID.Field()] = func(_ *Box, o *schema.Object) (any, error) { return o.ID(), nil }
	k.Computed[FSSerial.Field()] = func(b *Box, o *schema.Object) (any, error) { return b.serialOf(o) }
	k.Computed[FSModified.Field()] = func(_ *Box, o *schema.Object) (any, error) { return datasetImage.Get(o) != 0, nil }
	k.Computed[FSData.Field()] = func(_ *Box, o *schema.Object) (any, error) { return datasetImage.Get(o), nil }
	k.Hooks.BeforeCreate = func(b *Box, o *schema.Object, in *Input) error {
		DatasetType.Set(o, OfFS)
		DatasetSize.Set(o, roundUp(DatasetSize.Get(o), sectionBytes))
		sent := o.Clone()
		if err := beforeDatasetCreate(b, o, in); err != nil {
			return err
		}
		for _, f := range []*schema.Field{FSAtimeGrain.Field(), FSPosixOwnership.Field()} {
			if _, asked := in.Body[f.Name]; asked { // a snapshot need not be like its parent
				o.SetRaw(f, sent.Raw(f))
			}
		}
		showSnapshot(o)
		return checkFilesystem(nil, o)
	}
	unlocked := k.Hooks.BeforeDelete
	k.Hooks.BeforeDelete = func(b *Box, o *schema.Object, in *Input) error {
		if err := b.checkUnexported(o); err != nil {
			return err
		}
		if err := b.checkRetained(o); err != nil {
			return err
		}
		return unlocked(b, o, in)
	}
	before := k.Hooks.BeforeUpdate
	k.Hooks.BeforeUpdate = func(b *Box, old, o *schema.Object, in *Input) error {
		DatasetSize.Set(o, roundUp(DatasetSize.Get(o), sectionBytes))
		if err := before(b, old, o, in); err != nil {
			return err
		}
		return checkFilesystem(old, o)
	}
	after := k.Hooks.AfterUpdate
	k.Hooks.AfterUpdate = func(b *Box, old, o *schema.Object, in *Input) error {
		if err := after(b, old, o, in); err != nil {
			return err
		}
		return b.reportChanged(old, o)
	}
	return k
}

func addFilesystems(c *Catalog) {
	fs, queues := filesystemKind(), treeQKind()
	fs.Routes = append(fs.Routes, onOwnTreeQs(subRoutes(fs, queues, "treeqs", TreeQFilesystem))...)
	c.Add(fs, queues)
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
