package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a soft target. Where it is follows from its home and the state
// of the ports.
var (
	SoftTargetWWPN   = schema.String(schema.Field{Name: "wwpn", Flags: schema.Unique | schema.NotNull})
	SoftTargetPort   = schema.Compute(schema.Int(schema.Field{Name: "port_number"}))
	SoftTargetSwitch = schema.Ref(schema.Field{Name: "switch_id", Flags: schema.Create | schema.Index, NoneZero: true}, "fc_switch")
	SoftTargetNode   = schema.Compute(schema.Int(schema.Field{Name: "node_id"}))
	SoftTargetIsHome = schema.Compute(schema.Bool(schema.Field{Name: "is_home"}))

	softTargetHomeNode = schema.Int(schema.Field{Name: "_home_node", Flags: schema.Private})
	softTargetHomePort = schema.Int(schema.Field{Name: "_home_port", Flags: schema.Private})

	// SoftTarget is an FC target address that ports of the role SOFT_PORT
	// carry, and that moves to another one when its port fails.
	SoftTarget = schema.NewType("fc_soft_target", softTargetHomeNode, softTargetHomePort, SoftTargetWWPN, SoftTargetPort, SoftTargetSwitch,
		SoftTargetNode, SoftTargetIsHome)
)

// Soft targets have the addresses from the first of these on: hard ports'
// begin with the number of their node.
//
// unsourced: how soft targets' addresses are numbered, and so how many an
// array has.
const (
	firstSoftAddress = 0x80
	mostSoftTargets  = 0x80
)

