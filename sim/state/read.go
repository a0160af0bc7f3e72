package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// Catalog says what kinds of objects there are.
type Catalog interface {
	// Types are the kinds' types.
	Types() []*schema.Type
	// Target is the type that a field of a type refers to, nil for none.
	Target(t *schema.Type, f *schema.Field) *schema.Type
}

// Lab is a text that was read, whole and without a mistake.
type Lab struct {
	// Now is the lab's time in it.
	Now clock.Time

	sections []*content
}

// content is what a section holds.
type content struct {
	section
	space   space
	objects []*schema.Object
	lines   []int // of the objects
	keys    [][]byte
	values  [][]byte
	seen    map[string]int // key or id to line
	byID    map[int64]int
	kind    *schema.Type
}

// Setup tells the keys of the arrays of a lab from what it was made of, or why
// that cannot be.
type Setup func(raw json.RawMessage) (arrays []string, err error)

// Read reads a text as Write writes it. Objects may lack fields, which have
// their defaults then, and stand in any order. It returns an *Error for
// whatever is not as it must be.
func Read(from io.Reader, cat Catalog, setup Setup) (*Lab, error) {
	r := &reader{setup: setup, in: bufio.NewReaderSize(from, 1<<16), lab: &Lab{}, types: map[string]*schema.Type{}, all: map[section]*content{}}
	for _, t := range cat.Types() {
		r.types[t.Name()] = t
	}
	if err := r.head(); err != nil {
		return nil, err
	}
	if err := r.body(); err != nil {
		return nil, err
	}
	if !r.set {
		return nil, r.wrong("", `the section {"space":"setup"} with the key "setup" is missing`)
	}
	if err := r.references(cat); err != nil {
		return nil, err
	}
	return r.lab, nil
}

type reader struct {
	in    *bufio.Reader
	n     int // the line
	lab   *Lab
	types map[string]*schema.Type
	all   map[section]*content
	now   *content

	setup  Setup
	set    bool // setup was called
	arrays []string
}

func (r *reader) wrong(field, format string, a ...any) error {
	return &Error{Line: r.n, Field: field, Why: fmt.Sprintf(format, a...)}
}

// next reads a line.
func (r *reader) next() (json.RawMessage, error) {
	r.n++
	line, err := r.in.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil, r.wrong("", "the text ends here, and %s was expected in the end: it is cut off", ending)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: %w", r.n, err)
	}
	return line, nil
}

