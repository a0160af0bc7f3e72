// Command promcheck proves that the queries of the dashboard and of the rules
// have answers: it scrapes a demo for six hours of its time, as Prometheus would,
// and has Prometheus' own engine evaluate each query on what came:
//
//	promcheck BINARY packaging/grafana/infinisim.json packaging/prometheus/rules.yml
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	steps    = 95               // scrapes
	interval = 15 * time.Second // between two of them, as Prometheus sees it
	advance  = "4m"             // of lab time between them
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "promcheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 3 {
		return errors.New("usage: promcheck BINARY DASHBOARD RULES")
	}
	syntax := parser.NewParser(parser.Options{})
	queries, err := dashboard(args[1])
	if err != nil {
		return err
	}
	more, err := rules(args[2], syntax)
	if err != nil {
		return err
	}
	queries = append(queries, more...)
	dir, err := os.MkdirTemp("", "promcheck-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := tsdb.Open(dir, nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	times, err := scrapeDemo(ctx, args[0], db)
	if err != nil {
		return err
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 10_000_000, Timeout: time.Minute, Parser: syntax})
	var failed []error
	for _, q := range queries {
		n, err := q.answers(ctx, engine, db, times)
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %s: %w", q.where, q.expr, err))
		case n == 0:
			failed = append(failed, fmt.Errorf("%s: %s: never has an answer", q.where, q.expr))
		default:
			fmt.Printf("ok   %s: %d samples\n", q.where, n)
		}
	}
	if len(failed) == 0 {
		fmt.Printf("%d queries, all with answers\n", len(queries))
	}
	return errors.Join(failed...)
}

// query is one expression, and where it stands.
type query struct{ where, expr string }

// answers counts the numbers that it gives at the times.
func (q query) answers(ctx context.Context, engine *promql.Engine, db *tsdb.DB, times []time.Time) (n int, err error) {
	for _, at := range times {
		asked, err := engine.NewInstantQuery(ctx, db, nil, q.expr, at)
		if err != nil {
			return 0, err
		}
		got := asked.Exec(ctx)
		if got.Err != nil {
			return 0, got.Err
		}
		all, err := got.Vector()
		if err != nil {
			return 0, err
		}
		for _, s := range all {
			if !math.IsNaN(s.F) {
				n++
			}
		}
		asked.Close()
	}
	return n, nil
}
