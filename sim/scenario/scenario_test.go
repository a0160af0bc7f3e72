package scenario_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/scenario"
)

const fixtures = "../../fixtures/scenarios"

// TestFixtures_pass plays every scenario of the fixtures, with its own seed and
// with another.
func TestFixtures_pass(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(fixtures, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s, err := scenario.Read(file)
			require.NoError(t, err)
			seed := uint64(987)
			for _, o := range []scenario.Options{{}, {Seed: &seed}} {
				got, err := s.Play(t.Context(), o)
				require.NoError(t, err)
				assert.Nil(t, got.Failure, "%s: %v", file, got.Failure)
				assert.True(t, got.Passed)
			}
		})
	}
}

// TestFailure_line plays steps that expect what does not come, and finds the
// line, the field, what was expected and what came.
func TestFailure_line(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps, field, expected, got string
		line                        int
	}{
		"a status":          {"- request: {do: GET volumes/1, expect: {status: 200}}", "steps[0].request.expect.status", "200", "VOLUME_NOT_FOUND", 10},
		"success":           {"- request: {do: GET volumes/1}", "steps[0].request", "success", "404", 10},
		"a code":            {"- request: {do: GET volumes/1, expect: {code: POOL_NOT_FOUND}}", "steps[0].request.expect.code", "POOL_NOT_FOUND", "VOLUME_NOT_FOUND", 10},
		"a message":         {"- request: {do: GET volumes/1, expect: {status: 404, message: {contains: moon}}}", "steps[0].request.expect.message.contains", `contains "moon"`, "does not exist", 10},
		"an answer":         {"- fault: {site: http, effect: {type: reset}}\n- request: {do: GET volumes}", "steps[1].request", "an answer", "a dropped connection", 11},
		"a drop":            {"- request: {do: GET volumes, expect: {dropped: true}}", "steps[0].request.expect.dropped", "a dropped connection", "200", 10},
		"a field":           {"- request: {do: \"GET volumes/${volumes/v}\", expect: {fields: {name: w}}}", "steps[0].request.expect.fields.name", `"w"`, `"v"`, 10},
		"no field":          {"- request: {do: \"GET volumes/${volumes/v}\", expect: {fields: {naam: v}}}", "steps[0].request.expect.fields.naam", `"v"`, "nothing", 10},
		"a list's member":   {"- request: {do: GET volumes, expect: {fields: {1.name: v}}}", "steps[0].request.expect.fields.1.name", `"v"`, "nothing", 10},
		"a result":          {"- request: {do: GET volumes, expect: {result: []}}", "steps[0].request.expect.result", "[]", `"_cg_guid"`, 10},
		"a count":           {"- request: {do: GET volumes, expect: {objects: 2}}", "steps[0].request.expect.objects", "2", "1", 10},
		"a bound":           {"- request: {do: GET volumes, expect: {objects: {above: 1}}}", "steps[0].request.expect.objects.above", "above 1", "1", 10},
		"one of":            {"- object: {of: a/volumes/v, fields: {type: {one_of: [SNAPSHOT, CLONE]}}}", "steps[0].object.fields.type.one_of", `one of ["SNAPSHOT","CLONE"]`, `"MASTER"`, 10},
		"not":               {"- object: {of: a/volumes/v, fields: {type: {not: MASTER}}}", "steps[0].object.fields.type.not", `not "MASTER"`, `"MASTER"`, 10},
		"absence":           {"- object: {of: a/volumes/v, absent: true}", "steps[0].object.of", "no volume v of array box-1", `"_cg_guid"`, 10},
		"presence":          {"- object: {of: a/volumes/w, fields: {size: 1}}", "steps[0].object.of", "volume w of array box-1", "nothing of that name", 10},
		"in time":           {"- object:\n    of: a/links/wire\n    fields:\n      link_state: DOWN\n    within: 1h", "steps[0].object.fields.link_state", `"DOWN"`, `"UP", 1h0m0s later`, 13},
		"a fault's name":    {"- request: {do: GET volumes, expect: {fault: storm}}", "steps[0].request.expect.fault", `"storm"`, `""`, 10},
		"a delay":           {"- request: {do: GET volumes, expect: {takes: {at_least: 1s}}}", "steps[0].request.expect.takes.at_least", "at least 1s", "0s", 10},
		"a refused write":   {"- write: {to: a/volumes/v, length: 1MiB, code: POOL_IS_LOCKED}", "steps[0].write.code", "POOL_IS_LOCKED", "success", 10},
		"a write":           {"- write: {to: a/volumes/v, length: 2GB}", "steps[0].write", "success", "outside the 1000000000 bytes", 10},
		"a digest":          {"- digest: {of: a/volumes/v, save: x}\n- write: {to: a/volumes/v, length: 1MiB, seed: 1}\n- digest: {of: a/volumes/v, equals: x}", "steps[2].digest.equals", "as it was saved as x", "", 12},
		"another digest":    {"- digest: {of: a/volumes/v, save: x}\n- digest: {of: a/volumes/v, differs: x}", "steps[1].digest.differs", "another content", "the same", 11},
		"a volume's digest": {"- digest: {of: a/volumes/w, save: x}", "steps[0].digest.of", "volume w of array box-1", "nothing of that name", 10},
		"an event":          {"- request: {do: POST hosts, body: {name: h}}\n- events: {array: a, code: LINK_DOWN}", "steps[1].events.code", "an event LINK_DOWN", "HOST_CREATED", 11},
		"events":            {"- events: {array: a, code: LINK_DOWN, count: 3}", "steps[0].events.count", "3", "0", 10},
		"the journal":       {"- journal: {expect: [{request: {path: volumes}, exactly: 1}]}", "steps[0].journal", "what the verification says", "volumes", 10},
		"a settle":          {"- settle: blocked", "steps[0].settle", "something that is blocked", "nothing", 10},
		"a time":            {"- advance: 2m\n- at: 1m\n  settle: true", "steps[1].settle", "the clock before 1m0s", "2m0s from the begin", 12},
		"a time that was":   {"- advance: 2024-01-01T00:00:00Z", "steps[0].advance", "a time to come", "2025-01-01", 10},
		"a rule":            {"- clear_fault: x", "steps[0].clear_fault", "a rule x", "does not exist", 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := scenario.Parse("s.yaml", []byte(head+"steps:\n"+c.steps+"\n"))
			require.NoError(t, err)
			got, err := s.Play(t.Context(), scenario.Options{})
			require.NoError(t, err)
			require.NotNil(t, got.Failure)
			assert.False(t, got.Passed)
			assert.Equal(t, []any{c.field, c.line}, []any{got.Failure.Field, got.Failure.Line}, got.Failure)
			assert.Contains(t, got.Failure.Expected, c.expected)
			assert.Contains(t, got.Failure.Got, c.got)
		})
	}
}

