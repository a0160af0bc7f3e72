package data_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"infinisim/sim/data"
)

// TestCycle_stepsDoNotMatter writes a stretch of a cycle in one step and in
// many: the content, and what a job would send, is the same.
func TestCycle_stepsDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const block = 512
		n := rapid.Int64Range(1, 40)
		c := data.Cycle{Off: block * rapid.Int64Range(0, 8).Draw(t, "off"), Len: block * n.Draw(t, "len"), Seed: 3, Birth: 9}
		im := data.New(32 * block)
		var at int64
		once := im
		var from int64
		for range rapid.IntRange(1, 5).Draw(t, "images") {
			base := im
			for range rapid.IntRange(1, 6).Draw(t, "steps") {
				to := at + block*n.Draw(t, "blocks")
				im = im.Play(c, at, to)
				at = to
			}
			once = once.Play(c, from, at)
			assert.Equal(t, once.Digest(), im.Digest())
			assert.Zero(t, data.Diff(once, im))
			inside := max(0, min(c.Len, 32*block-c.Off))
			assert.Equal(t, min(at, inside), im.Used())
			if c.Off+c.Len <= 32*block {
				assert.Equal(t, min(at-from, c.Len), data.Diff(base, im), "unique bytes since the image before")
			}
			from = at
		}
	})
}

func TestBytes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, int64(20_000_000/512*512), data.Bytes(20_000_000, 1_000_000, 512, time.Second))
	assert.Equal(t, int64(0), data.Bytes(20_000_000, 1_000_000, 512, time.Microsecond), "no whole block yet")
	assert.Equal(t, int64(100_000_000_000*86400*100)/512*512, data.Bytes(100_000_000_000, 1_000_000, 512, 100*24*time.Hour))
	assert.Equal(t, int64(5_000_000/512*512), data.Bytes(20_000_000, 250_000, 512, time.Second))
	assert.Equal(t, int64(1<<62)/1_000_000_000_000_000, data.Bytes(1, 1, 1, time.Duration(1<<62)))
	assert.Positive(t, data.Bytes(1<<37, 1_000_000, 512, 1<<62), "bounded, not wrapped")
}
