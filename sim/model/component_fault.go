package model

import (
	"encoding/json"
	"fmt"
	"strings"
)

// spaceComponentFault keeps, by component, what faults do to it: the rules in
// the order in which they began.
const spaceComponentFault = "component.fault"

// componentFault is one rule's hold on a component: the member that it set, to
// what, and what it was before.
type componentFault struct {
	Rule   string `json:"rule"`
	Member string `json:"member"`
	Is     any    `json:"is"`
	Was    any    `json:"was"`
}

// failureOf is the member of a kind of component that shows a failure, and the
// value that does.
func failureOf(kind string) (member, value string) {
	switch kind {
	case "nodes", "nodes/drives", "enclosures/drives":
		return "state", componentFailed
	case "nodes/fc_ports", "nodes/eth_ports", "nodes/ib_ports":
		return "link_state", linkDown
	case "nodes/services":
		return "state", serviceInactive
	case "external_services":
		return "cluster_state", "RED"
	case "system":
		return "state", "STANDBY"
	}
	return "state", "ERROR"
}

// BeginComponentFault has a component in a state for as long as a fault lasts,
// as SetComponent does; an empty state is that of a part that has failed. It
// returns what SetComponent returns.
func (b *Box) BeginComponentFault(rule, path, state string) error {
	held, err := b.componentFaults(path)
	if err != nil {
		return err
	}
	t, err := b.treeMaker()
	if err != nil {
		return err
	}
	steps := strings.Split(path, "/")
	old, err := t.locate(steps)
	if err != nil {
		return err
	}
	member, value := failureOf(partOf(steps))
	if state != "" {
		value = state
	}
	held = append(held, componentFault{Rule: rule, Member: member, Is: value, Was: old[member]})
	if err := b.setMember(path, member, value); err != nil {
		return err
	}
	return b.keepComponentFaults(path, held)
}

// EndComponentFault gives a component the state back that it had before a
// fault, unless somebody changed it meanwhile; where another fault holds it by
// then, that one gives it back in the end.
func (b *Box) EndComponentFault(rule, path string) error {
	held, err := b.componentFaults(path)
	if err != nil {
		return err
	}
	for i, f := range held {
		if f.Rule != rule {
			continue
		}
		left := append(append([]componentFault{}, held[:i]...), held[i+1:]...)
		if i < len(left) { // what came after it began with what it made
			left[i].Was = f.Was
		} else if err := b.giveBack(path, f); err != nil {
			return err
		}
		return b.keepComponentFaults(path, left)
	}
	return nil
}

func (b *Box) giveBack(path string, f componentFault) error {
	t, err := b.treeMaker()
	if err != nil {
		return err
	}
	now, err := t.locate(strings.Split(path, "/"))
	if err != nil || fmt.Sprint(now[f.Member]) != fmt.Sprint(f.Is) {
		return err
	}
	return b.setMember(path, f.Member, f.Was)
}

func (b *Box) setMember(path, member string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("component %s: %w", path, err)
	}
	_, err = b.SetComponent(path, Body{member: raw})
	return err
}

func (b *Box) componentFaults(path string) (held []componentFault, err error) {
	if raw := b.Tx.KV(b.Key, spaceComponentFault).Get([]byte(path)); raw != nil {
		if err := json.Unmarshal(raw, &held); err != nil {
			return nil, fmt.Errorf("faults of component %s: %w", path, err)
		}
	}
	return held, nil
}

func (b *Box) keepComponentFaults(path string, held []componentFault) error {
	kv := b.Tx.KV(b.Key, spaceComponentFault)
	if len(held) == 0 {
		kv.Delete([]byte(path))
		return nil
	}
	raw, err := json.Marshal(held)
	if err != nil {
		return fmt.Errorf("faults of component %s: %w", path, err)
	}
	kv.Put([]byte(path), raw)
	return nil
}
