package sim_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/apierr"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/simtest"
)

// midCopy leaves a lab in the middle of a copy, with faults whose dice are
// rolled and a request counted.
func midCopy(t *testing.T, l *simtest.Lab) (replica, source, target int64) {
	t.Helper()
	ids, sources, targets := replicas(l, 1, nil)
	l.MustSettle()
	for _, r := range []fault.Rule{
		{ID: "z-third", Site: fault.HTTP, Path: "volumes", Skip: 2, Times: 1, Effect: fault.Effect{Type: fault.Error, Code: "INTERNAL_ERROR"}},
		{ID: "a-dice", Site: fault.HTTP, Method: http.MethodGet, Path: "pools", Odds: 0.5, Effect: fault.Effect{Type: fault.Error, Code: "SYSTEM_NOT_READY"}},
	} {
		_, err := l.AddFault(t.Context(), r)
		require.NoError(t, err)
	}
	l.Client("box-1").Do(http.MethodGet, "volumes", nil)
	l.Client("box-1").Do(http.MethodGet, "pools", nil)
	l.MustWrite("box-1", sources[0], sim.Write{Offset: 0, Length: 1 << 30, Seed: 3})
	l.Client("box-1").Post(fmt.Sprintf("replicas/%d/sync", ids[0]), nil)
	l.MustAdvance(time.Second)
	return ids[0], sources[0], targets[0]
}

// goOn does the same to every lab, and gives its journal.
func goOn(t *testing.T, l *simtest.Lab, replica, source int64) string {
	t.Helper()
	l.Journal.Reset()
	c := l.Client("box-1")
	for range 8 {
		c.Do(http.MethodGet, "volumes", nil)
		c.Do(http.MethodGet, "pools", nil)
	}
	c.Do(http.MethodPost, "users/login", map[string]any{"username": sim.Username, "password": sim.Password})
	c.Post("pools", map[string]any{"name": "later", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
	l.MustAdvance(time.Second)
	c.Do(http.MethodGet, fmt.Sprintf("replicas/%d", replica), nil)
	l.MustSettle()
	l.MustWrite("box-1", source, sim.Write{Offset: 4096, Length: 1 << 20, Seed: 9})
	l.MustAdvance(time.Hour)
	c.Do(http.MethodGet, fmt.Sprintf("replicas/%d", replica), nil)
	c.Do(http.MethodGet, "events", nil)
	l.Client("box-2").Do(http.MethodGet, "volumes", nil)
	var out bytes.Buffer
	require.NoError(t, l.Journal.WriteTo(&out, journal.Filter{Entry: journal.All}))
	return out.String()
}

func TestSnapshot_forksAndRestoresGoOnAlike(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{false, true} {
		t.Run(fmt.Sprint("durable ", durable), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lab.db")
			opts := []sim.Option{sim.WithSeed(5)}
			if durable {
				opts = append(opts, sim.WithPath(path))
			}
			l := simtest.New(t, opts...)
			replica, source, target := midCopy(t, l)
			kept, err := l.TakeSnapshot(t.Context(), "mid-copy")
			require.NoError(t, err)
			assert.Equal(t, l.Clock.Now(), kept.Now)
			assert.Equal(t, durable, kept.Durable)
			list := l.Snapshots()
			require.Len(t, list, 1)
			assert.Equal(t, "mid-copy", list[0].Name)
			one, other := l.ForkSnapshot(t, "mid-copy"), l.ForkSnapshot(t, "mid-copy")
			want := goOn(t, one, replica, source)
			assert.Contains(t, want, "SYSTEM_NOT_READY")
			assert.Contains(t, want, "INTERNAL_ERROR")
			assert.Equal(t, want, goOn(t, other, replica, source))
			assert.Equal(t, one.MustDigest("box-2", target), one.MustDigest("box-1", source))

			assert.Equal(t, want, goOn(t, l, replica, source), "the lab itself goes on like its snapshot")
			_, err = l.AddArray(t.Context(), sim.ArraySetup{})
			require.NoError(t, err)
			for range 2 { // a snapshot is there for more than one restore
				back, err := l.RestoreSnapshot(t.Context(), "mid-copy")
				require.NoError(t, err)
				assert.LessOrEqual(t, len(back.Removed), 1)
				assert.Equal(t, kept.Now, l.Clock.Now())
				assert.Len(t, l.Arrays(), 2)
				assert.Equal(t, want, goOn(t, l, replica, source))
				assert.NotEqual(t, kept.Now, l.Clock.Now())
			}
			if !durable {
				return
			}
			_, err = l.RestoreSnapshot(t.Context(), "mid-copy")
			require.NoError(t, err)
			require.NoError(t, l.Close())
			again, err := sim.New(sim.WithPath(path))
			require.NoError(t, err)
			l = simtest.Watch(t, again)
			assert.Equal(t, kept.Now, l.Clock.Now())
			require.Len(t, l.Snapshots(), 1)
			assert.Equal(t, kept.Now, l.Snapshots()[0].Now)
			l.MustAdvance(time.Hour)
			_, err = l.RestoreSnapshot(t.Context(), "mid-copy")
			require.NoError(t, err)
			assert.Equal(t, want, goOn(t, l, replica, source))
			require.NoError(t, l.DeleteSnapshot("mid-copy"))
			files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*", "*"))
			require.NoError(t, err)
			assert.Empty(t, files)
		})
	}
}

func TestSnapshot_arraysAndSessionsComeBack(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	c := l.Client("box-1")
	cookie := login(t, l)
	_, err := l.TakeSnapshot(t.Context(), "two")
	require.NoError(t, err)
	c.Header = http.Header{"Cookie": {cookie}}
	c.User = ""
	c.Get("system")
	c.Do(http.MethodPost, "users/logout", nil)
	assert.Equal(t, http.StatusUnauthorized, c.Do(http.MethodGet, "system", nil).Status)
	require.NoError(t, l.RemoveArray(t.Context(), "box-2"))
	back, err := l.RestoreSnapshot(t.Context(), "two")
	require.NoError(t, err)
	require.Len(t, back.Added, 1)
	assert.Equal(t, "box-2", back.Added[0].Key)
	assert.Empty(t, back.Removed)
	c.Get("system")
	assert.Len(t, l.Links(), 1)
	l.Client("box-2").Get("system")
}

func login(t *testing.T, l *simtest.Lab) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://simulator-box-1/api/rest/users/login",
		bytes.NewReader([]byte(`{"username":"admin","password":"123456"}`)))
	require.NoError(t, err)
	resp, err := l.Transport().RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return resp.Header.Get("Set-Cookie")
}

