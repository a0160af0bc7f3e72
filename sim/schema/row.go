package schema

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
)

// A row is
//
//	version byte | number of slots | end offset of each | private part | public part | CRC-32C
//
// The private part holds bare values, the public part the JSON members
// "name":value with commas between, in declaration order: an answer with all
// stored members is one copy.
const rowVersion = 1

const (
	rowHead = 3 // version, number of slots
	rowTail = 4 // checksum
)

// ErrDamaged is returned by Decode for bytes that are no row of the type.
var ErrDamaged = errors.New("row is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode writes o as a row.
func Encode(o *Object) []byte {
	t := o.typ
	size := rowHead + 4*len(t.stored) + rowTail
	for i, f := range t.stored {
		size += len(o.value(i)) + len(f.Name) + 4
	}
	row := make([]byte, 0, size)
	row = append(row, rowVersion)
	row = binary.BigEndian.AppendUint16(row, uint16(len(t.stored))) //nolint:gosec // a type has far fewer fields
	ends := len(row)
	row = row[:ends+4*len(t.stored)]
	body := len(row)
	for i, f := range t.stored {
		if i > t.public {
			row = append(row, ',')
		}
		if i >= t.public {
			row = append(append(append(row, '"'), f.Name...), '"', ':')
		}
		row = append(row, o.value(i)...)
		binary.BigEndian.PutUint32(row[ends+4*i:], uint32(len(row)-body)) //nolint:gosec // a row is far smaller
	}
	return binary.BigEndian.AppendUint32(row, crc32.Checksum(row, castagnoli))
}

// Decode reads a row of type t. The object keeps pointing into the row, which
// must not change. It returns ErrDamaged, wrapped, for anything else.
func Decode(t *Type, id int64, row []byte) (*Object, error) {
	content, err := checked(row)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(row[1:]))
	if row[0] != rowVersion || n != len(t.stored) || len(content) < rowHead+4*n {
		return nil, fmt.Errorf("%w: version %d with %d fields", ErrDamaged, row[0], n)
	}
	o := &Object{typ: t, id: id, row: content}
	for i, f := range t.stored {
		if from, end := t.span(content, i); end > len(content) || from > end {
			return nil, fmt.Errorf("%w: offset of %s", ErrDamaged, f.Name)
		}
	}
	if n > t.public {
		o.public = content[t.start(content, t.public):]
	}
	return o, nil
}

// start is where in a row without its checksum a slot begins, with its name.
func (t *Type) start(content []byte, slot int) int {
	body := rowHead + 4*len(t.stored)
	if slot == 0 {
		return body
	}
	return body + int(binary.BigEndian.Uint32(content[rowHead+4*(slot-1):]))
}

// span is where in a row without its checksum a slot's value stands.
func (t *Type) span(content []byte, slot int) (from, end int) {
	from = t.start(content, slot)
	if slot >= t.public {
		from += len(t.stored[slot].Name) + 3
	}
	if slot > t.public {
		from++
	}
	return from, t.start(content, slot+1)
}

// Row is a row of a type that nobody decoded: a look at a few fields of many
// rows.
type Row struct {
	typ     *Type
	id      int64
	content []byte
}

// RowOf looks at a row of type t. It returns ErrDamaged, wrapped, for bytes that
// are none.
func RowOf(t *Type, id int64, row []byte) (Row, error) {
	content, err := checked(row)
	if err != nil {
		return Row{}, err
	}
	n := len(t.stored)
	if row[0] != rowVersion || int(binary.BigEndian.Uint16(row[1:])) != n || len(content) < rowHead+4*n {
		return Row{}, fmt.Errorf("%w: version %d", ErrDamaged, row[0])
	}
	return Row{t, id, content}, nil
}

// checked is a row without its checksum, which it has to have.
func checked(row []byte) ([]byte, error) {
	if len(row) < rowHead+rowTail {
		return nil, fmt.Errorf("%w: %d bytes", ErrDamaged, len(row))
	}
	content, sum := row[:len(row)-rowTail], binary.BigEndian.Uint32(row[len(row)-rowTail:])
	if crc32.Checksum(content, castagnoli) != sum {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return content, nil
}

// ID is the object's identity within its array.
func (r Row) ID() int64 { return r.id }

// Value is a stored field's value in comparable form, null where the row is
// damaged.
func (r Row) Value(f *Field) Value {
	i := r.typ.slot(f)
	from, end := r.typ.span(r.content, i)
	if from > end || end > len(r.content) {
		return Null()
	}
	return f.Parse(r.content[from:end])
}

// Resolver gives the JSON of a field that no row stores.
type Resolver func(o *Object, f *Field) (json.RawMessage, error)

// AppendJSON renders o with the given public fields, in their order. resolve
// is asked for joined and computed ones.
func (o *Object) AppendJSON(dst []byte, fields []*Field, resolve Resolver) ([]byte, error) {
	if o.typ.whole && o.public != nil && len(fields) == len(o.typ.stored)-o.typ.public && fields[0] == o.typ.stored[o.typ.public] {
		return append(append(append(dst, '{'), o.public...), '}'), nil
	}
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), f.Name...), '"', ':')
		if f.mode == Stored {
			dst = append(dst, o.Raw(f)...)
			continue
		}
		raw, err := resolve(o, f)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", o.typ.name, f.Name, err)
		}
		dst = append(dst, raw...)
	}
	return append(dst, '}'), nil
}

// Layout is how the rows of a type are laid out: the stored fields in their
// order, the private ones first.
type Layout struct {
	// Fields are the names of the stored fields.
	Fields []string `json:"fields"`
	// Private is how many of them are private.
	Private int `json:"private"`
	// Indexed are those whose values an index holds.
	Indexed []string `json:"indexed,omitempty"`
}

// Layout is how the type's rows are laid out by this program.
func (t *Type) Layout() Layout {
	l := Layout{Private: t.public}
	for _, f := range t.stored {
		l.Fields = append(l.Fields, f.Name)
		if f.Indexed() {
			l.Indexed = append(l.Indexed, f.Name)
		}
	}
	return l
}

// Migrate reads a row of another layout as an object of type t: fields are
// matched by name, those that the row lacks have their default. It returns
// ErrDamaged, wrapped, for bytes that are no row of the layout.
func Migrate(t *Type, l Layout, id int64, row []byte) (*Object, error) {
	old := &Type{name: t.name, public: l.Private}
	for _, name := range l.Fields {
		old.stored = append(old.stored, &Field{Name: name})
	}
	was, err := Decode(old, id, row)
	if err != nil {
		return nil, err
	}
	o := New(t, id)
	for i, name := range l.Fields {
		for slot, f := range t.stored {
			if f.Name == name {
				o.values[slot] = was.value(i)
			}
		}
	}
	return o, nil
}
