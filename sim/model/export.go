package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// Permission lets clients at an export. The order of the members is that of
// the wire.
type Permission struct {
	Access     string `json:"access"`
	NoSquash   bool   `json:"no_root_squash"`
	ClientList string `json:"client"`
}

// nfsVersions closes what only arrays with NFSv4 have.
func nfsVersions() schema.Gate { return schema.Gate{Feature: "nfsv4"} }

// kib is a kibibyte.
const kib = 1 << 10

// The fields of an NFS export.
//
// unsourced: the words of transport_protocols and nfs_version besides TCP and
// NFSv3, the preferred sizes and the anonymous ids of a new export; the
// greatest read, 1 MiB, is shown by InfiniSDK's documentation.
var (
	ExportPath       = schema.String(schema.Field{Name: "export_path", Flags: schema.Create | schema.Unique | schema.NotNull, Check: exportPath})
	ExportInner      = schema.String(schema.Field{Name: "inner_path", Flags: schema.Create | schema.NotNull, Check: innerPath, Default: "/"})
	ExportFilesystem = schema.Ref(schema.Field{Name: "filesystem_id", Flags: schema.Create | schema.Index}, "filesystem")
	ExportEnabled    = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Editable, Default: true})
	ExportAnonymous  = schema.Bool(schema.Field{Name: "make_all_users_anonymous", Flags: schema.Editable})
	ExportGID        = schema.Int(schema.Field{Name: "anonymous_gid", Flags: schema.Editable | schema.NotNull, Check: unixID, Default: 65534})
	ExportUID        = schema.Int(schema.Field{Name: "anonymous_uid", Flags: schema.Editable | schema.NotNull, Check: unixID, Default: 65534})
	ExportPrivileged = schema.Bool(schema.Field{Name: "privileged_port", Flags: schema.Editable})
	ExportTransport  = schema.String(schema.Field{Name: "transport_protocols", Flags: schema.Editable, Check: anyOf("TCP", "UDP", "TCP_UDP"), Default: "TCP"})
	ExportShortIDs   = schema.Bool(schema.Field{Name: "32bit_file_id", Flags: schema.Editable})
	ExportPrefDir    = schema.Int(schema.Field{Name: "pref_readdir", Flags: schema.Editable | schema.NotNull, Check: transferSize, Default: 64 * kib})
	ExportPrefRead   = schema.Int(schema.Field{Name: "pref_read", Flags: schema.Editable | schema.NotNull, Check: transferSize, Default: 64 * kib})
	ExportPrefWrite  = schema.Int(schema.Field{Name: "pref_write", Flags: schema.Editable | schema.NotNull, Check: transferSize, Default: 64 * kib})
	ExportMaxRead    = schema.Int(schema.Field{Name: "max_read", Flags: schema.Editable | schema.NotNull, Check: transferSize, Default: kib * kib})
	ExportMaxWrite   = schema.Int(schema.Field{Name: "max_write", Flags: schema.Editable | schema.NotNull, Check: transferSize, Default: kib * kib})
	ExportPerms      = schema.Tree[[]Permission](schema.Field{Name: "permissions", Flags: schema.Editable, Check: permissions})
	ExportSnapDir    = schema.Bool(schema.Field{Name: "snapdir_visible", Flags: schema.Editable, Gate: gateDot})
	ExportVersion    = schema.String(schema.Field{Name: "nfs_version", Flags: schema.Editable, Check: anyOf("NFSv3", "NFSv4", "NFSv3_NFSv4"), Default: "NFSv3", Gate: nfsVersions()})
	ExportAuth       = schema.List[string](schema.Field{Name: "nfsv4_auth", Flags: schema.Editable, Check: nfsAuth, Gate: nfsVersions()})

	// Export is a path under which NFS clients reach a filesystem.
	Export = schema.NewType("export", ExportPath, ExportInner, ExportFilesystem, ExportEnabled, ExportAnonymous, ExportGID, ExportUID,
		ExportPrivileged, ExportTransport, ExportShortIDs, ExportPrefDir, ExportPrefRead, ExportPrefWrite, ExportMaxRead,
		ExportMaxWrite, ExportPerms, CreatedAt, UpdatedAt, ExportSnapDir, ExportVersion, ExportAuth, TenantID)
)

func exportPath(v schema.Value) error {
	if !strings.HasPrefix(v.Text(), "/") || len(v.Text()) < 2 {
		return errors.New("is no path like /name")
	}
	return nil
}

// permissions checks a list of them: each has exactly the three members
// (Ansible collection 1.6.3 compares them as a whole).
func permissions(v schema.Value) error {
	if v.IsNull() {
		return nil
	}
	var list []Permission
	if err := json.Unmarshal([]byte(v.Text()), &list); err != nil {
		return fmt.Errorf("is no list of permissions: %w", err)
	}
	for _, p := range list {
		switch {
		case p.Access != "RW" && p.Access != "RO" && p.Access != "NONE":
			return fmt.Errorf("has access %q, which is none of RW, RO, NONE", p.Access)
		case p.ClientList == "":
			return errors.New("has a permission without a client")
		}
		if err := exportClient(p.ClientList); err != nil {
			return err
		}
	}
	return nil
}

// defaultPermissions are those of an export whose client sends none
// (InfiniSDK 289.1.4, doc/filesystems.rst).
func defaultPermissions() []Permission {
	return []Permission{{Access: "RW", NoSquash: true, ClientList: "*"}}
}

func exportKind() *Kind {
	return &Kind{
		Least: RolePoolAdmin, InPool: inPoolOf(Filesystem, ExportFilesystem),
		Type: Export, Path: "exports", NotFound: apierr.ExportNotFound, Conflict: apierr.ExportPathConflict,
		Gate:  schema.Gate{Feature: "nas"},
		Forms: []Form{{Name: "an export", Required: []string{"filesystem_id", "export_path"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, _ *Input) error {
				if err := b.reachBy(ExportFilesystem.Get(o), StyleUnix, "an export"); err != nil {
					return err
				}
				if ExportPerms.IsNull(o) {
					ExportPerms.Set(o, defaultPermissions())
				}
				return nil
			},
			BeforeUpdate: oneAtATime,
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"filesystem_id": w.Make("filesystem"), "export_path": "/" + w.Name()})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"enabled": false}) },
	}
}

// oneAtATime refuses to change several fields of an export in one request (CSI
// driver, 2025).
//
// unsourced: that the code is the one of network spaces.
func oneAtATime(_ *Box, _, _ *schema.Object, in *Input) error {
	if len(in.Body) > 1 {
		names := sortedKeys(in.Body)
		return apierr.New(apierr.NotSupportedMultipleUpdate, "%s: a request changes one field of an export", strings.Join(names, ", ")).About(names[1])
	}
	return nil
}

// checkUnexported refuses to delete a filesystem that clients reach, even with
// approval (InfiniSDK tests, tag 225.1.0).
//
// unsourced: that shares keep a filesystem as exports do.
func (b *Box) checkUnexported(o *schema.Object) error {
	ids := b.Tx.IDsBy(b.Key, Export, ExportFilesystem.Field(), schema.RefValue(o.ID()))
	if len(ids) > 0 {
		return apierr.New(apierr.FilesystemExported, "filesystem %d has %d exports", o.ID(), len(ids))
	}
	ids = b.Tx.IDsBy(b.Key, Share, ShareFilesystem.Field(), schema.RefValue(o.ID()))
	if len(ids) > 0 {
		return apierr.New(apierr.FilesystemShared, "filesystem %d has %d shares", o.ID(), len(ids))
	}
	return nil
}