func TestSnapshot_refusals(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	_, err := l.TakeSnapshot(t.Context(), "a")
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		do   func() error
		code apierr.Code
	}{
		{"twice", func() error { _, err := l.TakeSnapshot(t.Context(), "a"); return err }, apierr.LabSnapshotExists},
		{"no name", func() error { _, err := l.TakeSnapshot(t.Context(), "../a"); return err }, apierr.InvalidValue},
		{"restore", func() error { _, err := l.RestoreSnapshot(t.Context(), "b"); return err }, apierr.LabSnapshotNotFound},
		{"fork", func() error { _, err := l.Lab.ForkSnapshot("b"); return err }, apierr.LabSnapshotNotFound},
		{"delete", func() error { return l.DeleteSnapshot("b") }, apierr.LabSnapshotNotFound},
	} {
		assert.Equal(t, c.code, apierr.CodeOf(c.do()), c.name)
	}
	require.NoError(t, l.DeleteSnapshot("a"))
	assert.Empty(t, l.Snapshots())
}

// TestSnapshot_rulesThatEndedStayEnded restarts a lab that was restored: it has
// the rules that it ended with, not those of the snapshot.
func TestSnapshot_rulesThatEndedStayEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	l, err := sim.New(sim.WithPath(path))
	require.NoError(t, err)
	_, err = l.AddFault(t.Context(), fault.Rule{ID: "slow", Site: fault.HTTP, Effect: fault.Effect{Type: fault.Error, Code: "SYSTEM_NOT_READY"}})
	require.NoError(t, err)
	_, err = l.TakeSnapshot(t.Context(), "with-a-rule")
	require.NoError(t, err)
	_, err = l.RestoreSnapshot(t.Context(), "with-a-rule")
	require.NoError(t, err)
	require.Len(t, l.Faults(), 1)
	require.NoError(t, l.RemoveFault(t.Context(), "slow"))
	require.NoError(t, l.Close())

	again, err := sim.New(sim.WithPath(path))
	require.NoError(t, err)
	assert.Empty(t, again.Faults())
	require.NoError(t, again.Close())
}
