package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/job"
)

// part is how one part of a key is kept.
type part uint8

const (
	text   part = iota // to the end
	word               // up to a NUL
	number             // eight bytes
)

// form is how a value is kept.
type form uint8

const (
	asJSON  form = iota // JSON
	asText              // bare text
	asInt               // eight bytes
	asNone              // nothing
	asBytes             // any bytes
	asImage             // references and an image
	left                // left out: it follows from others, or belongs to the process
)

// space is how the keys and values of a space are written.
type space struct {
	lab   bool // of the lab, and not of an array
	key   []part
	value form
	// like makes a value of the type that the JSON is read as, nil for any JSON.
	like func() any
	// hide takes the secrets out of the JSON, nil where there are none.
	hide func(raw json.RawMessage) (json.RawMessage, error)
}

// spaces are all that a lab has besides rows of objects, by name.
func spaces() map[string]space {
	plain, id := []part{text}, []part{number}
	of := func(key []part) space { return space{key: key} }
	in := func(key []part, like func() any) space { return space{lab: true, key: key, like: like} }
	out := map[string]space{
		"active_directory": of(plain), "component": of(plain), "component.fault": of(plain), "component.lost": of(plain),
		"config": of(plain), "event.flood": of(plain), "feature": of(plain), "workload": of(id), "filling": of(id),
		"ssa_express.active": of(id), "ssa_express.queue": of(id), "stream": of([]part{number, number}),
		"certificate": {key: plain, hide: hideMembers(map[string]hider{"key": emptied})}, "kms": {key: plain, hide: hideMembers(map[string]hider{"kms_password": marked, "client": withoutKeys})},
		"event.code": {key: plain, value: asNone}, "image": {key: id, value: asImage},
		"family": {key: []part{word, number}, value: asInt}, "staging": {key: []part{word, number, number}, value: asInt},
		"user.reset": {value: left}, // a token is as good as a password

		"setup": in(plain, nil), "fault.state": in(plain, nil), "job.parked": in([]part{number, number}, nil),
		"fabric.lane": in(plain, nil), "fabric.witness": in([]part{word, text}, nil),
		"fault":           in(plain, func() any { return new(fault.Rule) }),
		"job":             in([]part{number, number}, func() any { return new(job.Job) }),
		"fabric.path":     in(plain, func() any { return new(fabric.Model) }),
		"fabric.impaired": in([]part{word, text}, func() any { return new(fabric.Impairment) }),
		"fabric.flow":     in(id, func() any { return new(fabric.Flow) }),
		"fabric.address":  {lab: true, key: plain, value: asText},
		"fabric.local":    {lab: true, key: plain, value: asNone}, "fabric.peer": {lab: true, key: plain, value: asNone},
		"fabric.lost": {lab: true, key: plain, value: asNone}, "fabric.down": {lab: true, key: plain, value: asBytes},
		"fault.active": {lab: true, key: plain, value: asBytes},
		"job.settle":   {lab: true, value: left}, "job.owner": {lab: true, value: left}, "fabric.mark": {lab: true, value: left},
		// What went to other processes and came from them: a copy is none of
		// their partners.
		"fabric.origin": {lab: true, value: left}, "fabric.reply": {lab: true, value: left},
		"outbox.intent": {lab: true, value: left}, "outbox.abort": {lab: true, value: left},
	}
	return out
}

// sequences is the space that arrays and the lab both have.
const sequences = "sequence"

// spaceNamed finds a space of an array, or of the lab for an empty one.
func spaceNamed(array, name string) (space, bool) {
	if name == sequences {
		return space{key: []part{text}, value: asInt}, true
	}
	s, ok := spaces()[name]
	return s, ok && s.lab == (array == "")
}

// Knows reports whether the package can write a space, or knows to leave it
// out.
func Knows(name string) bool {
	_, ok := spaces()[name]
	return ok || name == sequences
}

var errKey = errors.New("is no key of this space")

// writeKey gives a key as JSON: its part, or a list of them.
func (s space) writeKey(key []byte) ([]byte, error) {
	var parts []any
	for _, p := range s.key {
		switch p {
		case text:
			parts, key = append(parts, string(key)), nil
		case word:
			before, after, ok := bytes.Cut(key, []byte{0})
			if !ok {
				return nil, errKey
			}
			parts, key = append(parts, string(before)), after
		case number:
			if len(key) < 8 {
				return nil, errKey
			}
			parts, key = append(parts, int64(binary.BigEndian.Uint64(key))), key[8:] //nolint:gosec // written by appendNumber
		}
	}
	if len(key) > 0 {
		return nil, errKey
	}
	if len(parts) == 1 {
		return encode(parts[0])
	}
	return encode(parts)
}

// readKey is the reverse of writeKey.
func (s space) readKey(raw json.RawMessage) ([]byte, error) {
	list := []json.RawMessage{raw}
	if len(s.key) > 1 {
		if err := json.Unmarshal(raw, &list); err != nil || len(list) != len(s.key) {
			return nil, fmt.Errorf("%s: a list of %d was expected", raw, len(s.key))
		}
	}
	var key []byte
	for i, p := range s.key {
		if p == number {
			var n int64
			if err := json.Unmarshal(list[i], &n); err != nil {
				return nil, fmt.Errorf("%s: a whole number was expected", list[i])
			}
			key = appendNumber(key, n)
			continue
		}
		var t string
		if err := json.Unmarshal(list[i], &t); err != nil || p == word && strings.Contains(t, "\x00") {
			return nil, fmt.Errorf("%s: a text was expected", list[i])
		}
		key = append(key, t...)
		if p == word {
			key = append(key, 0)
		}
	}
	return key, nil
}

func appendNumber(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // the bits are kept as they are
}

// encode is json.Marshal without its escapes for HTML, which rows do not have.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
