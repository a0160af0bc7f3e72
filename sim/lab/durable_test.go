package lab_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// TestDurable_fullDisk fills a lab's file: a change that does not fit is
// refused with the reason and leaves nothing behind.
func TestDurable_fullDisk(t *testing.T) {
	t.Parallel()
	l, err := lab.Build(t.Context(), lab.Options{Path: filepath.Join(t.TempDir(), "lab.db"), MaxBytes: 1 << 20}, 1, lab.None)
	require.NoError(t, err)
	p := &process{t: t, lab: l, key: "box-1"}
	pool, n := p.pool(), 0
	for ; ; n++ {
		status, e := p.do(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v%d","size":1000000000,"pool_id":%d}`, n, pool))
		if status >= 300 {
			assert.Equal(t, http.StatusInternalServerError, status)
			assert.Contains(t, e["message"], "could not be kept")
			break
		}
	}
	assert.Positive(t, n)
	list := p.must(http.MethodGet, "volumes?page_size=1000", "")
	assert.Equal(t, n, list["n"])
	bad, err := l.Check(t.Context())
	require.NoError(t, err)
	assert.Empty(t, bad)
	_ = l.Close() // what did not fit does not fit now
}

func TestDurable_damageIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	l, err := lab.Build(t.Context(), lab.Options{Path: path}, 1, lab.None)
	require.NoError(t, err)
	p := &process{t: t, lab: l, key: "box-1"}
	pool := p.pool()
	id := number(p.must(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"precious","size":1000000000,"pool_id":%d}`, pool)), "id")
	p.must(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"other","size":1000000000,"pool_id":%d}`, pool))
	require.NoError(t, l.Close())
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(raw), `"name":"precious"`, `"name":"pretious"`)), 0o600))

	l, err = lab.Build(t.Context(), lab.Options{Path: path}, 1, lab.None)
	require.NoError(t, err)
	p = &process{t: t, lab: l, key: "box-1"}
	assert.Equal(t, 1, p.must(http.MethodGet, "volumes", "")["n"])
	bad, err := l.Check(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, bad)
	assert.Contains(t, bad[0], fmt.Sprintf("box-1: volume %d was damaged", id))
	require.NoError(t, l.Close())
}

// TestBuild_interrupted finds the file of a lab whose making was interrupted.
func TestBuild_interrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	half, err := lab.New(lab.Options{Path: filepath.Join(dir, "default.db")})
	require.NoError(t, err)
	_, err = half.AddArray(t.Context(), lab.ArraySetup{})
	require.NoError(t, err)
	require.NoError(t, half.Close())
	other, err := lab.New(lab.Options{Path: filepath.Join(dir, "other.db")})
	require.NoError(t, err)
	require.NoError(t, other.Close())
	labs := lab.NewLabs(lab.Options{}, dir)
	require.NoError(t, labs.Open())
	assert.Empty(t, labs.List())
	l, err := labs.Create(t.Context(), lab.Plan{Name: lab.DefaultName})
	require.NoError(t, err)
	assert.Len(t, l.Arrays(), 2)
	require.NoError(t, labs.Close())
	again := lab.NewLabs(lab.Options{}, dir)
	l, err = again.Create(t.Context(), lab.Plan{Name: lab.DefaultName, Arrays: new(int)})
	require.NoError(t, err)
	assert.Len(t, l.Arrays(), 2, "what is kept counts")
	require.NoError(t, again.Close())
}
