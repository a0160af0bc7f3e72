// Package document reads YAML that people write: strictly, and with the line
// and the field of everything that is not as it must be.
package document

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error says where a document is not as it must be, and what was expected.
type Error struct {
	// File is the document's name.
	File string
	// Line is where, counted from 1.
	Line int
	// Field is the place in the document, such as steps[2].write.length; empty
	// is the document itself.
	Field string
	// Message tells what is wrong, and what would not be.
	Message string
}

// Error is the place and the message in one line.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	}
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.Field, e.Message)
}

// Node is a value of a document with its place. The zero Node is a value that
// is not there.
type Node struct {
	y           *yaml.Node
	file, field string
	line        int
}

// Pair is a member of a mapping.
type Pair struct {
	// Key is the member's name, in the node KeyNode.
	Key     string
	KeyNode Node
	// Value is the member's value.
	Value Node
}

// Parse reads a document; the file's name is for errors alone. It returns an
// Error for what is no YAML, for more than one document, and for anchors,
// aliases and keys that come twice.
func Parse(file string, raw []byte) (Node, error) {
	var doc yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(raw)))
	if err := d.Decode(&doc); err != nil {
		return Node{}, unreadable(file, err)
	}
	if len(doc.Content) != 1 {
		return Node{}, &Error{File: file, Line: 1, Message: "the file is empty"}
	}
	var more yaml.Node
	if err := d.Decode(&more); err == nil {
		return Node{}, &Error{File: file, Line: more.Line, Message: "a second document begins; a file has one"}
	}
	n := Node{y: doc.Content[0], file: file, line: doc.Content[0].Line}
	return n, n.check()
}

// unreadable takes the line out of the parser's words.
func unreadable(file string, err error) error {
	e := &Error{File: file, Line: 1, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if _, scanned := fmt.Sscanf(e.Message, "line %d:", &e.Line); scanned == nil {
		_, e.Message, _ = strings.Cut(e.Message, ": ")
	}
	if e.Message == "EOF" {
		e.Message = "the file is empty"
	}
	return e
}

// check refuses what makes a document hard to read.
func (n Node) check() error {
	if n.y.Kind == yaml.AliasNode || n.y.Anchor != "" {
		return n.Errorf("anchors and aliases are not taken; write it out")
	}
	if n.y.Kind == yaml.MappingNode {
		seen := map[string]int{}
		for _, p := range n.Pairs() {
			if p.KeyNode.y.Kind != yaml.ScalarNode {
				return p.KeyNode.Errorf("a key is a word")
			}
			if line := seen[p.Key]; line != 0 {
				return p.KeyNode.Errorf("comes twice, first in line %d", line)
			}
			seen[p.Key] = p.KeyNode.line
			if err := p.Value.check(); err != nil {
				return err
			}
		}
		return nil
	}
	for _, item := range n.Items() {
		if err := item.check(); err != nil {
			return err
		}
	}
	return nil
}

// Line is where the value stands, counted from 1.
func (n Node) Line() int { return n.line }

// File is the name of the document.
func (n Node) File() string { return n.file }

// Field is the place of the value in its document.
func (n Node) Field() string { return n.field }

// There reports whether there is a value, be it null.
func (n Node) There() bool { return n.y != nil }

// IsNull reports whether the value is null, or none is there.
func (n Node) IsNull() bool {
	return n.y == nil || n.y.Kind == yaml.ScalarNode && n.y.ShortTag() == "!!null"
}

// IsMap reports whether the value is a mapping, IsList whether it is a list.
func (n Node) IsMap() bool { return n.y != nil && n.y.Kind == yaml.MappingNode }

// IsList reports whether the value is a list.
func (n Node) IsList() bool { return n.y != nil && n.y.Kind == yaml.SequenceNode }

// IsText reports whether the value is a text, quoted or not.
func (n Node) IsText() bool {
	return n.y != nil && n.y.Kind == yaml.ScalarNode && slices.Contains([]string{"!!str", "!!timestamp"}, n.y.ShortTag())
}

// Errorf is an Error about the value.
func (n Node) Errorf(format string, a ...any) error {
	return &Error{File: n.file, Line: n.line, Field: n.field, Message: fmt.Sprintf(format, a...)}
}

// Pairs lists the members of a mapping in the document's order, none of
// anything else.
func (n Node) Pairs() []Pair {
	if !n.IsMap() {
		return nil
	}
	out := make([]Pair, 0, len(n.y.Content)/2)
	for i := 0; i+1 < len(n.y.Content); i += 2 {
		key := n.y.Content[i]
		field := key.Value
		if n.field != "" {
			field = n.field + "." + key.Value
		}
		out = append(out, Pair{
			Key:     key.Value,
			KeyNode: Node{y: key, file: n.file, field: field, line: key.Line},
			Value:   Node{y: n.y.Content[i+1], file: n.file, field: field, line: n.y.Content[i+1].Line},
		})
	}
	return out
}

// Items lists the elements of a list, none of anything else.
func (n Node) Items() []Node {
	if !n.IsList() {
		return nil
	}
	out := make([]Node, 0, len(n.y.Content))
	for i, y := range n.y.Content {
		out = append(out, Node{y: y, file: n.file, field: fmt.Sprintf("%s[%d]", n.field, i), line: y.Line})
	}
	return out
}

// Get finds a member of a mapping; the zero Node is none.
func (n Node) Get(key string) Node {
	for _, p := range n.Pairs() {
		if p.Key == key {
			return p.Value
		}
	}
	return Node{}
}

// Near finds the member that a dotted path leads to, as far as the document
// has it.
func (n Node) Near(path string) Node {
	for part := range strings.SplitSeq(path, ".") {
		next := n.Get(part)
		if !next.There() {
			break
		}
		n = next
	}
	return n
}

// Named is a text that stands where n does.
func (n Node) Named(text string) Node {
	n.y = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: yaml.DoubleQuotedStyle}
	return n
}

// Only refuses members that have none of the given names.
func (n Node) Only(keys ...string) error {
	if !n.IsMap() {
		return n.Expected("a mapping with " + strings.Join(keys, ", "))
	}
	for _, p := range n.Pairs() {
		if !slices.Contains(keys, p.Key) {
			return p.KeyNode.Errorf("unknown, this takes %s", strings.Join(keys, ", "))
		}
	}
	return nil
}

// Expected is an Error that says what the value is and what it should be.
func (n Node) Expected(what string) error { return n.Errorf("%s is not %s", n.words(), what) }

// words is the value for people.
func (n Node) words() string {
	switch {
	case n.IsMap():
		return "a mapping"
	case n.IsList() && len(n.y.Content) == 0:
		return "an empty list"
	case n.IsList():
		return "a list"
	case n.IsNull():
		return "nothing"
	case n.IsText():
		return fmt.Sprintf("%q", n.y.Value)
	}
	return n.y.Value
}

// As finds the Error in an error, nil if there is none.
func As(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// Without is a mapping without some of its members.
func (n Node) Without(keys ...string) Node {
	if !n.IsMap() {
		return n
	}
	left := *n.y
	left.Content = nil
	for i := 0; i+1 < len(n.y.Content); i += 2 {
		if !slices.Contains(keys, n.y.Content[i].Value) {
			left.Content = append(left.Content, n.y.Content[i], n.y.Content[i+1])
		}
	}
	n.y = &left
	return n
}
