// Package observe shows what happens in labs as metrics of Prometheus. What a
// lab knows is read from it at each scrape and kept nowhere else; requests are
// counted where they end.
package observe

import (
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"infinisim/sim/api"
	"infinisim/sim/lab"
	"infinisim/sim/replication"
)

// Metrics counts requests. It is a lab.Observer, safe for concurrent use.
type Metrics struct {
	// mu guards labs; it is a leaf.
	mu   sync.Mutex
	labs map[string]*requests
}

// requests are those of one lab, gone with it.
type requests struct {
	total *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

// New makes metrics without requests.
func New() *Metrics { return &Metrics{labs: map[string]*requests{}} }

// buckets are those of the time that a request takes: most take microseconds,
// some are delayed by faults.
func buckets() []float64 {
	return []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
}

func newRequests(name string) *requests {
	of := prometheus.Labels{labelLab: name}
	return &requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "infinisim_http_requests_total", ConstLabels: of,
			Help: "Requests that clients made to the REST API of arrays. A status of 0 is a connection that was dropped; an empty route is a path that nothing answers.",
		}, []string{labelArray, "method", "route", "status", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "infinisim_http_request_duration_seconds", ConstLabels: of, Buckets: buckets(),
			Help: "How long the requests took by the wall clock.",
		}, []string{labelArray, "method", "route"}),
	}
}

// method is a request's as a label: clients can send any word.
func method(r *http.Request) string {
	known := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodHead, http.MethodOptions}
	if slices.Contains(known, r.Method) {
		return r.Method
	}
	return "other"
}

// Asked counts a request.
func (m *Metrics) Asked(name string, d api.Done) {
	m.mu.Lock()
	r := m.labs[name]
	if r == nil {
		r = newRequests(name)
		m.labs[name] = r
	}
	m.mu.Unlock()
	verb := method(d.Request)
	r.total.WithLabelValues(d.Array, verb, d.Route, status(d), string(d.Code)).Inc()
	r.took.WithLabelValues(d.Array, verb, d.Route).Observe(d.Took.Seconds())
}

// status is that of a request as a label, 0 where the connection was dropped.
func status(d api.Done) string {
	if d.Lost || d.Status == 0 {
		return "0"
	}
	return itoa(d.Status)
}

// Copied counts nothing: the journal has the jobs.
func (m *Metrics) Copied(string, replication.Copied, time.Duration) {}

// collect gives the requests of some labs, and forgets those of labs that are
// gone.
func (m *Metrics) collect(there []*lab.Lab, shown []*lab.Lab, to chan<- prometheus.Metric) {
	m.mu.Lock()
	var of []*requests
	for name, r := range m.labs {
		named := func(l *lab.Lab) bool { return l.Name() == name }
		if !slices.ContainsFunc(there, named) {
			delete(m.labs, name)
		} else if slices.ContainsFunc(shown, named) {
			of = append(of, r)
		}
	}
	m.mu.Unlock()
	for _, r := range of {
		r.total.Collect(to)
		r.took.Collect(to)
	}
}

// AllLabs is the value of the parameter labs that asks for more than the lab
// default.
const AllLabs = "all"

// Handler serves the metrics of labs: the lab default, or all with ?labs=all.
// An error of one scrape is answered with status 500.
func (m *Metrics) Handler(labs *lab.Labs) http.Handler {
	one, all := m.handler(labs, false), m.handler(labs, true)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("labs") == AllLabs {
			all.ServeHTTP(w, r)
			return
		}
		one.ServeHTTP(w, r)
	})
}

func (m *Metrics) handler(labs *lab.Labs, all bool) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(),
		&collector{metrics: m, labs: labs, all: all},
	)
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// buildInfo says what runs.
func buildInfo() prometheus.Collector {
	of := prometheus.Labels{"version": "unknown", "goversion": "unknown", "revision": "unknown"}
	if b, ok := debug.ReadBuildInfo(); ok {
		of["version"], of["goversion"] = b.Main.Version, b.GoVersion
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				of["revision"] = s.Value
			}
		}
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "infinisim_build_info", ConstLabels: of, Help: "Always 1: the build of infinisim that runs.",
	})
	info.Set(1)
	return info
}
