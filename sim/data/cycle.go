package data

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// Cycle is a stream of writes that goes over a region from its start to its
// end, and then again: each lap writes content of its own. It is a function of
// how many bytes were written, and of nothing else.
type Cycle struct {
	// Off and Len are the region, in bytes. Len is above 0.
	Off int64 `json:"off"`
	Len int64 `json:"len"`
	// Seed stands for the content of all laps.
	Seed uint64 `json:"seed"`
	// Birth numbers the writes of the stream: those of different laps differ by
	// their content.
	Birth int64 `json:"birth"`
}

// Play is the image after the cycle's bytes from the one numbered from up to
// the one numbered to were written over it. What lies outside the image is left
// out.
func (im Image) Play(c Cycle, from, to int64) Image {
	if to-from >= c.Len { // every byte of the region, most of them more than once
		from = to - c.Len
	}
	for from < to {
		lap, at := from/c.Len, from%c.Len
		n := min(c.Len-at, to-from)
		if off := c.Off + at; off < im.size {
			im = im.put(Extent{Off: off, Len: min(n, im.size-off), Token: c.token(lap), Birth: c.Birth})
		}
		from += n
	}
	return im
}

// token is the content of a lap, never zeros.
func (c Cycle) token(lap int64) Token {
	var in [25]byte
	in[0] = 'c'
	binary.BigEndian.PutUint64(in[1:], c.Seed)
	binary.BigEndian.PutUint64(in[9:], uint64(c.Off)) //nolint:gosec // offsets are not negative
	binary.BigEndian.PutUint64(in[17:], uint64(lap))  //nolint:gosec // laps count up from 0
	sum := sha256.Sum256(in[:])
	return Token(binary.BigEndian.Uint64(sum[:8]) | 1)
}

// Million is the whole of a share.
const Million = 1_000_000

// Bytes is how many whole blocks a rate of bytes a second writes in a time; a
// rate of parts of a million of that, where parts is below a million.
func Bytes(rate, parts, block int64, d time.Duration) int64 {
	if rate <= 0 || parts <= 0 || d <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(rate)*uint64(parts), uint64(d)) //nolint:gosec // all above 0
	whole := uint64(Million) * uint64(time.Second)
	if hi >= whole {
		return 1<<62 - 1<<62%block
	}
	n, _ := bits.Div64(hi, lo, whole)
	n = min(n, 1<<62)
	return int64(n) / block * block //nolint:gosec // bounded above
}
