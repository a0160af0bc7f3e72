package replication

import (
	"fmt"
	"slices"
	"strings"

	"infinisim/sim/model"
)

// Row is a rule of the table, in words.
type Row struct {
	In     []string
	On     string
	Guard  string
	To     string
	Effect []string
}

// Rows are the rules, in the order in which they count.
func Rows() []Row {
	out := make([]Row, 0, len(rules()))
	for _, r := range rules() {
		row := Row{On: string(r.on), To: string(r.to)}
		for _, s := range r.in {
			row.In = append(row.In, string(s))
		}
		if r.guard != nil {
			row.Guard = r.guard().name
		}
		for _, e := range r.effect {
			row.Effect = append(row.Effect, e().name)
		}
		out = append(out, row)
	}
	return out
}

func (r Row) String() string {
	return fmt.Sprintf("%v on %s if %q -> %s %v", r.In, r.On, r.Guard, r.To, r.Effect)
}

// StateOf is the state of a replica.
func StateOf(b *model.Box, id int64) (string, error) {
	r, err := openID(b, id)
	if err != nil {
		return "", err
	}
	return string(r.state()), nil
}

// States are all that the table names, in the order of their first row.
func States() []string {
	var out []string
	add := func(s string) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, r := range Rows() {
		for _, s := range r.In {
			add(s)
		}
		add(r.To)
	}
	return out
}

// Term is a word of the table with its description.
type Term struct{ Name, About string }

// Terms are the states, events, guards and effects of the rules, each in the
// order of its first row.
func Terms() (states, events, guards, acts []Term) {
	add := func(to *[]Term, name, about string) {
		if name != "" && !slices.Contains(*to, Term{name, about}) {
			*to = append(*to, Term{name, about})
		}
	}
	for _, s := range States() {
		add(&states, s, state(s).about())
	}
	for _, r := range rules() {
		add(&events, string(r.on), r.on.about())
		if r.guard != nil {
			c := r.guard()
			names, abouts := strings.Split(c.name, " and "), strings.Split(c.about, "; ")
			for i, name := range names {
				name, negated := strings.CutPrefix(name, "not ")
				if !negated {
					add(&guards, name, abouts[i])
				}
			}
		}
		for _, e := range r.effect {
			add(&acts, e().name, e().about)
		}
	}
	for _, g := range []guard{hasSlot, isLeader} { // which the table may only deny
		add(&guards, g().name, g().about)
	}
	return states, events, guards, acts
}
