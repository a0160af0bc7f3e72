package replication

import (
	"slices"
	"strings"

	"infinisim/sim/model"
)

// StateOf is the state of a replica.
func StateOf(b *model.Box, id int64) (string, error) {
	r, err := openID(b, id)
	if err != nil {
		return "", err
	}
	return string(r.state()), nil
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
