package document

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Text reads a text; numbers and words like true have to be quoted.
func (n Node) Text() (string, error) {
	if !n.IsText() {
		return "", n.Expected("a text")
	}
	return n.y.Value, nil
}

// Int reads a whole number.
func (n Node) Int() (int64, error) {
	var v int64
	if !n.scalar("!!int") || n.y.Decode(&v) != nil {
		return 0, n.Expected("a whole number")
	}
	return v, nil
}

// Float reads a number.
func (n Node) Float() (float64, error) {
	var v float64
	if !n.scalar("!!int") && !n.scalar("!!float") || n.y.Decode(&v) != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, n.Expected("a number")
	}
	return v, nil
}

// Bool reads true or false.
func (n Node) Bool() (bool, error) {
	var v bool
	if !n.scalar("!!bool") || n.y.Decode(&v) != nil {
		return false, n.Expected("true or false")
	}
	return v, nil
}

func (n Node) scalar(tag string) bool {
	return n.y != nil && n.y.Kind == yaml.ScalarNode && n.y.ShortTag() == tag
}

// Duration reads a duration like 1m30s.
func (n Node) Duration() (time.Duration, error) {
	if n.IsText() {
		if d, err := time.ParseDuration(n.y.Value); err == nil {
			return d, nil
		}
	}
	return 0, n.Expected("a duration like 30s or 1h30m")
}

// Time reads a time like 2025-01-01T00:00:00Z.
func (n Node) Time() (time.Time, error) {
	if n.IsText() {
		if t, err := time.Parse(time.RFC3339Nano, n.y.Value); err == nil {
			return t, nil
		}
	}
	return time.Time{}, n.Expected("a time like 2025-01-01T00:00:00Z")
}

// Size is a number of bytes, which a document may write as 10TB or 512KiB.
type Size int64

// Size reads a number of bytes: a whole number, or one with a unit, of
// thousands (kB, MB, GB, TB, PB) or of 1024 (KiB, MiB, GiB, TiB, PiB).
func (n Node) Size() (int64, error) {
	if v, err := n.Int(); err == nil {
		return v, nil
	}
	if n.IsText() {
		if v, ok := ParseSize(n.y.Value); ok {
			return v, nil
		}
	}
	return 0, n.Expected("a number of bytes like 10TB, 512KiB or 1048576")
}

// ParseSize reads a number with a unit of bytes.
func ParseSize(text string) (int64, bool) {
	for i, unit := range []string{"kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "PiB", "B"} {
		number, ok := strings.CutSuffix(text, unit)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		factor := math.Pow(1000, float64(i+1))
		switch {
		case unit == "B":
			factor = 1
		case i >= 5:
			factor = math.Pow(1024, float64(i-4))
		}
		v *= factor
		return int64(v), err == nil && v == math.Trunc(v) && v >= 0 && v < math.MaxInt64
	}
	return 0, false
}

// Value is the value as JSON would hold it: map[string]any, []any, string,
// bool, int64, float64, nil.
func (n Node) Value() any {
	switch {
	case n.IsNull():
		return nil
	case n.IsMap():
		out := map[string]any{}
		for _, p := range n.Pairs() {
			out[p.Key] = p.Value.Value()
		}
		return out
	case n.IsList():
		out := []any{}
		for _, item := range n.Items() {
			out = append(out, item.Value())
		}
		return out
	}
	if v, err := n.Int(); err == nil {
		return v
	}
	if v, err := n.Float(); err == nil {
		return v
	}
	if v, err := n.Bool(); err == nil {
		return v
	}
	return n.y.Value
}

// JSON is the value in JSON.
func (n Node) JSON() (json.RawMessage, error) {
	raw, err := json.Marshal(n.Value())
	if err != nil {
		return nil, n.Errorf("%v", err)
	}
	return raw, nil
}
