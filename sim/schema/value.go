package schema

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Value is a field's value in a form that can be compared. The zero Value is
// null.
type Value struct {
	set   bool
	wire  Wire
	num   int64 // int, ref, bool (0, 1), ordinal of an enumeration
	float float64
	text  string
	list  []Value
}

// Null is no value.
func Null() Value { return Value{} }

// IntValue holds a whole number.
func IntValue(n int64) Value { return Value{set: true, wire: WireInt, num: n} }

// TextValue holds a text.
func TextValue(s string) Value { return Value{set: true, wire: WireText, text: s} }

// RefValue holds a reference; 0 is null.
func RefValue(id int64) Value {
	if id == 0 {
		return Value{}
	}
	return Value{set: true, wire: WireRef, num: id}
}

// BoolValue holds a truth value.
func BoolValue(b bool) Value {
	v := Value{set: true, wire: WireBool}
	if b {
		v.num = 1
	}
	return v
}

// IsNull reports whether v is no value.
func (v Value) IsNull() bool { return !v.set }

// Int is the number in v: a count, an id, an ordinal.
func (v Value) Int() int64 { return v.num }

// Text is the text or word in v.
func (v Value) Text() string { return v.text }

// List is the elements of v.
func (v Value) List() []Value { return v.list }

// Compare orders two values of one field: null first, then numbers by size,
// texts by UTF-8 bytes, enumerations by ordinal.
func (v Value) Compare(w Value) int {
	switch {
	case !v.set && !w.set:
		return 0
	case !v.set:
		return -1
	case !w.set:
		return 1
	}
	switch v.wire {
	case WireFloat:
		return cmp.Compare(v.float, w.float)
	case WireText, WireTree:
		return strings.Compare(v.text, w.text)
	case WireList:
		return slices.CompareFunc(v.list, w.list, Value.Compare)
	default:
		return cmp.Compare(v.num, w.num)
	}
}

// Key encodes v so that byte order is the order of Compare: what an index
// keeps.
func (v Value) Key() []byte {
	if !v.set {
		return []byte{0}
	}
	key := []byte{1}
	switch v.wire {
	case WireFloat:
		bits := math.Float64bits(v.float)
		if bits>>63 == 1 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(key, bits)
	case WireText, WireTree:
		return append(key, v.text...)
	case WireList:
		for _, e := range v.list {
			key = append(append(key, e.Key()...), 0)
		}
		return key
	default:
		return binary.BigEndian.AppendUint64(key, uint64(v.num)^1<<63) //nolint:gosec // the sign bit is flipped on purpose
	}
}

// Parse reads the JSON of a field into a Value. It takes what a row or a
// renderer holds; what a client sent goes through Accept first.
func (f *Field) Parse(raw json.RawMessage) Value {
	if len(raw) == 0 || string(raw) == "null" {
		return Value{}
	}
	v := Value{set: true, wire: f.wire}
	switch f.wire {
	case WireInt:
		v.num, _ = strconv.ParseInt(string(raw), 10, 64)
	case WireRef:
		v.num, _ = strconv.ParseInt(string(raw), 10, 64)
		v.set = v.num != 0
	case WireFloat:
		v.float, _ = strconv.ParseFloat(string(raw), 64)
	case WireBool:
		if raw[0] == 't' {
			v.num = 1
		}
	case WireText:
		v.text = unquote(raw)
	case WireEnum:
		v.text = unquote(raw)
		v.num = int64(slices.Index(f.Enum, v.text))
	case WireList:
		v.list = parseList(raw)
	case WireTree:
		v.text = string(raw)
	}
	return v
}

func unquote(raw json.RawMessage) string {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

func parseList(raw json.RawMessage) []Value {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil
	}
	out := make([]Value, 0, len(elements))
	for _, e := range elements {
		if n, err := strconv.ParseInt(string(e), 10, 64); err == nil {
			out = append(out, IntValue(n))
		} else {
			out = append(out, TextValue(unquote(e)))
		}
	}
	return out
}