func (r *reader) head() error {
	line, err := r.next()
	if err != nil {
		return err
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil || h.Infinisim != what {
		return r.wrong("infinisim", `%s is no first line of an export: {"infinisim":"lab","format":%d,…} was expected`, clip(line), Format)
	}
	if h.Format < 1 || h.Format > Format {
		return r.wrong("format", "the text has format %d, of infinisim %s; this infinisim %s reads 1 to %d", h.Format, h.Version, Program, Format)
	}
	t, err := time.Parse(time.RFC3339Nano, h.Now)
	if err != nil {
		return r.wrong("now", "%q is no time: one like 2025-01-01T00:00:00Z was expected", h.Now)
	}
	r.lab.Now = clock.FromTime(t)
	return nil
}

const longestShown = 120

func clip(s json.RawMessage) string {
	if len(s) <= longestShown {
		return string(s)
	}
	return string(s[:longestShown]) + "…"
}

// body reads lines up to the ending.
func (r *reader) body() error {
	for {
		line, err := r.next()
		if err != nil {
			return err
		}
		keys, all, err := members(line)
		if err != nil {
			return r.wrong("", "%s: %v", clip(line), err)
		}
		switch {
		case len(keys) == 1 && keys[0] == "end":
			return r.end(all["end"])
		case all["kind"] != nil && all["id"] == nil, all["space"] != nil && all["id"] == nil:
			err = r.open(line)
		case r.now == nil:
			err = r.wrong("", `%s: a section such as {"array":"box-1","kind":"volume"} was expected`, clip(line))
		case r.now.kind != nil:
			err = r.object(keys, all)
		default:
			err = r.row(keys, all)
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) end(v json.RawMessage) error {
	if string(v) != "true" {
		return r.wrong("end", "%s: true was expected", clip(v))
	}
	rest, err := r.in.ReadByte()
	if err == nil {
		r.n++
		return r.wrong("", "%q follows the end: nothing was expected", rest)
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: %w", r.n, err)
	}
	return nil
}

// open begins a section.
func (r *reader) open(line json.RawMessage) error {
	var s section
	if err := strictly(line, &s); err != nil {
		return r.wrong("", "%s: a section such as {\"array\":\"box-1\",\"kind\":\"volume\"} was expected: %v", clip(line), err)
	}
	c := &content{section: s, seen: map[string]int{}, byID: map[int64]int{}}
	var ok bool
	switch {
	case r.all[s] != nil:
		return r.wrong("", "%s: the section is there twice", clip(line))
	case (s.Kind == "") == (s.Space == ""):
		return r.wrong("", "%s: either kind or space was expected", clip(line))
	case s.Kind != "" && s.Array == "":
		return r.wrong("array", "objects are those of an array, which was expected")
	case s.Array != "" && !r.set:
		return r.wrong("array", `the section {"space":"setup"} was expected before those of arrays`)
	case s.Array != "" && !slices.Contains(r.arrays, s.Array):
		return r.wrong("array", "%q is none of the arrays of the setup, %s", s.Array, strings.Join(r.arrays, ", "))
	case s.Kind != "":
		if c.kind, ok = r.types[s.Kind]; !ok {
			return r.wrong("kind", "%q is no kind of object of infinisim %s", s.Kind, Program)
		}
	default:
		if c.space, ok = spaceNamed(s.Array, s.Space); !ok || c.space.value == left {
			return r.wrong("space", "%q is no space of %s that an export of infinisim %s has", s.Space, owner(s.Array), Program)
		}
	}
	r.all[s], r.now = c, c
	r.lab.sections = append(r.lab.sections, c)
	return nil
}

func owner(array string) string {
	if array == "" {
		return "the lab"
	}
	return "an array"
}

func (r *reader) row(keys []string, all map[string]json.RawMessage) error {
	c := r.now
	for _, k := range keys {
		if k != "key" && k != "value" {
			return r.wrong(k, "the space %s has rows of key and value alone", c.Space)
		}
	}
	for _, k := range []string{"key", "value"} {
		if all[k] == nil {
			return r.wrong(k, "missing in a row of the space %s", c.Space)
		}
	}
	key, err := c.space.readKey(all["key"])
	if err != nil {
		return r.wrong("key", "%v in the space %s", err, c.Space)
	}
	if before := c.seen[string(key)]; before != 0 {
		return r.wrong("key", "%s is in line %d too", all["key"], before)
	}
	value, err := c.space.readValue(all["value"])
	if err != nil {
		return r.wrong("value", "%v in the space %s", err, c.Space)
	}
	c.seen[string(key)] = r.n
	c.keys, c.values = append(c.keys, key), append(c.values, value)
	if c.section == (section{Space: setupSpace}) && string(key) == setupSpace {
		if r.arrays, err = r.setup(value); err != nil {
			return r.wrong("value", "setup: %v", err)
		}
		r.set = true
	}
	return nil
}

// setupSpace holds what a lab was made of, under its own name.
const setupSpace = "setup"

func (r *reader) object(keys []string, all map[string]json.RawMessage) error {
	c := r.now
	id := all["id"]
	if id == nil {
		return r.wrong("id", "missing in a row of %s", c.Kind)
	}
	if err := schema.IDField().Holds(id); err != nil {
		return r.wrong("id", "%s: a whole number was expected", clip(id))
	}
	var n int64
	if err := json.Unmarshal(id, &n); err != nil {
		return r.wrong("id", "%s: a whole number was expected", clip(id))
	}
	if before := c.byID[n]; before != 0 {
		return r.wrong("id", "%s %d is in line %d too", c.Kind, n, before)
	}
	c.byID[n] = r.n
	o := schema.New(c.kind, n)
	for _, k := range keys {
		f := c.kind.Field(k)
		if f == nil || f.Mode() != schema.Stored {
			return r.wrong(k, "%s %d: no field that rows of %s have in infinisim %s", c.Kind, n, c.Kind, Program)
		}
		if err := f.Holds(all[k]); err != nil {
			why := err.Error()
			if e, ok := errors.AsType[*schema.Error](err); ok {
				why = fmt.Sprintf("%s %s", clip(all[k]), e.Why)
			}
			return r.wrong(k, "%s %d: %s", c.Kind, n, why)
		}
		o.SetRaw(f, all[k])
	}
	c.objects, c.lines = append(c.objects, o), append(c.lines, r.n)
	return nil
}

// references looks for what objects refer to.
func (r *reader) references(cat Catalog) error {
	for _, c := range r.lab.sections {
		for i, o := range c.objects {
			for _, f := range c.kind.StoredFields() {
				target := cat.Target(c.kind, f)
				if target == nil || o.IsNull(f) {
					continue
				}
				to := r.all[section{Array: c.Array, Kind: target.Name()}]
				if id := o.Value(f).Int(); to == nil || to.byID[id] == 0 {
					r.n = c.lines[i]
					return r.wrong(f.Name, "%s %d names %s %d, which the text does not have for array %s", c.Kind, o.ID(), target.Name(), id, c.Array)
				}
			}
		}
	}
	return nil
}
