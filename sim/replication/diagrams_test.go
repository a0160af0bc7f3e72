package replication_test

import (
	"fmt"
	"slices"
	"strings"

	"infinisim/sim/replication"
)

// machine is a part of the table: the states in which a replica of a type is
// active, those in which it rests, and what its first state is.
type machine struct {
	name         string
	active, rest func(state string) bool
	first        string
}

func machines() []machine {
	suspended := func(s string) bool { return s == "SUSPENDED" || s == "AUTO_SUSPENDED" }
	return []machine{
		{"ASYNC", func(s string) bool { return strings.HasPrefix(s, "ASYNC_") }, suspended, "ASYNC_PENDING"},
		{"SYNC", func(s string) bool {
			return strings.HasPrefix(s, "SYNC") || strings.HasPrefix(s, "OUT_OF_SYNC")
		}, suspended, "SYNC_PENDING"},
		{"ACTIVE_ACTIVE", func(s string) bool {
			return strings.HasPrefix(s, "PEER_") && !strings.Contains(s, "SUSPENDED")
		}, func(s string) bool { return strings.HasPrefix(s, "PEER_") && strings.Contains(s, "SUSPENDED") }, "PEER_PENDING"},
	}
}

func isRole(event string) bool {
	return slices.Contains([]string{"to_target", "to_source", "hand_over", "take_over"}, event)
}

func label(r replication.Row) string {
	if r.Guard == "" {
		return r.On
	}
	return r.On + " [" + r.Guard + "]"
}

// diagram draws a machine as Mermaid does; what every active state has in
// common is drawn once.
func (m machine) diagram() string {
	var states, edges []string
	for _, s := range replication.States() {
		if m.active(s) {
			states = append(states, s)
		}
	}
	for _, r := range replication.Rows() {
		if r.To == "" || isRole(r.On) {
			continue
		}
		var from []string
		for _, s := range r.In {
			if m.active(s) || m.rest(s) && (m.active(r.To) || m.rest(r.To)) {
				from = append(from, s)
			}
		}
		if len(from) == len(states) {
			from = []string{m.name}
		}
		for _, s := range from {
			edges = append(edges, fmt.Sprintf("    %s --> %s: %s\n", s, r.To, label(r)))
		}
	}
	return fmt.Sprintf("\n### %s\n\n```mermaid\nstateDiagram-v2\n    [*] --> %s: create\n    state %s {\n        %s\n    }\n%s```\n",
		m.name, m.first, m.name, strings.Join(states, "\n        "), strings.Join(edges, ""))
}

func diagrams() string {
	var b strings.Builder
	b.WriteString("\n## The machines\n\nAn edge is a row of the table: the event, and in brackets the guard. The first row that fits counts; rows without a next state\nare left out here. " +
		"ASYNC and SYNC replicas turn into each other, and share the states of a suspended one.\n")
	for _, m := range machines() {
		b.WriteString(m.diagram())
	}
	b.WriteString("\n### Roles\n\nOf ASYNC and SYNC; both halves of an ACTIVE_ACTIVE replica are equal.\n\n```mermaid\nstateDiagram-v2\n    [*] --> TARGET: create, at the peer\n")
	for _, r := range replication.Rows() {
		if !isRole(r.On) {
			continue
		}
		for _, s := range r.In {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", s, r.To, label(r))
		}
	}
	b.WriteString("```\n\n### Links\n\n```mermaid\nstateDiagram-v2\n    [*] --> UP: create\n    UP --> DOWN: cut, detached, or the peer is gone\n    DOWN --> UP: all of that is over\n" +
		"    UP --> DEGRADED: some of the addresses are down\n    DEGRADED --> UP: none is\n    DEGRADED --> DOWN: cut, detached, or the peer is gone\n```\n")
	return b.String()
}

func ruleTables() string {
	var b strings.Builder
	_, events, guards, acts := replication.Terms()
	b.WriteString("\n## Events\n\n| event | what causes it |\n|---|---|\n")
	for _, e := range events {
		fmt.Fprintf(&b, "| %s | %s |\n", e.Name, e.About)
	}
	b.WriteString("\n## Rows\n\nIn one of the states, on the event, if the guard holds, the replica goes to the next state, or keeps its own, and the effects\nhappen in this order. " +
		"The first row that fits counts; without one nothing happens.\n\n| # | in | event | guard | to | effects |\n|---|---|---|---|---|---|\n")
	for i, r := range replication.Rows() {
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s |\n", i, strings.Join(r.In, ", "), r.On, r.Guard, r.To, strings.Join(r.Effect, ", "))
	}
	b.WriteString("\n## Guards\n\n| guard | it holds if |\n|---|---|\n")
	for _, g := range guards {
		fmt.Fprintf(&b, "| %s | %s |\n", g.Name, g.About)
	}
	b.WriteString("\n## Effects\n\n| effect | what happens |\n|---|---|\n")
	for _, a := range acts {
		fmt.Fprintf(&b, "| %s | %s |\n", a.Name, a.About)
	}
	return b.String()
}
