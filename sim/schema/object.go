package schema

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Object is one object in memory: its stored values as JSON, decoded only
// where a handle asks for one. It is not safe for concurrent change.
type Object struct {
	typ    *Type
	id     int64
	values []json.RawMessage // by slot
	public []byte            // the public part of the row, nil once changed
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
	c.values = append([]json.RawMessage(nil), o.values...)
	return &c
}

// Detach has the object live longer than the row it was decoded from, whose
// bytes are those of a page of the file.
func (o *Object) Detach() {
	for i, v := range o.values {
		o.values[i] = bytes.Clone(v)
	}
	o.public = bytes.Clone(o.public)
}

// As is an independent copy with another identity.
func (o *Object) As(id int64) *Object {
	c := o.Clone()
	c.id, c.public = id, nil
	c.values[o.typ.slot(idField)] = strconv.AppendInt(nil, id, 10)
	return c
}

// Raw is the JSON of a stored field. The caller must not change it.
func (o *Object) Raw(f *Field) json.RawMessage { return o.values[o.typ.slot(f)] }

// SetRaw puts JSON in a stored field's place; it must be valid for the field
// (Accept's result, or what a renderer made).
func (o *Object) SetRaw(f *Field, raw json.RawMessage) {
	i := o.typ.slot(f)
	if bytes.Equal(o.values[i], raw) {
		return
	}
	o.values[i] = raw
	o.public = nil
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
	for i := range o.values {
		if !bytes.Equal(o.values[i], p.values[i]) {
			return false
		}
	}
	return true
}
