package model

import (
	"fmt"
	"slices"
	"strings"
)

// ComponentKind is what a tester may have a kind of component be.
type ComponentKind struct {
	// Kind is the kinds along the path, such as nodes/drives.
	Kind string `json:"kind"`
	// Member is the one that shows a failure, States what it can be set to.
	Member string   `json:"member"`
	States []string `json:"states"`
	// Well is the state of a new part, Failed that of a broken one.
	Well   string `json:"well"`
	Failed string `json:"failed"`
}

// ComponentView is a part of the hardware and how it is.
type ComponentView struct {
	// Path is the part's own, such as nodes/1/drives/2.
	Path string `json:"path"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	// State is the value of the member that shows a failure.
	State string `json:"state"`
}

// ComponentViews are the kinds of an array's hardware and its parts, each part
// after the one that it hangs on.
type ComponentViews struct {
	Kinds []ComponentKind `json:"kinds"`
	Parts []ComponentView `json:"parts"`
}

// ComponentsOf lists the hardware of the array, with what can be set of it.
func (b *Box) ComponentsOf() (ComponentViews, error) {
	t, err := b.treeMaker()
	if err != nil {
		return ComponentViews{}, err
	}
	v := ComponentViews{Kinds: componentKinds(), Parts: []ComponentView{}}
	v.add("system", "system", "system", t.system())
	for _, name := range externalNames() {
		v.add("external_services/"+name, "external_services", name, t.externalCluster(name))
	}
	rack := t.rack(nil)
	for _, part := range []struct {
		kind string
		subs []string
	}{
		{"nodes", []string{"services", "fc_ports", "eth_ports", "ib_ports", "drives"}}, {"enclosures", []string{"drives"}}, {"ups", nil}, {"pdus", nil},
	} {
		all, _ := rack[part.kind].([]component)
		for _, c := range all {
			path := fmt.Sprintf("%s/%v", part.kind, c.key())
			v.add(path, part.kind, nameOfPart(part.kind, c), c)
			for _, sub := range part.subs {
				below, _ := c[sub].([]component)
				for _, d := range below {
					v.add(fmt.Sprintf("%s/%s/%v", path, sub, d.key()), part.kind+"/"+sub, nameOfPart(sub, d), d)
				}
			}
		}
	}
	return v, nil
}

func (v *ComponentViews) add(path, kind, name string, c component) {
	member, _ := failureOf(kind)
	v.Parts = append(v.Parts, ComponentView{Path: path, Kind: kind, Name: name, State: fmt.Sprint(c[member])})
}

// nameOfPart is a part's own name, or its kind and number.
func nameOfPart(kind string, c component) string {
	if name, ok := c["name"].(string); ok {
		return name
	}
	one := map[string]string{
		"fc_ports": "FC port", "ib_ports": "IB port", "drives": "drive", "enclosures": "enclosure", "ups": "UPS", "pdus": "PDU",
	}[kind]
	return fmt.Sprintf("%s %v", one, c.key())
}

func componentKinds() []ComponentKind {
	out := []ComponentKind{}
	for kind, all := range knobs() {
		k := ComponentKind{Kind: kind, States: []string{}}
		k.Member, k.Failed = failureOf(kind)
		for _, one := range all {
			if f := one.Field(); f.Name == k.Member {
				k.States = append(k.States, f.Enum...)
				k.Well = f.Enum[0]
			}
		}
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b ComponentKind) int { return strings.Compare(a.Kind, b.Kind) })
	return out
}
