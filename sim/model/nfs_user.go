package model

import (
	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an NFS user.
var (
	NFSUserUID    = schema.Int(schema.Field{Name: "uid", Flags: schema.Create | schema.Unique | schema.NotNull, Check: notNegative})
	NFSUserGID    = schema.Int(schema.Field{Name: "primary_gid", Flags: schema.Editable, Check: notNegative})
	NFSUserGIDs   = schema.List[int64](schema.Field{Name: "supplementary_gids", Flags: schema.Update})
	NFSUserSID    = schema.String(schema.Field{Name: "sid", Flags: schema.Update})
	NFSUserGSID   = schema.String(schema.Field{Name: "primary_gsid", Flags: schema.Update})
	NFSUserGroups = schema.List[string](schema.Field{Name: "supplementary_gsids", Flags: schema.Update})

	// NFSUser is what the array knows of a user of NFS clients besides its
	// number: the groups, and who it is for SMB.
	NFSUser = schema.NewType("nfs_user", TenantID, NFSUserUID, NFSUserGID, NFSUserGIDs, NFSUserSID, NFSUserGSID, NFSUserGroups)
)

func nfsUserKind() *Kind {
	return &Kind{
		Least: RoleAdmin,
		Type:  NFSUser, Path: "nfs_users", NotFound: apierr.NFSUserNotFound, Conflict: apierr.NFSUserConflict, Gate: gateDual(),
		Forms:  []Form{{Name: "an NFS user", Required: []string{"uid", "primary_gid"}}},
		Sample: func(World) Body { return NewBody(map[string]any{"uid": 1000, "primary_gid": 100}) },
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"primary_gid": 200}) },
	}
}
