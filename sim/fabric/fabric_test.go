package fabric_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/store"
)

// net is a fabric whose flows note when they end.
type net struct {
	t     testing.TB
	db    *store.DB
	jobs  *job.Timetable
	f     *fabric.Fabric
	now   clock.Time
	ended map[int64]clock.Time
}

var ab = fabric.Ends{From: "a", To: "b"}

func newNet(tb testing.TB) *net {
	tb.Helper()
	db, err := store.Open(store.Options{})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	n := &net{t: tb, db: db, jobs: job.New(slog.New(slog.DiscardHandler)), ended: map[int64]clock.Time{}}
	n.f = fabric.New(n.jobs)
	n.f.OnDone("end", func(tx *store.Tx, fl fabric.Flow) error {
		n.ended[fl.ID] = tx.Now()
		return nil
	})
	return n
}

// at does what is due up to a time and then something more.
func (n *net) at(now time.Duration, fn func(tx *store.Tx)) {
	n.t.Helper()
	n.now = clock.Time(now)
	require.NoError(n.t, n.db.Update(n.t.Context(), n.now, func(tx *store.Tx) error {
		done, held := n.jobs.Run(tx, n.now, 1000, func(job.Job) {})
		require.True(n.t, done)
		require.Nil(n.t, held)
		require.Empty(n.t, job.ParkedJobs(tx))
		if fn != nil {
			fn(tx)
		}
		return nil
	}))
}

func (n *net) start(tx *store.Tx, bytes int64) int64 {
	return fabric.Start(tx, fabric.Flow{Ends: ab, Bytes: bytes, Class: job.Settle, Done: "end"}).ID
}

func (n *net) model(tx *store.Tx, change func(m *fabric.Model)) {
	n.t.Helper()
	m := fabric.ModelOf(tx, ab)
	change(&m)
	require.NoError(n.t, n.f.SetModel(tx, ab, m))
}

const second = time.Second

func TestFlow_alone(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	var id, zero int64
	n.at(second, func(tx *store.Tx) {
		id, zero = n.start(tx, 1_000_000_001), n.start(tx, 0)
	})
	n.at(20*second, nil)
	// 1,000,000,001 bytes at 100 MB/s: ten seconds and ten nanoseconds.
	assert.Equal(t, clock.Time(11*second+10), n.ended[id])
	assert.Equal(t, clock.Time(second), n.ended[zero])
}

func TestFlow_endsAtTheFirstNanosecond(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	var id int64
	n.at(0, func(tx *store.Tx) {
		n.model(tx, func(m *fabric.Model) { m.Bandwidth = 3 })
		id = n.start(tx, 1)
	})
	n.at(second, nil)
	assert.Equal(t, clock.Time(333_333_334), n.ended[id])
}

func TestFlow_shares(t *testing.T) {
	t.Parallel()
	for _, steps := range []int{1, 1000} {
		n := newNet(t)
		var first, second2 int64
		n.at(0, func(tx *store.Tx) { first = n.start(tx, 1_000_000_000) })
		n.at(5*second, func(tx *store.Tx) { second2 = n.start(tx, 1_000_000_000) })
		for i := range steps {
			n.at(5*second+time.Duration(i+1)*25*second/time.Duration(steps), nil)
		}
		// Half alone in 5 s, half at half speed in 10 s; the second one then
		// has half left, alone: 5 s.
		assert.Equal(t, clock.Time(15*second), n.ended[first], "%d steps", steps)
		assert.Equal(t, clock.Time(20*second), n.ended[second2], "%d steps", steps)
	}
}

func TestFlow_cutKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	var id int64
	n.at(0, func(tx *store.Tx) { id = n.start(tx, 1_000_000_000) })
	n.at(4*second, func(tx *store.Tx) { n.model(tx, func(m *fabric.Model) { m.Cut = true }) })
	n.at(100*second, func(tx *store.Tx) {
		assert.Equal(t, int64(600_000_000), fabric.Left(tx, id))
		assert.Zero(t, fabric.Rate(tx, id))
		_, due := job.Next(tx)
		assert.False(t, due, "a path that is down has nothing due")
		n.model(tx, func(m *fabric.Model) { m.Cut, m.Bandwidth = false, 50_000_000 })
	})
	n.at(200*second, nil)
	assert.Equal(t, clock.Time(112*second), n.ended[id])
}

