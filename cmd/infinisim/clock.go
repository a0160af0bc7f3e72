package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"infinisim/sim/clock"
)

func clockColumns() []column {
	return []column{
		{"TIME", "now", asInstant},
		{"CLOCK", "mode", asState},
		{"SPEED", "speed", asIs},
		{"NEXT DUE", "next", asInstant},
		{"NEXT WAITED FOR", "next_settle", asInstant},
	}
}

// clockCommand moves the clock of a running server's lab.
func clockCommand() *cobra.Command {
	var to remote
	moved := append(clockColumns(), column{"RAN", "count", asIs}, column{"BLOCKED", "blocked", asIs})
	c := group(
		"clock", "Show and move the clock of a running server",
		&cobra.Command{
			Use: "show", Short: "Tell the time and when something is due", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return to.show(c, http.MethodGet, to.in("clock"), nil, clockColumns())
			},
		},
		&cobra.Command{
			Use: "freeze", Short: "Stop the clock", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return to.show(c, http.MethodPost, to.in("clock/freeze"), nil, clockColumns())
			},
		},
		&cobra.Command{
			Use: "speed FACTOR", Short: "Let the clock run, so many times as fast as the wall clock", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				factor, err := strconv.ParseFloat(args[0], 64)
				if err != nil {
					return usage("clock speed %q: no number", args[0])
				}
				return to.show(c, http.MethodPost, to.in("clock/speed"), map[string]any{"factor": factor}, clockColumns())
			},
		},
		&cobra.Command{
			Use: "settle", Short: "Move on until nothing that was asked for is left", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return screenOf(c.ErrOrStderr()).during(c.Context(), "settles", func() error {
					return to.show(c, http.MethodPost, to.in("clock/settle"), nil, moved)
				})
			},
		},
		&cobra.Command{
			Use: "advance SPAN", Short: "Move on by a span such as 90s or 30d, with progress; Ctrl-C stops it between two moves", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return to.advance(c, args[0]) },
		},
	)
	to.labFlags(c)
	return marked(c, jsonElsewhere)
}

// operation is a long move as the control plane tells it.
type operation struct {
	ID    int64   `json:"id"`
	State string  `json:"state"`
	Now   int64   `json:"now"`
	Share float64 `json:"share"`
	Count int     `json:"count"`
	Error *string `json:"error"`
}

// glance is how long a look at the progress lasts.
const glance = "200ms"

// running is the state of an operation that goes on.
const running = "RUNNING"

// advance moves the clock and shows how far it is; when the command is told to
// end it stops the move.
func (to *remote) advance(c *cobra.Command, by string) error {
	raw, err := to.answer(c.Context(), http.MethodPost, to.in("clock/advance"), map[string]any{"by": by, "async": true})
	if err != nil {
		return err
	}
	var o operation
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	at := to.in(fmt.Sprintf("operations/%d", o.ID))
	screen := screenOf(c.ErrOrStderr())
	for o.State == running {
		raw, err = to.answer(c.Context(), http.MethodGet, at+"?wait="+glance, nil)
		if c.Context().Err() != nil {
			raw, err = to.answer(context.WithoutCancel(c.Context()), http.MethodDelete, at, nil)
		}
		if err == nil {
			err = json.Unmarshal(raw, &o)
		}
		if err != nil {
			return err
		}
		screen.progress(o.Share, line(o), o.State != running)
	}
	columns := []column{{"STATE", "state", asState}, {"FROM", "from", asInstant}, {"TIME", "now", asInstant}, {"RAN", "count", asIs}}
	if err := printerOf(c).print(raw, columns); err != nil {
		return err
	}
	switch o.State {
	case "DONE":
		return nil
	case "CANCELLED":
		return errors.New("cancelled")
	}
	return fmt.Errorf("%s: %s", o.State, *o.Error)
}

// line is the progress in words.
func line(o operation) string {
	now := time.Unix(0, int64(clock.FromMS(o.Now))).UTC().Format(time.DateTime)
	return fmt.Sprintf("%s  %d jobs", now, o.Count)
}
