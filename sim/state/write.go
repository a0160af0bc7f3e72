package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// header is the first line.
type header struct {
	Infinisim string `json:"infinisim"`
	Format    int    `json:"format"`
	Version   string `json:"version"`
	Now       string `json:"now"`
}

// what is what the header calls itself.
const what = "lab"

// section is the line that a section begins with.
type section struct {
	Array string `json:"array,omitempty"`
	Kind  string `json:"kind,omitempty"`
	Space string `json:"space,omitempty"`
}

// row is a key of a space.
type row struct {
	Key   json.RawMessage `json:"key"`
	Value json.RawMessage `json:"value"`
}

// ending is the last line: a text without it is cut off.
const ending = `{"end":true}`

// Write writes everything that a lab's store holds of the given arrays: first
// the lab's own spaces, then array by array the objects and spaces, all in the
// order of their names and keys.
func Write(to io.Writer, tx *store.Tx, types []*schema.Type, arrays []string) error {
	w := &writer{out: bufio.NewWriterSize(to, 1<<16)}
	w.line(header{Infinisim: what, Format: Format, Version: Program, Now: tx.Now().String()})
	w.spaces(tx, "")
	sorted := slices.SortedFunc(slices.Values(types), func(a, b *schema.Type) int { return strings.Compare(a.Name(), b.Name()) })
	for _, array := range slices.Sorted(slices.Values(arrays)) {
		for _, t := range sorted {
			w.kind(tx, array, t)
		}
		w.spaces(tx, array)
	}
	w.raw([]byte(ending))
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err != nil {
		return fmt.Errorf("export: %w", w.err)
	}
	return nil
}

// writer keeps the first error.
type writer struct {
	out *bufio.Writer
	buf []byte
	err error
}

func (w *writer) raw(line []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(append(line, '\n'))
	}
}

func (w *writer) line(v any) {
	if w.err != nil {
		return
	}
	raw, err := encode(v)
	if w.err = err; err == nil {
		w.raw(raw)
	}
}

func (w *writer) kind(tx *store.Tx, array string, t *schema.Type) {
	if tx.Count(array, t) == 0 || w.err != nil {
		return
	}
	w.line(section{Array: array, Kind: t.Name()})
	err := tx.Each(array, t, func(o *schema.Object) (bool, error) {
		w.object(o)
		return true, w.err
	})
	if w.err == nil {
		w.err = err
	}
}

// object writes the stored fields in the order of their declaration.
func (w *writer) object(o *schema.Object) {
	w.buf = append(w.buf[:0], '{')
	for _, f := range o.Type().Fields() {
		if f.Mode() != schema.Stored {
			continue
		}
		if len(w.buf) > 1 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(append(append(w.buf, '"'), f.Name...), '"', ':')
		raw := o.Raw(f)
		if f.Has(schema.Secret) {
			raw = marked(raw)
		}
		if o.Type().Name() == eventType && f.Name == eventData {
			raw = withoutTokens(raw)
		}
		w.buf = w.compact(w.buf, raw)
	}
	w.buf = append(w.buf, '}')
	w.raw(w.buf)
}

// compact appends a value in one line.
func (w *writer) compact(b []byte, raw json.RawMessage) []byte {
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return append(b, raw...)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil && w.err == nil {
		w.err = err
	}
	return append(b, out.Bytes()...)
}

func (w *writer) spaces(tx *store.Tx, array string) {
	for _, name := range tx.Spaces(array) {
		if w.err != nil {
			return
		}
		s, ok := spaceNamed(array, name)
		switch {
		case !ok && name == metaSpace && array == "":
		case !ok:
			w.err = fmt.Errorf("space %q of %q is not known", name, array)
		case s.value != left:
			w.space(tx, array, name, s)
		}
	}
}

// metaSpace is the store's own, which is not the lab's.
const metaSpace = "meta"

func (w *writer) space(tx *store.Tx, array, name string, s space) {
	w.line(section{Array: array, Space: name})
	tx.KV(array, name).Scan(nil, func(key, value []byte) bool {
		var r row
		var err error
		if r.Key, err = s.writeKey(key); err == nil {
			r.Value, err = s.writeValue(value)
		}
		if err != nil {
			w.err = fmt.Errorf("space %s of %q, key %q: %w", name, array, key, err)
			return false
		}
		w.line(r)
		return w.err == nil
	})
}
