package model

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// Port is a member of an interface, as the wire has it.
type Port struct {
	Name string `json:"name"`
}

// The fields of a network interface.
var (
	InterfaceName       = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName})
	InterfaceKind       = schema.Enum(schema.Field{Name: "type", Flags: schema.Create, Enum: []string{"PORT_GROUP", "VLAN"}, Default: "PORT_GROUP"})
	InterfaceNode       = schema.Int(schema.Field{Name: "node_id", Flags: schema.Create, Check: checkNode})
	InterfacePorts      = schema.Tree[[]Port](schema.Field{Name: "ports", Flags: schema.Editable, Default: []Port{}})
	InterfaceState      = schema.Enum(schema.Field{Name: "state", Enum: []string{"OK", "DISABLED"}, Default: "OK"})
	InterfaceRate       = schema.Int(schema.Field{Name: "rate_limit", Flags: schema.Editable})
	InterfaceUnderlying = schema.Ref(schema.Field{Name: "underlying_interface_id", Flags: schema.Create}, "network_interface")
	InterfaceVLAN       = schema.Int(schema.Field{Name: "vlan", Flags: schema.Create})
	InterfaceOpState    = schema.Compute(schema.Enum(schema.Field{Name: "operational_state", Enum: []string{"UP", "DOWN"}}))
	InterfaceOpText     = schema.String(schema.Field{Name: "operational_state_description", Default: ""})

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

func addNetwork(c *Catalog) {
	k := &Kind{
		Type: NetworkInterface, Path: "network/interfaces", NotFound: apierr.InterfaceNotFound, Conflict: apierr.InterfaceNameConflict,
		Gate: schema.Gate{Feature: "network_configuration"},
		Forms: []Form{{
			Name: "a VLAN", Required: []string{"name", "vlan", "underlying_interface_id"},
			When: func(in Body) bool { return text(in["type"]) == "VLAN" },
		}, {Name: "an interface", Required: []string{"name"}}},
		Hooks: Hooks{
			BeforeCreate: func(_ *Box, o *schema.Object, in *Input) error { return setPorts(o, in) },
			BeforeUpdate: func(_ *Box, _, o *schema.Object, in *Input) error { return setPorts(o, in) },
			BeforeDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.unusedInterface(o) },
		},
		Computed: map[*schema.Field]Compute{InterfaceOpState.Field(): func(_ *Box, o *schema.Object) (any, error) {
			if InterfaceState.Get(o) == "OK" {
				return "UP", nil
			}
			return "DOWN", nil
		}},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "node_id": 1, "ports": []string{"eth-data1"}})
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
	name := text(in.Body["name"])
	if !knownPort(name) {
		return nil, apierr.New(apierr.InvalidValue, "name: %q is no port of a node", name).About("name")
	}
	ports := InterfacePorts.Get(o)
	if !slices.Contains(ports, Port{name}) {
		InterfacePorts.Set(o, append(ports, Port{name}))
	}
	return o, b.Save(o)
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

func (b *Box) unusedInterface(o *schema.Object) error {
	return b.Tx.Each(b.Key, NetworkSpace, func(s *schema.Object) (bool, error) {
		if slices.Contains(SpaceInterfaces.Get(s), o.ID()) {
			return false, apierr.New(apierr.InterfaceInUse, "interface %d is used by network space %d", o.ID(), s.ID())
		}
		return true, nil
	})
}
