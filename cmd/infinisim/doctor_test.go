package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/store"
)

// TestDoctor_otherVersion speaks to a server through a proxy that gives it
// another version; testdata/doctor.txtar has what else can be wrong.
func TestDoctor_otherVersion(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t)
	to, err := url.Parse(line.Control)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Server", "infinisim/0.0.1")
			return nil
		},
	}
	other := httptest.NewServer(proxy)
	defer other.Close()
	var out bytes.Buffer
	err = run(t.Context(), []string{"doctor", "--control", other.URL}, &out, io.Discard)
	require.ErrorContains(t, err, "1 of")
	assert.Equal(t, exitFailed, codeOf(err))
	assert.Regexp(t, `wrong  version +the server is 0\.0\.1, this program is \S+; start the server anew with this program`, out.String())
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"doctor", "--control", line.Control}, &out, io.Discard))
	assert.Regexp(t, `ok     version `, out.String())
	require.NoError(t, stop())
}

// TestDoctor_otherFormat has a data file of a release to come.
func TestDoctor_otherFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := store.Open(store.Options{Path: filepath.Join(dir, "other.db")})
	require.NoError(t, err)
	require.NoError(t, db.Update(t.Context(), 1, func(tx *store.Tx) error {
		tx.KV("", "meta").Put([]byte("format"), binary.BigEndian.AppendUint64(nil, 99))
		return nil
	}))
	require.NoError(t, db.Close())
	line, _, stop := start(t)
	var out bytes.Buffer
	require.Error(t, run(t.Context(), []string{"doctor", "--control", line.Control, "--data", dir}, &out, io.Discard))
	assert.Regexp(t, `wrong  data +.*other\.db: file format is not supported: it has version 99.*; open it with the release that wrote it`, out.String())
	require.NoError(t, stop())
}
