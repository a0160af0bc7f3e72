package data_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/data"
)

const blocks = 24

// cell is one block of the naive model.
type cell struct {
	token data.Token
	birth int64
}

// pair is an image and the naive model of the same content.
type pair struct {
	im    data.Image
	cells [blocks]cell
	birth int64
}

func (p *pair) write(t *rapid.T) {
	from := rapid.IntRange(0, blocks-1).Draw(t, "from")
	n := rapid.IntRange(1, blocks-from).Draw(t, "n")
	token := data.TokenOf(uint64(rapid.IntRange(0, 3).Draw(t, "seed"))) //nolint:gosec // small
	p.birth++
	im, err := p.im.Write(int64(from), int64(n), token, p.birth)
	if err != nil {
		t.Fatal(err)
	}
	p.im = im
	for i := from; i < from+n; i++ {
		p.cells[i] = cell{token, p.birth}
		if token == 0 {
			p.cells[i] = cell{}
		}
	}
}

func (p *pair) used() (n int64) {
	for _, c := range p.cells {
		if c.token != 0 {
			n++
		}
	}
	return n
}

func TestImage_againstBlocks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := &pair{im: data.New(blocks)}
		for range rapid.IntRange(0, 6).Draw(t, "writes") {
			a.write(t)
		}
		b := &pair{im: a.im, cells: a.cells, birth: a.birth}
		for range rapid.IntRange(0, 6).Draw(t, "more") {
			b.write(t)
		}
		var differ, union, mine int64
		equal := true
		for i := range a.cells {
			x, y := a.cells[i], b.cells[i]
			equal = equal && x.token == y.token
			if x != y {
				differ++
			}
			if x.token != 0 {
				union++
			}
			if y.token != 0 && y != x {
				union++
				mine++
			}
		}
		require.Equal(t, a.used(), a.im.Used())
		require.Equal(t, differ, data.Diff(a.im, b.im))
		require.Equal(t, union, data.Union(a.im, b.im))
		require.Equal(t, mine, data.Exclusive(b.im, a.im))
		require.Equal(t, equal, a.im.Digest() == b.im.Digest())
		restored := a.im.Restamp(b.im, 99)
		require.Equal(t, a.im.Digest(), restored.Digest())

		raw, err := b.im.MarshalBinary()
		require.NoError(t, err)
		var back data.Image
		require.NoError(t, back.UnmarshalBinary(raw))
		require.Equal(t, b.im.Digest(), back.Digest())
		require.Zero(t, data.Diff(b.im, back))
	})
}

func TestDigest_splitAndOrderDoNotMatter(t *testing.T) {
	t.Parallel()
	write := func(im data.Image, off, n int64, seed uint64, birth int64) data.Image {
		out, err := im.Write(off, n, data.TokenOf(seed), birth)
		require.NoError(t, err)
		return out
	}
	whole := write(data.New(1000), 100, 200, 7, 1)
	halves := write(write(data.New(1000), 200, 100, 7, 2), 100, 100, 7, 3)
	assert.Equal(t, whole.Digest(), halves.Digest())
	assert.Equal(t, int64(200), data.Diff(whole, halves), "an array sends what was rewritten")
	assert.NotEqual(t, whole.Digest(), write(data.New(1000), 101, 200, 7, 1).Digest(), "content belongs to its offset")
	assert.NotEqual(t, whole.Digest(), whole.Resize(2000).Digest(), "the size counts")
	assert.Equal(t, data.New(1000).Digest(), write(whole, 100, 200, 0, 4).Digest(), "zeros are nothing")
	assert.Equal(t, int64(50), whole.Resize(150).Used())
	assert.Equal(t, int64(150), data.Diff(whole, whole.Resize(150)), "beyond the end counts as zeros")
	assert.NotEqual(t, data.GroupDigest(whole, halves.Resize(999)), data.GroupDigest(halves.Resize(999), whole))
}

func TestWrite_outside(t *testing.T) {
	t.Parallel()
	im := data.New(100)
	for _, r := range [][2]int64{{-1, 5}, {0, 0}, {0, -1}, {99, 2}, {101, 1}, {50, 1 << 62}} {
		_, err := im.Write(r[0], r[1], 1, 1)
		require.Error(t, err, "%v", r)
	}
}

func FuzzUnmarshal(f *testing.F) {
	im, err := data.New(100).Write(3, 4, 5, 6)
	require.NoError(f, err)
	raw, err := im.MarshalBinary()
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var im data.Image
		if im.UnmarshalBinary(raw) != nil {
			return
		}
		again, err := im.MarshalBinary()
		require.NoError(t, err)
		var back data.Image
		require.NoError(t, back.UnmarshalBinary(again))
		require.Equal(t, im.Digest(), back.Digest())
	})
}

func Example() {
	im, _ := data.New(1<<30).Write(0, 4096, data.TokenOf(7), 1)
	fmt.Println(im.Used(), data.Diff(data.New(1<<30), im))
	// Output: 4096 4096
}
