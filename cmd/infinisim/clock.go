package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"infinisim/sim/clock"
)

// clockCommand moves the clock of a running server's lab.
func clockCommand() *cobra.Command {
	var to remote
	var lab string
	c := &cobra.Command{Use: "clock", Short: "Show and move the clock of a running server"}
	to.flags(c)
	c.PersistentFlags().StringVar(&lab, "lab", "default", "the lab")
	path := func(rest string) string { return "labs/" + url.PathEscape(lab) + "/" + rest }
	post := func(use, short, rest string) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short, Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return to.ask(c, http.MethodPost, path(rest), nil) },
		}
	}
	c.AddCommand(
		&cobra.Command{
			Use: "show", Short: "Tell the time and when something is due", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return to.ask(c, http.MethodGet, path("clock"), nil) },
		},
		post("freeze", "Stop the clock", "clock/freeze"),
		post("settle", "Move on until nothing that was asked for is left", "clock/settle"),
		&cobra.Command{
			Use: "advance SPAN", Short: "Move on by a span such as 90s or 30d, with progress; Ctrl-C stops it between two moves", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return to.advance(c, path, args[0]) },
		},
	)
	return c
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

// advance moves the clock and shows how far it is; when the command is told to
// end it stops the move.
func (to *remote) advance(c *cobra.Command, path func(string) string, by string) error {
	raw, err := to.answer(c.Context(), http.MethodPost, path("clock/advance"), map[string]any{"by": by, "async": true})
	if err != nil {
		return err
	}
	var o operation
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	at := path(fmt.Sprintf("operations/%d", o.ID))
	show := progress(c.ErrOrStderr())
	for o.State == "RUNNING" {
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
		show(o)
	}
	if _, err := c.OutOrStdout().Write(raw); err != nil {
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

// progress writes one line again and again to a terminal, and nothing to
// anything else.
func progress(out io.Writer) func(operation) {
	file, ok := out.(*os.File)
	if !ok {
		return func(operation) {}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(operation) {}
	}
	return func(o operation) { _, _ = io.WriteString(file, line(o)) } // a terminal that is gone hears nothing
}

// line is the progress in words, over the line before.
func line(o operation) string {
	now := time.Unix(0, int64(clock.FromMS(o.Now))).UTC().Format(time.DateTime)
	end := ""
	if o.State != "RUNNING" {
		end = "\n"
	}
	return fmt.Sprintf("\r%5.1f%%  %s  %d jobs%s", 100*o.Share, now, o.Count, end)
}
