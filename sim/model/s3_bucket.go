package model

import (
	"errors"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an S3 bucket.
var (
	S3BucketName        = schema.String(schema.Field{Name: "name", Flags: schema.Create | schema.Unique | schema.NotNull, Check: checkBucketName})
	S3BucketAccount     = schema.Ref(schema.Field{Name: "account_id", Flags: schema.Create | schema.Index}, "s3_account")
	S3BucketAccountName = schema.Join(schema.Field{Name: "account_name"}, S3BucketAccount, S3AccountName)
	S3BucketPool        = schema.Ref(schema.Field{Name: "pool_id", Flags: schema.Index}, "pool")
	S3BucketConsumed    = schema.Int(schema.Field{Name: "capacity_consumed", Flags: schema.NotNull})
	S3BucketObjects     = schema.Int(schema.Field{Name: "object_count", Flags: schema.NotNull})
	S3BucketSavings     = schema.Int(schema.Field{Name: "capacity_savings", Flags: schema.NotNull})
	S3BucketSavingsOwn  = schema.Int(schema.Field{Name: "capacity_savings_per_entity", Flags: schema.NotNull})
	S3BucketReduction   = schema.Float(schema.Field{Name: "data_reduction_ratio", Default: 1.0})
	S3BucketDiskUsage   = count("disk_usage")
	S3BucketAllocated   = count("allocated")
	S3BucketTree        = count("tree_allocated")
	S3BucketSuppressed  = schema.Bool(schema.Field{Name: "compression_suppressed"})
	S3BucketCompression = schema.Bool(schema.Field{Name: "compression_enabled", Flags: schema.Editable})
	S3BucketSSD         = schema.Bool(schema.Field{Name: "ssd_enabled", Flags: schema.Editable})

	// S3Bucket holds an account's objects, in the pool of the account.
	S3Bucket = schema.NewType("s3_bucket", TenantID, S3BucketAccount, S3BucketAccountName, S3BucketPool, S3BucketName, CreatedAt, UpdatedAt,
		S3BucketObjects, S3BucketConsumed, S3BucketSavings, S3BucketSavingsOwn, S3BucketDiskUsage, S3BucketReduction, S3BucketAllocated,
		S3BucketTree, S3BucketSuppressed, S3BucketCompression, S3BucketSSD)
)

// The lengths of a bucket's name.
const (
	shortestBucket = 3
	longestBucket  = 63
)

// checkBucketName wants what the protocol lets buckets be called, and capitals
// besides: InfiniSDK's tests make a bucket "Bucket-1" (8.6 era, test_s3bucket).
//
// unsourced: the names of buckets that the array refuses.
func checkBucketName(v schema.Value) error {
	const word = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	name := v.Text()
	switch {
	case len(name) < shortestBucket || len(name) > longestBucket:
		return errors.New("is not 3 to 63 characters long")
	case strings.Trim(name, word+".-") != "" || strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(word+".-", r) }):
		return errors.New("has other characters than letters, digits, dots and hyphens")
	case !strings.ContainsRune(word, rune(name[0])) || !strings.ContainsRune(word, rune(name[len(name)-1])):
		return errors.New("does not begin and end with a letter or a digit")
	case strings.Contains(name, ".."):
		return errors.New("has two dots in a row")
	}
	return nil
}

// s3BucketKind is the kind of buckets.
//
// unsourced: that a bucket's name is unique in the array, not in the account
// alone; that a new bucket takes compression and SSD from its pool, as datasets
// do.
func s3BucketKind() *Kind {
	consumed := func(_ *Box, o *schema.Object) (any, error) { return S3BucketConsumed.Get(o), nil }
	return &Kind{
		Least: RolePoolAdmin, InPool: inOwnPool(S3BucketPool), Gate: gateS3(),
		Type: S3Bucket, Path: "s3_buckets", NotFound: apierr.S3BucketNotFound, Conflict: apierr.S3BucketNameConflict,
		Forms: []Form{{Name: "an S3 bucket", Required: []string{"name", "account_id"}}},
		Hooks: Hooks{
			BeforeCreate: beforeS3BucketCreate,
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeDelete: func(_ *Box, o *schema.Object, _ *Input) error {
				if n := S3BucketObjects.Get(o); n > 0 {
					return apierr.New(apierr.S3BucketNotEmpty, "S3 bucket %d holds %d objects", o.ID(), n)
				}
				return nil
			},
			AfterDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		// What clients write here is random, and does not compress.
		Computed: map[*schema.Field]Compute{
			S3BucketDiskUsage.Field(): consumed, S3BucketAllocated.Field(): consumed, S3BucketTree.Field(): consumed,
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "account_id": w.Make("s3_account")})
		},
		Change: func(o *schema.Object) Body { return NewBody(map[string]any{"ssd_enabled": !S3BucketSSD.Get(o)}) },
	}
}

func beforeS3BucketCreate(b *Box, o *schema.Object, in *Input) error {
	account, err := b.Must(S3Account, S3BucketAccount.Get(o))
	if err != nil {
		return err
	}
	pool, err := b.Must(Pool, S3AccountPool.Get(account))
	if err != nil {
		return err
	}
	S3BucketPool.Set(o, pool.ID())
	if _, asked := in.Body["compression_enabled"]; !asked {
		S3BucketCompression.Set(o, PoolCompress.Get(pool))
	}
	if _, asked := in.Body["ssd_enabled"]; !asked {
		S3BucketSSD.Set(o, PoolSSD.Get(pool))
	}
	return openPool(pool)
}

// s3Consumed sums the buckets that refer to an account or a pool.
func (b *Box) s3Consumed(by schema.Attr[int64], of *schema.Object) (n int64, err error) {
	for _, id := range b.Tx.IDsBy(b.Key, S3Bucket, by.Field(), schema.RefValue(of.ID())) {
		o, err := b.Must(S3Bucket, id)
		if err != nil {
			return 0, err
		}
		n += S3BucketConsumed.Get(o)
	}
	return n, nil
}
