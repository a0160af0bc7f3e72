// Package coverage is what a suite of tests reached of the simulator, and what
// it never did: a report that can be merged with those of other runs.
package coverage

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Section counts how often each of its items was reached; 0 is never.
type Section map[string]int

// sectionJSON is how a section is written.
type sectionJSON struct {
	Covered int            `json:"covered"`
	Total   int            `json:"total"`
	Percent float64        `json:"percent"`
	Items   map[string]int `json:"items"`
	Never   []string       `json:"never"`
}

// MarshalJSON writes the items with their sum.
func (s Section) MarshalJSON() ([]byte, error) {
	out := sectionJSON{Covered: s.Covered(), Total: len(s), Percent: percent(s.Covered(), len(s)), Items: s, Never: s.Never()}
	if s == nil {
		out.Items = map[string]int{}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes; the sums follow from the items.
func (s *Section) UnmarshalJSON(raw []byte) error {
	var in sectionJSON
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*s = in.Items
	return nil
}

// Covered is how many items were reached.
func (s Section) Covered() int {
	n := 0
	for _, count := range s {
		if count > 0 {
			n++
		}
	}
	return n
}

// Never lists the items that were not reached.
func (s Section) Never() []string {
	out := []string{}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if s[name] == 0 {
			out = append(out, name)
		}
	}
	return out
}

func (s Section) add(counts map[string]int) Section {
	if s == nil {
		s = Section{}
	}
	for name, n := range counts {
		s[name] += n
	}
	return s
}

// percent is rounded down to tenths; nothing of nothing is all.
func percent(n, of int) float64 {
	if of == 0 {
		return 100
	}
	return float64(n*1000/of) / 10
}

// Report is what was reached.
type Report struct {
	// Endpoints are the routes served, by method and route.
	Endpoints Section `json:"endpoints"`
	// Errors are the codes that arrays can refuse with.
	Errors Section `json:"errors"`
	// States are those of replicas, Transitions the rows of the table that
	// moves them.
	States      Section `json:"states"`
	Transitions Section `json:"transitions"`
	// Faults are the effects that rules can have, by site.
	Faults Section `json:"faults"`
	// Rules are the fault rules of the run, by id; they count for no total.
	Rules Section `json:"rules"`
}

// Names are the names of the sections that count, in their order.
func Names() []string { return []string{"endpoints", "errors", "states", "transitions", "faults"} }

// Section is a section by its name, nil for none of that name.
func (r *Report) Section(name string) Section {
	if s := r.sections()[name]; s != nil {
		return *s
	}
	return nil
}

func (r *Report) sections() map[string]*Section {
	return map[string]*Section{
		"endpoints": &r.Endpoints, "errors": &r.Errors, "states": &r.States, "transitions": &r.Transitions, "faults": &r.Faults,
		"rules": &r.Rules,
	}
}

// Count adds to a section; names that it does not have yet are new items.
func (r *Report) Count(section string, counts map[string]int) {
	if s := r.sections()[section]; s != nil {
		*s = s.add(counts)
	}
}

// Merge adds what another run reached.
func (r *Report) Merge(other *Report) {
	for name, s := range other.sections() {
		r.Count(name, *s)
	}
}

// Percent is how much of a section was reached, or of all that count for total.
// It returns an error for a section that is none.
func (r *Report) Percent(section string) (float64, error) {
	if section != "total" {
		if !slices.Contains(Names(), section) {
			return 0, fmt.Errorf("%q is none of total, %s", section, strings.Join(Names(), ", "))
		}
		s := r.Section(section)
		return percent(s.Covered(), len(s)), nil
	}
	covered, total := 0, 0
	for _, name := range Names() {
		covered, total = covered+r.Section(name).Covered(), total+len(r.Section(name))
	}
	return percent(covered, total), nil
}

// Read reads a report that was written as JSON.
func Read(from io.Reader) (*Report, error) {
	r := new(Report)
	if err := json.NewDecoder(from).Decode(r); err != nil {
		return nil, fmt.Errorf("coverage: %w", err)
	}
	for _, name := range Names() {
		if len(r.Section(name)) == 0 {
			return nil, fmt.Errorf("coverage: no report: it has no %s", name)
		}
	}
	return r, nil
}

// Text writes a line for each section and, if asked for, what was never
// reached.
func (r *Report) Text(to io.Writer, never bool) error {
	var out strings.Builder
	for _, name := range append(Names(), "rules") {
		s := r.Section(name)
		fmt.Fprintf(&out, "%-12s %5.1f %%  %d of %d\n", name, percent(s.Covered(), len(s)), s.Covered(), len(s))
		for _, item := range s.Never() {
			if never {
				fmt.Fprintf(&out, "    never %s\n", item)
			}
		}
	}
	total, err := r.Percent("total")
	if err != nil {
		return err
	}
	fmt.Fprintf(&out, "%-12s %5.1f %%\n", "total", total)
	_, err = io.WriteString(to, out.String())
	return err
}
