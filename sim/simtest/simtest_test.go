package simtest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/simtest"
)

// recorder is a testing.TB that remembers what failed.
type recorder struct {
	testing.TB
	failed  []string
	cleanup []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Cleanup(fn func()) { r.cleanup = append(r.cleanup, fn) }

func (r *recorder) Errorf(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...) }

func (r *recorder) end() {
	for _, fn := range r.cleanup {
		fn()
	}
}

func TestNew_checksTheLab(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	l := simtest.New(r, sim.WithArrays(1))
	l.MustAdvance(time.Hour)
	l.Client("box-1").Refused(http.StatusOK, "X", http.MethodGet, "pools", nil)
	l.MustWrite("box-1", 9, sim.Write{Length: 1})
	r.end()
	require.Len(t, r.failed, 2)
	assert.Contains(t, r.failed[1], "VOLUME_NOT_FOUND")
}

func TestRunScript(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.script")
	plain := "# a system\n> GET system/product_id\n@ 1m\n@ settle\nbox-2 > GET pools/7\n"
	require.NoError(t, os.WriteFile(file, []byte(plain), 0o600))
	r := &recorder{TB: t}
	simtest.RunScript(r, file, false)
	require.Len(t, r.failed, 1)
	simtest.RunScript(r, file, true)
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(raw), "< 200 \"INFINIBOX\"\n")
	assert.Contains(t, string(raw), "< 404 POOL_NOT_FOUND: Pool not found: pool 7 does not exist\n")
	simtest.RunScript(r, file, false)
	r.end()
	require.Len(t, r.failed, 1)
}
