package lab_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// TestTravel_durable travels where labs are kept: the past is a lab like any
// other, comes back with the process, and can be deleted.
func TestTravel_durable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	labs := lab.NewLabs(lab.Options{}, dir)
	l, err := labs.Create(t.Context(), lab.Plan{Name: lab.DefaultName})
	require.NoError(t, err)
	a, err := l.Array("box-1")
	require.NoError(t, err)
	for _, name := range []string{"one", "two"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/rest/hosts", bytes.NewReader([]byte(`{"name":"`+name+`"}`)))
		r.SetBasicAuth("admin", "123456")
		rec := httptest.NewRecorder()
		a.Server.ServeHTTP(rec, r)
		require.Equal(t, http.StatusCreated, rec.Code, rec.Body)
	}
	p, err := labs.Travel(lab.DefaultName, "past", 2)
	require.NoError(t, err)
	assert.True(t, p.Lab.Durable())
	assert.NotEmpty(t, p.Session)
	print, err := p.Lab.Fingerprint(t.Context())
	require.NoError(t, err)
	_, err = labs.Travel(lab.DefaultName, "past", 1)
	require.ErrorContains(t, err, "LAB_EXISTS")
	require.NoError(t, labs.Close())

	labs = lab.NewLabs(lab.Options{}, dir)
	require.NoError(t, labs.Open())
	past, err := labs.Get("past")
	require.NoError(t, err)
	again, err := past.Fingerprint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, print, again)
	assert.Len(t, past.Arrays(), 2)
	bad, err := past.Check(t.Context())
	require.NoError(t, err)
	assert.Empty(t, bad)
	require.NoError(t, labs.Delete("past"))
	_, err = past.Travel("x", "", 1)
	require.ErrorContains(t, err, "ENTRY_NOT_FOUND", "the journal begins anew")
	require.NoError(t, labs.Close())
}
