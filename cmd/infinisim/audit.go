package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"infinisim/sim"
	"infinisim/sim/audit"
	"infinisim/sim/clock"
)

// auditFlags are those of audit.
type auditFlags struct {
	arrays                 int
	links, profile, format string
	seed                   uint64
	modes                  []string
	delay, timeout         time.Duration
	prepare                string
	strict                 bool
}

// auditCommand runs a client again and again while its calls go wrong.
func auditCommand() *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "audit -- COMMAND [ARGUMENT...]",
		Short: "Run a client once in peace and once for each writing call that goes wrong; fail if it makes anything twice",
		Long: `Runs COMMAND against arrays of its own, again and again, each time on fresh
ones: first in peace, then once for each writing call of that run and each way
in which the call can go wrong. COMMAND finds in its environment

  INFINISIM_ARRAY_URL   the URL of the first array
  INFINISIM_ARRAY_URLS  those of all, separated by blanks
  INFINISIM_USERNAME, INFINISIM_PASSWORD

and tells by its exit code whether it thinks that it succeeded.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runAudit(c, f, args) },
	}
	fs := c.Flags()
	fs.IntVar(&f.arrays, "arrays", 2, "number of arrays")
	fs.StringVar(&f.links, "links", string(sim.Ring), "which arrays are linked: none, ring or mesh")
	fs.StringVar(&f.profile, "profile", "8.6", "release of the arrays: 8.6 or 7.2")
	fs.Uint64Var(&f.seed, "seed", 1, "seed of everything that looks random")
	fs.StringArrayVar(&f.modes, "mode", nil, "lost_before, lost_after, late or unavailable; may be given again (default all)")
	fs.DurationVar(&f.delay, "delay", 35*time.Second, "how late the answer is in the mode late: longer than the client's time-out")
	fs.DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long one run may take")
	fs.StringVar(&f.prepare, "prepare", "", "shell command that makes, once, what COMMAND finds on the arrays")
	fs.StringVar(&f.format, "format", "", "text or json (default: as --output says)")
	fs.BoolVar(&f.strict, "strict", false, "fail too for what a run left behind that failed")
	return c
}

func (f auditFlags) ways() ([]audit.Mode, error) {
	var out []audit.Mode
	for _, name := range f.modes {
		known := false
		for _, m := range audit.Modes() {
			known = known || string(m) == name
		}
		if !known {
			return nil, fmt.Errorf("--mode %q is none of %v", name, audit.Modes())
		}
		out = append(out, audit.Mode(name))
	}
	return out, nil
}

func runAudit(c *cobra.Command, f auditFlags, args []string) error {
	modes, err := f.ways()
	if err != nil {
		return exitError{err, exitUsage}
	}
	if f.format = cmp.Or(f.format, c.Flag("output").Value.String(), asText); f.format != asText && f.format != asJSON {
		return usage("--format %q: text or json", f.format)
	}
	base, err := sim.New(
		sim.WithArrays(f.arrays), sim.WithLinks(sim.Topology(f.links)), sim.WithProfile(f.profile), sim.WithSeed(f.seed),
		sim.WithClock(clock.NewSystem(0, 1)),
	)
	if err != nil {
		return err
	}
	defer func() { _ = base.Close() }() // it is in memory
	client := func(args []string) audit.Client {
		return func(ctx context.Context, t *audit.Target) error { return f.client(ctx, t, args, c.ErrOrStderr()) }
	}
	if f.prepare != "" {
		if err := client([]string{"sh", "-c", f.prepare})(c.Context(), &audit.Target{Lab: base}); err != nil {
			return fmt.Errorf("--prepare: %w", err)
		}
	}
	r, err := audit.Run(c.Context(), audit.Options{Base: base, Client: client(args), Modes: modes, Delay: f.delay})
	if err != nil {
		return err
	}
	if f.format == "json" {
		err = json.NewEncoder(c.OutOrStdout()).Encode(r)
	} else {
		err = tell(c.OutOrStdout(), r)
	}
	return errors.Join(err, f.judge(r))
}

func (f auditFlags) judge(r *audit.Report) error {
	if n := len(r.Bad()); n > 0 {
		return fmt.Errorf("audit: %d of %d runs made a call twice, or told of a success that was none", n, len(r.Trials))
	}
	for _, t := range r.Trials {
		if f.strict && t.Verdict == audit.Leftover {
			return errors.New("audit: a run that failed left behind what it had made")
		}
	}
	return nil
}

// tell writes a line for each trial, and below it what is there twice, too much
// or too little.
func tell(to io.Writer, r *audit.Report) error {
	var out strings.Builder
	for _, t := range r.Trials {
		fmt.Fprintf(&out, "%-11s %-11s #%d %s\n", t.Verdict, t.Mode, t.Call.Seq, t.Call)
		for _, call := range t.Twice {
			fmt.Fprintf(&out, "    again    #%d %s %s\n", call.Seq, call, call.Body)
		}
		for _, o := range t.Left {
			fmt.Fprintf(&out, "    left     %s %s %s\n", o.Array, o.Kind, o.Name)
		}
		for _, o := range t.Missing {
			fmt.Fprintf(&out, "    missing  %s %s %s\n", o.Array, o.Kind, o.Name)
		}
	}
	_, err := io.WriteString(to, out.String())
	return err
}

// client runs the command against the arrays of a target, each on a port of its
// own.
func (f auditFlags) client(ctx context.Context, t *audit.Target, args []string, errs io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	var urls []string
	for _, a := range t.Lab.Arrays() {
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		srv := newLimits(usualPatience, slog.New(slog.DiscardHandler)).server(t.Handler(a.Key))
		served := make(chan error, 1)
		go func() { served <- srv.Serve(ln) }()
		defer func() {
			_ = srv.Close()
			<-served //nolint:errcheck // it was told to end
		}()
		urls = append(urls, "http://"+ln.Addr().String())
	}
	moving, stop := context.WithCancel(ctx)
	moved := make(chan error, 1)
	go func() { moved <- t.Lab.Run(moving) }()
	defer func() {
		stop()
		err = errors.Join(err, <-moved)
	}()
	command := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the user's own command
	command.Env = append(
		os.Environ(), "INFINISIM_ARRAY_URL="+strings.Join(urls[:min(1, len(urls))], ""), "INFINISIM_ARRAY_URLS="+strings.Join(urls, " "),
		"INFINISIM_USERNAME="+sim.Username, "INFINISIM_PASSWORD="+sim.Password,
	)
	command.Stdout, command.Stderr = errs, errs
	return command.Run()
}
