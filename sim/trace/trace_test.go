package trace_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"infinisim/sim/estate"
	"infinisim/sim/fault"
	"infinisim/sim/lab"
	"infinisim/sim/trace"
)

// receiver is a collector of OpenTelemetry that keeps what it gets.
type receiver struct {
	*httptest.Server
	status int

	mu       sync.Mutex
	paths    []string
	resource map[string]any
	spans    []*spans.Span
}

func receive(tb testing.TB) *receiver {
	tb.Helper()
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body := io.Reader(req.Body)
		if req.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(body)
			assert.NoError(tb, err)
			body = z
		}
		raw, err := io.ReadAll(body)
		assert.NoError(tb, err)
		var ask collector.ExportTraceServiceRequest
		assert.NoError(tb, proto.Unmarshal(raw, &ask))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.paths = append(r.paths, req.Method+" "+req.URL.Path+" "+req.Header.Get("Content-Type"))
		for _, rs := range ask.GetResourceSpans() {
			r.resource = attributes(rs.GetResource().GetAttributes())
			for _, ss := range rs.GetScopeSpans() {
				r.spans = append(r.spans, ss.GetSpans()...)
			}
		}
		w.WriteHeader(r.status)
	}))
	tb.Cleanup(r.Close)
	return r
}

func attributes(all []*common.KeyValue) map[string]any {
	out := map[string]any{}
	for _, kv := range all {
		switch v := kv.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			out[kv.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			out[kv.GetKey()] = v.IntValue
		case *common.AnyValue_BoolValue:
			out[kv.GetKey()] = v.BoolValue
		case *common.AnyValue_DoubleValue:
			out[kv.GetKey()] = v.DoubleValue
		case *common.AnyValue_ArrayValue:
			var list []string
			for _, one := range v.ArrayValue.GetValues() {
				list = append(list, one.GetStringValue())
			}
			out[kv.GetKey()] = list
		}
	}
	return out
}

// named are the spans of a name, with their attributes.
func (r *receiver) named(name string) (all []*spans.Span, of []map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.GetName() == name {
			all, of = append(all, s), append(of, attributes(s.GetAttributes()))
		}
	}
	return all, of
}

const two = `
arrays:
- name: a
  pools: [{name: p, physical_capacity: 1TB, virtual_capacity: 1TB}]
  volumes: [{name: v, pool: p, size: 10GB, write: [{length: 1GB, seed: 1}]}]
- {name: b, pools: [{name: p, physical_capacity: 1TB, virtual_capacity: 1TB}]}
links: [{between: [a, b], bandwidth: 100MB}]
replicas: [{from: a, to: b, volume: v, pool: p, sync_interval: 1h}]
`

func build(tb testing.TB, o lab.Options) *lab.Lab {
	tb.Helper()
	e, err := estate.Parse("two.yaml", []byte(two))
	require.NoError(tb, err)
	l, err := e.Build(tb.Context(), o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, l.Close()) })
	return l
}

func tracer(tb testing.TB, r *receiver) *trace.Tracer {
	tb.Helper()
	t, err := trace.New(tb.Context(), r.URL, slog.New(slog.DiscardHandler))
	require.NoError(tb, err)
	return t
}

func ask(tb testing.TB, l *lab.Lab, method, path, body string, headers ...string) {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, "http://simulator-box-1:8080/api/rest/"+path, strings.NewReader(body))
	r.SetBasicAuth("admin", "123456")
	r.Header.Set("User-Agent", "tester/1")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	defer func() {
		if p := recover(); p != nil {
			require.ErrorIs(tb, p.(error), http.ErrAbortHandler)
		}
	}()
	l.Handler("box-1").ServeHTTP(httptest.NewRecorder(), r)
}

