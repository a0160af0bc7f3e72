package coverage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/coverage"
)

func report() *coverage.Report {
	r := new(coverage.Report)
	r.Count("endpoints", map[string]int{"GET pools": 3, "POST pools": 0, "GET <b>": 0})
	r.Count("errors", map[string]int{"POOL_NOT_FOUND": 0})
	r.Count("states", map[string]int{"TARGET": 1})
	r.Count("transitions", map[string]int{"A on start": 0})
	r.Count("faults", map[string]int{"http reset": 0})
	r.Count("none", map[string]int{"x": 1})
	return r
}

func TestReport(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(report())
	require.NoError(t, err)
	r, err := coverage.Read(bytes.NewReader(raw))
	require.NoError(t, err)
	again, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Equal(t, string(raw), string(again))
	assert.Contains(t, string(raw), `"endpoints":{"covered":1,"total":3,"percent":33.3,"items":{`)
	other := report()
	other.Count("endpoints", map[string]int{"POST pools": 2, "GET new": 1})
	r.Merge(other)
	assert.Equal(t, coverage.Section{"GET pools": 6, "POST pools": 2, "GET <b>": 0, "GET new": 1}, r.Endpoints)
	assert.Equal(t, []string{"GET <b>"}, r.Endpoints.Never())
	for name, want := range map[string]float64{"endpoints": 75, "states": 100, "total": 50} {
		got, err := r.Percent(name)
		require.NoError(t, err)
		assert.InEpsilon(t, want, got, 0.001, name)
	}
	_, err = r.Percent("rules")
	require.ErrorContains(t, err, `"rules" is none of total, endpoints`)
	var page strings.Builder
	require.NoError(t, r.HTML(&page))
	assert.Contains(t, page.String(), `<tr class="never"><td>GET &lt;b&gt;</td>`)
	assert.Contains(t, page.String(), "75.0 %, 3 of 4")
}

func TestRead_refusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "{}", `{"endpoints":{"items":{"a":1}}}`} {
		_, err := coverage.Read(strings.NewReader(text))
		require.Error(t, err, text)
	}
}

func Example() {
	r := report()
	if err := r.Text(os.Stdout, false); err != nil {
		fmt.Println(err)
	}
	// Output:
	// endpoints     33.3 %  1 of 3
	// errors         0.0 %  0 of 1
	// states       100.0 %  1 of 1
	// transitions    0.0 %  0 of 1
	// faults         0.0 %  0 of 1
	// rules        100.0 %  0 of 0
	// total         28.5 %
}