// softTargetKind is the kind.
//
// unsourced: that a soft target's home is the port of its switch with the
// fewest, that without a port in the role SOFT_PORT it is nowhere, and that
// one whose home is down goes to the port with the fewest.
func softTargetKind() *Kind {
	where := func(show func(p place) any) Compute {
		return func(b *Box, o *schema.Object) (any, error) {
			t, err := b.treeMaker()
			if err != nil {
				return nil, err
			}
			all, err := b.places(t)
			if err != nil {
				return nil, err
			}
			return show(all[o.ID()]), nil
		}
	}
	k := &Kind{
		Least: RoleTechnician,
		Type:  SoftTarget, Path: "fc/soft_targets", NotFound: apierr.SoftTargetNotFound, Gate: gateNPIV,
		Forms: []Form{{Name: "a soft target", Required: []string{"switch_id"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, _ *Input) error { return b.completeSoftTarget(o) },
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{
			SoftTargetNode.Field():   where(func(p place) any { return orNull(p.node) }),
			SoftTargetPort.Field():   where(func(p place) any { return orNull(p.id) }),
			SoftTargetIsHome.Field(): where(func(p place) any { return p.home }),
		},
		Sample: func(World) Body { return NewBody(map[string]any{"switch_id": firstSwitchID}) },
		Change: func(*schema.Object) Body { return Body{} },
	}
	k.Routes = []Route{
		{Method: http.MethodPost, Path: k.Path + "/create_multiple", Do: createSoftTargets},
		{Method: http.MethodPost, Path: k.Path + "/redistribute", Do: redistribute},
		{Method: http.MethodPost, Path: k.Path + "/wipe", Do: wipe},
	}
	return k
}

func orNull(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// completeSoftTarget gives a new one the lowest address that is free, and a
// home.
func (b *Box) completeSoftTarget(o *schema.Object) error {
	if SoftTargetSwitch.IsNull(o) {
		return apierr.New(apierr.MissingField, "switch_id: required to create a soft target").About("switch_id")
	}
	t, err := b.treeMaker()
	if err != nil {
		return err
	}
	for n := range mostSoftTargets {
		wwpn := t.wwn(fmt.Sprintf("%02x", firstSoftAddress+n))
		if len(b.Tx.IDsBy(b.Key, SoftTarget, SoftTargetWWPN.Field(), schema.TextValue(wwpn))) == 0 {
			SoftTargetWWPN.Set(o, wwpn)
			homes, err := b.homes()
			if err != nil {
				return err
			}
			home(o, t.fewest(SoftTargetSwitch.Get(o), homes, nil))
			return nil
		}
	}
	return apierr.New(apierr.SoftTargetLimit, "the array has %d soft targets, the most that it can have", mostSoftTargets)
}

func home(o *schema.Object, p fcPort) {
	softTargetHomeNode.Set(o, int64(p.node))
	softTargetHomePort.Set(o, int64(p.id))
}

func homeOfTarget(o *schema.Object) fcPort {
	return fcPort{node: int(softTargetHomeNode.Get(o)), id: int(softTargetHomePort.Get(o))}
}

// homes counts the soft targets whose home is a port.
func (b *Box) homes() (map[fcPort]int, error) {
	count := map[fcPort]int{}
	err := b.Tx.Each(b.Key, SoftTarget, func(o *schema.Object) (bool, error) {
		count[homeOfTarget(o)]++
		return true, nil
	})
	return count, err
}

// fewest is the port of a switch, in the role SOFT_PORT, that has the fewest;
// pass leaves ports out, nil none. The zero port stands for none.
func (t treeMaker) fewest(sw int64, count map[fcPort]int, pass func(fcPort) bool) fcPort {
	var fit []fcPort
	for _, p := range fcPorts() {
		if switchID(p) == sw && t.role(p) == softPort && (pass == nil || pass(p)) {
			fit = append(fit, p)
		}
	}
	if len(fit) == 0 {
		return fcPort{}
	}
	return slices.MinFunc(fit, func(p, q fcPort) int { return cmp.Compare(count[p], count[q]) })
}

// place is where a soft target is; the zero port stands for nowhere.
type place struct {
	fcPort
	home bool
}

// places says where each soft target is: at home if its port is online, else
// at another one of its switch.
func (b *Box) places(t treeMaker) (map[int64]place, error) {
	out := map[int64]place{}
	if b.Tx.Count(b.Key, SoftTarget) == 0 {
		return out, nil
	}
	count := map[fcPort]int{}
	var away []*schema.Object
	err := b.Tx.Each(b.Key, SoftTarget, func(o *schema.Object) (bool, error) {
		p := homeOfTarget(o)
		if p == (fcPort{}) || t.role(p) != softPort || !t.online(p) {
			away = append(away, o)
			return true, nil
		}
		out[o.ID()] = place{fcPort: p, home: true}
		count[p]++
		return true, nil
	})
	for _, o := range away {
		p := t.fewest(SoftTargetSwitch.Get(o), count, t.online)
		out[o.ID()] = place{fcPort: p}
		count[p]++
	}
	return out, err
}

// carried are the soft target addresses by the ports that carry them.
func (b *Box) carried(t treeMaker) (map[fcPort][]string, error) {
	all, err := b.places(t)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	out := map[fcPort][]string{}
	err = b.Tx.Each(b.Key, SoftTarget, func(o *schema.Object) (bool, error) {
		p := all[o.ID()].fcPort
		out[p] = append(out[p], SoftTargetWWPN.Get(o))
		return true, nil
	})
	return out, err
}

func createSoftTargets(b *Box, _ *schema.Object, in *Input) (any, error) {
	if err := onlyKeys(in, "switch_id", "quantity"); err != nil {
		return nil, err
	}
	quantity := 0
	if err := json.Unmarshal(in.Body["quantity"], &quantity); err != nil || quantity < 1 || quantity > mostSoftTargets {
		return nil, apierr.New(apierr.InvalidValue, "quantity: %.80s is not between 1 and %d", in.Body["quantity"], mostSoftTargets).About("quantity")
	}
	k := b.Eng.Catalog.Kind(SoftTarget.Name())
	out := make([]*schema.Object, 0, quantity)
	for range quantity {
		o, err := b.Create(k, &Input{Request: in.Request, Body: Body{"switch_id": in.Body["switch_id"]}})
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return b.renderAll(out)
}

// redistribute gives all soft targets new homes, evenly over the ports that are
// online.
func redistribute(b *Box, _ *schema.Object, in *Input) (any, error) {
	if err := onlyKeys(in); err != nil {
		return nil, err
	}
	t, err := b.treeMaker()
	if err != nil {
		return nil, err
	}
	count := map[fcPort]int{}
	var out []*schema.Object
	for _, id := range b.Tx.IDs(b.Key, SoftTarget, 0, -1) {
		o, err := b.Must(SoftTarget, id)
		if err != nil {
			return nil, err
		}
		p := t.fewest(SoftTargetSwitch.Get(o), count, t.online)
		count[p]++
		home(o, p)
		if err := b.Save(o); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return b.renderAll(out)
}

// wipe deletes all soft targets.
func wipe(b *Box, _ *schema.Object, in *Input) (any, error) {
	if err := onlyKeys(in); err != nil {
		return nil, err
	}
	k := b.Eng.Catalog.Kind(SoftTarget.Name())
	for _, id := range b.Tx.IDs(b.Key, SoftTarget, 0, -1) {
		if _, err := b.Delete(k, id, in); err != nil {
			return nil, err
		}
	}
	return true, nil
}
