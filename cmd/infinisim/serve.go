package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"infinisim/sim/apierr"
	"infinisim/sim/control"
	"infinisim/sim/lab"
	"infinisim/sim/store"
	"infinisim/sim/ui"
)

// dieAt ends the process at the nth step as a kill -9 would: nothing is
// flushed, nobody is told.
func dieAt(n int64) func(string) {
	var steps atomic.Int64
	return func(name string) {
		if steps.Add(1) != n {
			return
		}
		fmt.Fprintln(os.Stderr, "infinisim: dies at step", n, name)
		p, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = p.Kill()
		}
		panic(fmt.Sprint("still alive: ", err)) // the signal is on its way
	}
}

// labs makes the lab default, and brings back what the directory keeps.
func (f flags) labs(ctx context.Context, o lab.Options) (*lab.Labs, error) {
	all := lab.NewLabs(o, f.data)
	err := all.Open()
	if err == nil {
		_, missing := all.Get(lab.DefaultName)
		switch {
		case f.from != "":
			if err = f.imported(ctx, all); err != nil && !errors.Is(err, store.ErrLocked) {
				err = exitError{err, exitUsage}
			}
		case missing != nil:
			var p lab.Plan
			if p, err = f.plan(); err != nil {
				err = exitError{err, exitUsage}
			} else {
				_, err = all.Create(ctx, p)
			}
		}
	}
	if err != nil {
		return nil, errors.Join(err, all.Close())
	}
	return all, nil
}

func serve(c *cobra.Command, f flags) (err error) {
	log, err := f.logger(c.ErrOrStderr())
	if err != nil {
		return exitError{err, exitUsage}
	}
	defer f.ended(log, &err)
	log.Info("starts", "pid", os.Getpid(), "demo", f.demo, "data", f.data, "clock", f.clock)
	profiled, err := f.profiled()
	if err != nil {
		return exitError{err, exitUsage}
	}
	defer func() { err = errors.Join(err, profiled()) }()
	f.control = strings.TrimPrefix(f.control, "http://") // as clients name it
	opts, err := f.options(log)
	if err != nil {
		return exitError{err, exitUsage}
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	if f.withStdin {
		go endWith(c.InOrStdin(), cancel)
	}
	metrics, stop, err := f.observers(ctx, &opts, log)
	if err != nil {
		return exitError{err, exitUsage}
	}
	defer func() { err = errors.Join(err, stop()) }()
	labs, err := f.labs(ctx, opts)
	if err != nil {
		return misused(err)
	}
	defer func() { err = errors.Join(err, labs.Close()) }()
	s := &servers{labs: labs, flags: f, limits: newLimits(f.patience, log), log: log, metrics: metrics, fail: cancelWith(cancel), ports: map[string]*port{}}
	defer s.close()
	if err := s.up(ctx, printerOf(c)); err != nil {
		return err
	}
	<-ctx.Done()
	log.Info("shuts down")
	return s.failed()
}

// up opens all listeners and tells people and scripts of them.
func (s *servers) up(ctx context.Context, out printer) error {
	if err := s.openAll(ctx); err != nil {
		return err
	}
	var ready atomic.Bool
	plane, err := s.controlPlane(ctx, &ready, s.log)
	if err != nil {
		return err
	}
	if err := s.openFabric(ctx); err != nil {
		return err
	}
	if err := s.follow(ctx, plane); err != nil {
		return err
	}
	ready.Store(true)
	if err := s.announce(ctx, out, plane); err != nil {
		return err
	}
	s.log.Info("serves", "control", plane, "fabric", s.fabric)
	return nil
}

// misused makes a refusal of what the flags ask for one of their use.
func misused(err error) error {
	if _, refused := apierr.As(err); refused {
		return exitError{err, exitUsage}
	}
	return err
}

// endWith ends the server when nobody holds the other end of its input any
// more. A read of standard input cannot be called off: it ends with the process.
func endWith(in io.Reader, cancel context.CancelFunc) {
	_, _ = io.Copy(io.Discard, in) // an end is an end, whatever the reason
	cancel()
}

// openAll gives the arrays of the lab default the ports that follow --listen,
// and those of the others any.
func (s *servers) openAll(ctx context.Context) (err error) {
	if s.flags.tls {
		if s.tls, err = certificate(s.flags.cert, s.flags.key); err != nil {
			return exitError{err, exitUsage}
		}
	}
	for _, l := range s.labs.List() {
		for i, a := range l.Arrays() {
			if l.Name() != lab.DefaultName {
				if err := s.openAny(ctx, l, a); err != nil {
					return err
				}
				continue
			}
			address, err := following(s.flags.listen, i)
			if err != nil {
				return err
			}
			if err := s.open(ctx, l, a, address); err != nil {
				return err
			}
		}
	}
	return nil
}

// openAny gives an array a port that is free.
func (s *servers) openAny(ctx context.Context, l *lab.Lab, a *lab.Array) error {
	host, _, err := net.SplitHostPort(s.flags.listen)
	if err != nil {
		return err
	}
	return s.open(ctx, l, a, net.JoinHostPort(host, "0"))
}

// following is the address of the nth array: the port of the first plus n.
func following(listen string, n int) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", usage("--listen %q: %w", listen, err)
	}
	p, err := strconv.Atoi(port)
	if err != nil || p < 0 {
		return "", usage("--listen %q: %q is no port", listen, port)
	}
	if p > 0 {
		p += n
	}
	return net.JoinHostPort(host, strconv.Itoa(p)), nil
}

// controlPlane serves the control plane on its own listener and returns its
// URL.
func (s *servers) controlPlane(ctx context.Context, ready *atomic.Bool, log *slog.Logger) (string, error) {
	s.plane = control.New(control.Options{
		Labs: s.labs, Log: log, Ready: ready.Load, Describe: s.describe, Added: s.openAny, Removed: s.shut, Token: s.flags.token, Metrics: s.metrics,
	})
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.flags.control)
	if err != nil {
		return "", listening("--control", s.flags.control, err)
	}
	s.serve(s.limits.server(ui.Mount(signed(s.plane))), ln)
	return "http://" + ln.Addr().String(), nil
}

// signed says in each answer of the control plane which program gives it.
func signed(plane http.Handler) http.Handler {
	name := "infinisim/" + thisBuild().Version
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", name)
		plane.ServeHTTP(w, r)
	})
}