func TestFlow_stop(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	var id, other int64
	n.at(0, func(tx *store.Tx) { id, other = n.start(tx, 1_000_000_000), n.start(tx, 500_000_000) })
	n.at(2*second, func(tx *store.Tx) {
		assert.Equal(t, int64(50_000_000), fabric.Rate(tx, id))
		assert.Equal(t, int64(900_000_000), fabric.Stop(tx, id))
		assert.Zero(t, fabric.Stop(tx, id))
	})
	n.at(20*second, nil)
	assert.Equal(t, map[int64]clock.Time{other: clock.Time(6 * second)}, n.ended)
}

func TestCall(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.f.Handle("add", func(tx *store.Tx, m fabric.Message) (any, error) {
		var x int
		if err := fabric.Decode(m, &x); err != nil {
			return nil, err
		}
		tx.KV(m.To, "s").Put([]byte("k"), nil)
		if x < 0 {
			return nil, apierr.New(apierr.InvalidValue, "negative")
		}
		return x + 1, nil
	})
	n.at(0, func(tx *store.Tx) {
		var got int
		err := n.f.Call(tx, ab, "add", -1, &got)
		e, ok := apierr.As(err)
		require.True(t, ok)
		assert.True(t, e.Remote)
		assert.Nil(t, tx.KV("b", "s").Get([]byte("k")), "the peer's half is undone")
		require.NoError(t, n.f.Call(tx, ab, "add", 4, &got))
		assert.Equal(t, 5, got)
		assert.NotNil(t, tx.KV("b", "s").Get([]byte("k")))
		require.Error(t, n.f.Call(tx, ab, "unknown", nil, nil))
		n.model(tx, func(m *fabric.Model) { m.Cut = true })
		require.ErrorIs(t, n.f.Call(tx, ab.Back(), "add", 4, &got), fabric.ErrUnreachable)
		n.model(tx, func(m *fabric.Model) { m.Cut = false })
	})
}

func TestPath_tellsListeners(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	var heard []string
	n.f.OnChange(func(_ *store.Tx, e fabric.Ends, up bool) error {
		heard = append(heard, fmt.Sprint(e.From, e.To, up))
		return nil
	})
	n.at(0, func(tx *store.Tx) {
		n.model(tx, func(m *fabric.Model) { m.Bandwidth = 5 })
		n.model(tx, func(m *fabric.Model) { m.Cut = true })
		require.NoError(t, n.f.SetDown(tx, "b", true, []string{"a"}))
		n.model(tx, func(m *fabric.Model) { m.Cut = false })
		assert.False(t, fabric.Up(tx, ab))
		require.NoError(t, n.f.SetDown(tx, "b", false, []string{"a"}))
		require.NoError(t, n.f.SetDown(tx, "b", false, []string{"a"}))
	})
	assert.Equal(t, []string{"abfalse", "batrue"}, heard)
}

func TestAddresses_areUnique(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.at(0, func(tx *store.Tx) {
		assert.True(t, fabric.Announce(tx, "10.0.0.1", "a"))
		assert.True(t, fabric.Announce(tx, "10.0.0.1", "a"))
		assert.False(t, fabric.Announce(tx, "10.0.0.1", "b"))
		who, ok := fabric.Locate(tx, "10.0.0.1")
		assert.True(t, ok)
		assert.Equal(t, "a", who)
		fabric.Withdraw(tx, "10.0.0.1")
		_, ok = fabric.Locate(tx, "10.0.0.1")
		assert.False(t, ok)
	})
}

func Example() {
	db, err := store.Open(store.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	jobs := job.New(slog.New(slog.DiscardHandler))
	f := fabric.New(jobs)
	f.OnDone("print", func(tx *store.Tx, fl fabric.Flow) error {
		fmt.Println(fl.Bytes, "bytes through at", tx.Now())
		return nil
	})
	_ = db.Update(context.Background(), 0, func(tx *store.Tx) error {
		fabric.Start(tx, fabric.Flow{Ends: fabric.Ends{From: "box-1", To: "box-2"}, Bytes: 200_000_000, Done: "print"})
		jobs.Run(tx, clock.Time(time.Minute), 10, func(job.Job) {})
		return nil
	})
	// Output: 200000000 bytes through at 1970-01-01T00:00:02Z
}
