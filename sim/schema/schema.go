// Package schema describes the array's object types: their fields, what a
// client may do with each, and how an object of a type is held in memory and
// in a row. It is pure: no I/O, no clock, no store.
//
// A type is declared once, as a list of typed handles:
//
//	var (
//		Name = schema.String(schema.Field{Name: "name", Flags: schema.Create | schema.Update | schema.Unique})
//		Size = schema.Int(schema.Field{Name: "size", Flags: schema.Create | schema.Update})
//		Disk = schema.NewType("disk", Name, Size)
//	)
//
// and an object is read and changed through the handles alone, so that a
// misspelt field does not compile.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Flags say what a client may do with a field and how it is kept.
type Flags uint16

// The flags of a field. A field without any is readable only.
const (
	// Create lets a POST body set the field.
	Create Flags = 1 << iota
	// Update lets a PUT body set the field.
	Update
	// Unique refuses a second object of the type with the same value; it
	// brings an index.
	Unique
	// Index keeps an index of the field's values, with a counter for each.
	Index
	// Private keeps the field out of every answer: passwords, secrets,
	// internal state.
	Private
	// NotNull refuses null in a body.
	NotNull
	// Secret marks a field that holds a secret: exports have a mark in its
	// place, and refusals.
	Secret
	// Unsaid keeps a client's value out of refusals: a secret that another field
	// keeps, or a seal of it.
	Unsaid
)

// Editable is the pair of flags of a field that a client sets and changes.
const Editable = Create | Update

// Mode says where a field's value comes from.
type Mode uint8

// The modes of a field.
const (
	// Stored values stand in the object's row.
	Stored Mode = iota
	// Joined values are another object's stored value, put in at render.
	Joined
	// Computed values are worked out when asked for: sums over other objects,
	// functions of the time.
	Computed
)

// Wire is the type of a field's value on the wire.
type Wire uint8

// The wire types.
const (
	// WireInt is a whole number: counts, bytes, milliseconds, seconds.
	WireInt Wire = iota
	// WireFloat is a number with a fraction.
	WireFloat
	// WireBool is true or false.
	WireBool
	// WireText is a string.
	WireText
	// WireEnum is one word of a fixed list, kept in upper snake case.
	WireEnum
	// WireRef is the id of another object; 0 and null both mean none.
	WireRef
	// WireList is a list of words or numbers.
	WireList
	// WireTree is any other JSON value: it can be compared with null alone.
	WireTree
)

// Field is one attribute of a type, as its declaration writes it. The zero
// value of each member is the common case.
type Field struct {
	// Name is the key on the wire.
	Name string
	// Flags say what a client may do with it.
	Flags Flags
	// Enum lists the words of an enumeration in their order.
	Enum []string
	// Kept are words that rows have too and that no client sends.
	Kept []string
	// Default is the value of a new object; nil means null, or the zero of a
	// NotNull field.
	Default any
	// Check refuses values that the wire type allows; its error tells why.
	Check func(Value) error
	// Least and Most are the numbers that Check lets pass, Unit is what they are
	// multiples of, and Pattern is what it lets pass of texts: descriptions have
	// them. 0 and empty say nothing; Least counts with Most alone.
	Least, Most, Unit int64
	Pattern           string
	// Gate closes the field on arrays that do not have it.
	Gate Gate
	// NoneZero writes a reference to nothing as 0 instead of null.
	NoneZero bool

	wire   Wire
	mode   Mode
	refers string
	via    *Field
	from   *Field
	initly json.RawMessage
	fits   func(raw json.RawMessage) error
	value  reflect.Type
}

// Wire is the field's type on the wire.
func (f *Field) Wire() Wire { return f.wire }

// Value is the type that the field's values have in Go; nil for the id.
func (f *Field) Value() reflect.Type { return f.value }

// Mode says where the field's value comes from.
func (f *Field) Mode() Mode { return f.mode }

// Refers names the type that a reference points at, or is empty.
func (f *Field) Refers() string { return f.refers }

// Via is the reference that a joined field follows, nil for others.
func (f *Field) Via() *Field { return f.via }

// From is the field of the referred object that a joined field shows.
func (f *Field) From() *Field { return f.from }

