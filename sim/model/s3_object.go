package model

import (
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// S3Put is what a client of S3 does to a bucket: objects and bytes that it
// adds, or takes away if they are negative.
type S3Put struct {
	// Objects and Bytes are added.
	Objects, Bytes int64
	// AccessKey is what the client signs with, empty for nobody's.
	AccessKey string
}

// PutS3 changes what a bucket holds. The physical capacity of the pool limits
// the buckets in it (InfiniSDK 289.1.4, doc/s3_bucket.rst).
//
// unsourced: that a put which does not fit is refused and leaves the pool as it
// is; the codes of what is disabled.
func (b *Box) PutS3(bucket int64, put S3Put) error {
	o, err := b.Load(b.Eng.Catalog.Kind(S3Bucket.Name()), bucket)
	if err != nil {
		return err
	}
	account, err := b.Must(S3Account, S3BucketAccount.Get(o))
	if err != nil {
		return err
	}
	if !S3AccountEnabled.Get(account) {
		return apierr.New(apierr.S3AccountDisabled, "S3 account %d is disabled", account.ID())
	}
	if put.AccessKey != "" {
		if err := b.useCredential(account, put.AccessKey); err != nil {
			return err
		}
	}
	objects, bytes := S3BucketObjects.Get(o)+put.Objects, S3BucketConsumed.Get(o)+put.Bytes
	switch {
	case objects < 0:
		return apierr.New(apierr.InvalidValue, "objects: %d is more than bucket %d has", -put.Objects, bucket).About("objects")
	case bytes < 0 || objects == 0 && bytes > 0:
		return apierr.New(apierr.InvalidValue, "bytes: %d objects cannot hold %d bytes", objects, bytes).About("bytes")
	}
	pool, err := b.Must(Pool, S3BucketPool.Get(o))
	if err != nil {
		return err
	}
	if PoolState.Get(pool) == Locked && put.Bytes > 0 {
		return apierr.New(apierr.PoolIsLocked, "pool %d is locked", pool.ID())
	}
	S3BucketObjects.Set(o, objects)
	S3BucketConsumed.Set(o, bytes)
	if err := b.Tx.Put(b.Key, o); err != nil {
		return err
	}
	b.hostWrites = true
	err = b.account(pool.ID(), put.Bytes, 0)
	b.hostWrites = false
	if err != nil {
		return err
	}
	return b.checkPhysical(pool.ID())
}

// useCredential refuses an access key that opens nothing in the account, and
// marks it and its user as used.
func (b *Box) useCredential(account *schema.Object, key string) error {
	ids := b.Tx.IDsBy(b.Key, S3Credential, S3CredentialKey.Field(), schema.TextValue(key))
	if len(ids) == 0 {
		return apierr.New(apierr.S3CredentialNotFound, "access_key: %q is nobody's", key).About("access_key")
	}
	o, err := b.Must(S3Credential, ids[0])
	if err != nil {
		return err
	}
	user, err := b.Must(S3User, S3CredentialUser.Get(o))
	if err != nil {
		return err
	}
	switch {
	case S3UserAccount.Get(user) != account.ID():
		return apierr.New(apierr.PermissionDenied, "access_key: %q is of another account than %d", key, account.ID()).About("access_key")
	case S3UserStatus.Get(user) != Enabled:
		return apierr.New(apierr.S3UserDisabled, "S3 user %d is disabled", user.ID()).About(strconv.FormatInt(user.ID(), 10))
	case S3CredentialStatus.Get(o) != Enabled:
		return apierr.New(apierr.S3CredentialDisabled, "access_key: %q is disabled", key).About("access_key")
	}
	S3CredentialLastUsed.Set(o, b.Tx.Now().MS())
	S3UserLastUsed.Set(user, b.Tx.Now().MS())
	if err := b.Tx.Put(b.Key, o); err != nil {
		return err
	}
	return b.Tx.Put(b.Key, user)
}
