package trace

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"infinisim/sim/api"
	"infinisim/sim/clock"
	"infinisim/sim/replication"
)

// root is where the REST API of arrays begins.
const root = "/api/rest/"

// Asked makes the span of a request, in the trace of the client if its header
// traceparent names one. Names and attributes are those of OpenTelemetry's
// conventions for HTTP servers, 1.37.
func (t *Tracer) Asked(lab string, d api.Done) {
	r := d.Request
	ctx := t.parent.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	verb, original := method(r.Method)
	name := verb
	if original != "" {
		name = "HTTP"
	}
	of := []attribute.KeyValue{
		attribute.String("http.request.method", verb), attribute.String("url.path", d.Path), attribute.String("url.scheme", scheme(r)),
		attribute.String("network.protocol.version", strings.TrimPrefix(r.Proto, "HTTP/")),
		attribute.String("infinisim.lab", lab), attribute.String("infinisim.array", d.Array), attribute.String("infinisim.time", d.Time.String()),
	}
	of = append(of, given("http.request.method_original", original)...)
	if d.Route != "" {
		name += " " + root + d.Route
		of = append(of, attribute.String("http.route", root+d.Route))
	}
	of = append(of, address("server", r.Host)...)
	of = append(of, address("client", r.RemoteAddr)...)
	of = append(of, given("user_agent.original", r.UserAgent())...)
	of = append(of, given("user.name", d.User)...)
	of = append(of, given("infinisim.error_code", string(d.Code))...)
	if len(d.Faults) > 0 {
		of = append(of, attribute.StringSlice("infinisim.faults", d.Faults))
	}
	if d.Status != 0 && !d.Lost {
		of = append(of, attribute.Int("http.response.status_code", d.Status), attribute.Int("http.response.body.size", d.Bytes))
	}
	why := failure(d)
	of = append(of, given("error.type", why)...)
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(d.Begun), trace.WithAttributes(of...))
	if why != "" {
		span.SetStatus(codes.Error, string(d.Code))
	}
	span.End(trace.WithTimestamp(d.Begun.Add(d.Took)))
}

// failure says why a request failed on the server's side, empty where it did
// not: what the client did wrong is none of it.
func failure(d api.Done) string {
	switch {
	case d.Status == 0 || d.Lost:
		return "connection_dropped"
	case d.Status >= http.StatusInternalServerError:
		return strconv.Itoa(d.Status)
	}
	return ""
}

// method is a request's, and what it was if that is none that is known.
func method(word string) (known, original string) {
	switch word {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodHead, http.MethodOptions:
		return word, ""
	}
	return "_OTHER", word
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// address are a host and its port.
func address(who, text string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return given(who+".address", text)
	}
	out := given(who+".address", host)
	if n, err := strconv.Atoi(port); err == nil {
		out = append(out, attribute.Int(who+".port", n))
	}
	return out
}

// given is an attribute, unless it is empty.
func given(name, value string) []attribute.KeyValue {
	if value == "" {
		return nil
	}
	return []attribute.KeyValue{attribute.String(name, value)}
}

// Copied makes the span of a job of a replica. It ends when the job did, by the
// wall clock, and is as long as the job was by that clock; the lab's times are
// attributes.
func (t *Tracer) Copied(lab string, c replication.Copied, took time.Duration) {
	end := clock.StartStopwatch().Begun()
	of := []attribute.KeyValue{
		attribute.String("infinisim.lab", lab), attribute.String("infinisim.array", c.Array), attribute.String("infinisim.remote_array", c.RemoteArray),
		attribute.Int64("infinisim.replica.id", c.Replica), attribute.String("infinisim.replica.type", c.Type),
		attribute.Int64("infinisim.link.id", c.Link), attribute.Int64("infinisim.job.id", c.Job), attribute.Bool("infinisim.job.initial", c.Initial),
		attribute.Bool("infinisim.job.stopped", c.Stopped), attribute.Int64("infinisim.job.bytes", c.Bytes),
		attribute.String("infinisim.job.started", c.Started.String()), attribute.String("infinisim.job.ended", c.Ended.String()),
		attribute.Float64("infinisim.job.seconds", c.Ended.Sub(c.Started).Seconds()),
	}
	of = append(of, given("infinisim.entity.kind", c.Entity.Sort)...)
	of = append(of, given("infinisim.entity.name", c.Entity.Name)...)
	of = append(of, given("infinisim.replica.state", c.State)...)
	of = append(of, given("infinisim.replica.sync_state", c.SyncState)...)
	name := "replica job"
	if c.Initial {
		name = "replica first copy"
	}
	_, span := t.tracer.Start(context.Background(), name, trace.WithTimestamp(end.Add(-took)), trace.WithAttributes(of...))
	span.End(trace.WithTimestamp(end))
}
