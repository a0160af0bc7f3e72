package observe_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/fixtures/estates"
	"infinisim/sim/estate"
	"infinisim/sim/fault"
	"infinisim/sim/lab"
	"infinisim/sim/observe"
)

// watched is a process with the demo as its lab default, on a clock that
// stands still.
type watched struct {
	t       testing.TB
	labs    *lab.Labs
	lab     *lab.Lab
	metrics *observe.Metrics
}

func watch(tb testing.TB) *watched {
	tb.Helper()
	e, err := estate.Parse("demo.yaml", estates.Demo())
	require.NoError(tb, err)
	m := observe.New()
	labs := lab.NewLabs(lab.Options{Observers: []lab.Observer{m}}, "")
	tb.Cleanup(func() { require.NoError(tb, labs.Close()) })
	plan := e.Plan(lab.DefaultName)
	plan.Clock = "manual"
	l, err := labs.Create(tb.Context(), plan)
	require.NoError(tb, err)
	return &watched{tb, labs, l, m}
}

func (w *watched) pass(d time.Duration) {
	w.t.Helper()
	_, err := w.lab.AdvanceTo(w.t.Context(), w.lab.Clock.Now().Add(d))
	require.NoError(w.t, err)
}

// ask is a request of a client to the first array.
func (w *watched) ask(l *lab.Lab, method, path string) (status int) {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, "http://box/api/rest/"+path, http.NoBody)
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			require.ErrorIs(w.t, p.(error), http.ErrAbortHandler)
		}
	}()
	w.labs.Handler(l, "box-1").ServeHTTP(rec, r)
	return rec.Code
}

func (w *watched) text(query string) string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.metrics.Handler(w.labs).ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/_sim/metrics"+query, nil))
	raw, err := io.ReadAll(rec.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusOK, rec.Code, string(raw))
	return string(raw)
}

func (w *watched) scrape(query string) map[string]*dto.MetricFamily {
	w.t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	out, err := parser.TextToMetricFamilies(strings.NewReader(w.text(query)))
	require.NoError(w.t, err)
	return out
}

// values are the numbers of a metric by the labels that are named, as in a/b.
func values(f *dto.MetricFamily, labels ...string) map[string]float64 {
	out := map[string]float64{}
	for _, m := range f.GetMetric() {
		var key []string
		for _, name := range labels {
			for _, l := range m.GetLabel() {
				if l.GetName() == name {
					key = append(key, l.GetValue())
				}
			}
		}
		v := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		out[strings.Join(key, "/")] += v
	}
	return out
}

func TestMetrics_whatTheLabKnows(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for values(w.scrape("")["infinisim_link_up"], "array", "link")["box-1/wan"] == 1 {
		w.pass(10 * time.Minute)
	}
	w.pass(15 * time.Minute)
	got := w.scrape("")
	up := values(got["infinisim_link_up"], "array", "link")
	assert.Equal(t, []float64{0, 0, 1, 1}, []float64{up["box-1/wan"], up["box-3/wan"], up["box-1/metro"], up["box-2/backup"]})
	state := values(got["infinisim_link_state"], "array", "link", "state")
	assert.InDelta(t, 1, state["box-1/wan/DOWN"], 0)
	assert.InDelta(t, 0, state["box-1/wan/UP"], 0)
	lag := values(got["infinisim_replica_lag_seconds"], "name")
	rpo := values(got["infinisim_replica_rpo_seconds"], "name")
	assert.InDelta(t, 900, rpo["mail"], 0)
	assert.Greater(t, lag["mail"], rpo["mail"])
	assert.InDelta(t, 0, lag["ledger"], 0)
	all, err := w.lab.Replicas(t.Context(), "box-1", "")
	require.NoError(t, err)
	for _, v := range all {
		if v.Entity.Name == "mail" {
			assert.InDelta(t, float64(*v.LagMS)/1000, lag["mail"], 0.0001, "no second truth")
		}
	}
	stalled := values(got["infinisim_replica_job_stalled"], "name")
	assert.InDelta(t, 1, stalled["mail"], 0)
	assert.InDelta(t, 1, values(got["infinisim_replica_state"], "name", "state")["mail/ACTIVE"], 0)
	assert.InDelta(t, 1, values(got["infinisim_replica_sync_state"], "name", "array", "state")["ledger/box-1/SYNCHRONIZED"], 0)
	assert.NotContains(t, values(got["infinisim_replica_lag_seconds"], "array", "name"), "box-3/mail", "a target tells nothing")
	fill := values(got["infinisim_pool_fill_ratio"], "array", "pool")
	assert.InDelta(t, 0.95, fill["box-1/test"], 0.001)
	assert.InDelta(t, 1, values(got["infinisim_pool_state"], "array", "pool", "state")["box-1/test/NORMAL"], 0)
	jobs := values(got["infinisim_jobs_total"], "kind", "outcome")
	assert.Greater(t, jobs["replica.start/done"], 30.0)
	hits := values(got["infinisim_fault_hits_total"], "rule", "effect")
	assert.InDelta(t, 1, hits["drive/component"], 0)
	assert.InDelta(t, 1, values(got["infinisim_fault_in_force"], "rule")["drive"], 0)
	assert.InDelta(t, float64(w.lab.Clock.Now())/1e9, values(got["infinisim_clock_time_seconds"])[""], 0.001)
	assert.InDelta(t, 0, values(got["infinisim_clock_speed_ratio"])[""], 0)
	assert.Contains(t, got, "go_goroutines")
	assert.Contains(t, got, "process_start_time_seconds")
}

