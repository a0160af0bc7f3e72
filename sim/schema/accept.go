package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem sorts what can be wrong with a name or a value.
type Problem uint8

// The problems.
const (
	// BadValue is a value of the wrong type or one that the field refuses.
	BadValue Problem = iota
	// UnknownName is a name that is no field of the type.
	UnknownName
	// BadPage is a page or page size outside its range.
	BadPage
)

// Error tells what is wrong with one field of a request.
type Error struct {
	// Problem sorts it.
	Problem Problem
	// Field is the name as the client wrote it.
	Field string
	// Value is the value as the client wrote it.
	Value string
	// Why is the rest of the sentence.
	Why string
}

// Error names the field, the value and what is wrong.
func (e *Error) Error() string {
	if e.Problem == UnknownName {
		return fmt.Sprintf("%s: unknown field", e.Field)
	}
	return fmt.Sprintf("%s: %s: %s", e.Field, clip(e.Value), e.Why)
}

const longestShown = 120

func clip(s string) string {
	if len(s) <= longestShown {
		return s
	}
	return s[:longestShown] + "…"
}

func (f *Field) bad(raw json.RawMessage, why string) *Error {
	if f.Flags&(Secret|Unsaid) != 0 {
		raw = json.RawMessage("the value")
	}
	return &Error{Problem: BadValue, Field: f.Name, Value: string(raw), Why: why}
}

// Accept checks a value that a client sent and returns it as a row keeps it:
// words in upper snake case, references to nothing as the field writes them.
// Clients spell booleans True and true, words PoolAdmin and POOL_ADMIN
// (InfiniSDK 289.1.4), and all of them pass.
func (f *Field) Accept(raw json.RawMessage) (json.RawMessage, error) {
	if !utf8.Valid(raw) { // as encoding/json reads it
		raw = bytes.ToValidUTF8(raw, []byte(string(utf8.RuneError)))
	}
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		return f.acceptNull(raw)
	}
	if len(raw) == 0 {
		return nil, f.bad(raw, "is no value")
	}
	out, why := f.shape(raw)
	if why != "" {
		return nil, f.bad(raw, why)
	}
	if f.wire == WireList && (f.fits(out) != nil || hasNull(out)) {
		return nil, f.bad(raw, "is no list of "+f.value.Elem().String())
	}
	if f.wire == WireTree && f.value.Kind() == reflect.Map && f.fits(out) != nil {
		return nil, f.bad(raw, "is no object")
	}
	if f.Check != nil {
		if err := f.Check(f.Parse(out)); err != nil {
			return nil, f.bad(raw, err.Error())
		}
	}
	return out, nil
}

// hasNull reports whether an element of a list is no value: encoding/json would
// take it for a zero.
func hasNull(list json.RawMessage) bool {
	var all []json.RawMessage
	if err := json.Unmarshal(list, &all); err != nil {
		return false
	}
	return slices.ContainsFunc(all, func(e json.RawMessage) bool { return string(e) == "null" })
}

func (f *Field) none() json.RawMessage {
	if f.NoneZero {
		return json.RawMessage("0")
	}
	return json.RawMessage("null")
}

func (f *Field) acceptNull(raw json.RawMessage) (json.RawMessage, error) {
	if f.Flags&NotNull != 0 {
		return nil, f.bad(raw, "must not be null")
	}
	if f.wire == WireRef {
		return f.none(), nil
	}
	return raw, nil
}

// Holds checks that a value is one that a row can keep in the field; what a
// client may send is narrower, and Accept checks that. It returns a *Error
// that tells what was expected.
func (f *Field) Holds(raw json.RawMessage) error {
	if string(raw) == "null" {
		if f.Flags&NotNull != 0 && f.wire != WireTree {
			return f.bad(raw, "must not be null")
		}
		return nil
	}
	out, why := f.shape(raw)
	switch {
	case f.wire == WireEnum && (string(raw) == `""` || slices.Contains(f.Kept, unquote(raw))): // not chosen yet, or not by a client
		return nil
	case why != "":
		return f.bad(raw, why)
	case f.wire == WireEnum && !bytes.Equal(out, raw):
		return f.bad(raw, "is spelt "+string(out))
	case f.wire == WireInt && !bytes.Equal(out, raw):
		return f.bad(raw, "is not a whole number")
	}
	if f.fits == nil { // the identity
		return nil
	}
	if err := f.fits(raw); err != nil {
		return f.bad(raw, "does not fit: "+err.Error())
	}
	return nil
}

// shape gives the value as a row keeps it, or why it does not fit.
func (f *Field) shape(raw json.RawMessage) (out json.RawMessage, why string) {
	switch f.wire {
	case WireInt, WireRef:
		n, ok := wholeNumber(raw)
		if !ok {
			return nil, "is not a whole number"
		}
		if f.wire == WireRef && n == 0 {
			return f.acceptZero()
		}
		return strconv.AppendInt(nil, n, 10), ""
	case WireFloat:
		if _, err := strconv.ParseFloat(string(raw), 64); err != nil {
			return nil, "is not a number"
		}
		return raw, ""
	case WireBool:
		return shapeBool(raw)
	case WireText:
		if raw[0] != '"' {
			return nil, "is not a string"
		}
		return recode(raw), ""
	case WireEnum:
		return f.shapeWord(raw)
	case WireList:
		if raw[0] != '[' {
			return nil, "is not a list"
		}
		return compact(raw), ""
	default:
		return compact(raw), ""
	}
}

func (f *Field) acceptZero() (json.RawMessage, string) {
	if f.Flags&NotNull != 0 {
		return nil, "names no object"
	}
	return f.none(), ""
}

func wholeNumber(raw json.RawMessage) (int64, bool) {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, true
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int64(x), true
}

func shapeBool(raw json.RawMessage) (json.RawMessage, string) {
	switch string(raw) {
	case "true", "false":
		return raw, ""
	}
	return nil, "is not true or false"
}

func (f *Field) shapeWord(raw json.RawMessage) (json.RawMessage, string) {
	if raw[0] != '"' {
		return nil, "is not a string"
	}
	word := f.word(unquote(raw))
	if word == "" {
		return nil, "is none of " + strings.Join(f.Enum, ", ")
	}
	return strconv.AppendQuote(nil, word), ""
}

// word finds the enumeration's word for any spelling, empty if there is none.
func (f *Field) word(s string) string {
	for _, form := range []string{s, strings.ToUpper(s), upperSnake(s)} {
		if i := slices.IndexFunc(f.Enum, func(w string) bool { return strings.EqualFold(w, form) }); i >= 0 {
			return f.Enum[i]
		}
	}
	return ""
}

// upperSnake turns PoolAdmin into POOL_ADMIN.
func upperSnake(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// recode writes a JSON string anew, so that equal texts are equal bytes.
func recode(raw json.RawMessage) json.RawMessage {
	out, err := json.Marshal(unquote(raw))
	if err != nil {
		return raw
	}
	return out
}

func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}
