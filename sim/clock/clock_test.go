package clock_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
)

func TestTime_milliseconds(t *testing.T) {
	t.Parallel()
	assert.Equal(t, int64(1), clock.Time(1_999_999).MS())
	assert.Equal(t, int64(2), clock.Time(1_000_001).CeilMS())
	assert.Equal(t, int64(1), clock.Time(1_000_000).CeilMS())
	assert.Equal(t, int64(-1), clock.Time(-1).MS())
	assert.Equal(t, clock.Time(5_000_000), clock.FromMS(5))
}

func TestManual_movesWhenTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewManual(clock.Epoch)
		after(time.Hour)
		assert.Equal(t, clock.Epoch, c.Now())
		c.AdvanceTo(clock.Epoch.Add(time.Second))
		c.AdvanceTo(clock.Epoch)
		assert.Equal(t, time.Second, c.Now().Sub(clock.Epoch), "never back")
		assert.True(t, c.Manual())
	})
}

func TestSystem_speedAndFreeze(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewSystem(clock.Epoch, 60)
		after(time.Second)
		assert.Equal(t, time.Minute, c.Now().Sub(clock.Epoch))
		c.Freeze()
		after(time.Second)
		assert.Equal(t, time.Minute, c.Now().Sub(clock.Epoch))
		c.SetSpeed(1)
		after(time.Second)
		assert.Equal(t, 61*time.Second, c.Now().Sub(clock.Epoch))
		c.AdvanceTo(clock.Epoch.Add(time.Hour))
		after(time.Second)
		assert.Equal(t, time.Hour+time.Second, c.Now().Sub(clock.Epoch))
	})
}

func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewManual(clock.Epoch)
		done := make(chan error, 1)
		go func() { done <- c.Wait(t.Context(), clock.Epoch.Add(time.Minute)) }()
		synctest.Wait()
		c.AdvanceTo(clock.Epoch.Add(30 * time.Second))
		synctest.Wait()
		assert.Empty(t, done)
		c.SetSpeed(10)
		after(3 * time.Second)
		synctest.Wait()
		require.NoError(t, <-done)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c.Freeze()
		require.ErrorIs(t, c.Wait(ctx, clock.Never), context.Canceled)
	})
}

// after lets the bubble's wall clock run.
func after(d time.Duration) { <-time.NewTimer(d).C }

func Example() {
	c := clock.NewManual(clock.Epoch)
	c.AdvanceTo(c.Now().Add(90 * time.Minute))
	fmt.Println(c.Now())
	// Output: 2025-01-01T01:30:00Z
}

// TestTime_neverRunsOver holds spans of many centuries against the end of time.
func TestTime_neverRunsOver(t *testing.T) {
	t.Parallel()
	assert.Equal(t, clock.Never, clock.Epoch.Add(clock.Span(549755813888, time.Second)))
	assert.Equal(t, clock.Never, clock.Never.Add(time.Second))
	assert.Equal(t, clock.Never, clock.FromMS(math.MaxInt64))
	assert.Equal(t, time.Minute, clock.Span(60, time.Second))
	assert.Equal(t, clock.Epoch, clock.Epoch.Add(time.Minute).Add(-time.Minute))
}
