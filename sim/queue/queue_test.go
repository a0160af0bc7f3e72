package queue_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/queue"
)

// A queue is a slice that is appended to and cut at its front.
func TestQueue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue.Queue[int]
		var want []int
		next := 0
		for range rapid.IntRange(1, 20).Draw(t, "turns") {
			for range rapid.IntRange(0, 700).Draw(t, "pushed") {
				q.Push(next)
				want = append(want, next)
				next++
			}
			for range rapid.IntRange(0, len(want)).Draw(t, "popped") {
				require.Equal(t, want[0], q.Pop())
				want = want[1:]
			}
			require.Equal(t, len(want), q.Len())
			for i, v := range want {
				require.Equal(t, v, *q.At(i))
			}
		}
	})
}

func TestQueue_none(t *testing.T) {
	t.Parallel()
	var q queue.Queue[string]
	require.Zero(t, q.Len())
	require.Panics(t, func() { q.Pop() })
	q.Push("one")
	q.Pop()
	require.Panics(t, func() { q.At(0) })
}
