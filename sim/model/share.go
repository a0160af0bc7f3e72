package model

import (
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The gates of SMB. The older way to demand encryption ends where the newer
// begins (InfiniSDK 289.1.4).
func gateSMB() schema.Gate { return schema.Gate{Feature: "native_smb"} }

// The fields of an SMB share.
var (
	ShareName       = schema.String(schema.Field{Name: "name", Flags: schema.Create | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	ShareInner      = schema.String(schema.Field{Name: "inner_path", Flags: schema.Create | schema.NotNull, Check: innerPath, Default: "/"})
	ShareEnabled    = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Editable, Default: true})
	ShareCaching    = schema.String(schema.Field{Name: "offline_caching", Flags: schema.Editable, Check: anyOf(cachings()...), Default: "MANUAL"})
	ShareEnumerate  = schema.Bool(schema.Field{Name: "access_based_enumeration", Flags: schema.Editable})
	ShareOldCrypt   = schema.Bool(schema.Field{Name: "require_encryption", Flags: schema.Editable, Gate: schema.Gate{From: "7.0", Before: "8.1"}})
	ShareSnapDir    = schema.Bool(schema.Field{Name: "snapdir_visible", Flags: schema.Editable})
	ShareText       = schema.String(schema.Field{Name: "description", Flags: schema.Editable, Default: ""})
	ShareFilesystem = schema.Ref(schema.Field{Name: "filesystem_id", Flags: schema.Create | schema.Index}, "filesystem")
	ShareFileMode   = schema.String(schema.Field{Name: "default_file_unix_permissions", Flags: schema.Update | schema.NotNull, Check: unixPermissions, Default: "rw-r--r--", Gate: gateDual()})
	ShareFolderMode = schema.String(schema.Field{Name: "default_folder_unix_permissions", Flags: schema.Update | schema.NotNull, Check: unixPermissions, Default: "rwxr-xr-x", Gate: gateDual()})
	ShareLeases     = schema.Bool(schema.Field{Name: "leases_enabled", Flags: schema.Editable, Default: true, Gate: gateLeases})
	ShareCrypt      = schema.Bool(schema.Field{Name: "encryption", Flags: schema.Editable, Gate: schema.Gate{From: "8.1"}})
	ShareHome       = schema.Bool(schema.Field{Name: "is_home_share", Flags: schema.Create, Gate: gateHome()})
	ShareBase       = schema.String(schema.Field{Name: "internal_base_path", Flags: schema.Create, Gate: gateHome()})
	ShareMakeDir    = schema.Bool(schema.Field{Name: "user_dir_auto_create", Flags: schema.Editable, Gate: gateHome()})
	ShareDir        = schema.String(schema.Field{Name: "user_directory", Flags: schema.Create, Gate: gateHome()})

	// Share is a name under which SMB clients reach a filesystem.
	Share = schema.NewType("share", ShareName, ShareInner, ShareEnabled, ShareCaching, ShareEnumerate, ShareOldCrypt, ShareSnapDir,
		ShareText, CreatedAt, UpdatedAt, ShareFilesystem, TenantID, ShareFileMode, ShareFolderMode, ShareLeases, ShareCrypt, ShareHome,
		ShareBase, ShareMakeDir, ShareDir)
)

func gateDual() schema.Gate { return schema.Gate{Feature: "native_smb", From: "7.2"} }
func gateHome() schema.Gate { return schema.Gate{From: "8.4"} }

// The fields of a permission of a share.
var (
	SharePermShare  = schema.Ref(schema.Field{Name: "share_id", Flags: schema.Create | schema.Index}, "share")
	SharePermSID    = schema.String(schema.Field{Name: "sid", Flags: schema.Create | schema.NotNull, Check: securityID})
	SharePermAccess = schema.Enum(schema.Field{Name: "access", Flags: schema.Editable | schema.NotNull, Enum: shareAccess(), Default: "NONE"})

	// SharePermission lets a user or a group at a share.
	SharePermission = schema.NewType("sharepermission", SharePermShare, SharePermSID, SharePermAccess)
)

// addShares adds shares, their permissions, and the array's own SMB users and
// groups.
func addShares(c *Catalog) {
	share := &Kind{
		Least: RolePoolAdmin, InPool: inPoolOf(Filesystem, ShareFilesystem),
		Type: Share, Path: "shares", NotFound: apierr.ShareNotFound, Conflict: apierr.ShareNameConflict, Gate: gateSMB(),
		Forms: []Form{{Name: "a share", Required: []string{"name", "filesystem_id"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, _ *Input) error {
				if err := checkHome(o); err != nil {
					return err
				}
				return b.reachBy(ShareFilesystem.Get(o), StyleWindows, "a share")
			},
			AfterCreate: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			AfterDelete: afterShareDelete,
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "filesystem_id": w.Make("filesystem")})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"description": "other"}) },
	}
	permission := &Kind{
		Least: RolePoolAdmin, InPool: inPoolOf(Share, SharePermShare),
		Type: SharePermission, Path: "shares/{share_id}/permissions", NotFound: apierr.SharePermissionNotFound, Conflict: apierr.SharePermissionConflict, Single: true,
		Forms: []Form{{Name: "a permission", Required: []string{"sid", "access"}}},
		Hooks: Hooks{BeforeCreate: func(b *Box, o *schema.Object, in *Input) error {
			if err := sameShare(o, in); err != nil {
				return err
			}
			return b.freeSID(o)
		}},
	}
	share.Routes = subRoutes(share, permission, "permissions", SharePermShare)
	c.Add(share, permission, smbUserKind(), smbGroupKind())
}

