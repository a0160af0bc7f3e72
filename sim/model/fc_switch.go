package model

import (
	"fmt"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an FC switch.
var (
	FCSwitchWWNN   = schema.String(schema.Field{Name: "wwnn", Flags: schema.Index | schema.NotNull})
	FCSwitchVendor = schema.String(schema.Field{Name: "vendor", Flags: schema.NotNull})
	FCSwitchName   = schema.String(schema.Field{Name: "name", Flags: schema.Update | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	FCSwitchState  = schema.Compute(schema.String(schema.Field{Name: "resiliency_state"}))
	FCSwitchBits   = schema.Compute(schema.String(schema.Field{Name: "resiliency_bitmap"}))

	// FCSwitch is a switch that FC ports of the array lead to: the array finds
	// it, an administrator can name it.
	FCSwitch = schema.NewType("fc_switch", FCSwitchWWNN, FCSwitchVendor, FCSwitchName, FCSwitchState, FCSwitchBits)
)

// fcSwitchVendor is what InfiniSDK's tests see (test_fc_switches.py).
const fcSwitchVendor = "Cisco"

// firstSwitchID is below firstID, as what is built in.
const firstSwitchID = 201

// fcSwitchNames are the names of a new array's switches, in the order of
// fabricOf.
//
// unsourced: that two switches are cabled to the array, and their first names.
func fcSwitchNames() []string { return []string{"fabric-a", "fabric-b"} }

// switchWWNN is the name of a switch in its vendor's form, with the array's
// serial number: each array has switches of its own.
func (t treeMaker) switchWWNN(fabric int) string {
	plain := fmt.Sprintf("20%02x000dec%06x", fabric+1, t.serial&0xffffff)
	pairs := make([]string, 0, len(plain)/2)
	for i := 0; i < len(plain); i += 2 {
		pairs = append(pairs, plain[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// addFC adds switches and soft targets.
//
// unsourced: that a switch cannot be deleted, and an event of its own for a new
// name.
func addFC(c *Catalog) {
	k := &Kind{
		Least: RoleTechnician,
		Type:  FCSwitch, Path: "fc/switches", NotFound: apierr.FCSwitchNotFound, Conflict: apierr.FCSwitchNameConflict,
		Hooks: Hooks{
			BeforeDelete: func(_ *Box, o *schema.Object, _ *Input) error {
				return apierr.New(apierr.MethodNotAllowed, "fc switch %d cannot be deleted: ports lead to it", o.ID())
			},
			AfterUpdate: func(b *Box, old, o *schema.Object, _ *Input) error {
				if FCSwitchName.Get(old) == FCSwitchName.Get(o) {
					return nil
				}
				return b.EmitFor(o, "RENAMED")
			},
		},
		Computed: map[*schema.Field]Compute{FCSwitchState.Field(): switchResiliency, FCSwitchBits.Field(): switchBits},
	}
	c.Add(k, softTargetKind())
	c.OnFormat(func(b *Box) error {
		t, err := b.treeMaker()
		if err != nil {
			return err
		}
		for i, name := range fcSwitchNames() {
			o := schema.New(FCSwitch, firstSwitchID+int64(i))
			FCSwitchWWNN.Set(o, t.switchWWNN(i))
			FCSwitchVendor.Set(o, fcSwitchVendor)
			FCSwitchName.Set(o, name)
			if err := b.Insert(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// switchBits has a digit for each node: 1 if a port of it is online on the
// switch.
//
// unsourced: what resiliency_bitmap holds, and the words of resiliency_state.
func switchBits(b *Box, o *schema.Object) (any, error) {
	t, err := b.treeMaker()
	if err != nil {
		return nil, err
	}
	bits := make([]byte, nodeCount)
	for i := range bits {
		bits[i] = '0'
	}
	for _, p := range fcPorts() {
		if switchID(p) == o.ID() && t.online(p) {
			bits[p.node-1] = '1'
		}
	}
	return string(bits), nil
}

func switchResiliency(b *Box, o *schema.Object) (any, error) {
	bits, err := switchBits(b, o)
	if err != nil {
		return nil, err
	}
	switch strings.Count(fmt.Sprint(bits), "1") {
	case nodeCount:
		return "RESILIENT", nil
	case 0:
		return "DISCONNECTED", nil
	}
	return "DEGRADED", nil
}

// switchID is the switch that a port leads to.
func switchID(p fcPort) int64 { return firstSwitchID + int64(p.fabricOf()) }
