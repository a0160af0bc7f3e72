package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// panel is what is read of a panel.
type panel struct {
	Title      string `json:"title"`
	Type       string `json:"type"`
	ID         int    `json:"id"`
	Datasource struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	GridPos struct {
		X, Y, W, H int
	} `json:"gridPos"`
	Targets []struct {
		Expr  string `json:"expr"`
		RefID string `json:"refId"`
	} `json:"targets"`
	Panels []panel `json:"panels"`
}

// oldest is the schema that Grafana 11 writes.
const oldest = 39

// dashboard lists the queries of a dashboard, its variables filled in as
// Grafana does, and refuses panels that ask nothing or lie on each other.
func dashboard(file string) (out []query, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var d struct {
		SchemaVersion int     `json:"schemaVersion"`
		Panels        []panel `json:"panels"`
		Templating    struct {
			List []struct {
				Name       string `json:"name"`
				Type       string `json:"type"`
				Definition string `json:"definition"`
			} `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if d.SchemaVersion < oldest {
		return nil, fmt.Errorf("%s: schemaVersion %d is below %d", file, d.SchemaVersion, oldest)
	}
	fill := strings.NewReplacer("$__rate_interval", "1m", "$lab", "default", "$array", ".*")
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		metric, _, ok := strings.Cut(strings.TrimPrefix(v.Definition, "label_values("), ", "+v.Name+")")
		if !ok {
			return nil, fmt.Errorf("%s: variable %s: %s", file, v.Name, v.Definition)
		}
		out = append(out, query{file + ": variable " + v.Name, fill.Replace("count by (" + v.Name + ") (" + metric + ")")})
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range d.Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					return nil, fmt.Errorf("%s: %q lies on %q", file, p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if ids[p.ID] {
			return nil, fmt.Errorf("%s: %q: id %d comes twice", file, p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			return nil, fmt.Errorf("%s: %q asks nothing, or no data source that can be chosen", file, p.Title)
		}
		for _, t := range p.Targets {
			out = append(out, query{fmt.Sprintf("%s: %s %s", file, p.Title, t.RefID), fill.Replace(t.Expr)})
		}
	}
	return out, nil
}

// rules lists the queries of a file with rules, as Prometheus reads it.
func rules(file string, p parser.Parser) (out []query, err error) {
	groups, failed := rulefmt.ParseFile(file, false, model.UTF8Validation, p, slog.Default())
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			out = append(out, query{file + ": " + r.Alert + r.Record, r.Expr})
		}
	}
	return out, nil
}
