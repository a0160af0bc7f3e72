package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

const estateFile = "testdata/estate.yaml"

// pages are the views, with what the hash names and a word that each shows.
func pages(replica string) []struct{ name, hash, shows string } {
	return []struct{ name, hash, shows string }{
		{"overview", "#/overview", "Replicas by state"},
		{"arrays", "#/arrays", "harbour"},
		{"array", "#/arrays/box-1", "Hardware"},
		{"pools", "#/pools", "quay"},
		{"links", "#/links", "ferry"},
		{"replicas", "#/replicas", "crate-01"},
		{"replica", "#/replicas/" + replica, "Lag and jobs"},
		{"events", "#/events", "REPLICA_INITIALIZED"},
		{"requests", "#/requests?entry=all", "replica.phase"},
		{"faults", "#/faults", "link_flap-1"},
		{"time", "#/time", "Look back"},
		{"labs", "#/labs", "Snapshots of default"},
		{"api", "#/api?op=get+%2Fapi%2Frest%2Fvolumes", "/api/rest/volumes"},
	}
}

// story is what a lab went through that has something to show in each view.
func story(d *desk) (replica string) {
	d.t.Helper()
	rows := get[[]lab.ReplicaView](d, "replicas?array=box-1")
	for _, r := range rows {
		switch {
		case r.Entity.Name == "manifest" || r.Entity.Name == "papers":
			replica = fmt.Sprintf("%s/%d", r.Array, r.ID)
			var volumes struct{ Result []struct{ ID int64 } }
			d.api(http.MethodGet, "arrays/box-1/rest/volumes?name=eq:manifest&fields=id", "", &volumes)
			d.api(http.MethodPut, fmt.Sprintf("arrays/box-1/datasets/%d/workload", volumes.Result[0].ID), `{"writes":90,"block_size":65536,"working_set":8000000000}`, nil)
		case r.Entity.Name == "log":
			d.api(http.MethodPut, fmt.Sprintf("arrays/box-1/datasets/%d/workload", r.Entity.ID), `{"writes":300,"block_size":65536,"working_set":40000000000}`, nil)
		}
	}
	require.NotEmpty(d.t, replica)
	d.api(http.MethodPost, "clock/advance", `{"by":"20m"}`, nil)
	d.api(http.MethodPost, "faults", `{"preset":"link_flap","array":"box-1","peer":"box-3","for":"3m","every":"12m","count":3}`, nil)
	d.api(http.MethodPost, "clock/advance", `{"by":"30m"}`, nil)
	d.api(http.MethodPatch, "arrays/box-1/components/enclosures/3/drives/17", `{"state":"FAILED"}`, nil)
	d.api(http.MethodPost, "clock/advance", `{"by":"95s"}`, nil)
	return replica
}

// TestBrowser is one browser, one tab after the other: each view in each theme
// and each width, then what its controls do.
func TestBrowser(t *testing.T) { //nolint:paralleltest // a browser takes the machine for itself
	in := browser(t)
	t.Run("views", func(t *testing.T) {
		labs, url := serveEstate(t, estateFile, "")
		d := sit(t, in, labs, url)
		replica := story(d)
		for _, theme := range []string{"light", "dark"} {
			d.theme(theme)
			for _, p := range pages(replica) {
				d.view(p.name, p.hash, p.shows, theme)
			}
		}
	})
	t.Run("numbers", func(t *testing.T) { numbers(sitDown(t, in)) })
	t.Run("links", func(t *testing.T) { cutAndMend(sitDown(t, in)) })
	t.Run("hardware", func(t *testing.T) { failAndRepair(sitDown(t, in)) })
	t.Run("faults", func(t *testing.T) { addAndRemove(sitDown(t, in)) })
	t.Run("clock", func(t *testing.T) { moveClock(sitDown(t, in)) })
	t.Run("travel", func(t *testing.T) { lookBack(sitDown(t, in)) })
	t.Run("labs", func(t *testing.T) { manageLabs(sitDown(t, in)) })
	t.Run("replicas", func(t *testing.T) { filterAndSort(sitDown(t, in)) })
	t.Run("requests", func(t *testing.T) { liveRequests(sitDown(t, in)) })
	t.Run("events", func(t *testing.T) { readEvents(sitDown(t, in)) })
	t.Run("api", func(t *testing.T) { browseAPI(sitDown(t, in)) })
	t.Run("keyboard", func(t *testing.T) { keyboardOnly(sitDown(t, in)) })
	t.Run("theme", func(t *testing.T) { switchTheme(sitDown(t, in)) })
	t.Run("token", func(t *testing.T) {
		labs, url := serveEstate(t, estateFile, "s3cret")
		logIn(sit(t, in, labs, url))
	})
}

// view opens a view and holds it against what holds for all: it shows, says
// nothing on the console, asks nobody else, fits a phone, and axe-core finds
// nothing serious.
func (d *desk) view(name, hash, shows, theme string) {
	d.t.Helper()
	d.size(1280, 860)
	d.open(hash)
	d.until(`document.querySelector('main').textContent.includes(` + quote(shows) + `)`)
	assert.Equal(d.t, theme, js[string](d, `document.documentElement.dataset.theme`), name)
	assert.Equal(d.t, 1, js[int](d, `document.querySelectorAll('h1').length`), name)
	assert.Contains(d.t, js[string](d, `document.title`), "infinisim", name)
	d.shot(name + "-" + theme)
	d.axe(name + " " + theme)
	d.size(360, 740)
	d.until(`innerWidth === 360`)
	assert.LessOrEqual(d.t, js[int](d, `document.documentElement.scrollWidth`), 360, "%s is wider than a phone", name)
	if theme == "light" {
		d.shot(name + "-phone")
		d.axe(name + " phone")
	}
	d.quiet()
}

// axe has axe-core look at the page.
func (d *desk) axe(where string) {
	d.t.Helper()
	path := os.Getenv("INFINISIM_AXE")
	require.NotEmpty(d.t, path, "INFINISIM_AXE: no axe-core")
	source, err := os.ReadFile(path)
	require.NoError(d.t, err)
	js[bool](d, string(source)+"; true")
	raw := js[string](d, `axe.run().then((r) => JSON.stringify(r.violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)) }))))`)
	var found []struct {
		ID, Impact, Help string
		Nodes            []string
	}
	require.NoError(d.t, json.Unmarshal([]byte(raw), &found))
	for _, v := range found {
		if v.Impact == "serious" || v.Impact == "critical" {
			assert.Fail(d.t, "axe-core", "%s: %s %s: %s\n%s", where, v.Impact, v.ID, v.Help, strings.Join(v.Nodes, "\n"))
		}
	}
}
