// Package recipes reads fixtures/recipes.json, which says how to bring a
// replica to each of its states, and plays it against whatever answers
// requests: a test, a benchmark.
package recipes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Control is what a word goes to that goes to no array.
const Control = "control"

// Word is a request.
type Word struct {
	// To is an array's key, or Control.
	To string `json:"to"`
	// Do is the method and the path behind /api/rest/ or /_sim/v1/.
	Do   string          `json:"do"`
	Body json.RawMessage `json:"body"`
	// Keep names members of the result that are put into later requests.
	Keep map[string]string `json:"keep"`
}

// Recipe leads to a state of a half of a replica.
type Recipe struct {
	Name  string   `json:"name"`
	State string   `json:"state"`
	Type  string   `json:"type"`
	Read  string   `json:"read"`
	Steps []string `json:"steps"`
}

// Book is the file.
type Book struct {
	About   string          `json:"about"`
	Words   map[string]Word `json:"words"`
	Setup   []string        `json:"setup"`
	Recipes []Recipe        `json:"recipes"`
	Links   []struct {
		Name  string   `json:"name"`
		Steps []string `json:"steps"`
	} `json:"links"`
}

// Read reads the file.
func Read(path string) (*Book, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // our own file
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	b := &Book{}
	return b, d.Decode(b)
}

// Request is a word with the ids put in.
type Request struct {
	To, Method, Path string
	Body             []byte
}

// Player plays words.
type Player struct {
	Book *Book
	// Send sends a request and gives the answer's body; a refusal is an error.
	Send func(Request) ([]byte, error)
	// Sent is what was sent.
	Sent []Request

	ids map[string]string
}

var (
	name   = regexp.MustCompile(`\{\w+\}`)
	quoted = regexp.MustCompile(`"\{\w+\}"`)
)

// Fill puts ids in the place of their names.
func (p *Player) Fill(text string) string {
	id := func(s string) string { return p.ids[strings.Trim(s, `"{}`)] }
	return name.ReplaceAllStringFunc(quoted.ReplaceAllStringFunc(text, id), id)
}

// Play sends words one after the other.
func (p *Player) Play(words ...string) error {
	if p.ids == nil {
		p.ids = map[string]string{}
	}
	for _, w := range words {
		word, ok := p.Book.Words[w]
		if !ok {
			return fmt.Errorf("%q is no word", w)
		}
		method, path, _ := strings.Cut(word.Do, " ")
		ask := Request{To: word.To, Method: method, Path: p.Fill(path), Body: []byte(p.fillBody(word.Body))}
		p.Sent = append(p.Sent, ask)
		raw, err := p.Send(ask)
		if err != nil {
			return fmt.Errorf("%s: %w", w, err)
		}
		if err := p.keep(word, raw); err != nil {
			return fmt.Errorf("%s: %w", w, err)
		}
	}
	return nil
}

func (p *Player) fillBody(body json.RawMessage) string {
	if len(body) == 0 {
		return ""
	}
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return ""
	}
	// Only whole strings are names of ids: braces are JSON's own.
	return quoted.ReplaceAllStringFunc(compact.String(), func(s string) string { return p.ids[strings.Trim(s, `"{}`)] })
}

func (p *Player) keep(w Word, raw []byte) error {
	if len(w.Keep) == 0 {
		return nil
	}
	var answer struct{ Result any }
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		return err
	}
	for as, path := range w.Keep {
		v := answer.Result
		for part := range strings.SplitSeq(path, ".") {
			switch in := v.(type) {
			case map[string]any:
				v = in[part]
			case []any:
				i, err := strconv.Atoi(part)
				if err != nil || i >= len(in) {
					return fmt.Errorf("no %s in the answer", path)
				}
				v = in[i]
			}
		}
		p.ids[as] = fmt.Sprint(v)
	}
	return nil
}
