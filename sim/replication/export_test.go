package replication

import (
	"fmt"
	"slices"

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
