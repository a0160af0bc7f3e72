// Package trace sends spans to a collector of OpenTelemetry, by OTLP over HTTP:
// one for each request to an array, and one for each job of a replica.
package trace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans. It is a lab.Observer, safe for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	parent   propagation.TraceContext
}

// The variables of OpenTelemetry that name a collector, and the one that
// switches it off.
const (
	envEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envTraces   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envDisabled = "OTEL_SDK_DISABLED"
)

// Wanted reports whether spans go anywhere: to an endpoint, or where the
// environment says.
func Wanted(endpoint string) bool {
	if strings.EqualFold(os.Getenv(envDisabled), "true") {
		return false
	}
	return endpoint != "" || os.Getenv(envEndpoint) != "" || os.Getenv(envTraces) != ""
}

// New makes a Tracer that sends to the URL of a collector, such as
// http://127.0.0.1:4318, to which the path v1/traces is added; an empty one is
// that of the environment. Other variables of OpenTelemetry count too: headers,
// timeouts, the name of the service, the sampler. Failures are logged. It
// returns an error for what is no URL.
func New(ctx context.Context, endpoint string, log *slog.Logger) (*Tracer, error) {
	var opts []otlptracehttp.Option
	if endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil {
			return nil, err
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%q is no URL such as http://127.0.0.1:4318", endpoint)
		}
		opts = append(opts, otlptracehttp.WithEndpointURL(u.JoinPath("v1", "traces").String()))
	}
	out, err := otlptracehttp.New(ctx, opts...)
	if err != nil {
		return nil, err
	}
	res, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "infinisim")), resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessPID(),
		resource.WithFromEnv())
	if err != nil {
		return nil, errors.Join(err, out.Shutdown(ctx))
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(&logged{out, log}), sdk.WithResource(res))
	return &Tracer{provider: p, tracer: p.Tracer("infinisim")}, nil
}

// Close sends what is left and ends the Tracer; it gives up with the context.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// logged is an exporter whose failures are logged, and not told to the SDK,
// which writes them to standard error.
type logged struct {
	sdk.SpanExporter
	log *slog.Logger
}

// ExportSpans sends spans.
func (e *logged) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.Warn("spans were not sent", "spans", len(spans), "error", err)
	}
	return nil
}
