// Package data holds what datasets contain without holding bytes: extents of
// content that is named by a token. Images are immutable; every change makes
// a new one. The package is pure.
package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"sort"
)

// Token stands for content: at any offset, the bytes are a function of the
// token and the absolute offset. 0 is zeros.
type Token uint64

// TokenOf is the token of a write's seed: 0 for zeros.
func TokenOf(seed uint64) Token { return Token(seed) }

// Extent is a run of content of one token that one write left.
type Extent struct {
	// Off and Len are in bytes.
	Off, Len int64
	// Token is the content.
	Token Token
	// Birth numbers the write: an array sends rewritten blocks even if equal.
	Birth int64
}

func (e Extent) end() int64 { return e.Off + e.Len }

func (e Extent) same(f Extent) bool { return e.Token == f.Token && e.Birth == f.Birth }

// Image is the content of a dataset at one instant.
type Image struct {
	size    int64
	extents []Extent // sorted, disjoint, neighbours that are alike joined
}

// New is an image of zeros, size bytes long.
func New(size int64) Image { return Image{size: size} }

// Size is the image's length in bytes.
func (im Image) Size() int64 { return im.size }

// Extents are what the image holds, in order. The caller must not change them.
func (im Image) Extents() []Extent { return im.extents }

// Used counts the bytes that are not zeros.
func (im Image) Used() int64 {
	var n int64
	for _, e := range im.extents {
		n += e.Len
	}
	return n
}

// Write is the image after a write of length bytes at off. It returns an
// error, and changes nothing, for a range outside the image.
func (im Image) Write(off, length int64, t Token, birth int64) (Image, error) {
	if off < 0 || length <= 0 || off > im.size || length > im.size-off {
		return im, fmt.Errorf("range %d+%d is outside the %d bytes of the dataset", off, length, im.size)
	}
	return im.put(Extent{Off: off, Len: length, Token: t, Birth: birth}), nil
}

// put replaces a range.
func (im Image) put(w Extent) Image {
	out := Image{size: im.size, extents: make([]Extent, 0, len(im.extents)+2)}
	first := sort.Search(len(im.extents), func(i int) bool { return im.extents[i].end() > w.Off })
	out.extents = append(out.extents, im.extents[:first]...)
	placed := false
	place := func() {
		if !placed && w.Token != 0 && w.Len > 0 {
			out.join(w)
		}
		placed = true
	}
	for _, e := range im.extents[first:] {
		if e.Off >= w.end() {
			place()
			out.join(e)
			continue
		}
		lo, hi := max(e.Off, w.Off), min(e.end(), w.end())
		if e.Off < lo {
			out.join(Extent{Off: e.Off, Len: lo - e.Off, Token: e.Token, Birth: e.Birth})
		}
		if e.end() > hi {
			place()
			out.join(Extent{Off: hi, Len: e.end() - hi, Token: e.Token, Birth: e.Birth})
		}
	}
	place()
	return out
}

// join appends an extent, growing the last one if they are alike.
func (im *Image) join(e Extent) {
	if e.Len <= 0 || e.Token == 0 {
		return
	}
	if n := len(im.extents); n > 0 {
		last := &im.extents[n-1]
		if last.end() == e.Off && last.same(e) {
			last.Len += e.Len
			return
		}
	}
	im.extents = append(im.extents, e)
}

// Resize is the image at another size: longer by zeros, or cut.
func (im Image) Resize(size int64) Image {
	if size == im.size {
		return im
	}
	out := im
	if size < im.size {
		out = im.put(Extent{Off: size, Len: im.size - size})
	}
	out.size = size
	return out
}

// Restamp is the content of im at the size of from, as a restore leaves it:
// ranges that from holds alike keep from's births, all others are born anew.
func (im Image) Restamp(from Image, birth int64) Image {
	out := New(from.size)
	segments(im.Resize(from.size), from, func(off, length int64, a, b Extent) {
		if a.Token == b.Token {
			a.Birth = b.Birth
		} else {
			a.Birth = birth
		}
		out.join(Extent{Off: off, Len: length, Token: a.Token, Birth: a.Birth})
	})
	return out
}

// Digest is the proof of the content: equal content of equal size has an equal
// digest, however it was written. It is the hash of the size and of
// Σ h(token)·(G(end)−G(off)) mod 2^256, which telescopes: neither the split nor
// the order of writes matters.
func (im Image) Digest() string {
	var head [8 + sha256.Size]byte
	binary.BigEndian.PutUint64(head[:8], uint64(im.size)) //nolint:gosec // sizes are not negative
	sum := new(big.Int)
	for _, e := range im.extents {
		sum.Add(sum, e.weight())
	}
	sum.Mod(sum, modulus()).FillBytes(head[8:])
	digest := sha256.Sum256(head[:])
	return hex.EncodeToString(digest[:])
}

// GroupDigest is the digest of several images in order.
func GroupDigest(images ...Image) string {
	h := sha256.New()
	for _, im := range images {
		h.Write([]byte(im.Digest()))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// weight is h(token)·(G(end)−G(off)): it telescopes, so that two halves weigh
// what the whole weighs.
func (e Extent) weight() *big.Int {
	w := position(e.end())
	w.Sub(w, position(e.Off))
	w.Mul(w, hash('h', uint64(e.Token)))
	return w.Mod(w, modulus())
}

func position(off int64) *big.Int {
	return hash('G', uint64(off)) //nolint:gosec // offsets are not negative
}

func hash(kind byte, n uint64) *big.Int {
	var in [9]byte
	in[0] = kind
	binary.BigEndian.PutUint64(in[1:], n)
	sum := sha256.Sum256(in[:])
	return new(big.Int).SetBytes(sum[:])
}

func modulus() *big.Int { return new(big.Int).Lsh(big.NewInt(1), 256) }
