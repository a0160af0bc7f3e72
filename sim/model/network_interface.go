package model

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// Port is a member of an interface, as the wire has it.
type Port struct {
	Name string `json:"name"`
}

// The types of an interface: a group of ports, a port by its own name
// (InfiniSDK tests/test_infinibox/test_networking.py), a VLAN over another.
const (
	portGroup = "PORT_GROUP"
	onePort   = "PORT"
	vlan      = "VLAN"
)

// interfaceState is the gate that InfiniSDK 289.1.4 calls
// has_ethernet_interface_state.
func interfaceState() schema.Gate { return schema.Gate{From: "7.3.10"} }

// The fields of a network interface. Names are unique within a node: InfiniSDK
// tests/test_infinibox/test_networking.py makes one eth-data1 on each.
var (
	InterfaceName       = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Index | schema.NotNull, Check: checkName, Pattern: namePattern})
	InterfaceKind       = schema.Enum(schema.Field{Name: "type", Flags: schema.Create, Enum: []string{portGroup, onePort, vlan}, Default: portGroup})
	InterfaceNode       = schema.Int(schema.Field{Name: "node_id", Flags: schema.Create, Check: checkNode})
	InterfacePorts      = schema.Tree[[]Port](schema.Field{Name: "ports", Flags: schema.Editable, Default: []Port{}})
	InterfaceState      = schema.Enum(schema.Field{Name: "state", Enum: []string{"OK", "DISABLED"}, Default: "OK"})
	InterfaceRate       = schema.Int(schema.Field{Name: "rate_limit", Flags: schema.Editable})
	InterfaceUnderlying = schema.Ref(schema.Field{Name: "underlying_interface_id", Flags: schema.Create}, "network_interface")
	InterfaceVLAN       = schema.Int(schema.Field{Name: "vlan", Flags: schema.Create, Check: checkVLAN})
	InterfaceOpState    = schema.Compute(schema.Enum(schema.Field{Name: "operational_state", Enum: []string{"UP", "DOWN"}, Gate: interfaceState()}))
	InterfaceOpText     = schema.String(schema.Field{Name: "operational_state_description", Default: "", Gate: interfaceState()})

	// NetworkInterface is a group of a node's ports, or a VLAN over one.
	NetworkInterface = schema.NewType("network_interface", InterfaceName, InterfaceKind, InterfaceNode, InterfacePorts,
		InterfaceState, InterfaceRate, InterfaceUnderlying, InterfaceVLAN, InterfaceOpState, InterfaceOpText)
)

func checkNode(v schema.Value) error {
	if v.Int() < 1 || v.Int() > nodeCount {
		return errors.New("is no node of the array")
	}
	return nil
}

func checkVLAN(v schema.Value) error {
	if v.Int() < 1 || v.Int() > 4094 {
		return errors.New("is no VLAN from 1 to 4094")
	}
	return nil
}

func addNetwork(c *Catalog) {
	k := &Kind{
		Least: RoleAdmin,
		Type:  NetworkInterface, Path: "network/interfaces", NotFound: apierr.InterfaceNotFound, Conflict: apierr.InterfaceNameConflict,
		Gate: schema.Gate{Feature: "network_configuration"},
		Forms: []Form{{
			Name: "a VLAN", Required: []string{"name", "vlan", "underlying_interface_id"},
			When: func(in Body) bool { return strings.EqualFold(text(in["type"]), vlan) },
		}, {Name: "an interface", Required: []string{"name"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, in *Input) error { return b.completeInterface(o, in) },
			BeforeUpdate: func(b *Box, _, o *schema.Object, in *Input) error { return b.completeInterface(o, in) },
			BeforeDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.unusedInterface(o) },
		},
		Computed: map[*schema.Field]Compute{InterfaceOpState.Field(): func(_ *Box, o *schema.Object) (any, error) {
			if InterfaceState.Get(o) == "OK" {
				return "UP", nil
			}
			return "DOWN", nil
		}},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "node_id": 1, "ports": []string{}})
		},
		Change: func(o *schema.Object) Body { return NewBody(map[string]any{"name": InterfaceName.Get(o) + "-2"}) },
	}
	state := func(to string) func(b *Box, o *schema.Object, in *Input) (any, error) {
		return func(b *Box, o *schema.Object, _ *Input) (any, error) {
			InterfaceState.Set(o, to)
			return o, b.Save(o)
		}
	}
	k.Routes = []Route{
		Post(k, "enable", state("OK")), Post(k, "disable", state("DISABLED")),
		Post(k, "ports", addPort),
		{Method: http.MethodDelete, Path: "network/interfaces/{id}/ports/{name}", Do: removePort},
	}
	c.Add(k)
	addNetworkSpaces(c)
}

// completeInterface reads the ports and looks for another interface of the
// node that has the name or a port.
func (b *Box) completeInterface(o *schema.Object, in *Input) error {
	if err := setPorts(o, in); err != nil {
		return err
	}
	if InterfaceKind.Get(o) == onePort {
		if !knownPort(InterfaceName.Get(o)) {
			return apierr.New(apierr.InvalidValue, "name: %q is no port of a node", InterfaceName.Get(o)).About("name")
		}
		InterfacePorts.Set(o, []Port{{InterfaceName.Get(o)}})
	}
	return b.checkNeighbours(o)
}

