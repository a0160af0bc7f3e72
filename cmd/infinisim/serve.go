package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/spf13/cobra"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/control"
	"infinisim/sim/lab"
)

// flags are those of serve.
type flags struct {
	arrays, first          int
	links, listen, control string
	profile, clock, limits string
	seed                   uint64
	speed                  float64
	tls                    bool
	cert, key              string
	data, readyFile        string
	verbose                bool
}

func serveCommand() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve one lab of arrays until interrupted",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return serve(c, f) },
	}
	fs := c.Flags()
	fs.IntVar(&f.arrays, "arrays", 2, "number of arrays")
	fs.IntVar(&f.first, "first", 1, "number of the first array: its key, serial number and addresses follow from it")
	fs.StringVar(&f.links, "links", string(sim.Ring), "which arrays are linked: none, ring or mesh")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address of the first array; the next ones follow, port 0 is any")
	fs.StringVar(&f.control, "control", "127.0.0.1:8079", "address of the control plane")
	fs.StringVar(&f.profile, "profile", "8.6", "release of the arrays: 8.6 or 7.2")
	fs.StringVar(&f.clock, "clock", "system", "system moves by itself, manual when told")
	fs.StringVar(&f.limits, "limits", "on", "off lifts the limits of the release")
	fs.Uint64Var(&f.seed, "seed", 1, "seed of everything that looks random")
	fs.Float64Var(&f.speed, "speed", 1, "how many times as fast as the wall clock the system clock runs")
	fs.BoolVar(&f.tls, "tls", false, "serve HTTPS too, with a certificate made at start unless one is given")
	fs.StringVar(&f.cert, "tls-cert", "", "certificate file (PEM), with --tls-key")
	fs.StringVar(&f.key, "tls-key", "", "key file (PEM), with --tls-cert")
	fs.StringVar(&f.data, "data", "", "directory to keep the lab in (not supported yet)")
	fs.StringVar(&f.readyFile, "ready-file", "", "file that gets one JSON line when everything serves")
	fs.BoolVar(&f.verbose, "verbose", false, "log every request")
	return c
}

// options turns the flags into a lab's options.
func (f flags) options(log *slog.Logger) ([]sim.Option, error) {
	opts := []sim.Option{
		sim.WithArrays(f.arrays), sim.WithLinks(sim.Topology(f.links)), sim.WithSeed(f.seed), sim.WithProfile(f.profile),
		sim.WithFirst(f.first), sim.WithLog(log),
	}
	switch {
	case f.data != "":
		return nil, errors.New("--data is not supported yet: a lab lives in memory")
	case f.first < 1:
		return nil, fmt.Errorf("--first %d: numbers start at 1", f.first)
	case f.speed <= 0:
		return nil, fmt.Errorf("--speed %v: must be above 0", f.speed)
	case (f.cert == "") != (f.key == ""):
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	switch f.clock {
	case "system":
		opts = append(opts, sim.WithClock(clock.NewSystem(0, f.speed)))
	case "manual":
		opts = append(opts, sim.WithClock(clock.NewManual(clock.Epoch)))
	default:
		return nil, fmt.Errorf("--clock %q: system or manual", f.clock)
	}
	switch f.limits {
	case "on":
	case "off":
		opts = append(opts, sim.WithoutLimits())
	default:
		return nil, fmt.Errorf("--limits %q: on or off", f.limits)
	}
	return opts, nil
}

func serve(c *cobra.Command, f flags) error {
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	opts, err := f.options(log)
	if err != nil {
		return err
	}
	l, err := sim.New(opts...)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // memory mode: nothing is lost
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	s := &servers{lab: l, flags: f, fail: cancelWith(cancel), ports: map[string]*port{}}
	defer s.close()
	if f.tls {
		if s.tls, err = certificate(f.cert, f.key); err != nil {
			return err
		}
	}
	for i, a := range l.Arrays() {
		address, err := following(f.listen, i)
		if err != nil {
			return err
		}
		if err := s.open(ctx, a, address); err != nil {
			return err
		}
	}
	var ready atomic.Bool
	plane, err := s.controlPlane(ctx, &ready, log)
	if err != nil {
		return err
	}
	running := make(chan error, 1)
	go func() { running <- l.Run(ctx) }()
	ready.Store(true)
	if err := s.announce(ctx, c.OutOrStdout(), plane); err != nil {
		return err
	}
	<-ctx.Done()
	err = <-running
	return errors.Join(err, s.failed())
}

// following is the address of the nth array: the port of the first plus n.
func following(listen string, n int) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("--listen %q: %w", listen, err)
	}
	p, err := strconv.Atoi(port)
	if err != nil || p < 0 {
		return "", fmt.Errorf("--listen %q: %q is no port", listen, port)
	}
	if p > 0 {
		p += n
	}
	return net.JoinHostPort(host, strconv.Itoa(p)), nil
}

// controlPlane serves the control plane on its own listener and returns its
// URL.
func (s *servers) controlPlane(ctx context.Context, ready *atomic.Bool, log *slog.Logger) (string, error) {
	plane := control.New(control.Options{
		Lab: s.lab.Lab, Log: log, Ready: ready.Load,
		Describe: s.describe,
		Added: func(_ context.Context, a *lab.Array) error {
			host, _, err := net.SplitHostPort(s.flags.listen)
			if err != nil {
				return err
			}
			return s.open(ctx, a, net.JoinHostPort(host, "0"))
		},
		Removed: s.shut,
	})
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.flags.control)
	if err != nil {
		return "", fmt.Errorf("--control: %w", err)
	}
	s.serve(&http.Server{Handler: plane, ReadHeaderTimeout: headerTimeout}, ln)
	return "http://" + ln.Addr().String(), nil
}

// readyLine is what the ready file gets.
type readyLine struct {
	PID     int          `json:"pid"`
	Control string       `json:"control"`
	Arrays  []readyArray `json:"arrays"`
	Links   []sim.Link   `json:"links"`
}

type readyArray struct {
	Key      string  `json:"key"`
	Name     string  `json:"name"`
	Serial   int64   `json:"serial"`
	URL      string  `json:"url"`
	HTTPS    *string `json:"https_url"`
	Username string  `json:"username"`
	Password string  `json:"password"`
}

func (s *servers) ready(plane string) readyLine {
	line := readyLine{PID: os.Getpid(), Control: plane, Arrays: []readyArray{}, Links: s.lab.Links()}
	if line.Links == nil {
		line.Links = []sim.Link{}
	}
	for _, a := range s.lab.Arrays() {
		d := s.describe(a)
		line.Arrays = append(line.Arrays, readyArray{
			Key: a.Key, Name: a.Name, Serial: a.Serial, URL: d.URL, HTTPS: d.HTTPS, Username: d.Username, Password: d.Password,
		})
	}
	return line
}

// writeReady puts the line in place in one step, so that a reader never sees
// half of it.
func writeReady(file string, line readyLine) error {
	raw, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".ready-")
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	_, err = tmp.Write(append(raw, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}
