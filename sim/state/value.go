package state

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"infinisim/sim/data"
)

// image is the content of a dataset, and how many show it.
type image struct {
	References int64     `json:"references"`
	Size       int64     `json:"size"`
	Extents    [][]int64 `json:"extents"` // offset, length, token, birth
}

// writeValue gives a value as JSON, without its secrets.
func (s space) writeValue(value []byte) ([]byte, error) {
	switch s.value {
	case asJSON:
		return s.writeJSON(value)
	case asText:
		return encode(string(value))
	case asInt:
		if len(value) != 8 {
			return nil, errors.New("is no number of eight bytes")
		}
		return encode(int64(binary.BigEndian.Uint64(value))) //nolint:gosec // the bits are kept as they are
	case asBytes:
		return encode(hex.EncodeToString(value))
	case asImage:
		return writeImage(value)
	case asNone, left:
	}
	if len(value) > 0 {
		return nil, errors.New("is not empty")
	}
	return []byte("null"), nil
}

func (s space) writeJSON(value []byte) ([]byte, error) {
	raw := json.RawMessage(value)
	if s.hide != nil {
		var err error
		if raw, err = s.hide(raw); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err := json.Compact(&out, raw)
	return out.Bytes(), err
}

func writeImage(value []byte) ([]byte, error) {
	if len(value) < 8 {
		return nil, data.ErrBadImage
	}
	var im data.Image
	if err := im.UnmarshalBinary(value[8:]); err != nil {
		return nil, err
	}
	out := image{
		References: int64(binary.BigEndian.Uint64(value)), Size: im.Size(), Extents: [][]int64{}, //nolint:gosec // a count
	}
	for _, e := range im.Extents() {
		out.Extents = append(out.Extents, []int64{e.Off, e.Len, int64(e.Token), e.Birth}) //nolint:gosec // the bits are kept
	}
	return encode(out)
}

// readValue is the reverse of writeValue; what a secret was stays its mark.
func (s space) readValue(raw json.RawMessage) ([]byte, error) {
	switch s.value {
	case asJSON:
		if s.like != nil {
			if err := strictly(raw, s.like()); err != nil {
				return nil, err
			}
		}
		return raw, nil
	case asText:
		var t string
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, fmt.Errorf("%s: a text was expected", raw)
		}
		return []byte(t), nil
	case asInt:
		var n int64
		if err := json.Unmarshal(raw, &n); err != nil {
			return nil, fmt.Errorf("%s: a whole number was expected", raw)
		}
		return appendNumber(nil, n), nil
	case asBytes:
		var t string
		err := json.Unmarshal(raw, &t)
		if err == nil {
			var b []byte
			if b, err = hex.DecodeString(t); err == nil {
				return b, nil
			}
		}
		return nil, fmt.Errorf("%s: bytes in hexadecimal digits were expected", raw)
	case asImage:
		return readImage(raw)
	case asNone, left:
	}
	if string(raw) != "null" {
		return nil, fmt.Errorf("%s: null was expected", raw)
	}
	return []byte{}, nil
}

func strictly(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func readImage(raw json.RawMessage) ([]byte, error) {
	var in image
	if err := strictly(raw, &in); err != nil {
		return nil, err
	}
	if in.References < 1 || in.Size < 0 {
		return nil, errors.New("references above 0 and a size that is not negative were expected")
	}
	im := data.New(in.Size)
	for _, e := range in.Extents {
		if len(e) != 4 || e[2] == 0 {
			return nil, fmt.Errorf("extent %v: offset, length, token and birth were expected", e)
		}
		var err error
		if im, err = im.Write(e[0], e[1], data.Token(e[2]), e[3]); err != nil { //nolint:gosec // the bits are kept
			return nil, fmt.Errorf("extent %v: %w", e, err)
		}
	}
	content, err := im.MarshalBinary()
	return append(appendNumber(nil, in.References), content...), err
}

// members reads an object with its members in their order; one that is there
// twice is an error. The values are parts of raw.
func members(raw json.RawMessage) (keys []string, all map[string]json.RawMessage, err error) {
	rest := bytes.TrimSpace(raw)
	if !bytes.HasPrefix(rest, []byte("{")) {
		return nil, nil, errors.New("a JSON object was expected")
	}
	if !json.Valid(rest) {
		return nil, nil, fmt.Errorf("one JSON object a line was expected: %w", json.Unmarshal(rest, &all))
	}
	all = make(map[string]json.RawMessage, bytes.Count(rest, []byte(`":`)))
	take := func() json.RawMessage { // the value that is next, and what is around it
		rest = bytes.TrimLeft(rest, " \t\r\n,:")
		n := valueLength(rest)
		v := rest[:n:n]
		rest = bytes.TrimLeft(rest[n:], " \t\r\n")
		return json.RawMessage(v)
	}
	for rest = bytes.TrimLeft(rest[1:], " \t\r\n"); rest[0] != '}'; {
		name := take()
		key := string(name[1 : len(name)-1])
		if strings.Contains(key, `\`) {
			if err := json.Unmarshal(name, &key); err != nil {
				return nil, nil, err // cannot be: it is valid
			}
		}
		if _, twice := all[key]; twice {
			return nil, nil, fmt.Errorf("member %q is there twice", key)
		}
		keys, all[key] = append(keys, key), take()
	}
	return keys, all, nil
}

// valueLength is how long the value is that a valid text begins with.
func valueLength(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
			continue
		case c == '}' || c == ']':
			depth--
		case depth == 0 && i+1 < len(text) && strings.IndexByte(",:}] \t\r\n", text[i+1]) < 0:
			continue // a number or a word goes on
		}
		if depth == 0 && !quoted {
			return i + 1
		}
	}
	return len(text)
}
