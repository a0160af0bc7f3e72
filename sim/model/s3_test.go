package model_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

const terabyte = 1_000_000_000_000

// s3 is a lab with an account, its bucket, a user and a credential.
type s3 struct {
	*arrays
	pool, account, bucket, user, credential int64
	key, secret                             string
}

func newS3(tb testing.TB) *s3 {
	tb.Helper()
	w := &s3{arrays: newArrays(tb, lab.ArraySetup{})}
	w.pool = w.post(boxA, "pools", object{"name": "p", "type": "S3", "physical_capacity": terabyte, "max_extend": 0}).id("id")
	w.account = w.post(boxA, "s3_accounts", object{"name": "a", "pool_id": w.pool}).id("id")
	w.bucket = w.post(boxA, "s3_buckets", object{"name": "bucket", "account_id": w.account}).id("id")
	w.user = w.post(boxA, "s3_users", object{"name": "u", "account_id": w.account}).id("id")
	c := w.post(boxA, "s3_credentials", object{"user_id": w.user})
	w.credential = c.id("id")
	w.key, w.secret = fmt.Sprint(c["access_key"]), fmt.Sprint(c["secret_key"])
	return w
}

func (w *s3) put(objects, size int64, key string) error {
	w.t.Helper()
	return w.lab.On(w.t.Context(), boxA, func(b *model.Box) error {
		return b.PutS3(w.bucket, model.S3Put{Objects: objects, Bytes: size, AccessKey: key})
	})
}

// What is put in a bucket shows at it, at its account, its pool and the array,
// and what uses it at the credential and its user.
func TestS3_capacities(t *testing.T) {
	t.Parallel()
	w := newS3(t)
	_, err := w.lab.AdvanceTo(t.Context(), w.lab.Clock.Now().Add(time.Hour))
	require.NoError(t, err)
	require.NoError(t, w.put(3, 327680, w.key))
	at := float64(clock.FromMS(1735689600000).Add(time.Hour).MS())
	bucket := w.get(boxA, fmt.Sprintf("s3_buckets/%d", w.bucket))
	for _, name := range []string{"capacity_consumed", "disk_usage", "allocated", "tree_allocated"} {
		assert.Equal(t, 327680.0, bucket[name], name)
	}
	assert.Equal(t, 3.0, bucket["object_count"])
	assert.Equal(t, 327680.0, w.get(boxA, fmt.Sprintf("s3_accounts/%d", w.account))["capacity_consumed"])
	pool := w.get(boxA, fmt.Sprintf("pools/%d", w.pool))
	assert.Equal(t, 327680.0, pool["allocated_physical_space"])
	assert.Equal(t, 327680.0, pool["total_disk_usage"])
	assert.Equal(t, 1000000192512.0-327680, pool["free_physical_space"])
	assert.Equal(t, 327680.0, w.get(boxA, "system/capacity")["allocated_physical_space_within_pools"])
	assert.Equal(t, at, w.get(boxA, fmt.Sprintf("s3_credentials/%d", w.credential))["last_used"])
	assert.Equal(t, at, w.get(boxA, fmt.Sprintf("s3_users/%d", w.user))["last_used"])
	assert.Len(t, w.list(boxA, "s3_accounts?capacity_consumed=gt:0"), 1)

	w.refused(boxA, map[string]refusal{
		"a bucket with objects": {409, "S3_BUCKET_NOT_EMPTY", "DELETE", fmt.Sprintf("s3_buckets/%d", w.bucket), nil},
		"below what is used":    {400, "INVALID_FIELD_VALUE", "PUT", fmt.Sprintf("pools/%d", w.pool), object{"physical_capacity": 1}},
	})
	require.NoError(t, w.put(-3, -327680, ""))
	w.do(boxA, http.MethodDelete, fmt.Sprintf("s3_buckets/%d", w.bucket), nil)
	assert.Equal(t, 0.0, w.get(boxA, fmt.Sprintf("pools/%d", w.pool))["allocated_physical_space"])
}

