package lab_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// paired is a replica of a volume between two processes.
type paired struct {
	t                          *testing.T
	a, b                       *process
	source, target, half, link int64
}

func newPaired(t *testing.T, kind string) *paired {
	t.Helper()
	a, b := two(t)
	link, here, there := linked(a, b)
	v := number(a.must(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v","size":2000000000,"pool_id":%d}`, here)), "id")
	r := a.must(http.MethodPost, "replicas", fmt.Sprintf(
		`{"link_id":%d,"entity_type":"VOLUME","remote_pool_id":%d,"replication_type":%q,"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`, link, there, kind, v))
	a.settle()
	return &paired{t: t, a: a, b: b, link: link, source: v, target: number(r, "remote_entity_id"), half: number(r, "id")}
}

// loseAnswer has the answer to the next message of a name lost.
func (w *paired) loseAnswer(name string) {
	lost := false
	w.b.losing(func(got string) (before, after bool) {
		after = got == name && !lost
		lost = lost || after
		return false, after
	})
}

func (w *paired) write(seed int64) {
	w.t.Helper()
	require.NoError(w.t, w.a.lab.Write(w.t.Context(), w.a.key, w.source, lab.Write{Offset: seed << 20, Length: 1 << 20, Seed: uint64(seed)})) //nolint:gosec // small
}

func (w *paired) verb(name string) {
	w.t.Helper()
	w.a.must(http.MethodPost, fmt.Sprintf("replicas/%d/%s", w.half, name), "")
}

// heal lets the processes find each other again.
func (w *paired) heal() {
	w.t.Helper()
	_, err := w.a.lab.AdvanceTo(w.t.Context(), w.a.lab.Clock.Now().Add(30*time.Second))
	require.NoError(w.t, err)
}

func (w *paired) alike() {
	w.t.Helper()
	w.a.settle()
	assert.Equal(w.t, w.a.digest(w.source), w.b.digest(w.target))
}

// TestPeer_aCommitNobodyHeardOf suspends a replica whose last image is on the
// target, and its source does not know: the image is not let go.
func TestPeer_aCommitNobodyHeardOf(t *testing.T) {
	t.Parallel()
	w := newPaired(t, "ASYNC")
	w.write(1)
	w.loseAnswer("replica.commit")
	w.verb("sync")
	w.a.settle()
	require.Equal(t, "DOWN", w.a.must(http.MethodGet, fmt.Sprintf("links/%d", w.link), "")["link_state"])
	w.verb("suspend")
	w.heal()
	w.write(2)
	w.verb("resume")
	w.alike()
}

// TestPeer_aMirroredWriteNobodyHeardOf turns a replica around whose target took
// a write alone: the halves have the image before it in common.
func TestPeer_aMirroredWriteNobodyHeardOf(t *testing.T) {
	t.Parallel()
	w := newPaired(t, "SYNC")
	w.loseAnswer("replica.mirror")
	w.write(1)
	w.verb("suspend")
	w.heal()
	w.write(2) // is thrown away
	there := fmt.Sprintf("replicas/%d/", number(w.a.must(http.MethodGet, fmt.Sprintf("replicas/%d", w.half), ""), "remote_replica_id"))
	w.b.must(http.MethodPost, there+"change_role", "")
	w.verb("change_role")
	w.b.must(http.MethodPost, there+"resume", "")
	w.heal()
	w.alike()
	require.NoError(t, w.b.lab.Write(t.Context(), w.b.key, w.target, lab.Write{Offset: 3 << 20, Length: 1 << 20, Seed: 3}))
	w.alike()
}

// TestPeer_aReadWhileTimeMovesOn has more become due after a read ran what was
// due: it answers, and does not wait for that.
func TestPeer_aReadWhileTimeMovesOn(t *testing.T) {
	t.Parallel()
	var a, b *process
	var armed, asked atomic.Bool
	pinged, goOn, moved := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	a, b = twoStepping(t, func(name string) {
		if name != "fabric: done" || !armed.CompareAndSwap(true, false) {
			return
		}
		asked.Store(true)
		go func() {
			_, err := a.lab.AdvanceTo(context.Background(), a.lab.Clock.Now().Add(10*time.Second))
			moved <- err
		}()
		<-pinged // the time is another one, and the answer is not there yet
	})
	answer := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(answer)
	b.losing(func(name string) (before, after bool) {
		if name == "fabric.ping" && asked.CompareAndSwap(true, false) {
			close(pinged)
			<-goOn
		}
		return false, false
	})
	a.lab.Clock.AdvanceTo(a.lab.Clock.Now().Add(6 * time.Second))
	armed.Store(true)
	a.must(http.MethodGet, "volumes", "")
	answer()
	require.NoError(t, <-moved)
}
