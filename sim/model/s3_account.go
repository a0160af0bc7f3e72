package model

import (
	"errors"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an S3 account.
var (
	S3AccountName        = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	S3AccountPool        = schema.Ref(schema.Field{Name: "pool_id", Flags: schema.Create | schema.Index}, "pool")
	S3AccountPoolName    = schema.Join(schema.Field{Name: "pool_name"}, S3AccountPool, PoolName)
	S3AccountCanonical   = schema.String(schema.Field{Name: "canonical_id", Flags: schema.Create | schema.Unique, Check: checkCanonical})
	S3AccountEmail       = schema.String(schema.Field{Name: "email", Flags: schema.Editable, Check: checkEmail})
	S3AccountLocation    = schema.String(schema.Field{Name: "location", Flags: schema.Editable | schema.NotNull, Default: "us-east-1", Check: checkName, Pattern: namePattern})
	S3AccountEnabled     = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Editable, Default: true})
	S3AccountConsumed    = count("capacity_consumed")
	S3AccountBuckets     = count("buckets_count")
	S3AccountUsers       = count("users_count")
	S3AccountCredentials = count("credentials_count")

	// S3Account is whom S3 is charged to: its buckets and users, in one pool.
	S3Account = schema.NewType("s3_account", S3AccountPool, TenantID, S3AccountCanonical, S3AccountName, S3AccountEmail, S3AccountPoolName,
		S3AccountLocation, S3AccountEnabled, CreatedAt, UpdatedAt, S3AccountConsumed, S3AccountBuckets, S3AccountUsers, S3AccountCredentials)
)

// checkCanonical wants 64 letters and digits: InfiniSDK's tests have a
// canonical id that is no hexadecimal number (8.6 era, mock_s3account).
//
// unsourced: that any other canonical id is refused.
func checkCanonical(v schema.Value) error {
	id := v.Text()
	if len(id) != 64 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return errors.New("is not 64 digits and small letters")
	}
	return nil
}

// checkEmail wants one name at one host, or none.
//
// unsourced: which addresses are refused.
func checkEmail(v schema.Value) error {
	user, host, _ := strings.Cut(v.Text(), "@")
	if v.Text() != "" && (user == "" || host == "" || strings.ContainsAny(v.Text(), " \t\n") || strings.Contains(host, "@")) {
		return errors.New("is no address of mail")
	}
	return nil
}

// s3AccountKind is the kind of S3 accounts.
//
// unsourced: the location and the state of a new account but for what
// InfiniSDK's tests show, us-east-1 and enabled; that accounts, users and
// credentials are an administrator's, and buckets the pool administrator's too.
func s3AccountKind() *Kind {
	return &Kind{
		Least: RoleAdmin, InPool: inOwnPool(S3AccountPool), Gate: gateS3(),
		Type: S3Account, Path: "s3_accounts", NotFound: apierr.S3AccountNotFound, Conflict: apierr.S3AccountConflict,
		Forms: []Form{{Name: "an S3 account", Required: []string{"name", "pool_id"}}},
		Hooks: Hooks{
			BeforeCreate: beforeS3AccountCreate,
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			AfterUpdate: func(b *Box, old, o *schema.Object, _ *Input) error {
				return b.emitSwitch(S3AccountEnabled.Get(old), S3AccountEnabled.Get(o), func(verb string) error { return b.EmitFor(o, verb) })
			},
			BeforeDelete: beforeS3AccountDelete,
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{
			S3AccountConsumed.Field(): func(b *Box, o *schema.Object) (any, error) { return b.s3Consumed(S3BucketAccount, o) },
			S3AccountBuckets.Field(): func(b *Box, o *schema.Object) (any, error) {
				return countIn(b, S3Bucket, S3BucketAccount, o), nil
			},
			S3AccountUsers.Field(): func(b *Box, o *schema.Object) (any, error) { return countIn(b, S3User, S3UserAccount, o), nil },
			S3AccountCredentials.Field(): func(b *Box, o *schema.Object) (any, error) {
				return countIn(b, S3Credential, s3CredentialAccount, o), nil
			},
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "pool_id": w.Make("s3_pool"), "email": "a@example.com"})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"email": "b@example.com"}) },
	}
}

// beforeS3AccountCreate wants a pool for S3 that no account has.
func beforeS3AccountCreate(b *Box, o *schema.Object, _ *Input) error {
	pool, err := b.Must(Pool, S3AccountPool.Get(o))
	if err != nil {
		return err
	}
	if err := poolOfType(pool, ofS3); err != nil {
		return err
	}
	if b.s3AccountsOf(pool) > 0 {
		return apierr.New(apierr.S3PoolIsBound, "pool_id: pool %d is bound to another account", pool.ID()).About("pool_id")
	}
	if S3AccountCanonical.Get(o) == "" {
		S3AccountCanonical.Set(o, b.canonicalID())
	}
	return openPool(pool)
}

// beforeS3AccountDelete refuses an account with anything in it.
//
// unsourced: that what belongs to an account has to go before it.
func beforeS3AccountDelete(b *Box, o *schema.Object, _ *Input) error {
	buckets, users := countIn(b, S3Bucket, S3BucketAccount, o), countIn(b, S3User, S3UserAccount, o)
	if buckets+users > 0 {
		return apierr.New(apierr.S3AccountNotEmpty, "S3 account %d has %d buckets and %d users", o.ID(), buckets, users)
	}
	return nil
}
