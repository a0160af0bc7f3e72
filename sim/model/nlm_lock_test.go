package model_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// locks is a lab with two filesystems and four locks: 1 and 2 of client c on the
// first, 3 of d there, 4 of c on the second.
func locks(tb testing.TB) (m *arrays, first, second int64) {
	tb.Helper()
	m = newArrays(tb, lab.ArraySetup{})
	pool := m.post(boxA, "pools", object{"name": "p", "physical_capacity": 1e12, "virtual_capacity": 1e12}).id("id")
	first = m.post(boxA, "filesystems", object{"name": "f", "size": 1e9, "pool_id": pool}).id("id")
	second = m.post(boxA, "filesystems", object{"name": "g", "size": 1e9, "pool_id": pool}).id("id")
	for _, l := range []model.Lock{
		{Filesystem: first, Path: "/a", Client: "c", Owner: "o", Offset: 5, Length: 7},
		{Filesystem: first, Path: "/b", Client: "c", Shared: true},
		{Filesystem: first, Path: "/a", Client: "d"},
		{Filesystem: second, Path: "/a", Client: "c"},
	} {
		require.NoError(tb, m.lock(l))
	}
	return m, first, second
}

func (a *arrays) lock(l model.Lock) error {
	a.t.Helper()
	return a.lab.On(a.t.Context(), boxA, func(b *model.Box) error {
		_, err := b.AddLock(l)
		return err
	})
}

// held are the ids of the locks that are left.
func (a *arrays) held() string {
	a.t.Helper()
	ids := ""
	for _, l := range a.list(boxA, "nlm_locks") {
		ids += fmt.Sprint(l["lock_id"])
	}
	return ids
}

func TestNLMLock_fields(t *testing.T) {
	t.Parallel()
	a, first, _ := locks(t)
	assert.Equal(t, object{
		"id": 1.0, "lock_id": "1", "filesystem_id": float64(first), "file_path": "/a", "file_path_status": "VALID", "client": "c", "state": "GRANTED",
		"offset": 5.0, "length": 7.0, "lock_type": "EXCLUSIVE", "granted_at": 1735689600000.0, "owner": "o",
	}, a.get(boxA, "nlm_locks/1"))
	assert.Equal(t, "SHARED", a.get(boxA, "nlm_locks/2?fields=lock_type")["lock_type"])
	assert.Len(t, a.list(boxA, "nlm_locks?client=c&sort=-granted_at"), 3)
	assert.Len(t, a.list(boxA, "nlm_locks?lock_id=eq:3"), 1)
	a.refused(boxA, map[string]refusal{"none": {404, "NLM_LOCK_NOT_FOUND", "GET", "nlm_locks/9", nil}})
	for code, l := range map[apierr.Code]model.Lock{
		apierr.FilesystemNotFound: {Filesystem: 7, Path: "/a", Client: "c"},
		apierr.MissingField:       {Filesystem: first, Path: "/a"},
		apierr.InvalidValue:       {Filesystem: first, Path: "/a", Client: "c", Length: -1},
	} {
		assert.Equal(t, code, apierr.CodeOf(a.lock(l)))
	}
	assert.Equal(t, "1234", a.held())
}

func TestNLMLock_break(t *testing.T) {
	t.Parallel()
	a, first, second := locks(t)
	const path = "nlm_locks/break"
	a.refused(boxA, map[string]refusal{
		"nothing": {400, "MISSING_REQUIRED_FIELD", "POST", path, object{}},
		"key":     {400, "UNKNOWN_FIELD", "POST", path, object{"colour": "red"}},
		"value":   {400, "INVALID_FIELD_VALUE", "POST", path, object{"filesystem_id": "x"}},
		"lock":    {404, "NLM_LOCK_NOT_FOUND", "POST", path, object{"lock_id": "9"}},
	})
	assert.Empty(t, a.result(boxA, "POST", path, object{"client": "e"}))
	assert.Equal(t, "1234", a.held())
	assert.Len(t, a.result(boxA, "POST", path, object{"client": "c", "filesystem_id": first}), 2)
	assert.Equal(t, "34", a.held())
	assert.Len(t, a.result(boxA, "POST", path, object{"lock_id": "3"}), 1)
	a.refused(boxA, map[string]refusal{"key": {400, "UNKNOWN_FIELD", "POST", "nlm_locks/remove_orphan", object{"really": 1}}})
	assert.Empty(t, a.result(boxA, "POST", "nlm_locks/remove_orphan", nil))
	a.do(boxA, http.MethodDelete, fmt.Sprintf("filesystems/%d?approved=true", second), nil)
	assert.Equal(t, "ORPHAN", a.get(boxA, "nlm_locks/4")["file_path_status"])
	assert.Len(t, a.result(boxA, "POST", "nlm_locks/remove_orphan", nil), 1)
	assert.Empty(t, a.held())
}
