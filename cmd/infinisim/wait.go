package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

// conditions are what can be waited for, with what each means.
func conditions() [][2]string {
	return [][2]string{
		{"ready", "all listeners serve"},
		{"settled", "nothing that somebody asked for is under way"},
		{"links", "all links are up"},
		{"replicas", "no replica has a job or is suspended"},
	}
}

// pause is how long wait waits between two looks.
const pause = 50 * time.Millisecond

// waiting is what is waited for, and where.
type waiting struct {
	to       remote
	file     string
	until    []string
	most     time.Duration
	lastSeen error
}

// waitCommand returns when a server is as it should be.
func waitCommand() *cobra.Command {
	var w waiting
	c := &cobra.Command{
		Use: "wait", Short: "Wait until a server serves, or a lab is as it should be", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return w.run(c) },
	}
	w.to.labFlags(c)
	var words []string
	for _, one := range conditions() {
		words = append(words, one[0]+" ("+one[1]+")")
	}
	c.Flags().StringArrayVar(&w.until, "for", []string{"ready"}, strings.Join(words, ", ")+"; may be given again")
	c.Flags().DurationVar(&w.most, "timeout", time.Minute, "how long to wait; exit code 7 after it")
	c.Flags().StringVar(&w.file, "ready-file", "", "the server is the one that writes this file (serve --ready-file)")
	return c
}

func (w *waiting) run(c *cobra.Command) error {
	for _, name := range w.until {
		if !slices.ContainsFunc(conditions(), func(one [2]string) bool { return one[0] == name }) {
			return usage("--for %q: ready, settled, links or replicas", name)
		}
	}
	ctx, cancel := context.WithTimeout(c.Context(), w.most)
	defer cancel()
	for {
		done, err := w.holds(ctx)
		switch {
		case done:
			return w.tell(c)
		case err != nil && codeOf(err) != exitUnreachable && ctx.Err() == nil:
			return err
		case err != nil && ctx.Err() == nil:
			w.lastSeen = err
		}
		if clock.Pause(ctx, pause) != nil {
			if c.Context().Err() != nil {
				return c.Context().Err()
			}
			return exitError{fmt.Errorf("wait: %s is not reached after %s: %w", strings.Join(w.until, ", "), w.most, w.reason()), exitLate}
		}
	}
}

// reason is what stood in the way last.
func (w *waiting) reason() error {
	if w.lastSeen != nil {
		return w.lastSeen
	}
	return errors.New("it may need infinisim clock advance, or clock settle")
}

// holds reports whether everything is as it should be now.
func (w *waiting) holds(ctx context.Context) (bool, error) {
	if w.file != "" {
		line, err := readReady(w.file)
		if errors.Is(err, fs.ErrNotExist) {
			w.lastSeen = fmt.Errorf("%s is not there yet", w.file)
			return false, nil
		}
		if err != nil {
			return false, err
		}
		w.to.url = line.Control
	}
	for _, name := range w.until {
		ok, err := w.condition(ctx, name)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (w *waiting) condition(ctx context.Context, name string) (bool, error) {
	switch name {
	case "settled":
		var now clockStatus
		err := w.to.read(ctx, w.to.in("clock"), &now)
		return now.NextSettle == nil, err
	case "links":
		var all []lab.LinkView
		err := w.to.read(ctx, w.to.in("links"), &all)
		return !slices.ContainsFunc(all, func(l lab.LinkView) bool { return l.State != "UP" }), err
	case "replicas":
		var all []lab.ReplicaView
		err := w.to.read(ctx, w.to.in("replicas"), &all)
		return !slices.ContainsFunc(all, func(r lab.ReplicaView) bool { return r.Job != nil || strings.HasSuffix(r.State, "SUSPENDED") }), err
	}
	var health struct {
		Status string `json:"status"`
	}
	err := w.to.read(ctx, "health", &health)
	if _, not := errors.AsType[*refusal](err); not { // it listens, and does not serve yet
		return false, nil
	}
	return health.Status == "ok", err
}

func (w *waiting) tell(c *cobra.Command) error {
	return printerOf(c).value(map[string]any{"control": w.to.base(), "reached": w.until}, []column{{"CONTROL", "control", asIs}, {"REACHED", "reached", asIs}})
}

// readReady reads what serve --ready-file wrote; a file that is empty yet, as
// one for --ready-fd, counts as none.
func readReady(file string) (readyLine, error) {
	var line readyLine
	raw, err := os.ReadFile(file) //nolint:gosec // the user's own file
	if err == nil && len(raw) == 0 {
		err = fs.ErrNotExist
	}
	if err == nil {
		if err = json.Unmarshal(raw, &line); err != nil {
			err = usage("--ready-file %s: it is none that serve wrote: %w", file, err)
		}
	}
	return line, err
}
