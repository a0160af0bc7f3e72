package model

import (
	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an S3 user. The SDK's documentation makes users with uid, gid
// and status (doc/s3_user.rst).
var (
	S3UserName        = schema.String(schema.Field{Name: "name", Flags: schema.Create | schema.Index | schema.NotNull, Check: checkName, Pattern: namePattern})
	S3UserAccount     = schema.Ref(schema.Field{Name: "account_id", Flags: schema.Create | schema.Index}, "s3_account")
	S3UserAccountName = schema.Join(schema.Field{Name: "account_name"}, S3UserAccount, S3AccountName)
	S3UserCanonical   = schema.String(schema.Field{Name: "canonical_id", Flags: schema.NotNull})
	S3UserStatus      = s3Status(schema.Editable)
	S3UserRoot        = schema.Bool(schema.Field{Name: "is_root", Flags: schema.Editable})
	S3UserUID         = schema.Int(schema.Field{Name: "uid", Flags: schema.Editable, Check: notNegative})
	S3UserGID         = schema.Int(schema.Field{Name: "gid", Flags: schema.Editable, Check: notNegative})
	S3UserText        = schema.String(schema.Field{Name: "description", Flags: schema.Editable})
	S3UserLastUsed    = schema.Int(schema.Field{Name: "last_used"})
	S3UserCredentials = count("num_credentials")

	// S3User is an identity in an account.
	S3User = schema.NewType("s3_user", S3UserCanonical, S3UserName, S3UserStatus, S3UserRoot, S3UserUID, S3UserGID, S3UserText,
		S3UserLastUsed, CreatedAt, UpdatedAt, TenantID, S3UserAccount, S3UserAccountName, S3UserCredentials)
)

func s3UserKind() *Kind {
	return &Kind{
		Least: RoleAdmin, InPool: inPoolOf(S3Account, S3UserAccount), Gate: gateS3(),
		Type: S3User, Path: "s3_users", NotFound: apierr.S3UserNotFound, Conflict: apierr.S3UserNameConflict,
		Forms: []Form{{Name: "an S3 user", Required: []string{"name", "account_id"}}},
		Hooks: Hooks{
			BeforeCreate: beforeS3UserCreate,
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			AfterUpdate: func(b *Box, old, o *schema.Object, _ *Input) error {
				was, is := S3UserStatus.Get(old) == Enabled, S3UserStatus.Get(o) == Enabled
				return b.emitSwitch(was, is, func(verb string) error { return b.EmitFor(o, verb) })
			},
			BeforeDelete: beforeS3UserDelete,
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{
			S3UserCredentials.Field(): func(b *Box, o *schema.Object) (any, error) {
				return countIn(b, S3Credential, S3CredentialUser, o), nil
			},
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "account_id": w.Make("s3_account")})
		},
		Change: func(*schema.Object) Body {
			return NewBody(map[string]any{"status": Disabled, "description": "other", "uid": 1001})
		},
	}
}

// beforeS3UserCreate refuses a name that another user of the account has.
//
// unsourced: that two accounts may have users of one name.
func beforeS3UserCreate(b *Box, o *schema.Object, _ *Input) error {
	for _, id := range b.Tx.IDsBy(b.Key, S3User, S3UserName.Field(), schema.TextValue(S3UserName.Get(o))) {
		other, err := b.Must(S3User, id)
		if err != nil {
			return err
		}
		if S3UserAccount.Get(other) == S3UserAccount.Get(o) {
			return b.nameConflict(o, S3UserName.Field())
		}
	}
	S3UserCanonical.Set(o, b.canonicalID())
	return nil
}

// beforeS3UserDelete refuses a user with credentials.
//
// unsourced: that a user's credentials have to go before it.
func beforeS3UserDelete(b *Box, o *schema.Object, _ *Input) error {
	if n := countIn(b, S3Credential, S3CredentialUser, o); n > 0 {
		return apierr.New(apierr.S3UserHasCredentials, "S3 user %d has %d credentials", o.ID(), n)
	}
	return nil
}
