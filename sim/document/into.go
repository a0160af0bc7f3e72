package document

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"infinisim/sim/apierr"
)

// Into reads the value into what to points at: structs by the names in their
// tags yaml, or json where there is none, with "required" behind the name of a
// member that has to be there; lists, maps with text keys, pointers, numbers,
// texts, durations like 30s, sizes, and Node for what is read later. It returns
// an Error for a member that the struct does not have, and for a value of
// another type.
func (n Node) Into(to any) error { return n.into(reflect.ValueOf(to).Elem()) }

func (n Node) into(v reflect.Value) error {
	switch v.Interface().(type) {
	case Node:
		v.Set(reflect.ValueOf(n))
		return nil
	case time.Duration:
		d, err := n.Duration()
		v.SetInt(int64(d))
		return err
	case Size:
		size, err := n.Size()
		v.SetInt(size)
		return err
	case time.Time:
		t, err := n.Time()
		v.Set(reflect.ValueOf(t))
		return err
	case json.RawMessage:
		raw, err := n.JSON()
		v.SetBytes(raw)
		return err
	}
	if v.Kind() == reflect.Struct {
		return n.intoStruct(v)
	}
	if u, ok := reflect.TypeAssert[json.Unmarshaler](v.Addr()); ok {
		return n.unmarshal(u)
	}
	return n.intoPlain(v)
}

// unmarshal has a type read its JSON.
func (n Node) unmarshal(u json.Unmarshaler) error {
	raw, err := n.JSON()
	if err != nil {
		return err
	}
	if err := u.UnmarshalJSON(raw); err != nil {
		if e, ok := apierr.As(err); ok {
			return n.Errorf("%s", e.Message)
		}
		return n.Errorf("%v", err)
	}
	return nil
}

func (n Node) intoPlain(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return n.into(v.Elem())
	case reflect.String:
		text, err := n.Text()
		v.SetString(text)
		return err
	case reflect.Bool:
		b, err := n.Bool()
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int64:
		i, err := n.Int()
		v.SetInt(i)
		return err
	case reflect.Uint64:
		i, err := n.Int()
		if err != nil || i < 0 {
			return n.Expected("a whole number that is not negative")
		}
		v.SetUint(uint64(i)) //nolint:gosec // checked above
		return nil
	case reflect.Float64:
		f, err := n.Float()
		v.SetFloat(f)
		return err
	case reflect.Slice:
		return n.intoList(v)
	case reflect.Map:
		return n.intoMap(v)
	}
	panic("document: nothing reads " + v.Type().String())
}

func (n Node) intoList(v reflect.Value) error {
	if !n.IsList() {
		return n.Expected("a list")
	}
	items := n.Items()
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := item.into(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (n Node) intoMap(v reflect.Value) error {
	if !n.IsMap() {
		return n.Expected("a mapping")
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range n.Pairs() {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := p.Value.into(value); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(p.Key), value)
	}
	return nil
}

// member is a field of a struct that documents can set.
type member struct {
	name     string
	required bool
	value    reflect.Value
}

// members lists the fields of a struct, with those of embedded ones.
func members(v reflect.Value) []member {
	var out []member
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, tagged := f.Tag.Lookup("yaml")
		if !tagged {
			tag = f.Tag.Get("json")
		}
		name, rest, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, members(v.Field(i))...)
		case f.IsExported() && name != "" && name != "-":
			out = append(out, member{name, rest == "required", v.Field(i)})
		}
	}
	return out
}

func (n Node) intoStruct(v reflect.Value) error {
	all := members(v)
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = m.name
	}
	if err := n.Only(names...); err != nil {
		return err
	}
	for _, m := range all {
		value := n.Get(m.name)
		if !value.There() {
			if m.required {
				return n.Errorf("%s is missing", m.name)
			}
			continue
		}
		if err := value.into(m.value); err != nil {
			return err
		}
	}
	return nil
}
