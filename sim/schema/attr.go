package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// Attr is the typed handle of a field: the only way to read and change it.
type Attr[T any] struct{ f *Field }

// Field is what the handle declares.
func (a Attr[T]) Field() *Field { return a.f }

// Name is the field's key on the wire.
func (a Attr[T]) Name() string { return a.f.Name }

// Get reads the field of o; a null reads as the zero value. It panics if o's
// type does not store the field.
func (a Attr[T]) Get(o *Object) T {
	var v T
	raw := o.Raw(a.f)
	switch p := any(&v).(type) {
	case *int64:
		*p, _ = strconv.ParseInt(string(raw), 10, 64)
	case *bool:
		*p = string(raw) == "true"
	default:
		if text, ok := any(&v).(*string); ok && asIs(raw) {
			*text = string(raw[1 : len(raw)-1])
			break
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			panic(fmt.Sprintf("schema: %s.%s holds %s: %v", o.Type().Name(), a.f.Name, raw, err))
		}
	}
	return v
}

// asIs reports whether JSON is a text of which each byte stands for itself.
func asIs(raw json.RawMessage) bool {
	if len(raw) < 2 || raw[0] != '"' {
		return false
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c >= utf8.RuneSelf || c == '\\' {
			return false
		}
	}
	return true
}

// Set changes the field of o in memory; the store's Put keeps it.
func (a Attr[T]) Set(o *Object, v T) {
	switch x := any(v).(type) {
	case int64:
		if a.f.wire == WireRef && x == 0 {
			o.SetNull(a.f)
			return
		}
		o.SetRaw(a.f, strconv.AppendInt(nil, x, 10))
	case bool:
		o.SetRaw(a.f, strconv.AppendBool(nil, x))
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("schema: %s: %v", a.f.Name, err))
		}
		o.SetRaw(a.f, raw)
	}
}

// IsNull reports whether the field of o has no value.
func (a Attr[T]) IsNull(o *Object) bool { return o.IsNull(a.f) }

// SetNull takes the field's value away.
func (a Attr[T]) SetNull(o *Object) { o.SetNull(a.f) }

func declare[T any](f Field, wire Wire) Attr[T] {
	f.wire = wire
	return finish[T](f)
}

func finish[T any](f Field) Attr[T] {
	p := &f
	if p.Name == "" {
		panic("schema: a field has no name")
	}
	p.value = reflect.TypeFor[T]()
	p.fits = func(raw json.RawMessage) error {
		var v T
		return json.Unmarshal(raw, &v)
	}
	switch {
	case p.Default != nil:
		raw, err := json.Marshal(p.Default)
		if err != nil {
			panic(fmt.Sprintf("schema: default of %s: %v", p.Name, err))
		}
		if _, err := p.Accept(raw); err != nil && p.mode == Stored {
			panic(fmt.Sprintf("schema: default of %s: %v", p.Name, err))
		}
		p.initly = raw
	case p.wire == WireRef:
		p.initly = p.none()
	case p.Flags&NotNull != 0:
		p.initly = zeroOf(p.wire)
	default:
		p.initly = json.RawMessage("null")
	}
	return Attr[T]{f: p}
}

func zeroOf(w Wire) json.RawMessage {
	switch w {
	case WireBool:
		return json.RawMessage("false")
	case WireText, WireEnum:
		return json.RawMessage(`""`)
	case WireList:
		return json.RawMessage("[]")
	case WireTree:
		return json.RawMessage("null")
	default:
		return json.RawMessage("0")
	}
}

// Int declares a whole number.
func Int(f Field) Attr[int64] { return declare[int64](f, WireInt) }

// Float declares a number with a fraction.
func Float(f Field) Attr[float64] { return declare[float64](f, WireFloat) }

// Bool declares a truth value; it is never null.
func Bool(f Field) Attr[bool] {
	f.Flags |= NotNull
	return declare[bool](f, WireBool)
}

// NullBool declares a truth value that may be null.
func NullBool(f Field) Attr[bool] { return declare[bool](f, WireBool) }

// String declares a text.
func String(f Field) Attr[string] { return declare[string](f, WireText) }

// Enum declares one word of f.Enum.
func Enum(f Field) Attr[string] {
	if len(f.Enum) == 0 {
		panic("schema: enumeration " + f.Name + " has no words")
	}
	return declare[string](f, WireEnum)
}

// Ref declares a reference to an object of the named type, by id.
func Ref(f Field, typeName string) Attr[int64] {
	f.refers = typeName
	return declare[int64](f, WireRef)
}

// List declares a list of numbers (T int64) or words (T string); it is never
// null.
func List[T int64 | string](f Field) Attr[[]T] {
	f.Flags |= NotNull
	return declare[[]T](f, WireList)
}

// Tree declares any other JSON value, as T encodes it.
func Tree[T any](f Field) Attr[T] { return declare[T](f, WireTree) }

// Join declares a field that shows the field from of the object that via
// refers to, null where there is none.
func Join[T any](f Field, via Attr[int64], from Attr[T]) Attr[T] {
	f.mode, f.via, f.from = Joined, via.f, from.f
	f.Enum = from.f.Enum
	return declare[T](f, from.f.wire)
}

// Compute turns a declared handle into one that is worked out when asked
// for; the kind that declares it says how.
func Compute[T any](a Attr[T]) Attr[T] {
	a.f.mode = Computed
	return a
}
