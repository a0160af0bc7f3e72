package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"

	"github.com/spf13/pflag"

	"infinisim/sim/lab"
	"infinisim/sim/observe"
	"infinisim/sim/trace"
)

// watching are the flags of serve about what people see of the process.
type watching struct {
	logFormat, logLevel, otlp, cpuProfile string
}

func (w *watching) addWatching(fs *pflag.FlagSet) {
	fs.StringVar(&w.logFormat, "log-format", "text", "how the log is written to standard error: text or json")
	fs.StringVar(&w.logLevel, "log-level", "", "what is logged: debug, info, warn or error (default warn, debug with --verbose)")
	fs.StringVar(&w.otlp, "otlp-endpoint", "", "URL of a collector of OpenTelemetry that gets spans, such as http://127.0.0.1:4318 (default from OTEL_EXPORTER_OTLP_ENDPOINT)")
	fs.StringVar(&w.cpuProfile, "cpuprofile", "", "file that gets a CPU profile of the whole run, for go tool pprof")
}

// profiled begins a CPU profile where one is asked for; stop ends it.
func (w watching) profiled() (stop func() error, err error) {
	if w.cpuProfile == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(w.cpuProfile)
	if err != nil {
		return nil, fmt.Errorf("--cpuprofile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("--cpuprofile: %w", err), f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// logger is the log that the flags ask for.
func (f flags) logger(to io.Writer) (*slog.Logger, error) {
	usual := "warn"
	if f.verbose {
		usual = "debug"
	}
	var level slog.Level
	text := cmp.Or(f.logLevel, usual)
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return nil, fmt.Errorf("--log-level %q: debug, info, warn or error", text)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(to, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(to, opts)), nil
	}
	return nil, fmt.Errorf("--log-format %q: text or json", f.logFormat)
}

// observers puts into the options who watches the labs, and gives the metrics;
// stop sends what is left to be sent.
func (f flags) observers(ctx context.Context, o *lab.Options, log *slog.Logger) (m *observe.Metrics, stop func() error, err error) {
	m, stop = observe.New(), func() error { return nil }
	o.Observers = append(o.Observers, m)
	if !trace.Wanted(f.otlp) {
		return m, stop, nil
	}
	t, err := trace.New(ctx, f.otlp, log)
	if err != nil {
		return nil, nil, fmt.Errorf("--otlp-endpoint: %w", err)
	}
	o.Observers = append(o.Observers, t)
	return m, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), goodbye)
		defer cancel()
		if err := t.Close(ctx); err != nil {
			log.Warn("spans were left", "error", err)
		}
		return nil
	}, nil
}

// ended logs why the process ends.
func (f flags) ended(log *slog.Logger, err *error) {
	switch {
	case *err == nil || errors.Is(*err, context.Canceled):
		log.Info("ends", "pid", os.Getpid())
	case f.logFormat == "json": // a text that says the same follows in any case
		log.Error("ends", "pid", os.Getpid(), "error", (*err).Error())
	}
}