func TestMetrics_requests(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for range 3 {
		assert.Equal(t, http.StatusOK, w.ask(w.lab, http.MethodGet, "volumes"))
	}
	assert.Equal(t, http.StatusNotFound, w.ask(w.lab, http.MethodGet, "volumes/77"))
	assert.Equal(t, http.StatusNotFound, w.ask(w.lab, http.MethodGet, "volumes/78"))
	w.ask(w.lab, "EVIL", "x/y")
	w.ask(w.lab, http.MethodGet, "nothing/at/all")
	_, err := w.lab.AddFault(t.Context(), fault.Rule{ID: "gone", Site: fault.HTTP, Path: "pools", Effect: fault.Effect{Type: fault.Reset}})
	require.NoError(t, err)
	_, err = w.lab.AddFault(t.Context(), fault.Rule{ID: "lost", Site: fault.HTTP, Path: "hosts", Effect: fault.Effect{Type: fault.Lost}})
	require.NoError(t, err)
	w.ask(w.lab, http.MethodGet, "pools")
	w.ask(w.lab, http.MethodGet, "hosts")
	require.NoError(t, w.lab.SetActive(t.Context(), "box-2", false))
	got := w.scrape("")
	assert.Equal(t, map[string]float64{
		"box-1/GET/volumes/200/": 3, "box-1/GET/volumes/{id}/404/VOLUME_NOT_FOUND": 2, "box-1/other//405/METHOD_NOT_ALLOWED": 1,
		"box-1/GET//404/PATH_NOT_FOUND": 1, "box-1/GET/pools/0/": 1, "box-1/GET/hosts/0/": 1,
	}, values(got["infinisim_http_requests_total"], "array", "method", "route", "status", "code"))
	assert.InDelta(t, 3, values(got["infinisim_http_request_duration_seconds"], "array", "method", "route")["box-1/GET/volumes"], 0)
	assert.InDelta(t, 0, values(got["infinisim_array_active"], "array")["box-2"], 0)
	assert.InDelta(t, 1, values(got["infinisim_fault_hits_total"], "rule")["lost"], 0)
}

// TestMetrics_labs shows the lab default alone unless all are asked for, and
// forgets a lab that is deleted.
func TestMetrics_labs(t *testing.T) {
	t.Parallel()
	w := watch(t)
	other, err := w.labs.Create(t.Context(), lab.Plan{Name: "other"})
	require.NoError(t, err)
	w.ask(other, http.MethodGet, "volumes")
	w.ask(w.lab, http.MethodGet, "volumes")
	of := func(query string) (out []string) {
		for name := range values(w.scrape(query)["infinisim_http_requests_total"], "lab") {
			out = append(out, name)
		}
		slices.Sort(out)
		return out
	}
	assert.Equal(t, []string{"default"}, of(""))
	assert.Equal(t, []string{"default", "other"}, of("?labs=all"))
	assert.InDelta(t, 2, values(w.scrape("")["infinisim_labs"])[""], 0)
	assert.NotContains(t, w.text(""), `lab="other"`)
	require.NoError(t, w.labs.Delete("other"))
	assert.Equal(t, []string{"default"}, of("?labs=all"))
	_, err = w.labs.Create(t.Context(), lab.Plan{Name: "other"})
	require.NoError(t, err)
	assert.Equal(t, []string{"default"}, of("?labs=all"), "a new lab of that name has no requests yet")
}

func TestMetrics_areNamedAsPrometheusDoes(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.ask(w.lab, http.MethodGet, "volumes")
	problems, err := promlint.New(strings.NewReader(w.text("?labs=all"))).Lint()
	require.NoError(t, err)
	for _, p := range problems {
		assert.Fail(t, p.Metric, p.Text)
	}
}

var row = regexp.MustCompile("(?m)^\\| `(infinisim_[a-z_]+)` \\| (\\w+) \\|([^|]*)\\|")

// TestMetrics_areDocumented holds the table of the manual against a scrape:
// names, types and labels.
func TestMetrics_areDocumented(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.ask(w.lab, http.MethodGet, "volumes")
	w.pass(time.Hour)
	raw, err := os.ReadFile("../../docs/observability.md")
	require.NoError(t, err)
	documented, served := map[string]string{}, map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(raw), -1) {
		labels := regexp.MustCompile(`\w+`).FindAllString(m[3], -1)
		slices.Sort(labels)
		documented[m[1]] = fmt.Sprint(m[2], labels)
	}
	for name, f := range w.scrape("?labs=all") {
		if !strings.HasPrefix(name, "infinisim_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		served[name] = fmt.Sprint(strings.ToLower(f.GetType().String()), labels)
	}
	assert.Equal(t, served, documented)
}
