package replication

import (
	"fmt"
	"slices"
	"strings"

	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/schema"
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
	out := make([]Row, 0, len(machine()))
	for _, r := range machine() {
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

// String is the row for people.
func (r Row) String() string {
	return fmt.Sprintf("%v on %s if %q -> %s %v", r.In, r.On, r.Guard, r.To, r.Effect)
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

// Name tells a row from all others, whatever rows are added before it.
func (r Row) Name() string {
	text := fmt.Sprintf("%s on %s", strings.Join(r.In, ", "), r.On)
	if r.Guard != "" {
		text += " if " + r.Guard
	}
	if r.To != "" {
		text += " -> " + r.To
	}
	return text
}

// begin gives a new replica its state, and tells the journal of the one that it
// is kept in.
func begin(b *model.Box, o *schema.Object, s state) {
	replicaState.Set(o, string(s))
	kept := journal.Of(b.Tx)
	b.Tx.OnCommit(func() { kept.Count(journal.States, replicaState.Get(o), 1) })
}
