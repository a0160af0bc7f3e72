package lab

import (
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/coverage"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/replication"
)

// Coverage is what the lab's clients and faults reached since it was made, and
// what they did not. Neither the journal's limits nor Reset take any away; a
// fork begins anew.
func (l *Lab) Coverage() *coverage.Report {
	r := new(coverage.Report)
	all := func(section string, names []string, tally journal.Tally) {
		counts, known := l.Journal.Tallied(tally), map[string]int{}
		for _, name := range names {
			known[name] = counts[name]
		}
		r.Count(section, known)
	}
	var routes, codes []string
	for _, s := range l.routes.Served() {
		routes = append(routes, s.Method+" "+s.Path)
	}
	for _, c := range apierr.All() {
		codes = append(codes, string(c))
	}
	all("endpoints", routes, journal.Routes)
	all("errors", codes, journal.Codes)
	all("states", replication.States(), journal.States)
	all("faults", fault.Vocabulary(), journal.Faults)
	r.Count("rules", l.Journal.Tallied(journal.FaultRules))
	moved := l.Journal.Tallied(journal.Rules)
	for i, row := range replication.Rows() {
		r.Count("transitions", map[string]int{row.Name(): moved[fmt.Sprint(i)]})
	}
	return r
}

// Coverage is what all labs of the process reached, those too that are deleted.
func (s *Labs) Coverage() *coverage.Report {
	r := new(coverage.Report)
	s.mu.Lock()
	r.Merge(s.past)
	s.mu.Unlock()
	for _, l := range s.List() {
		r.Merge(l.Coverage())
	}
	return r
}
