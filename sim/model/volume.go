package model

import (
	"fmt"
	"maps"
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields that volumes alone have.
var (
	// VolumeSerial is the SCSI serial number: 31 hex digits, the IEEE company
	// id 742b0f, five reserved, four of the array's serial number, sixteen of
	// the volume (InfiniSDK 289.1.4, core/translators_and_types).
	VolumeSerial = schema.String(schema.Field{Name: "serial", Flags: schema.NotNull})
	VolumeUDID   = schema.Int(schema.Field{Name: "udid", Flags: schema.Editable, Gate: gateOpenVMS})
	VolumePaths  = schema.Bool(schema.Field{Name: "paths_available", Default: true})
	VolumeNGUID  = schema.String(schema.Field{Name: "nguid"})

	// Volume is a block device carved from a pool, or a snapshot of one.
	Volume = schema.NewType("volume", append(datasetFields(), VolumeSerial, VolumeUDID, VolumePaths, VolumeNGUID)...)
)

func volumeKind() *Kind {
	k := datasetKind(Volume, "volumes", apierr.VolumeNotFound, apierr.VolumeNameConflict)
	k.Hooks.BeforeCreate = func(b *Box, o *schema.Object, in *Input) error {
		if err := b.Identify(o); err != nil {
			return err
		}
		return beforeDatasetCreate(b, o, in)
	}
	unlocked := k.Hooks.BeforeDelete
	k.Hooks.BeforeDelete = func(b *Box, o *schema.Object, in *Input) error {
		if err := b.checkUnmapped(o); err != nil {
			return err
		}
		return unlocked(b, o, in)
	}
	own := Post(k, "own_snapshot", ownSnapshot)
	own.Creates = true
	k.Routes = append(k.Routes, Post(k, "reset_serial", resetSerial), own)
	k.Routes = append(k.Routes, Route{Method: http.MethodGet, Path: "volumes/{id}/luns", Reads: true, Filters: LUN, Do: volumeLUNs})
	return k
}

// serialOf is the serial number of a dataset of the array.
func (b *Box) serialOf(o *schema.Object) (string, error) {
	system, err := b.System()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("742b0f00000%04x%016x", SystemSerial.Get(system)&0xffff, o.ID()), nil
}

// NewSerial gives a volume a serial number and NGUID that nothing had before.
func (b *Box) NewSerial(o *schema.Object) error {
	system, err := b.System()
	if err != nil {
		return err
	}
	n, serial := b.Tx.Next(b.Key, "id"), SystemSerial.Get(system)&0xffff
	VolumeSerial.Set(o, fmt.Sprintf("742b0f00000%04x%016x", serial, n))
	VolumeNGUID.Set(o, fmt.Sprintf("%016x742b0f%06x%04x", n, 0, serial))
	return nil
}

// resetSerial gives a volume a new identity: after ACTIVE_ACTIVE two volumes
// can be left with one.
//
// unsourced: that it is refused while the volume is ACTIVE_ACTIVE.
func resetSerial(b *Box, o *schema.Object, _ *Input) (any, error) {
	if DatasetRMRPeer.Get(o) {
		return nil, apierr.New(apierr.DatasetIsReplicated, "volume %d shares its serial number with its peer", o.ID())
	}
	if err := b.NewSerial(o); err != nil {
		return nil, err
	}
	return o, b.Save(o)
}

// ownSnapshot makes a snapshot of the user's own out of one that replication
// made or sent along, a child of it (InfiniSDK 289.1.4, volume.py).
//
// unsourced: that a volume which is no snapshot of replication is refused.
func ownSnapshot(b *Box, o *schema.Object, in *Input) (any, error) {
	if DatasetKind.Get(o) != Snapshot || DatasetRMRGUID.IsNull(o) {
		return nil, apierr.New(apierr.DatasetNotReplicated, "volume %d is no snapshot of replication", o.ID())
	}
	for _, name := range sortedKeys(in.Body) {
		if name != DatasetName.Name() {
			return nil, apierr.New(apierr.UnknownField, "%s: unknown field", name).About(name)
		}
	}
	body := NewBody(map[string]any{DatasetParent.Name(): o.ID()})
	maps.Copy(body, in.Body)
	return b.Create(b.Kind(o), &Input{Request: in.Request, Body: body})
}

// Identify gives a volume its serial number and NGUID.
func (b *Box) Identify(o *schema.Object) error {
	system, err := b.System()
	if err != nil {
		return err
	}
	serial, err := b.serialOf(o)
	if err != nil {
		return err
	}
	VolumeSerial.Set(o, serial)
	// The NGUID names the same company, array and volume (format of NVMe:
	// vendor-specific extension, company id, extension).
	// unsourced: the order of the parts of an NGUID.
	VolumeNGUID.Set(o, fmt.Sprintf("%016x742b0f%06x%04x", o.ID(), 0, SystemSerial.Get(system)&0xffff))
	return nil
}