// sameShare gives a permission the share of the path. The body may name it
// too, as InfiniSDK 206.1.2 does (share_permission.py).
//
// unsourced: that another share than the path's is refused.
func sameShare(o *schema.Object, in *Input) error {
	share := parentOf(in)
	if !SharePermShare.IsNull(o) && SharePermShare.Get(o) != share {
		return apierr.New(apierr.InvalidValue, "share_id: %d: the path names share %d", SharePermShare.Get(o), share).About("share_id")
	}
	SharePermShare.Set(o, share)
	return nil
}

// checkHome refuses what only a home share has, whose users have folders of
// their own, and a home share that does not say which.
//
// unsourced: both refusals.
func checkHome(o *schema.Object) error {
	if ShareHome.Get(o) {
		if ShareDir.Get(o) == "" {
			return apierr.New(apierr.MissingField, "user_directory: required to create a home share").About("user_directory")
		}
		return nil
	}
	for _, f := range []schema.Attr[string]{ShareBase, ShareDir} {
		if !f.IsNull(o) {
			return apierr.New(apierr.InvalidValue, "%s: %q: the share is no home share", f.Name(), f.Get(o)).About(f.Name())
		}
	}
	return nil
}

// freeSID refuses a second permission for one user or group.
//
// unsourced: the refusal.
func (b *Box) freeSID(o *schema.Object) error {
	for _, id := range b.Tx.IDsBy(b.Key, SharePermission, SharePermShare.Field(), schema.RefValue(SharePermShare.Get(o))) {
		other, err := b.Must(SharePermission, id)
		if err != nil {
			return err
		}
		if SharePermSID.Get(other) == SharePermSID.Get(o) {
			return b.nameConflict(o, SharePermSID.Field())
		}
	}
	return nil
}

func afterShareDelete(b *Box, o *schema.Object, _ *Input) error {
	for _, id := range b.Tx.IDsBy(b.Key, SharePermission, SharePermShare.Field(), schema.RefValue(o.ID())) {
		if err := b.Tx.Delete(b.Key, SharePermission, id); err != nil {
			return err
		}
	}
	return b.EmitFor(o, "DELETED")
}

