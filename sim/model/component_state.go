package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// States of components (InfiniSDK 289.1.4, components.py).
const (
	componentActive = "ACTIVE"
	componentFailed = "FAILED"
	serviceInactive = "INACTIVE"
	serviceShutdown = "SHUTDOWN"
	linkUp          = "UP"
	linkDown        = "DOWN"
)

// knob is what a tester may set of a component, as a field of a kind accepts
// it.
type knob interface{ Field() *schema.Field }

func oneOf(name string, states ...string) knob {
	return schema.Enum(schema.Field{Name: name, Flags: schema.NotNull, Enum: states})
}

// plain are the states of parts that the client knows as OK or not; WARNING is
// shown by a published payload of release 7.0.
//
// unsourced: ERROR.
func plain() knob { return oneOf("state", "OK", "WARNING", "ERROR") }

// knobs are what a tester may set, by the kinds along a component's path: the
// states that InfiniSDK 289.1.4 asks about, those of drives as the array
// counts them in health_state (CSI driver, iboxapi system.go).
func knobs() map[string][]knob {
	port := []knob{plain(), oneOf("link_state", linkUp, linkDown)}
	return map[string][]knob{
		"nodes":           {oneOf("state", componentActive, "DEGRADED", componentFailed)},
		"nodes/fc_ports":  port,
		"nodes/eth_ports": port,
		"nodes/ib_ports":  port,
		"nodes/drives":    {oneOf("state", "OK", "WARNING", "ERROR", componentFailed)},
		"nodes/services": {
			oneOf("state", componentActive, serviceInactive, "PROCESS_FINISHED", serviceShutdown, "INVALID"),
			oneOf("role", "MASTER", "SECONDARY", "MEMBER"),
		},
		"enclosures": {plain()},
		"enclosures/drives": {
			oneOf("state", componentActive, "READY", "TESTING", "PHASING_OUT", componentFailed, "MISSING", "UNKNOWN"),
			schema.Bool(schema.Field{Name: "encryption_state"}),
		},
		"ups": {
			plain(), schema.Bool(schema.Field{Name: "onBattery"}), schema.Bool(schema.Field{Name: "charging"}),
			schema.Int(schema.Field{Name: "charge_level", Flags: schema.NotNull, Check: checkPercent}),
		},
		"pdus":              {plain()},
		"external_services": {oneOf("cluster_state", "GREEN", "YELLOW", "RED")},
		"system":            {oneOf("state", componentActive, "STANDBY")},
	}
}

// partOf is the kinds along a path: "nodes/drives" of nodes/1/drives/2.
func partOf(steps []string) string {
	if len(steps) > 2 {
		return steps[0] + "/" + steps[2]
	}
	return steps[0]
}

func checkPercent(v schema.Value) error {
	if v.Int() < 0 || v.Int() > 100 {
		return errors.New("is not between 0 and 100")
	}
	return nil
}

// locate finds a component, or what stands beside the tree, by its path.
func (t treeMaker) locate(path []string) (component, error) {
	switch {
	case len(path) == 1 && path[0] == "system":
		return t.system(), nil
	case len(path) == 2 && path[0] == "external_services" && slices.Contains(externalNames(), path[1]):
		return t.externalCluster(path[1]), nil
	case len(path)%2 == 0:
		return t.find(path...)
	}
	return nil, apierr.New(apierr.ComponentNotFound, "component %s does not exist", strings.Join(path, "/"))
}

// SetComponent has a part of the hardware change its state, as an
// administrator cannot: a node that fails, a drive that is missing. The path
// is the one under components, or external_services/NAME, or system. It
// returns the component as it is then, and COMPONENT_NOT_FOUND, UNKNOWN_FIELD
// or INVALID_FIELD_VALUE.
func (b *Box) SetComponent(path string, change Body) (any, error) {
	t, err := b.treeMaker()
	if err != nil {
		return nil, err
	}
	steps := strings.Split(path, "/")
	old, err := t.locate(steps)
	if err != nil {
		return nil, err
	}
	kind := partOf(steps)
	kept := component{}
	for _, name := range sortedKeys(change) {
		all := knobs()[kind]
		i := slices.IndexFunc(all, func(k knob) bool { return k.Field().Name == name })
		if i < 0 {
			return nil, apierr.New(apierr.UnknownField, "%s: nothing that can be set of %s", name, kind).About(name)
		}
		raw, err := all[i].Field().Accept(change[name])
		if err != nil {
			return nil, Wire(err)
		}
		kept[name] = raw
	}
	if err := b.keep(path, kept); err != nil {
		return nil, err
	}
	if t, err = b.treeMaker(); err != nil {
		return nil, err
	}
	now, err := t.locate(steps)
	if err != nil {
		return nil, err
	}
	if err := b.emitState(kind, path, old, now); err != nil {
		return nil, err
	}
	return now, b.follow(kind, path, old, now)
}

