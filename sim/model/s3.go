package model

import (
	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// S3: an account is bound to one pool of type S3, and that pool to no other
// account; buckets and users belong to an account, credentials to a user
// (InfiniSDK 289.1.4, doc/s3_account.rst, s3_bucket.rst, s3_user.rst,
// s3_credential.rst).

// gateS3 opens S3. InfiniSDK 289.1.4 takes an array for one that has it from
// release 8.5 on; the list of features that its tests have of an 8.6 array
// names no feature for it.
func gateS3() schema.Gate { return schema.Gate{From: "8.5"} }

// ofS3 is the type of a pool for S3.
const ofS3 = "S3"

// The status of users of S3 and of their credentials.
const (
	Enabled  = "ENABLED"
	Disabled = "DISABLED"
)

func s3Status(flags schema.Flags) schema.Attr[string] {
	return schema.Enum(schema.Field{Name: "status", Flags: flags | schema.NotNull, Enum: []string{Enabled, Disabled}, Default: Enabled})
}

// addS3 adds the kinds of S3, and the certificate that it is served with: the
// id of that is "httpd" too, and all answers are lists (InfiniSDK tests, 8.6
// era, test_s3certificates).
func addS3(c *Catalog) {
	c.Add(s3AccountKind(), s3BucketKind(), s3UserKind(), s3CredentialKind())
	c.certificates(certificates{path: "system/s3_certificates", id: "httpd", row: "s3", name: "S3", listed: true}, gateS3())
}

// poolOfType refuses a pool that is for something else.
func poolOfType(pool *schema.Object, want string) error {
	if is := PoolKind.Get(pool); is != want {
		return apierr.New(apierr.PoolTypeMismatch, "pool_id: pool %d is of type %s", pool.ID(), is).About("pool_id")
	}
	return nil
}

// checkS3Pool refuses a pool for S3 on an array without it. Such a pool has a
// physical capacity alone: the virtual one is the same, whatever was asked for
// (InfiniSDK 289.1.4, doc/pools.rst; its tests, 8.6 era, mock_s3account).
func (b *Box) checkS3Pool(o *schema.Object) error {
	if PoolKind.Get(o) != ofS3 {
		return nil
	}
	if !gateS3().Open(b.Release()) {
		return apierr.New(apierr.FeatureNotSupported, "type: release %s has no S3", b.Release().Version).About("type")
	}
	PoolVirtual.Set(o, PoolPhysical.Get(o))
	return nil
}

// countIn counts the objects of a type that refer to another one.
func countIn(b *Box, t *schema.Type, by schema.Attr[int64], o *schema.Object) int64 {
	return b.Tx.CountBy(b.Key, by.Field(), t, schema.RefValue(o.ID()))
}

func (b *Box) s3AccountsOf(pool *schema.Object) int64 {
	return countIn(b, S3Account, S3AccountPool, pool)
}

// s3Draw draws a word from the lab's seed.
func (b *Box) s3Draw(purpose, alphabet string, length int) string {
	stream := "s3/" + purpose + "/" + b.Key
	return b.Chance().Text(stream, uint64(b.Tx.Next(b.Key, "s3/"+purpose)), alphabet, length) //nolint:gosec // sequences count up from 1
}

// The alphabets of what S3 has drawn.
const (
	hexDigits = "0123456789abcdef"
	base32    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	base64    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// canonicalID is the canonical id of a new account or user: 64 hexadecimal
// digits (InfiniSDK tests, 8.6 era, mock_s3user).
func (b *Box) canonicalID() string { return b.s3Draw("canonical_id", hexDigits, 64) }

// emitSwitch reports that something was switched on or off, in the form that
// SNAPSHOT_SCHEDULE_ENABLED has.
//
// unsourced: that switching emits an event.
func (b *Box) emitSwitch(was, is bool, emit func(verb string) error) error {
	switch {
	case was == is:
		return nil
	case is:
		return emit(Enabled)
	}
	return emit(Disabled)
}
