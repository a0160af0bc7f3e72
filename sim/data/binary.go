package data

import (
	"encoding/binary"
	"errors"
)

// binaryVersion is the first byte of an encoded image.
const binaryVersion = 1

// ErrBadImage is returned by UnmarshalBinary for bytes that are no image.
var ErrBadImage = errors.New("not an image")

// MarshalBinary encodes the image: version, size, then each extent as gap,
// length, token and birth.
func (im Image) MarshalBinary() ([]byte, error) {
	out := []byte{binaryVersion}
	out = binary.AppendUvarint(out, uint64(im.size)) //nolint:gosec // sizes are not negative
	out = binary.AppendUvarint(out, uint64(len(im.extents)))
	var last int64
	for _, e := range im.extents {
		out = binary.AppendUvarint(out, uint64(e.Off-last)) //nolint:gosec // extents are in order
		out = binary.AppendUvarint(out, uint64(e.Len))      //nolint:gosec // lengths are positive
		out = binary.AppendUvarint(out, uint64(e.Token))
		out = binary.AppendVarint(out, e.Birth)
		last = e.end()
	}
	return out, nil
}

// UnmarshalBinary reads what MarshalBinary wrote. It returns ErrBadImage for
// anything else.
func (im *Image) UnmarshalBinary(raw []byte) error {
	if len(raw) == 0 || raw[0] != binaryVersion {
		return ErrBadImage
	}
	r := reader{raw: raw[1:]}
	out := Image{size: r.length()}
	n := r.length()
	if n > int64(len(raw)) {
		return ErrBadImage
	}
	var last int64
	for range n {
		e := Extent{Off: last + r.length(), Len: r.length(), Token: Token(r.uvarint()), Birth: r.varint()}
		if r.bad || e.Off < last || e.Len <= 0 || e.Token == 0 || e.Off > out.size || e.Len > out.size-e.Off {
			return ErrBadImage
		}
		out.join(e)
		last = e.end()
	}
	if r.bad || len(r.raw) > 0 {
		return ErrBadImage
	}
	*im = out
	return nil
}

type reader struct {
	raw []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.raw)
	if n <= 0 {
		r.bad, n = true, 0
	}
	r.raw = r.raw[n:]
	return v
}

func (r *reader) length() int64 {
	v := r.uvarint()
	if v > 1<<62 {
		r.bad = true
		return 0
	}
	return int64(v) //nolint:gosec // checked above
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.raw)
	if n <= 0 {
		r.bad, n = true, 0
	}
	r.raw = r.raw[n:]
	return v
}
