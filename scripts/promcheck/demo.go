package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/tsdb"
)

// demo is a process that serves the demo on a clock that stands still.
type demo struct {
	cmd   *exec.Cmd
	ready struct {
		Control string `json:"control"`
		Arrays  []struct {
			URL string `json:"url"`
		} `json:"arrays"`
	}
}

func startDemo(ctx context.Context, binary string) (*demo, error) {
	d := &demo{cmd: exec.CommandContext(ctx, binary, "serve", "--demo", "--clock", "manual", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", "-")}
	d.cmd.Stderr = os.Stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &d.ready)
	}
	if err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

func (d *demo) stop() error {
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return d.cmd.Wait()
}

func (d *demo) ask(ctx context.Context, method, url, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth("admin", "123456")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// clients do a little of everything: what works, what does not.
func (d *demo) clients(ctx context.Context, step int) error {
	array := d.ready.Arrays[0].URL + "/api/rest/"
	for _, path := range []string{"volumes", "pools", "volumes/1"} {
		if _, err := d.ask(ctx, http.MethodGet, array+path, ""); err != nil {
			return err
		}
	}
	if step != steps-10 {
		return nil
	}
	raw, err := d.ask(ctx, http.MethodGet, array+"replicas?replication_type=ASYNC&role=SOURCE", "")
	var all struct {
		Result []struct {
			ID int64 `json:"id"`
		} `json:"result"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil || len(all.Result) == 0 {
		return fmt.Errorf("replicas: %w: %s", err, raw)
	}
	_, err = d.ask(ctx, http.MethodPost, fmt.Sprintf("%sreplicas/%d/suspend?approved=true", array, all.Result[0].ID), "")
	return err
}

// scrapeDemo lets the demo's clock move and keeps what it says at each step.
func scrapeDemo(ctx context.Context, binary string, db *tsdb.DB) (times []time.Time, err error) {
	d, err := startDemo(ctx, binary)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for step := range steps {
		if err := d.clients(ctx, step); err != nil {
			return nil, err
		}
		raw, err := d.ask(ctx, http.MethodGet, d.ready.Control+"/_sim/metrics?labs=all", "")
		if err == nil {
			err = keep(ctx, db, raw, at)
		}
		if err == nil {
			_, err = d.ask(ctx, http.MethodPost, d.ready.Control+"/_sim/v1/clock/advance", `{"by":"`+advance+`"}`)
		}
		if err != nil {
			return nil, err
		}
		times = append(times, at)
		at = at.Add(interval)
	}
	return times, nil
}

// keep stores a scrape with the labels that Prometheus adds.
func keep(ctx context.Context, db *tsdb.DB, raw []byte, at time.Time) error {
	p, err := textparse.New(raw, "text/plain", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return err
	}
	to := db.Appender(ctx)
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return to.Commit()
		}
		if err != nil {
			return errors.Join(err, to.Rollback())
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, v := p.Series()
		var of labels.Labels
		p.Labels(&of)
		b := labels.NewBuilder(of)
		b.Set("job", "infinisim")
		b.Set("instance", "127.0.0.1:8079")
		if _, err := to.Append(0, b.Labels(), at.UnixMilli(), v); err != nil {
			return errors.Join(err, to.Rollback())
		}
	}
}