func TestTracer_requests(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := tracer(t, r)
	l := build(t, lab.Options{Observers: []lab.Observer{tr}})
	ask(t, l, http.MethodGet, "volumes?name=secret-name", "", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ask(t, l, http.MethodPost, "users", `{"name":"x","password":"planted-password"}`)
	_, err := l.AddFault(t.Context(), fault.Rule{ID: "busy", Site: fault.HTTP, Path: "pools", Effect: fault.Effect{Type: fault.Status, Status: 503}})
	require.NoError(t, err)
	_, err = l.AddFault(t.Context(), fault.Rule{ID: "lost", Site: fault.HTTP, Path: "hosts", Effect: fault.Effect{Type: fault.Lost}})
	require.NoError(t, err)
	ask(t, l, http.MethodGet, "pools", "")
	ask(t, l, http.MethodGet, "hosts", "")
	ask(t, l, "EVIL", "x", "")
	require.NoError(t, tr.Close(t.Context()), "what is left is sent")

	assert.Equal(t, "POST /v1/traces application/x-protobuf", r.paths[0])
	assert.Equal(t, "infinisim", r.resource["service.name"])
	all, of := r.named("GET /api/rest/volumes")
	require.Len(t, all, 1)
	assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", hex.EncodeToString(all[0].GetTraceId()))
	assert.Equal(t, "b7ad6b7169203331", hex.EncodeToString(all[0].GetParentSpanId()))
	assert.Equal(t, spans.Span_SPAN_KIND_SERVER, all[0].GetKind())
	assert.Positive(t, all[0].GetEndTimeUnixNano()-all[0].GetStartTimeUnixNano())
	assert.Positive(t, of[0]["http.response.body.size"])
	delete(of[0], "http.response.body.size")
	assert.Equal(t, map[string]any{
		"http.request.method": "GET", "http.route": "/api/rest/volumes", "http.response.status_code": int64(200), "url.path": "/api/rest/volumes",
		"url.scheme": "http", "network.protocol.version": "1.1", "server.address": "simulator-box-1", "server.port": int64(8080),
		"client.address": "192.0.2.1", "client.port": int64(1234), "user_agent.original": "tester/1", "user.name": "admin",
		"infinisim.lab": "default", "infinisim.array": "box-1", "infinisim.time": l.Clock.Now().String(),
	}, of[0])
	all, of = r.named("POST /api/rest/users")
	require.Len(t, all, 1)
	assert.NotEmpty(t, of[0]["infinisim.error_code"])
	assert.NotContains(t, of[0], "error.type", "the client's own fault")
	assert.NotContains(t, all[0].String(), "planted-password")
	_, of = r.named("GET /api/rest/pools")
	assert.Equal(t, []any{"503", []string{"busy"}}, []any{of[0]["error.type"], of[0]["infinisim.faults"]})
	all, of = r.named("GET /api/rest/hosts")
	assert.Equal(t, "connection_dropped", of[0]["error.type"])
	assert.NotContains(t, of[0], "http.response.status_code")
	assert.Equal(t, spans.Status_STATUS_CODE_ERROR, all[0].GetStatus().GetCode())
	_, of = r.named("HTTP")
	assert.Equal(t, []any{"_OTHER", "EVIL"}, []any{of[0]["http.request.method"], of[0]["http.request.method_original"]})
}

func TestTracer_jobs(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := tracer(t, r)
	l := build(t, lab.Options{Observers: []lab.Observer{tr}})
	begun := l.Clock.Now()
	_, err := l.Settle(t.Context())
	require.NoError(t, err)
	copied := l.Clock.Now()
	volume := func() (id int64) {
		all, err := l.Replicas(t.Context(), "box-1", "")
		require.NoError(t, err)
		return all[0].Entity.ID
	}()
	require.NoError(t, l.Write(t.Context(), "box-1", volume, lab.Write{Length: 200_000_000, Seed: 5}))
	_, err = l.AdvanceTo(t.Context(), begun.Add(time.Hour+10*time.Second))
	require.NoError(t, err)
	require.NoError(t, l.Write(t.Context(), "box-1", volume, lab.Write{Length: 5_000_000_000, Seed: 6}))
	_, err = l.AdvanceTo(t.Context(), begun.Add(2*time.Hour+10*time.Second))
	require.NoError(t, err)
	all, err := l.Replicas(t.Context(), "box-1", "")
	require.NoError(t, err)
	require.NotNil(t, all[0].Job)
	ask(t, l, http.MethodPost, "replicas/"+strconv.FormatInt(all[0].ID, 10)+"/suspend?approved=true", "")
	require.NoError(t, tr.Close(t.Context()))

	_, of := r.named("replica first copy")
	require.Len(t, of, 1)
	assert.Equal(t, map[string]any{
		"infinisim.lab": "default", "infinisim.array": "box-1", "infinisim.remote_array": "box-2", "infinisim.replica.id": all[0].ID,
		"infinisim.replica.type": "ASYNC", "infinisim.link.id": all[0].LinkID, "infinisim.job.id": of[0]["infinisim.job.id"],
		"infinisim.job.initial": true, "infinisim.job.stopped": false, "infinisim.job.bytes": int64(1_000_000_000),
		"infinisim.job.started": begun.String(), "infinisim.job.ended": copied.String(), "infinisim.job.seconds": copied.Sub(begun).Seconds(),
		"infinisim.entity.kind": "VOLUME", "infinisim.entity.name": "v", "infinisim.replica.state": "ACTIVE",
	}, of[0])
	_, of = r.named("replica job")
	require.Len(t, of, 2)
	assert.Equal(t, []any{int64(200_000_000), false, "ACTIVE"}, []any{of[0]["infinisim.job.bytes"], of[0]["infinisim.job.stopped"], of[0]["infinisim.replica.state"]})
	assert.Equal(t, []any{int64(5_000_000_000), true, "SUSPENDED"}, []any{of[1]["infinisim.job.bytes"], of[1]["infinisim.job.stopped"], of[1]["infinisim.replica.state"]})
}

func TestTracer_refusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"127.0.0.1:4318", "ftp://x", "http://", "http://%zz"} {
		_, err := trace.New(t.Context(), endpoint, slog.New(slog.DiscardHandler))
		assert.Error(t, err, endpoint)
	}
}

func TestTracer_logsWhatIsNotSent(t *testing.T) {
	t.Parallel()
	r := receive(t)
	r.status = http.StatusBadRequest // what is not tried again
	var out bytes.Buffer
	tr, err := trace.New(t.Context(), r.URL, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	l := build(t, lab.Options{Observers: []lab.Observer{tr}})
	ask(t, l, http.MethodGet, "volumes", "")
	require.NoError(t, tr.Close(t.Context()))
	assert.Contains(t, out.String(), `msg="spans were not sent"`)
}