// The fields of the array's own SMB users and groups.
var (
	SMBUserName    = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	smbPassword    = schema.String(schema.Field{Name: "password", Flags: schema.Editable | schema.Private | schema.Secret})
	SMBUserEnabled = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Editable, Default: true})
	SMBSID         = schema.String(schema.Field{Name: "sid"})
	SMBRights      = schema.List[string](schema.Field{Name: "privileges", Flags: schema.Editable})
	SMBPrimary     = schema.Ref(schema.Field{Name: "primary_group_id", Flags: schema.Update}, "smb_group")
	SMBGroups      = schema.List[int64](schema.Field{Name: "group_ids", Flags: schema.Update})
	SMBUID         = schema.Int(schema.Field{Name: "uid", Flags: schema.Update, Gate: gateDual()})
	SMBGID         = schema.Int(schema.Field{Name: "gid", Flags: schema.Update, Gate: gateDual()})
	SMBGroupName   = schema.String(schema.Field{Name: "name", Flags: schema.Create | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	SMBMembers     = schema.List[string](schema.Field{Name: "domain_members", Flags: schema.Editable})

	// SMBUser is a user of the array's own, for SMB clients.
	SMBUser = schema.NewType("smb_user", smbPassword, TenantID, SMBUserName, SMBUserEnabled, SMBSID, SMBRights, SMBPrimary, SMBGroups, SMBUID)
	// SMBGroup is a group of them.
	SMBGroup = schema.NewType("smb_group", TenantID, SMBGroupName, SMBSID, SMBRights, SMBMembers, SMBUID, SMBGID)
)

// sid is the security identifier of an object of the array.
//
// unsourced: the authority and the parts of the array's own identifiers.
func (b *Box) sid(o *schema.Object) (string, error) {
	system, err := b.System()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", 0x742b0f, SystemSerial.Get(system), 1, o.ID()), nil
}

func withSID(b *Box, o *schema.Object, _ *Input) (err error) {
	text, err := b.sid(o)
	SMBSID.Set(o, text)
	return err
}

func smbUserKind() *Kind {
	groups := func(b *Box, o *schema.Object) error {
		ids := SMBGroups.Get(o)
		if !SMBPrimary.IsNull(o) {
			ids = append(ids, SMBPrimary.Get(o))
		}
		for _, id := range ids {
			if _, err := b.Load(b.Eng.Catalog.Kind(SMBGroup.Name()), id); err != nil {
				return err
			}
		}
		return nil
	}
	return &Kind{
		Least: RoleAdmin,
		Type:  SMBUser, Path: "smb_users", NotFound: apierr.SMBUserNotFound, Conflict: apierr.SMBUserNameConflict, Gate: gateSMB(),
		Forms: []Form{{Name: "an SMB user", Required: []string{"name", "password"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, in *Input) error {
				if err := b.sealOf(o, in, smbPassword); err != nil {
					return err
				}
				return withSID(b, o, in)
			},
			BeforeUpdate: func(b *Box, _, o *schema.Object, in *Input) error {
				if err := groups(b, o); err != nil {
					return err
				}
				return b.sealOf(o, in, smbPassword)
			},
		},
		Sample: func(w World) Body { return NewBody(map[string]any{"name": w.Name(), "password": "a@123456789"}) },
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"enabled": false}) },
	}
}

func smbGroupKind() *Kind {
	return &Kind{
		Least: RoleAdmin,
		Type:  SMBGroup, Path: "smb_groups", NotFound: apierr.SMBGroupNotFound, Conflict: apierr.SMBGroupNameConflict, Gate: gateSMB(),
		Forms:  []Form{{Name: "an SMB group", Required: []string{"name"}}},
		Hooks:  Hooks{BeforeCreate: withSID},
		Sample: func(w World) Body { return NewBody(map[string]any{"name": w.Name()}) },
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"privileges": []string{"BACKUP"}}) },
	}
}
