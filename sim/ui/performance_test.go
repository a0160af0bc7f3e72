package ui_test

import (
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
	"infinisim/sim/estate"
	"infinisim/sim/lab"
	"infinisim/sim/ui"
)

var measure = flag.Bool("performance", false, "measure the dashboard over 1,000 replicas and 100,000 volumes, and print what the browser says")

// crowd is an estate with a thousand replicas.
const crowd = `
seed: 3
arrays:
  - name: crowd
    pools: [{name: p, physical_capacity: 10TB, virtual_capacity: 10TB}]
    volumes: [{name: "v-%04d", count: 1000, pool: p, size: 1GB, write: [{length: 64KiB, seed: 1}]}]
  - name: store
    pools: [{name: p, physical_capacity: 10TB, virtual_capacity: 10TB}]
links: [{between: [crowd, store], name: wide, bandwidth: 10GB, latency: 1ms}]
replicas: [{from: crowd, to: store, volume: "v-%04d", count: 1000, pool: p, sync_interval: 10m, rpo_value: 20m}]
settle: true
`

// TestPerformance tells how fast the dashboard is, by the browser's own timing.
// It asserts nothing: docs/dashboard.md has what it said.
func TestPerformance(t *testing.T) { //nolint:paralleltest // it measures
	if !*measure {
		t.Skip("-performance measures")
	}
	e, err := estate.Parse("crowd", []byte(crowd))
	require.NoError(t, err)
	labs := lab.NewLabs(lab.Options{NoLimits: true}, "")
	set := func(o *lab.Options) { e.Set(o); o.NoLimits = true }
	_, err = labs.Create(t.Context(), lab.Plan{Name: lab.DefaultName, Set: set, Fill: e.Fill, Clock: "manual"})
	require.NoError(t, err)
	plane := control.New(control.Options{Labs: labs, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(ui.Mount(plane))
	t.Cleanup(func() {
		require.NoError(t, plane.Close())
		server.Close()
		require.NoError(t, labs.Close())
	})
	d := sit(t, browser(t), labs, server.URL)
	d.api(http.MethodPost, "generate", `{"array":"box-1","pools":10,"volumes":99000}`, nil)
	rows := get[[]lab.ReplicaView](d, "replicas")
	t.Logf("%d halves of replicas", len(rows))
	for _, hash := range []string{"#/overview", "#/replicas"} {
		d.api(http.MethodPost, "clock/freeze", "", nil)
		d.do(chromedp.Navigate("about:blank"), chromedp.Navigate(d.url+ui.Path+"/"+hash))
		d.until(`document.documentElement.dataset.updates > 0`)
		t.Log(hash, js[string](d, `JSON.stringify(performance.getEntriesByType('paint').map((e) => e.name + ' ' + Math.round(e.startTime) + ' ms').concat('all shown ' + Math.round(performance.now()) + ' ms'))`))
		d.api(http.MethodPost, "clock/speed", `{"factor":60}`, nil)
		t.Log(hash, "clock at 60:", js[string](d, `new Promise((done) => {
			const root = document.documentElement, begun = performance.now(), first = Number(root.dataset.updates);
			let frames = 0, longest = 0, last = begun;
			const look = (now) => {
				frames += 1; longest = Math.max(longest, now - last); last = now;
				if (now - begun < 20000) requestAnimationFrame(look);
				else done(((Number(root.dataset.updates) - first) / (now - begun) * 1000).toFixed(2) + ' updates a second, ' + (frames / (now - begun) * 1000).toFixed(0) + ' frames a second, longest frame ' + Math.round(longest) + ' ms');
			};
			requestAnimationFrame(look);
		})`))
	}
	journal := fmt.Sprint(get[struct{ Now int64 }](d, "clock").Now)
	t.Log("lab time at the end", journal)
}
