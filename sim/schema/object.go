package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// Object is one object in memory: its stored values as JSON, decoded only
// where a handle asks for one. It is not safe for concurrent change.
type Object struct {
	typ    *Type
	id     int64
	row    []byte            // that it was decoded from, without its checksum
	values []json.RawMessage // by slot, nil while they are those of the row
	public []byte            // the public part of the row, nil once changed
}

// value is what a slot holds.
func (o *Object) value(slot int) json.RawMessage {
	if o.values != nil {
		return o.values[slot]
	}
	from, end := o.typ.span(o.row, slot)
	return o.row[from:end:end]
}

// own has the object hold its values itself, to be changed.
func (o *Object) own() {
	if o.values != nil {
		return
	}
	values := make([]json.RawMessage, len(o.typ.stored))
	for i := range values {
		values[i] = o.value(i)
	}
	o.values, o.row, o.public = values, nil, nil // it is changed next
}

// New makes an object with every field at its default.
func New(t *Type, id int64) *Object {
	o := &Object{typ: t, id: id, values: make([]json.RawMessage, len(t.stored))}
	for i, f := range t.stored {
		o.values[i] = f.initly
	}
	o.values[t.slot(idField)] = strconv.AppendInt(nil, id, 10)
	return o
}

// Type is the object's type.
func (o *Object) Type() *Type { return o.typ }

// ID is the object's identity within its array.
func (o *Object) ID() int64 { return o.id }

// Clone is an independent copy.
func (o *Object) Clone() *Object {
	c := *o
	c.values = slices.Clone(o.values)
	return &c
}

// Detach has the object live longer than the row it was decoded from, whose
// bytes are those of a page of the file.
func (o *Object) Detach() {
	o.row = bytes.Clone(o.row)
	for i, v := range o.values {
		o.values[i] = bytes.Clone(v)
	}
	if o.public != nil {
		o.public = o.row[len(o.row)-len(o.public):]
	}
}

// As is an independent copy with another identity.
func (o *Object) As(id int64) *Object {
	c := o.Clone()
	c.own()
	c.id = id
	c.values[o.typ.slot(idField)] = strconv.AppendInt(nil, id, 10)
	return c
}

// Raw is the JSON of a stored field. The caller must not change it.
func (o *Object) Raw(f *Field) json.RawMessage { return o.value(o.typ.slot(f)) }

// SetRaw puts JSON in a stored field's place; it must be valid for the field
// (Accept's result, or what a renderer made).
func (o *Object) SetRaw(f *Field, raw json.RawMessage) {
	i := o.typ.slot(f)
	if bytes.Equal(o.value(i), raw) {
		return
	}
	o.own()
	o.values[i] = raw
}

// IsNull reports whether a stored field has no value.
func (o *Object) IsNull(f *Field) bool { return o.Value(f).IsNull() }

// SetNull takes a stored field's value away.
func (o *Object) SetNull(f *Field) {
	if f.wire == WireRef {
		o.SetRaw(f, f.none())
		return
	}
	o.SetRaw(f, json.RawMessage("null"))
}

// Value is a stored field's value in comparable form.
func (o *Object) Value(f *Field) Value { return f.Parse(o.Raw(f)) }

// Same reports whether o and p hold equal values in every stored field.
func (o *Object) Same(p *Object) bool {
	if o.typ != p.typ || o.id != p.id {
		return false
	}
	for i := range o.typ.stored {
		if !bytes.Equal(o.value(i), p.value(i)) {
			return false
		}
	}
	return true
}