// TestFixtures_mutated turns one thing that a story expects around and finds the
// story failing in that line.
func TestFixtures_mutated(t *testing.T) {
	t.Parallel()
	const from, to = "digest: {of: south/volumes/goods, equals: goods copied}", "digest: {of: south/volumes/goods, equals: goods written}"
	file := filepath.Join(fixtures, "controller-failover.yaml")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	before, _, found := strings.Cut(string(raw), from)
	require.True(t, found)
	s, err := scenario.Parse(file, []byte(strings.Replace(string(raw), from, to, 1)))
	require.NoError(t, err)
	got, err := s.Play(t.Context(), scenario.Options{})
	require.NoError(t, err)
	require.NotNil(t, got.Failure)
	assert.Equal(t, strings.Count(before, "\n")+1, got.Failure.Line)
	assert.Equal(t, "of the goods the south has the last copy, and not what came after it", got.Failure.Step)
}

// TestRun_report plays a good file, a bad one and one that is none: one does not
// keep the next from being played.
func TestRun_report(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, steps string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(head+"steps:\n"+steps+"\n"), 0o600))
		return path
	}
	files := []string{file("bad.yaml", "- settle: blocked"), file("none.yaml", "- sleep: 1s"), filepath.Join(dir, "gone"), file("good.yaml", "- advance: 1s")}
	seed := uint64(5)
	r := scenario.Run(t.Context(), files, scenario.Options{Seed: &seed})
	assert.Equal(t, []int{1, 1, 2}, []int{r.Passed, r.Failed, r.Refused})
	raw, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Contains(t, string(raw), `"file":"`+files[3]+`","name":"n","seed":5,"passed":true,"steps":1,"played":1,"took":"1s","failure":null,"error":""}`)
	assert.Contains(t, string(raw), `"failure":{"line":10,"field":"steps[0].settle","step":"settle","expected":"something that is blocked","got":"nothing: all was done"}`)
	var out bytes.Buffer
	require.NoError(t, r.Text(&out))
	assert.Contains(t, out.String(), files[0]+`:10: step "settle": steps[0].settle`)
	assert.Contains(t, out.String(), files[1]+":10: steps[0].sleep: unknown")
	assert.Contains(t, out.String(), "1 passed, 1 failed, 2 refused\n")
}

// TestPlay_again plays a scenario twice with one seed and once with another:
// how long the array takes to answer follows from the seed.
func TestPlay_again(t *testing.T) {
	t.Parallel()
	s, err := scenario.Parse("s.yaml", []byte(head+"steps:\n- fault: {preset: slow_answers, clock: lab}\n- request: {do: GET volumes}\n"))
	require.NoError(t, err)
	took := func(seed uint64) string {
		got, err := s.Play(t.Context(), scenario.Options{Seed: &seed})
		require.NoError(t, err)
		return got.Took
	}
	first := took(1)
	assert.Equal(t, first, took(1))
	assert.NotEqual(t, first, took(2))
}
