package estate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/document"
	"infinisim/sim/estate"
	"infinisim/sim/lab"
)

// TestEstate_refusals reads and builds estates that are wrong in one place each,
// and finds the line, the field and what was expected.
func TestEstate_refusals(t *testing.T) {
	t.Parallel()
	const array = "arrays:\n- name: a\n  pools:\n  - {name: p, physical_capacity: 1TB, virtual_capacity: 1TB}\n"
	for name, c := range map[string]struct {
		text, field, message string
		line                 int
	}{
		"nothing":            {"", "", "the file is empty", 1},
		"no YAML":            {"arrays: [", "", "did not find", 1},
		"two documents":      {"arrays: []\n---\narrays: []\n", "", "a second document begins", 2},
		"a list":             {"- 1\n", "", "a list is not a mapping with seed", 1},
		"an anchor":          {"arrays: &x []\n", "arrays", "anchors and aliases are not taken", 1},
		"a key twice":        {"seed: 1\nseed: 2\narrays: []\n", "seed", "comes twice, first in line 1", 2},
		"unknown key":        {"arrays: []\nsede: 1\n", "sede", "unknown, this takes seed, profile", 2},
		"no arrays":          {"seed: 1\n", "", "arrays is missing", 1},
		"wrong type":         {"seed: soon\narrays: []\n", "seed", `"soon" is not a whole number`, 1},
		"negative seed":      {"seed: -1\narrays: []\n", "seed", "-1 is not a whole number that is not negative", 1},
		"unknown profile":    {"profile: \"1.0\"\narrays: []\n", "profile", `"1.0"`, 1},
		"limits":             {"limits: sometimes\narrays: []\n", "limits", `"sometimes" is not on or off`, 1},
		"a bad time":         {"arrays: []\nclock: {start: yesterday}\n", "clock.start", `"yesterday" is not a time like 2025-01-01T00:00:00Z`, 2},
		"a clock's mode":     {"arrays: []\nclock: {mode: solar}\n", "clock.mode", `"solar" is not manual or system`, 2},
		"a speed":            {"arrays: []\nclock: {speed: 2}\n", "clock.speed", "goes with the mode system", 2},
		"unknown section":    {array + "  disks: []\n", "arrays[0].disks", "unknown, this takes name, profile", 5},
		"unknown member":     {array + "  volumes:\n  - {name: v, pool: p, sice: 1GB}\n", "arrays[0].volumes[0].sice", "unknown, this takes", 6},
		"a section":          {array + "  volumes: many\n", "arrays[0].volumes", `"many" is not a list`, 5},
		"unknown feature":    {array + "  features: {flying: true}\n", "arrays[0].features.flying", "flying", 5},
		"a feature's state":  {array + "  features: {tenants: yes}\n", "arrays[0].features.tenants", `"yes" is not true or false`, 5},
		"unknown pool":       {array + "  volumes:\n  - name: v\n    size: 1GB\n    pool: q\n", "arrays[0].volumes[0].pool", `no pool of array box-1 is named "q"`, 8},
		"a size":             {array + "  volumes:\n  - {name: v, pool: p, size: big}\n", "arrays[0].volumes[0].size", "INVALID_FIELD_VALUE", 6},
		"what is missing":    {array + "  volumes:\n  - {name: v, pool: p}\n", "arrays[0].volumes[0]", "size: required to create a volume", 6},
		"a name twice":       {array + "  volumes:\n  - {name: v, pool: p, size: 1GB}\n  - {name: v, pool: p, size: 1GB}\n", "arrays[0].volumes[1].name", "VOLUME_NAME_CONFLICT", 7},
		"count without %d":   {array + "  volumes:\n  - {name: v, count: 2, pool: p, size: 1GB}\n", "arrays[0].volumes[0].name", "2 objects need a place for their number", 6},
		"a count":            {array + "  volumes:\n  - {name: v%d, count: 0, pool: p, size: 1GB}\n", "arrays[0].volumes[0].count", "0 is not a number from 1", 6},
		"first alone":        {array + "  volumes:\n  - {name: v, first: 3, pool: p, size: 1GB}\n", "arrays[0].volumes[0].first", "goes with count", 6},
		"a write's length":   {array + "  volumes:\n  - {name: v, pool: p, size: 1GB, write: [{seed: 1}]}\n", "arrays[0].volumes[0].write[0]", "length is missing", 6},
		"a write too far":    {array + "  volumes:\n  - {name: v, pool: p, size: 1GB, write: [{length: 2GB}]}\n", "arrays[0].volumes[0].write[0]", "outside the 1000000000 bytes", 6},
		"a workload":         {array + "  volumes:\n  - {name: v, pool: p, size: 1GB, workload: {latency: long}}\n", "arrays[0].volumes[0].workload.latency", `"long" is not a duration like 30s`, 6},
		"unknown member CG":  {array + "  consistency_groups:\n  - {name: g, pool: p, members: [v]}\n", "arrays[0].consistency_groups[0].members[0]", `no volume or filesystem of array box-1 is named "v"`, 6},
		"a port":             {array + "  hosts:\n  - {name: h, ports: [{type: FC, address: x}]}\n", "arrays[0].hosts[0].ports[0].address", "is no FC address", 6},
		"a LUN's volume":     {array + "  hosts:\n  - name: h\n    luns:\n    - {volume: v}\n", "arrays[0].hosts[0].luns[0].volume", `no volume of array box-1 is named "v"`, 8},
		"a cluster's host":   {array + "  clusters:\n  - {name: c, hosts: [h]}\n", "arrays[0].clusters[0].hosts[0]", `no host of array box-1 is named "h"`, 6},
		"a serial number":    {array + "- {serial: 1001}\n", "arrays[1].serial", "1001 is that of array box-1", 5},
		"unknown array":      {array + "links:\n- between: [a, b]\n", "links[0].between[1]", `"b" is no array, the estate has box-1, a`, 6},
		"one end":            {array + "links:\n- between: [a]\n", "links[0].between", "two arrays are needed", 6},
		"to itself":          {array + "links:\n- between: [a, box-1]\n", "links[0].between", "not linked to itself", 6},
		"a bandwidth":        {array + "- {}\nlinks:\n- {between: [a, box-2], bandwidth: 0}\n", "links[0].bandwidth", "above 0", 7},
		"a bad duration":     {array + "- {}\nlinks:\n- {between: [a, box-2], latency: 5 apples}\n", "links[0].latency", `"5 apples" is not a duration like 30s or 1h30m`, 7},
		"a schedule":         {array + "- {}\nlinks:\n- {between: [a, box-2], schedule: {steps: [{after: 2s, cut: true}, {after: 1s}]}}\n", "links[0].schedule.steps[1].after", "not later than the step before", 7},
		"no link":            {array + "- {pools: [{name: q, physical_capacity: 1TB, virtual_capacity: 1TB}]}\nreplicas:\n- {from: a, to: box-2, volume: v, pool: q}\n", "replicas[0]", "0 links lead from box-1 to box-2", 7},
		"no source":          {array + "- {}\nreplicas:\n- {from: a, to: box-2, pool: q}\n", "replicas[0]", "one of volume, filesystem and consistency_group", 7},
		"a replica's volume": {array + "- {pools: [{name: q, physical_capacity: 1TB, virtual_capacity: 1TB}]}\nlinks: [{between: [a, box-2]}]\nreplicas:\n- {from: a, to: box-2, volume: v, pool: q}\n", "replicas[0].volume", `no volume of array box-1 is named "v"`, 8},
		"no rule":            {array + "faults: [down]\n", "faults[0]", `"down" is not a rule or a preset`, 5},
		"a rule's site":      {array + "faults: [{site: disk, effect: {type: fail}}]\n", "faults[0].site", `"disk" is none of http`, 5},
		"a rule's array":     {array + "faults: [{site: http, array: b, effect: {type: reset}}]\n", "faults[0].array", `"b" is no array`, 5},
		"a rule's window":    {array + "faults: [{site: http, from: 1h, until: 3h, every: 2h, effect: {type: reset}}]\n", "faults[0].every", "not longer than the window", 5},
		"a rule's pool":      {array + "faults: [{site: array, array: a, object: pools/q, effect: {type: full}}]\n", "faults[0].object", `no pool of array box-1 is named "q"`, 5},
		"a rule's object":    {array + "faults: [{site: array, array: a, object: p, effect: {type: full}}]\n", "faults[0].object", `"p" is no object of an array`, 5},
		"no preset":          {array + "faults: [{preset: flood}]\n", "faults[0].preset", `"flood" is none of`, 5},
		"a preset's part":    {array + "faults: [{preset: node_down, array: a, component: nodes/9}]\n", "faults[0]", "nodes/9", 5},
		"a preset twice":     {array + "faults: [{preset: node_down, array: a}, {preset: node_down, array: a}]\n", "faults[1]", "FAULT_EXISTS", 5},
		"a schedule's name":  {array + "  snapshot_policies: [{name: s, suffix: s, schedules: [{interval: 1h, retention: 1h}]}]\n", "arrays[0].snapshot_policies[0].schedules[0]", "name: required", 5},
		"no schedule":        {array + "  snapshot_policies: [{name: s, suffix: s, schedules: [hourly]}]\n", "arrays[0].snapshot_policies[0].schedules[0]", `"hourly" is not a mapping`, 5},
		"a schedule's time":  {array + "  snapshot_policies: [{name: s, suffix: s, schedules: [{name: x, interval: soon, retention: 1h}]}]\n", "arrays[0].snapshot_policies[0].schedules[0].interval", "soon", 5},
		"a blocked settle": {array + "  volumes: [{name: v, pool: p, size: 1GB}]\n- {pools: [{name: q, physical_capacity: 1TB, virtual_capacity: 1TB}]}\n" +
			"links: [{between: [a, box-2], cut: true}]\nreplicas:\n- {from: a, to: box-2, volume: v, pool: q}\nsettle: true\n", "settle", "blocked: ", 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "lab.db")
			e, err := estate.Parse("e.yaml", []byte(c.text))
			if err == nil {
				_, err = e.Build(t.Context(), lab.Options{Path: file})
			}
			bad := document.As(err)
			require.NotNil(t, bad, "%v", err)
			assert.Equal(t, []any{c.field, c.line}, []any{bad.Field, bad.Line}, err)
			assert.Contains(t, err.Error(), c.message)
			_, err = os.Stat(file)
			assert.ErrorIs(t, err, os.ErrNotExist, "nothing is left of it")
		})
	}
}
