package control_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLabs_fromAnEstate makes labs of the same estate as a text and as an
// object; one that is wrong leaves no lab.
func TestLabs_fromAnEstate(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	raw, err := os.ReadFile("../../fixtures/estates/linked.yaml")
	require.NoError(t, err)
	text, err := json.Marshal(string(raw))
	require.NoError(t, err)
	made := p.ok(http.MethodPost, "labs", `{"name":"text","clock":"manual","estate":`+string(text)+`}`)
	assert.Equal(t, 21.0, made["seed"])
	assert.Equal(t, "town", made["links"].([]any)[0].(map[string]any)["name"])
	made = p.ok(http.MethodPost, "labs", `{"name":"object","seed":5,"estate":{"seed":7,"clock":{"start":"2026-02-03T04:05:06Z"},"arrays":[{"name":"one"}]}}`)
	assert.Equal(t, []any{5.0, 1770091506000.0}, []any{made["seed"], made["now"]})
	assert.Equal(t, "one", made["arrays"].([]any)[0].(map[string]any)["name"])
	for body, message := range map[string]string{
		`{"name":"bad","estate":"arrays:\n- {naam: x}\n"}`:                           "estate:2: arrays[0].naam: unknown, this takes name",
		`{"name":"bad","estate":{"arrays":[{"volumes":[{"name":"v","size":1}]}]}}`:   "arrays[0].volumes[0]: MISSING_REQUIRED_FIELD",
		`{"name":"bad","arrays":1,"estate":{"arrays":[]}}`:                           "estate: says itself",
		`{"name":"bad","estate":{"arrays":[{"serial":5},{"serial":5}]},"seed":1}`:    "5 is that of array box-1",
		`{"name":"bad","estate":{"arrays":[],"clock":{"start":"2026-02-03T04:05"}}}`: "clock.start",
	} {
		status, answer := p.do(http.MethodPost, "labs", body)
		assert.Equal(t, http.StatusBadRequest, status, answer)
		assert.Contains(t, answer, message)
		status, _ = p.do(http.MethodGet, "labs/bad", "")
		assert.Equal(t, http.StatusNotFound, status, body)
	}
}
