package fault

import (
	"encoding/json"
	"fmt"
)

// kept is a rule with its counts.
type kept struct {
	Rule
	Seen    int `json:"seen,omitempty"`
	Matched int `json:"matched,omitempty"`
	Struck  int `json:"struck,omitempty"`
	Hits    int `json:"hits,omitempty"`
}

// State is the rules in their order, with what they have counted: what Load
// makes the same set of.
func (s *Set) State() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []kept{}
	for _, r := range s.rules {
		all = append(all, kept{Rule: r.Rule, Seen: r.seen, Matched: r.matched, Struck: r.struck, Hits: r.hits})
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("state of faults: %w", err)
	}
	return raw, nil
}

// Load makes the set what State was taken of, the source of its dice apart. It
// returns an error, and changes nothing, for what is no state.
func (s *Set) Load(state json.RawMessage) error {
	var all []kept
	if err := json.Unmarshal(state, &all); err != nil {
		return fmt.Errorf("state of faults: %w", err)
	}
	rules := []*counted{}
	for _, k := range all {
		rules = append(rules, &counted{Rule: k.Rule, seen: k.Seen, matched: k.Matched, struck: k.Struck, hits: k.Hits})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = rules
	return nil
}