// emitState reports what became of a component.
//
// unsourced: the codes of events of hardware, and their levels.
func (b *Box) emitState(kind, path string, old, now component) error {
	name := strings.ToUpper(strings.TrimSuffix(kind[strings.LastIndex(kind, "/")+1:], "s"))
	if name == "UP" {
		name = "BBU" // the client's word for an uninterruptible power supply
	}
	for _, field := range []string{"state", "link_state", "cluster_state", "onBattery", "encryption_state", "role"} {
		was, is := fmt.Sprint(old[field]), fmt.Sprint(now[field])
		if was == is {
			continue
		}
		level := "WARNING"
		if slices.Contains(harmless(field), is) {
			level = "INFO"
		}
		word := strings.ReplaceAll(field, "onBattery", "on_battery")
		err := b.Emit(Event{
			Code: name + "_" + strings.ToUpper(word) + "_CHANGED", Level: level,
			Template: "{component}: " + strings.ReplaceAll(word, "_", " ") + " changed from {old} to {new}",
			Data: []Datum{
				{Name: "component", Type: "String", Value: path},
				{Name: "old", Type: "String", Value: was},
				{Name: "new", Type: "String", Value: is},
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// harmless are the values of a member that are as they should be.
func harmless(field string) []string {
	switch field {
	case "onBattery":
		return []string{"false"}
	case "encryption_state":
		return []string{"true"}
	case "role":
		return []string{"MASTER", "SECONDARY", "MEMBER"}
	}
	return []string{componentActive, "OK", linkUp, "GREEN"}
}

// system is the array's operational state, but for what capacity decides.
func (t treeMaker) system() component {
	return t.part("system", component{
		"description": "", "init_state": nil, "mode": "NORMAL", "read_only_system": false, "state": componentActive,
	})
}

// protection is what a battery unit gives its node.
//
// unsourced: the word for a node without.
func protection(bbu component) string {
	if bbu["state"] == "OK" {
		return shielding
	}
	return "unprotected"
}

const shielding = "protected"

// systemHealth counts the hardware by its states (CSI driver, iboxapi
// system.go): all of it as generated, less what deviates.
func systemHealth(b *Box, _ *schema.Object) (any, error) {
	t, err := b.treeMaker()
	if err != nil {
		return nil, err
	}
	drives := map[any]int{componentActive: enclosures * drivesPerEnclosure}
	encrypted, flash, safe := drives[componentActive], nodeCount*(localDrives-bootDrives), true
	for path, kept := range t.kept {
		steps := strings.Split(path, "/")
		state, moved := kept["state"]
		switch {
		case partOf(steps) == "enclosures/drives":
			if moved {
				drives[componentActive]--
				drives[state]++
			}
			if moved && state != componentActive || kept["encryption_state"] == false {
				encrypted--
			}
		case partOf(steps) == "nodes/drives" && moved && state != "OK" && asInt(steps[3]) > bootDrives && t.up(asInt(steps[1])):
			flash--
		case partOf(steps) == "nodes" && state == componentFailed:
			flash -= localDrives - bootDrives // nothing reaches them
		case partOf(steps) == "enclosures":
			safe = safe && (!moved || state == "OK")
		}
	}
	since, err := b.lostDrives()
	if err != nil {
		return nil, err
	}
	one, two := b.pending(since)
	levels, shielded := map[string]int{}, map[string]string{}
	inactive, protected, charge := 0, 0, 0
	for n := range nodeCount {
		bbu := t.ups(n + 1)
		level := asInt(bbu["charge_level"])
		levels[fmt.Sprintf("bbu-%d", n+1)] = level
		charge += level
		word := protection(bbu)
		shielded[fmt.Sprintf("node-%d", n+1)] = word
		if word == shielding {
			protected++
		}
		if state, moved := t.kept[nodePath(n+1)]["state"]; moved && state != componentActive {
			inactive++
		}
	}
	return map[string]any{
		"active_cache_ssd_devices": flash, "active_drives": drives[componentActive], "active_encrypted_cache_ssd_devices": flash,
		"active_encrypted_drives": encrypted, "bbu_aggregate_charge_percent": charge / nodeCount, "bbu_charge_level": levels,
		"bbu_protected_nodes": protected, "enclosure_failure_safe_distribution": safe, "encryption_enabled": true,
		"failed_drives": drives[componentFailed], "inactive_nodes": inactive, "missing_drives": drives["MISSING"],
		"node_bbu_protection": shielded, "phasing_out_drives": drives["PHASING_OUT"],
		"raid_groups_pending_rebuild_1": one, "raid_groups_pending_rebuild_2": two, "ready_drives": drives["READY"],
		"rebuild_1_inprogress": one > 0 && two == 0, "rebuild_2_inprogress": two > 0, "testing_drives": drives["TESTING"], "unknown_drives": drives["UNKNOWN"],
	}, nil
}

// asInt reads a number that is generated or kept.
func asInt(v any) int {
	switch n := v.(type) {
	case int:
		return n
	case float64:
		return int(n)
	case string:
		i, _ := strconv.Atoi(n) // what is no number is 0
		return i
	}
	return 0
}