// checkNeighbours refuses a name or a port that another interface of the same
// node has.
//
// unsourced: that a port belongs to one interface at a time.
func (b *Box) checkNeighbours(o *schema.Object) error {
	ports := InterfacePorts.Get(o)
	for i, p := range ports {
		if slices.Contains(ports[:i], p) {
			return apierr.New(apierr.InvalidValue, "ports: %s is there twice", p.Name).About("ports")
		}
	}
	return b.Tx.Each(b.Key, NetworkInterface, func(s *schema.Object) (bool, error) {
		if s.ID() == o.ID() || InterfaceNode.IsNull(s) != InterfaceNode.IsNull(o) || InterfaceNode.Get(s) != InterfaceNode.Get(o) {
			return true, nil
		}
		if InterfaceName.Get(s) == InterfaceName.Get(o) {
			return false, b.nameConflict(o, InterfaceName.Field())
		}
		for _, p := range InterfacePorts.Get(s) {
			if !InterfaceNode.IsNull(o) && slices.Contains(ports, p) {
				return false, apierr.New(apierr.InterfaceInUse, "ports: %s of the node belongs to interface %d", p.Name, s.ID()).About("ports")
			}
		}
		return true, nil
	})
}

// FreePort names a data port of a node that no interface has, empty for none.
func (b *Box) FreePort(node int64) (string, error) {
	free := dataPorts()
	err := b.Tx.Each(b.Key, NetworkInterface, func(s *schema.Object) (bool, error) {
		if InterfaceNode.Get(s) == node {
			for _, p := range InterfacePorts.Get(s) {
				free = slices.DeleteFunc(free, func(name string) bool { return name == p.Name })
			}
		}
		return true, nil
	})
	if err != nil || len(free) == 0 {
		return "", err
	}
	return free[0], nil
}

// setPorts takes ports as names or as objects and keeps objects (InfiniSDK
// 289.1.4 sends names and reads objects).
func setPorts(o *schema.Object, in *Input) error {
	raw, ok := in.Body["ports"]
	if !ok {
		return nil
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return apierr.New(apierr.InvalidValue, "ports: %s is no list", raw).About("ports")
	}
	ports := make([]Port, 0, len(elements))
	for _, e := range elements {
		var p Port
		if json.Unmarshal(e, &p.Name) != nil && json.Unmarshal(e, &p) != nil || !knownPort(p.Name) {
			return apierr.New(apierr.InvalidValue, "ports: %s is no port of a node", e).About("ports")
		}
		ports = append(ports, p)
	}
	InterfacePorts.Set(o, ports)
	return nil
}

func knownPort(name string) bool { return slices.Contains(dataPorts(), name) }

func addPort(b *Box, o *schema.Object, in *Input) (any, error) {
	if err := onlyKeys(in, "name"); err != nil {
		return nil, err
	}
	name := text(in.Body["name"])
	if !knownPort(name) {
		return nil, apierr.New(apierr.InvalidValue, "name: %q is no port of a node", name).About("name")
	}
	InterfacePorts.Set(o, append(InterfacePorts.Get(o), Port{name}))
	if err := b.checkNeighbours(o); err != nil {
		return nil, err
	}
	return o, b.Save(o)
}

// onlyKeys refuses a body with a key that the request does not read.
func onlyKeys(in *Input, names ...string) error {
	if raw := string(in.Raw); raw != "" && raw != "null" && raw[0] != '{' {
		return apierr.New(apierr.Malformed, "body: not a JSON object")
	}
	for _, name := range sortedKeys(in.Body) {
		if !slices.Contains(names, name) {
			return apierr.New(apierr.UnknownField, "%s: unknown field", name).About(name)
		}
	}
	return nil
}

func removePort(b *Box, o *schema.Object, in *Input) (any, error) {
	ports := InterfacePorts.Get(o)
	i := slices.Index(ports, Port{in.Vars["name"]})
	if i < 0 {
		return nil, apierr.New(apierr.ComponentNotFound, "interface %d has no port %q", o.ID(), in.Vars["name"])
	}
	InterfacePorts.Set(o, slices.Delete(ports, i, i+1))
	return o, b.Save(o)
}

// unusedInterface refuses to delete what a VLAN or a space stands on.
func (b *Box) unusedInterface(o *schema.Object) error {
	err := b.Tx.Each(b.Key, NetworkInterface, func(s *schema.Object) (bool, error) {
		if InterfaceUnderlying.Get(s) == o.ID() {
			return false, apierr.New(apierr.InterfaceInUse, "interface %d carries the VLAN interface %d", o.ID(), s.ID())
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return b.Tx.Each(b.Key, NetworkSpace, func(s *schema.Object) (bool, error) {
		if slices.Contains(SpaceInterfaces.Get(s), o.ID()) {
			return false, apierr.New(apierr.InterfaceInUse, "interface %d is used by network space %d", o.ID(), s.ID())
		}
		return true, nil
	})
}
