package model

import (
	"fmt"
	"net/http"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The roles of an FC port.
const (
	softPort = "SOFT_PORT"
	hardPort = "HARD_PORT"
)

// gateNPIV opens what needs soft targets: InfiniSDK 289.1.4 calls it has_npiv.
var gateNPIV = schema.Gate{Feature: "fc_soft_targets"}

// fcPort names an FC port.
type fcPort struct{ node, id int }

func (p fcPort) path() string { return fmt.Sprintf("nodes/%d/fc_ports/%d", p.node, p.id) }

// fcPorts are all FC ports, port by port over the nodes: who takes them in
// turn spreads over the nodes first.
func fcPorts() []fcPort {
	out := make([]fcPort, 0, nodeCount*fcPortsPerNode)
	for p := range fcPortsPerNode {
		for n := range nodeCount {
			out = append(out, fcPort{node: n + 1, id: p + 1})
		}
	}
	return out
}

// fabricOf numbers the switch that a port leads to: a node's ports take turns.
//
// unsourced: which port is cabled to which switch.
func (p fcPort) fabricOf() int { return (p.id - 1) % len(fcSwitchNames()) }

// fcPort is a port as it is. Its link is down while it is disabled.
func (t treeMaker) fcPort(n, p int) component {
	at := fcPort{node: n, id: p}
	addresses := t.carried[at]
	if addresses == nil {
		addresses = []string{}
	}
	c := t.wire(n, at.path(), component{
		"id": p, "node_index": n, "vendor": "QLogic", "model": "ISP2071", "firmware": "9.03.00", "hardware_revision": "BK3210408-01  B",
		"state": "OK", "state_description": "", "wwnn": t.wwn("00"), "wwpn": t.portWWPN(at),
		"connection_speed": 16000000000, "max_speed": 16000000000, "link_state": linkUp, "qla_errs": 0,
		"switch_wwnn": t.switchWWNN(at.fabricOf()), "switch_vendor": fcSwitchVendor, "sfp_type": nil, "sfp_model": nil,
		"soft_target_addresses": addresses, "system_interface_port_number": p, "hba_port_number": (p-1)%4 + 1, "enabled": true,
		"role": hardPort, "probe_ttl": 10000, "last_probe_timestamp": t.now,
	})
	if c["enabled"] == false {
		c["link_state"] = linkDown
	}
	return c
}

func (t treeMaker) portWWPN(p fcPort) string { return t.wwn(fmt.Sprintf("%d%d", p.node, p.id)) }

// online reports whether hosts can reach the array through a port: enabled,
// OK and its link up (InfiniSDK 289.1.4, FcPort.is_link_up).
func (t treeMaker) online(p fcPort) bool {
	kept := t.kept[p.path()]
	is := func(name string, well any) bool { v, moved := kept[name]; return !moved || v == well }
	return t.up(p.node) && is("enabled", true) && is("state", "OK") && is("link_state", linkUp)
}

func (t treeMaker) role(p fcPort) string {
	if role, ok := t.kept[p.path()]["role"].(string); ok {
		return role
	}
	return hardPort
}

func addFCPorts(c *Catalog) {
	for _, verb := range []string{"enable", "disable"} {
		c.AddRoutes(Route{Least: RoleTechnician, Method: http.MethodPost, Path: "components/nodes/{id}/fc_ports/{key}/" + verb, Do: switchFCPort(verb)})
	}
}

// switchFCPort enables or disables a port; enabling it can change its role.
//
// unsourced: that switching a port to the state that it has is no error.
func switchFCPort(verb string) func(b *Box, _ *schema.Object, in *Input) (any, error) {
	return func(b *Box, _ *schema.Object, in *Input) (any, error) {
		change := component{"enabled": verb == "enable"}
		keys := []string{}
		if verb == "enable" {
			keys = append(keys, "role")
		}
		if err := onlyKeys(in, keys...); err != nil {
			return nil, err
		}
		path := []string{"nodes", in.Vars["id"], "fc_ports", in.Vars["key"]}
		t, err := b.treeMaker()
		if err != nil {
			return nil, err
		}
		if _, err := t.find(path...); err != nil {
			return nil, err
		}
		if in.Body.Has("role") {
			role := strings.ToUpper(text(in.Body["role"]))
			if role != softPort && role != hardPort {
				return nil, apierr.New(apierr.InvalidValue, "role: %s is neither SOFT_PORT nor HARD_PORT", in.Body["role"]).About("role")
			}
			if role == softPort && !gateNPIV.Open(b.Release()) {
				return nil, apierr.New(apierr.FeatureNotSupported, "role: SOFT_PORT needs soft targets, which this array does not have").About("role")
			}
			change["role"] = role
		}
		if err := b.keep(strings.Join(path, "/"), change); err != nil {
			return nil, err
		}
		// unsourced: the codes of these events.
		err = b.Emit(Event{
			Code: "FC_PORT_" + strings.ToUpper(verb) + "D", Template: "FC port {port} of node {node} was " + verb + "d",
			Data: []Datum{{Name: "port", Type: "String", Value: in.Vars["key"]}, {Name: "node", Type: "String", Value: in.Vars["id"]}},
		})
		if err != nil {
			return nil, err
		}
		if t, err = b.treeMaker(); err != nil {
			return nil, err
		}
		return t.find(path...)
	}
}