// Has reports whether all of the given flags are set.
func (f *Field) Has(flags Flags) bool { return f.Flags&flags == flags }

// Public reports whether answers may show the field.
func (f *Field) Public() bool { return f.Flags&Private == 0 }

// Indexed reports whether the store keeps an index of the field.
func (f *Field) Indexed() bool { return f.mode == Stored && f.Flags&(Index|Unique) != 0 }

// Type is an object type: a name and its fields in the order of an answer.
type Type struct {
	name   string
	fields []*Field
	stored []*Field // private ones first: the order of a row
	slots  map[*Field]int
	byName map[string]*Field
	public int // index in stored of the first public field
	whole  bool
	less   map[*Field]Flags // flags that a field has in other types, not here
	hidden map[*Field]bool
}

// ID is the identity of every object: the first field of every type.
var idField = &Field{Name: "id", wire: WireInt, Flags: NotNull}

// IDField is the field that every type begins with.
func IDField() *Field { return idField }

// Holder is a typed handle; only the constructors of this package make one.
type Holder interface{ Field() *Field }

// NewType declares a type. It panics on a declaration that cannot work (two
// fields of one name, a default that does not fit): a programmer's mistake.
func NewType(name string, handles ...Holder) *Type {
	t := &Type{name: name, slots: map[*Field]int{}, byName: map[string]*Field{}, whole: true, less: map[*Field]Flags{}, hidden: map[*Field]bool{}}
	t.add(idField)
	for _, h := range handles {
		if n, narrowed := h.(narrow); narrowed {
			t.less[n.Field()], t.hidden[n.Field()] = n.less, n.hidden
		}
		t.add(h.Field())
	}
	slices.SortStableFunc(t.stored, func(a, b *Field) int {
		return t.privateFirst(a) - t.privateFirst(b)
	})
	for i, f := range t.stored {
		t.slots[f] = i
		if !t.Shows(f) {
			t.public = i + 1
		}
	}
	return t
}

func (t *Type) privateFirst(f *Field) int {
	if t.Shows(f) {
		return 1
	}
	return 0
}

// narrow is a field with less to it in one type than in others that share it.
type narrow struct {
	Holder
	less   Flags
	hidden bool
}

// Hide puts a field that others show in a type that keeps it to itself.
func Hide(h Holder) Holder { return narrow{Holder: h, less: Editable, hidden: true} }

// Less puts a field in a type where it has fewer flags than in others.
func Less(h Holder, flags Flags) Holder { return narrow{Holder: h, less: flags} }

// Shows reports whether answers of the type may show the field.
func (t *Type) Shows(f *Field) bool { return f.Public() && !t.hidden[f] }

// May reports whether all of the given flags are set for the field in this
// type.
func (t *Type) May(f *Field, flags Flags) bool { return (f.Flags&^t.less[f])&flags == flags }

func (t *Type) add(f *Field) {
	if _, twice := t.byName[f.Name]; twice {
		panic(fmt.Sprintf("schema: type %s declares %s twice", t.name, f.Name))
	}
	t.byName[f.Name] = f
	t.fields = append(t.fields, f)
	if f.mode == Stored {
		t.stored = append(t.stored, f)
	} else {
		t.whole = false
	}
	if f.Gate != (Gate{}) {
		t.whole = false
	}
}

// Name is the type's name, for example "volume".
func (t *Type) Name() string { return t.name }

// Fields lists all fields in declaration order, private ones too. The caller
// must not change the list.
func (t *Type) Fields() []*Field { return t.fields }

// StoredFields lists the fields that stand in a row, private ones first. The
// caller must not change the list.
func (t *Type) StoredFields() []*Field { return t.stored }

// Field finds a field by its name on the wire, nil if there is none.
func (t *Type) Field(name string) *Field { return t.byName[name] }

// Has reports whether f is one of the type's fields: kinds share handles.
func (t *Type) Has(f *Field) bool { return t.byName[f.Name] == f }

func (t *Type) slot(f *Field) int {
	i, ok := t.slots[f]
	if !ok {
		panic(fmt.Sprintf("schema: type %s stores no %s", t.name, f.Name))
	}
	return i
}
