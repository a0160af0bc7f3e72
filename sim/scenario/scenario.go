// Package scenario plays stories of things that go wrong: files that say what
// happens on a lab's clock, and what has to be true then.
package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"infinisim/sim/document"
	"infinisim/sim/estate"
)

// Scenario is a file that was read.
type Scenario struct {
	// File is where it was read from, Name what it calls itself.
	File, Name string

	seed   *uint64
	estate *estate.Estate
	parser *parser
	steps  []step
}

// form is a scenario as it is written.
type form struct {
	Name   string        `yaml:"name,required"`
	About  string        `yaml:"about"`
	Seed   *uint64       `yaml:"seed"`
	Estate document.Node `yaml:"estate,required"`
	Steps  document.Node `yaml:"steps,required"`
}

// step is one thing that happens.
type step struct {
	node document.Node
	name string
	// at is when, from the scenario's begin, after from the step before.
	at, after *time.Duration
	act       action
}

// action is what a step does.
type action interface {
	// check refuses what cannot be, before anything is played.
	check(p *parser, n document.Node) error
	// do plays it; a failure is what was expected and did not come.
	do(r *play, n document.Node) error
}

// actions are the words of steps, each with a fresh action.
func actions() map[string]action {
	return map[string]action{
		"advance": new(advance), "settle": new(settle), "request": new(request), "fault": new(putFault), "clear_fault": new(clearFault),
		"cut": &setCut{down: true}, "restore": new(setCut), "link": new(changePath), "component": new(setComponent), "write": new(hostWrite),
		"workload": new(setWorkload), "digest": new(compare), "deactivate": new(setActive), "activate": &setActive{on: true},
		"object": new(lookAt), "events": new(countEvents), "journal": new(verify), "check": new(checkLab),
	}
}

// words lists the actions.
func words() []string {
	var out []string
	for name := range actions() {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// parser is what is known while a scenario is read.
type parser struct {
	estate *estate.Estate
	// saved are the names that steps before have saved, digests those of
	// digests.
	saved, digests map[string]bool
	// kinds are the paths of the kinds whose objects have names, with the names
	// of their types.
	kinds [][2]string
}

// Read reads a scenario and the estate that it begins with. It returns a
// document.Error for what is none.
func Read(file string) (*Scenario, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, err
	}
	return Parse(file, raw)
}

// Parse reads a scenario's text. The file's name is for errors, and estates
// are looked for beside it.
func Parse(file string, raw []byte) (*Scenario, error) {
	n, err := document.Parse(file, raw)
	if err != nil {
		return nil, err
	}
	var f form
	if err := n.Into(&f); err != nil {
		return nil, err
	}
	s := &Scenario{File: file, Name: f.Name, seed: f.Seed}
	if s.estate, err = readEstate(file, f.Estate); err != nil {
		return nil, err
	}
	if len(s.estate.Keys()) == 0 {
		return nil, f.Estate.Errorf("a scenario needs an array")
	}
	if !f.Steps.IsList() || len(f.Steps.Items()) == 0 {
		return nil, f.Steps.Expected("a list of steps")
	}
	p := &parser{estate: s.estate, saved: map[string]bool{}, digests: map[string]bool{}, kinds: named()}
	s.parser = p
	for _, item := range f.Steps.Items() {
		next, err := p.step(item)
		if err != nil {
			return nil, err
		}
		s.steps = append(s.steps, next)
	}
	return s, nil
}

// readEstate reads the estate that stands in a scenario, or in a file that it
// names.
func readEstate(file string, n document.Node) (*estate.Estate, error) {
	if n.IsMap() {
		return estate.From(n)
	}
	name, err := n.Text()
	if err != nil {
		return nil, n.Expected("an estate, or the name of a file with one")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(file), name)
	}
	e, err := estate.Read(name)
	if err != nil && document.As(err) == nil {
		return nil, n.Errorf("%v", err)
	}
	return e, err
}

// step reads a step: what it is called, when it happens, and the one thing
// that it does.
func (p *parser) step(n document.Node) (s step, err error) {
	s = step{node: n}
	if err := n.Only(append([]string{"name", "at", "after"}, words()...)...); err != nil {
		return s, err
	}
	if v := n.Get("name"); v.There() {
		if s.name, err = v.Text(); err != nil {
			return s, err
		}
	}
	for key, to := range map[string]**time.Duration{"at": &s.at, "after": &s.after} {
		v := n.Get(key)
		if !v.There() {
			continue
		}
		d, err := v.Duration()
		if err != nil {
			return s, err
		}
		if d < 0 {
			return s, v.Errorf("%v is before the step", d)
		}
		*to = &d
	}
	if s.at != nil && s.after != nil {
		return s, n.Get("after").Errorf("at and after do not go together")
	}
	known := actions()
	var given []string
	for _, pair := range n.Pairs() {
		if known[pair.Key] != nil {
			given = append(given, pair.Key)
		}
	}
	if len(given) != 1 {
		return s, n.Errorf("a step does one thing, this one does %d: %s", len(given), strings.Join(given, ", "))
	}
	s.act = known[given[0]]
	if s.name == "" {
		s.name = given[0]
	}
	v := n.Get(given[0])
	if err := s.act.check(p, v); err != nil {
		return s, err
	}
	s.node = v
	return s, nil
}

// array reads the name of an array; none is the first one.
func (p *parser) array(n document.Node) (string, error) {
	if !n.There() {
		return p.estate.Keys()[0], nil
	}
	return p.estate.Array(n)
}

// pair reads two arrays.
func (p *parser) pair(n document.Node) (a, b string, err error) {
	if len(n.Items()) != 2 {
		return "", "", n.Expected("two arrays, such as [box-1, box-2]")
	}
	if a, err = p.estate.Array(n.Items()[0]); err != nil {
		return "", "", err
	}
	if b, err = p.estate.Array(n.Items()[1]); err == nil && a == b {
		err = n.Errorf("an array is not linked to itself")
	}
	return a, b, err
}

// String is the step for people.
func (s step) String() string { return fmt.Sprintf("%q", s.name) }
