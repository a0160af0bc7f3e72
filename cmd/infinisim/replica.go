package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

func replicaColumns() []column {
	return []column{
		{"ARRAY", "array", asIs},
		{"ID", "id", asIs},
		{"TYPE", "type", asIs},
		{"ROLE", "role", asIs},
		{"STATE", "state", asState},
		{"SYNC", "sync_state", asState},
		{"JOB", "job_state", asState},
		{"ENTITY", "entity.name", asName},
		{"REMOTE", "remote_array", asIs},
		{"LAG", "lag_ms", asSpan},
		{"RPO", "rpo_state", asState},
		{"PROGRESS", "progress", asPercent},
		{"REASON", "reason", asName},
	}
}

// replicaCommand shows replicas.
func replicaCommand() *cobra.Command {
	var to remote
	var array, state string
	list := &cobra.Command{
		Use: "list", Short: "Show each array's half of each replica", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return to.show(c, http.MethodGet, to.in("replicas"+query("array", array, "state", state)), nil, replicaColumns())
		},
	}
	list.Flags().StringVar(&array, "array", "", "key of an array (default: all)")
	list.Flags().StringVar(&state, "state", "", "ACTIVE, SUSPENDED or AUTO_SUSPENDED (default: all)")
	c := group("replica", "Show the replicas of a lab, and watch them", list, watchCommand(&to))
	to.labFlags(c)
	return c
}

// watch is how replicas are watched.
type watch struct {
	to       *remote
	array    string
	interval time.Duration
	looks    int
	idle     bool
}

func watchCommand(to *remote) *cobra.Command {
	w := watch{to: to}
	c := &cobra.Command{
		Use: "watch", Short: "Show the replicas again and again, with the progress of their jobs; Ctrl-C ends it", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return w.run(c) },
	}
	c.Flags().StringVar(&w.array, "array", "", "key of an array (default: all)")
	c.Flags().DurationVar(&w.interval, "interval", time.Second, "how long to wait between two looks")
	c.Flags().IntVar(&w.looks, "count", 0, "how many looks (default: until interrupted)")
	c.Flags().BoolVar(&w.idle, "until-idle", false, "end when no replica has a job")
	return c
}

// run looks again and again. What was told to end ends well.
func (w *watch) run(c *cobra.Command) error {
	p, drawn := printerOf(c), 0
	for n := 1; ; n++ {
		raw, err := w.to.answer(c.Context(), http.MethodGet, w.to.in("replicas"+query("array", w.array)), nil)
		if c.Context().Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		var all []lab.ReplicaView
		if err := json.Unmarshal(raw, &all); err != nil {
			return fmt.Errorf("replicas: %w", err)
		}
		if drawn, err = w.draw(p, raw, all, drawn); err != nil {
			return err
		}
		if n == w.looks || w.idle && idle(all) {
			return nil
		}
		if clock.Pause(c.Context(), w.interval) != nil {
			return nil //nolint:nilerr // the end was asked for
		}
	}
}

func idle(all []lab.ReplicaView) bool {
	for i := range all {
		if all[i].Job != nil {
			return false
		}
	}
	return true
}

// draw shows one look: on a terminal in place of the one before, whose height
// it is told.
func (w *watch) draw(p printer, raw []byte, all []lab.ReplicaView, above int) (int, error) {
	if p.json {
		_, err := p.to.Write(append(bytes.TrimSpace(raw), '\n'))
		return 0, err
	}
	columns := []column{
		{"ARRAY", "", asIs},
		{"ID", "", asIs},
		{"ENTITY", "", asName},
		{"STATE", "", asState},
		{"SYNC", "", asState},
		{"LAG", "", asIs},
		{"JOB", "", asState},
		{"PROGRESS", "", asIs},
		{"LEFT", "", asIs},
	}
	rows := make([][]string, 0, len(all))
	for i := range all {
		rows = append(rows, watched(&all[i]))
	}
	var out strings.Builder
	to := p
	to.to = &out
	if above > 0 && p.terminal {
		fmt.Fprintf(&out, "\x1b[%dA\x1b[J", above)
	}
	before := out.Len()
	if err := to.rows(columns, rows); err != nil {
		return 0, err
	}
	_, err := io.WriteString(p.to, out.String())
	return strings.Count(out.String()[before:], "\n"), err
}

// watched is a replica's row.
func watched(r *lab.ReplicaView) []string {
	row := []string{r.Array, fmt.Sprint(r.ID), r.Entity.Name, r.State, r.SyncState, nothing, nothing, nothing, nothing}
	if r.LagMS != nil {
		row[5] = (time.Duration(*r.LagMS) * time.Millisecond).String()
	}
	if j := r.Job; j != nil {
		row[6], row[7], row[8] = j.State, bar(float64(j.Progress)/100), size(float64(j.BytesLeft))
	}
	for i, cell := range row {
		if cell == "" {
			row[i] = nothing
		}
	}
	return row
}
