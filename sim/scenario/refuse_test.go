package scenario_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/document"
	"infinisim/sim/scenario"
)

// head is a scenario without its steps: two linked arrays, on the first one a
// pool and a volume. Its steps begin in line 9.
const head = `name: n
estate:
  arrays:
  - name: a
    pools: [{name: p, physical_capacity: 1TB, virtual_capacity: 1TB}]
    volumes: [{name: v, pool: p, size: 1GB}]
  - name: b
  links: [{between: [a, b], name: wire}]
`

// TestScenario_refusals reads and plays files that are wrong in one place each:
// it finds the line, the field, and what was expected.
func TestScenario_refusals(t *testing.T) {
	t.Parallel()
	step := func(text string) string { return head + "steps:\n- advance: 1s\n- " + text + "\n" }
	for name, c := range map[string]struct {
		text, field, message string
		line                 int
	}{
		"nothing":              {"", "", "the file is empty", 1},
		"unknown key":          {head + "stpes: []\n", "stpes", "unknown, this takes name, about, seed, estate, steps", 9},
		"no steps":             {head + "steps: []\n", "steps", "an empty list is not a list of steps", 9},
		"no estate":            {"name: n\nsteps: []\n", "", "estate is missing", 1},
		"an estate of no file": {"name: n\nestate: none.yaml\nsteps: []\n", "estate", "no such file", 2},
		"a bad estate":         {"name: n\nestate: {arrays: [{naam: x}]}\nsteps: []\n", "estate.arrays[0].naam", "unknown", 2},
		"an empty estate":      {"name: n\nestate: {arrays: []}\nsteps: []\n", "estate", "a scenario needs an array", 2},
		"unknown action":       {step("advanse: 1s"), "steps[1].advanse", "unknown, this takes name, at, after, activate", 11},
		"no action":            {step("name: x"), "steps[1]", "a step does one thing, this one does 0", 11},
		"two actions":          {step("{advance: 1s, settle: true}"), "steps[1]", "this one does 2: advance, settle", 11},
		"a bad duration":       {step("advance: 3 weeks"), "steps[1].advance", `"3 weeks" is not a duration like 30s, or a time`, 11},
		"back in time":         {step("advance: -1s"), "steps[1].advance", "does not go back", 11},
		"at and after":         {step("{at: 1s, after: 1s, settle: true}"), "steps[1].after", "do not go together", 11},
		"a bad time":           {step("{at: noon, settle: true}"), "steps[1].at", `"noon" is not a duration like 30s or 1h30m`, 11},
		"settle":               {step("settle: maybe"), "steps[1].settle", "is not true or blocked", 11},
		"unknown array":        {step("deactivate: c"), "steps[1].deactivate", `"c" is no array, the estate has box-1, a, box-2, b`, 11},
		"a cut":                {step("cut: [a]"), "steps[1].cut", "is not two arrays", 11},
		"a cut from elsewhere": {head + "  # b is no end\nsteps:\n- cut: {between: [a, b], from: c}\n", "steps[0].cut.from", `"c" is no array`, 11},
		"a link's loss":        {step("link: {between: [a, b], loss: 2}"), "steps[1].link.loss", "from 0 to below 1", 11},
		"a component":          {step("component: {array: a, state: FAILED}"), "steps[1].component", "path is needed", 11},
		"no part of an array":  {step("component: {array: a, path: nodes/9, state: FAILED}"), "steps[1].component", "nodes/9", 11},
		"a write":              {step("write: {to: a/volumes/v}"), "steps[1].write", "length is missing", 11},
		"a size":               {step("write: {to: a/volumes/v, length: much}"), "steps[1].write.length", `"much" is not a number of bytes`, 11},
		"no object":            {step("write: {to: a/disks/v, length: 1}"), "steps[1].write.to", `"disks/v" is no object`, 11},
		"no array":             {step("write: {to: volumes/v, length: 1}"), "steps[1].write.to", `"volumes" is no array`, 11},
		"unknown digest":       {step("digest: {of: a/volumes/v, equals: before}"), "steps[1].digest.equals", `no step before saved a digest "before"`, 11},
		"a digest for nothing": {step("digest: {of: a/volumes/v}"), "steps[1].digest", "is saved, or equals or differs", 11},
		"a request":            {step("request: {do: PATCH volumes}"), "steps[1].request.do", "is not a request like GET volumes", 11},
		"a path":               {step("request: {do: GET /api/rest/volumes}"), "steps[1].request.do", "with what follows /api/rest/", 11},
		"unknown reference":    {step("request: {do: \"GET volumes/${id}\"}"), "steps[1].request.do", "${id}: no step before saved it", 11},
		"a reference's kind":   {step("request: {do: POST volumes, body: {pool_id: \"${pols/p}\"}}"), "steps[1].request.body.pool_id", `"pols" is no array`, 11},
		"unknown expectation":  {step("request: {do: GET volumes, expect: {stauts: 200}}"), "steps[1].request.expect.stauts", "unknown, this takes status, code", 11},
		"a status":             {step("request: {do: GET volumes, expect: {status: 20}}"), "steps[1].request.expect.status", "20 is not a status", 11},
		"a bound":              {step("request: {do: GET volumes, expect: {objects: {at_least: many}}}"), "steps[1].request.expect.objects.at_least", `"many" is not a number`, 11},
		"takes":                {step("request: {do: GET volumes, expect: {takes: {at_most: 5}}}"), "steps[1].request.expect.takes.at_most", "5 is not a duration", 11},
		"dropped and more":     {step("request: {do: GET volumes, expect: {dropped: true, status: 200}}"), "steps[1].request.expect.dropped", "nothing else goes with it", 11},
		"a lag of a volume":    {step("object: {of: a/volumes/v, lag: {at_most: 1s}}"), "steps[1].object.lag", "replicas alone have a lag", 11},
		"nothing to look at":   {step("object: {of: a/volumes/v}"), "steps[1].object", "fields, lag or absent is needed", 11},
		"an event's count":     {step("events: {code: X, count: few}"), "steps[1].events.count", `"few" is not a whole number`, 11},
		"a verification":       {step("journal: {expect: [{request: {path: volumes}}]}"), "steps[1].journal", "exactly", 11},
		"no verification":      {step("journal: {expcet: []}"), "steps[1].journal.expcet", "unknown, this takes", 11},
		"check":                {step("check: false"), "steps[1].check", "is not true", 11},
		"a rule's site":        {step("fault: {site: disk, effect: {type: reset}}"), "steps[1].fault.site", `"disk" is none of http, link, job, array`, 11},
		"a rule's effect":      {step("fault: {site: http, effect: {type: rest}}"), "steps[1].fault.effect.type", `"rest" is no effect of the site http`, 11},
		"a rule's member":      {step("fault: {site: http, effect: {type: reset, dleay: 1s}}"), "steps[1].fault.effect.dleay", "unknown, this takes type, code", 11},
		"a rule's duration":    {step("fault: {site: http, effect: {type: delay, delay: an hour}}"), "steps[1].fault.effect.delay", `"an hour" is no duration like 1.5s`, 11},
		"a rule that is over":  {step("fault: {site: http, from: 2s, until: 1s, effect: {type: reset}}"), "steps[1].fault.until", "is not after from", 11},
		"no path like that":    {step("fault: {site: http, path: \"volumes/**/x\", effect: {type: reset}}"), "steps[1].fault.path", "no path has it", 11},
		"no request like that": {step("fault:\n    site: http\n    path: volumse\n    effect: {type: reset}"), "steps[1].fault.path", "no request of the arrays has it", 13},
		"no such method there": {step("fault: {site: http, path: system, method: DELETE, effect: {type: reset}}"), "steps[1].fault.method", "no request of the arrays", 11},
		"no kind":              {step("fault: {site: job, kind: disk, effect: {type: fail}}"), "steps[1].fault.kind", `"disk" is no kind of object`, 11},
		"a rule's array":       {step("fault: {site: http, array: c, effect: {type: reset}}"), "steps[1].fault.array", `"c" is no array`, 11},
		"no preset":            {step("fault: {preset: earthquake}"), "steps[1].fault.preset", `"earthquake" is none of`, 11},
		"a preset's needs":     {step("fault: {preset: link_flap, array: a}"), "steps[1].fault", "the preset link_flap needs it", 11},
		"a preset's member":    {step("fault: {preset: node_down, array: a, odds: 0.5}"), "steps[1].fault.odds", "the preset node_down has none", 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := scenario.Parse("s.yaml", []byte(c.text))
			if err == nil {
				_, err = s.Play(t.Context(), scenario.Options{})
			}
			bad := document.As(err)
			require.NotNil(t, bad, "%v", err)
			assert.Equal(t, []any{c.field, c.line}, []any{bad.Field, bad.Line}, err)
			assert.Contains(t, err.Error(), c.message)
			assert.True(t, strings.HasPrefix(err.Error(), "s.yaml:"), err)
		})
	}
}
