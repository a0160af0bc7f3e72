package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"infinisim/sim/clock"
	"infinisim/sim/journal"
)

// journalFilters are the flags of journal that pick entries, by the names of
// the control plane's parameters.
func journalFilters() [][2]string {
	return [][2]string{
		{"array", "key of an array"},
		{"method", "method of the request, such as POST"},
		{"path", "path below /api/rest, * for any part of it, such as volumes/*"},
		{"user", "name of the user"},
		{"status", "status of the answer, or dropped"},
		{"code", "code of the error"},
		{"kind", "kind of the objects that were changed, such as volume"},
		{"object", "id of an object that was changed"},
		{"entry", "request, job, move or all (default request)"},
		{"since", "number of an entry, or a lab time like 2025-01-01T00:00:00Z"},
		{"until", "number of an entry, or a lab time"},
	}
}

// journalCommand shows what was asked of the arrays, and what happened there.
func journalCommand() *cobra.Command {
	var to remote
	var follow, har bool
	var interval time.Duration
	c := &cobra.Command{
		Use: "journal", Short: "Show what was asked of the arrays and what happened there", Args: cobra.NoArgs,
		Long: `Shows the entries of a lab's journal, oldest first. With --output json each is a
line of JSON, as the control plane gives it.`,
	}
	values := map[string]*string{}
	for _, f := range journalFilters() {
		values[f[0]] = c.Flags().String(f[0], "", f[1])
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with new entries until interrupted")
	c.Flags().DurationVar(&interval, "interval", time.Second, "how long to wait between two looks with --follow")
	c.Flags().BoolVar(&har, "har", false, "an HTTP archive in place of the entries")
	to.labFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		pairs := []string{}
		for name, v := range values {
			pairs = append(pairs, name, *v)
		}
		if har {
			raw, err := to.answer(c.Context(), http.MethodGet, to.in("journal"+query(append(pairs, "format", "har")...)), nil)
			if err == nil {
				_, err = c.OutOrStdout().Write(raw)
			}
			return err
		}
		return tail(c, &to, pairs, follow, interval)
	}
	return c
}

// tail prints the entries, and with follow those that come.
func tail(c *cobra.Command, to *remote, pairs []string, follow bool, interval time.Duration) error {
	p, last, own := printerOf(c), int64(-1), len(pairs)
	for {
		raw, err := to.answer(c.Context(), http.MethodGet, to.in("journal"+query(pairs...)), nil)
		if follow && c.Context().Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for line := range bytes.Lines(raw) {
			var e journal.Entry
			if err := json.Unmarshal(line, &e); err != nil {
				return fmt.Errorf("journal: %w", err)
			}
			if e.Seq <= last {
				continue
			}
			last = e.Seq
			if err := p.entry(line, &e); err != nil {
				return err
			}
		}
		if !follow {
			return nil
		}
		pairs = append(pairs[:own:own], "since", strconv.FormatInt(max(last, 0), 10))
		if clock.Pause(c.Context(), interval) != nil {
			return nil
		}
	}
}

// entry prints one entry.
func (p printer) entry(line []byte, e *journal.Entry) error {
	if p.json {
		_, err := p.to.Write(append(bytes.TrimSpace(line), '\n'))
		return err
	}
	text := fmt.Sprintf("%6d  %s  %-8s  ", e.Seq, time.Unix(0, int64(e.Time)).UTC().Format("2006-01-02 15:04:05.000"), e.Array)
	switch {
	case e.Ran != nil:
		text += "job   " + e.Ran.Name
	case e.Moved != nil:
		text += fmt.Sprintf("move  replica %d: %s on %s to %s", e.Moved.Replica, e.Moved.From, e.Moved.On, e.Moved.To)
	default:
		text += fmt.Sprintf("%-6s %3d  %s", e.Method, e.Status, e.Path)
		if e.Query != "" {
			text += "?" + e.Query
		}
		if e.Code != "" {
			text += "  " + e.Code
		}
	}
	if p.width > 0 {
		text = cutTo(text, p.width)
	}
	_, err := fmt.Fprintln(p.to, text)
	return err
}