// The pool limits the buckets in it; what is refused leaves nothing behind.
func TestS3_putRefused(t *testing.T) {
	t.Parallel()
	w := newS3(t)
	code := apierr.CodeOf
	change := func(path string, id int64, body object) {
		t.Helper()
		w.do(boxA, http.MethodPut, fmt.Sprintf("%s/%d", path, id), body)
	}
	assert.Equal(t, apierr.PoolNoPhysicalSpace, code(w.put(1, 2*terabyte, "")))
	assert.Equal(t, apierr.InvalidValue, code(w.put(-1, 0, "")))
	assert.Equal(t, apierr.InvalidValue, code(w.put(0, 1, "")))
	assert.Equal(t, apierr.InvalidValue, code(w.put(1, -1, "")))
	assert.Equal(t, apierr.S3CredentialNotFound, code(w.put(1, 1, "AKIANOBODY")))

	change("s3_credentials", w.credential, object{"status": "DISABLED"})
	assert.Equal(t, apierr.S3CredentialDisabled, code(w.put(1, 1, w.key)))
	change("s3_credentials", w.credential, object{"status": "enabled"})
	change("s3_users", w.user, object{"status": "DISABLED"})
	assert.Equal(t, apierr.S3UserDisabled, code(w.put(1, 1, w.key)))
	change("s3_users", w.user, object{"status": "ENABLED"})
	change("s3_accounts", w.account, object{"enabled": false})
	assert.Equal(t, apierr.S3AccountDisabled, code(w.put(1, 1, w.key)))
	change("s3_accounts", w.account, object{"enabled": true})

	other := w.post(boxA, "pools", object{"name": "q", "type": "s3", "physical_capacity": terabyte}).id("id")
	account := w.post(boxA, "s3_accounts", object{"name": "b", "pool_id": other}).id("id")
	user := w.post(boxA, "s3_users", object{"name": "u", "account_id": account}).id("id")
	w.post(boxA, "s3_credentials", object{"user_id": user, "access_key": "AKIAOTHER"})
	assert.Equal(t, apierr.PermissionDenied, code(w.put(1, 1, "AKIAOTHER")))

	w.post(boxA, fmt.Sprintf("pools/%d/lock", w.pool), nil)
	assert.Equal(t, apierr.PoolIsLocked, code(w.put(1, 1, "")))
	w.refused(boxA, map[string]refusal{"a bucket in a locked pool": {409, "POOL_IS_LOCKED", "POST", "s3_buckets", object{"name": "new", "account_id": w.account}}})
	w.post(boxA, fmt.Sprintf("pools/%d/unlock", w.pool), nil)

	bucket := w.get(boxA, fmt.Sprintf("s3_buckets/%d?fields=object_count,capacity_consumed", w.bucket))
	assert.Equal(t, object{"id": float64(w.bucket), "object_count": 0.0, "capacity_consumed": 0.0}, bucket)
	assert.Nil(t, w.get(boxA, fmt.Sprintf("s3_users/%d", w.user))["last_used"])
	require.NoError(t, w.put(1, terabyte, w.key))
}

// The secret is drawn from the lab's seed, shown once, and nowhere kept.
func TestS3_secret(t *testing.T) {
	t.Parallel()
	w := newS3(t)
	again := newS3(t)
	assert.Equal(t, w.key, again.key)
	assert.Equal(t, w.secret, again.secret)
	assert.Regexp(t, `^AKIA[A-Z2-7]{16}$`, w.key)
	assert.Regexp(t, `^[A-Za-z0-9+/]{40}$`, w.secret)
	w.post(boxA, "s3_credentials", object{"user_id": w.user, "access_key": "AKIAEXAMPLE", "secret_key": "secret123"})
	for _, o := range w.list(boxA, "s3_credentials") {
		assert.Nil(t, o["secret_key"])
	}
	var kept bytes.Buffer
	require.NoError(t, w.lab.Journal.WriteTo(&kept, journal.Filter{}))
	assert.NotContains(t, kept.String(), w.secret)
	assert.NotContains(t, kept.String(), "secret123")
	assert.Contains(t, kept.String(), w.key)
	require.NoError(t, w.lab.View(t.Context(), boxA, func(b *model.Box) error {
		return b.Tx.Each(boxA, model.S3Credential, func(o *schema.Object) (bool, error) {
			for _, f := range model.S3Credential.StoredFields() {
				assert.NotContains(t, string(o.Raw(f)), "secret123", f.Name)
				assert.NotContains(t, string(o.Raw(f)), w.secret, f.Name)
			}
			return true, nil
		})
	}))
}

// S3 came with release 8.5.
func TestS3_older(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Profile: "7.2"})
	cases := map[string]refusal{
		"a pool": {400, "FEATURE_NOT_SUPPORTED", "POST", "pools", object{"name": "p", "type": "S3", "physical_capacity": terabyte}},
	}
	for _, path := range []string{"s3_accounts", "s3_buckets", "s3_users", "s3_credentials"} {
		cases[path] = refusal{404, "PATH_NOT_FOUND", "GET", path, nil}
		cases[path+" made"] = refusal{404, "PATH_NOT_FOUND", "POST", path, object{}}
		cases[path+" found"] = refusal{400, "INVALID_FIELD_VALUE", "GET", "search?query=a&type=" + path[:len(path)-1], nil}
	}
	a.refused(boxA, cases)
	assert.NotContains(t, a.get(boxA, "system/entity_counts"), "s3_accounts")
}
