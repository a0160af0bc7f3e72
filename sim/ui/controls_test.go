package ui_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/fault"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/replication"
)

// sitDown is a tab before a lab of its own.
func sitDown(t *testing.T, in chromium) *desk {
	t.Helper()
	labs, url := serveEstate(t, estateFile, "")
	return sit(t, in, labs, url)
}

type clockOf struct {
	Now   int64
	Mode  string
	Speed float64
	Next  *int64
}

// numbers holds what the pages show against what the control plane says.
func numbers(d *desk) {
	replica := story(d)
	d.open("#/replicas?sides=both")
	all := get[[]lab.ReplicaView](d, "replicas")
	d.until(fmt.Sprintf(`Number(document.querySelector('main').dataset.rows) === %d`, len(all)))
	assert.Contains(d.t, js[string](d, `document.querySelector('main .head p').textContent`), fmt.Sprintf("%d of %d halves", len(all), len(all)))

	key, id, _ := strings.Cut(replica, "/")
	d.open("#/replicas/" + replica)
	h := get[replication.History](d, "arrays/"+key+"/replicas/"+id+"/history")
	require.NotEmpty(d.t, h.Lag)
	require.NotEmpty(d.t, h.Jobs)
	d.until(`document.querySelector('.chart[data-jobs]')`)
	for _, r := range all {
		if r.Array+"/"+fmt.Sprint(r.ID) == replica {
			assert.Equal(d.t, fmt.Sprint(*r.LagMS), js[string](d, `document.querySelector('#lag-now').dataset.ms`))
			assert.Equal(d.t, *r.LagMS, h.Lag[len(h.Lag)-1].Lag)
		}
	}
	assert.Equal(d.t, fmt.Sprint(h.Lag[len(h.Lag)-1].Lag), js[string](d, `document.querySelector('.chart[data-jobs]').dataset.now`))
	assert.Equal(d.t, fmt.Sprint(len(h.Jobs)), js[string](d, `document.querySelector('.chart[data-jobs]').dataset.jobs`))
	assert.Equal(d.t, len(h.Jobs), js[int](d, `document.querySelectorAll('.chart[data-jobs] .job').length`))

	d.open("#/pools")
	pools := get[[]lab.PoolView](d, "pools")
	assert.Equal(d.t, len(pools), js[int](d, `document.querySelectorAll('main tbody tr').length`))
	for _, p := range pools {
		row := js[string](d, `[...document.querySelectorAll('main tbody tr')].find((r) => r.cells[0].textContent === `+quote(p.Name)+` && r.cells[1].textContent === `+quote(p.Array)+`).textContent`)
		assert.Contains(d.t, row, fmt.Sprintf("%.1f %%", p.Fill*100))
	}

	d.open("#/overview")
	d.until(`document.querySelector('.figures')`)
	figures := js[[]string](d, `[...document.querySelectorAll('.figures dd')].map((e) => e.firstChild.textContent)`)
	sources := 0
	for _, r := range all {
		if r.Role == "SOURCE" {
			sources++
		}
	}
	links, up := get[[]lab.LinkView](d, "links"), 0
	for _, l := range links {
		if l.State == "UP" {
			up++
		}
	}
	assert.Equal(d.t, []string{"3", fmt.Sprintf("%d of %d", up, len(links)), fmt.Sprint(sources)}, figures[:3])
	d.quiet()
}

func cutAndMend(d *desk) {
	state := func() (cut, from int) {
		for _, l := range get[[]lab.LinkView](d, "links") {
			if l.Name == "ferry" && l.Cut {
				cut++
			}
			if l.Name == "ferry" && l.CutFrom != "" {
				from++
			}
		}
		return cut, from
	}
	d.open("#/links")
	d.click(`[data-cut="ferry"]`)
	d.until(`document.querySelector('[data-mend="ferry"]')`)
	cut, _ := state()
	assert.Equal(d.t, 2, cut)
	assert.Contains(d.t, js[string](d, `document.querySelector('.graph desc').textContent`), "ferry from box-2 to box-3: Cut")
	d.click(`[data-mend="ferry"]`)
	d.until(`document.querySelector('[data-cut="ferry"]')`)
	cut, from := state()
	assert.Zero(d.t, cut+from)
	d.click(`[aria-label="Cut ferry, what box-3 sends"]`)
	d.until(`document.querySelector('[data-mend="ferry"]')`)
	_, from = state()
	assert.Positive(d.t, from)
	d.click(`[data-mend="ferry"]`)
	d.until(`document.querySelector('[data-cut="ferry"]')`)
	cut, from = state()
	assert.Zero(d.t, cut+from)
	d.quiet()
}

func failAndRepair(d *desk) {
	state := func(path string) string {
		for _, p := range get[model.ComponentViews](d, "arrays/box-1/components").Parts {
			if p.Path == path {
				return p.State
			}
		}
		return ""
	}
	d.open("#/arrays/box-1")
	d.click(`[data-fail="nodes/2"]`)
	d.until(`document.querySelector('[data-repair="nodes/2"]')`)
	assert.Equal(d.t, "FAILED", state("nodes/2"))
	assert.Equal(d.t, "DOWN", state("nodes/2/fc_ports/1"), "what fails takes along what hangs on it")
	d.click(`[data-repair="nodes/2"]`)
	d.until(`document.querySelector('[data-fail="nodes/2"]')`)
	assert.Equal(d.t, "ACTIVE", state("nodes/2"))
	d.choose(`[id="set-enclosures/2"]`, "WARNING")
	d.until(`document.querySelector('[data-repair="enclosures/2"]')`)
	assert.Equal(d.t, "WARNING", state("enclosures/2"))

	// The tree opens, and a drive in it can fail.
	d.click(`main .tree > li:nth-child(7) .twist`)
	d.click(`main .tree > li:nth-child(7) ul .twist`)
	d.click(`[data-fail="enclosures/1/drives/3"]`)
	d.until(`document.querySelector('[data-repair="enclosures/1/drives/3"]')`)
	assert.Equal(d.t, "FAILED", state("enclosures/1/drives/3"))

	d.click("#network")
	d.until(`document.querySelector('#network').textContent.startsWith('Put')`)
	assert.False(d.t, get[[]struct{ Active bool }](d, "arrays")[0].Active)
	d.click("#network")
	d.until(`document.querySelector('#network').textContent.startsWith('Take')`)
	assert.True(d.t, get[[]struct{ Active bool }](d, "arrays")[0].Active)
	d.quiet()
}

func addAndRemove(d *desk) {
	d.open("#/faults")
	d.until(`document.querySelector('main').textContent.includes('No faults')`)
	d.choose("#preset", "node_down")
	d.until(`document.querySelector('#fault-component')`)
	d.write("#fault-component", "nodes/3")
	d.click("#add-preset")
	d.until(`document.querySelector('[data-remove="node_down"]')`)
	rules := get[[]fault.Count](d, "faults")
	require.Len(d.t, rules, 1)
	assert.Equal(d.t, "nodes/3", rules[0].Effect.Component)
	assert.Equal(d.t, fmt.Sprint(rules[0].Hits), js[string](d, `document.querySelector('[data-hits="node_down"]').textContent`))
	d.click(`[data-remove="node_down"]`)
	d.until(`document.querySelector('main').textContent.includes('No faults')`)
	assert.Empty(d.t, get[[]fault.Count](d, "faults"))

	d.choose("#preset", "link_flap")
	d.until(`document.querySelector('#fault-peer')`)
	d.click("#add-preset")
	d.until(`document.querySelectorAll('[data-remove]').length === 3`)
	d.click("#clear-faults")
	d.click("#dialog [type=submit]")
	d.until(`document.querySelector('main').textContent.includes('No faults')`)
	assert.Empty(d.t, get[[]fault.Count](d, "faults"))

	// A strike shows at once.
	d.api(http.MethodPost, "faults", `{"id":"busy","site":"http","method":"GET","path":"volumes","effect":{"type":"error","code":"INTERNAL_ERROR"}}`, nil)
	d.until(`document.querySelector('[data-hits="busy"]').textContent === '0'`)
	d.ask("box-1", http.MethodGet, "volumes")
	d.until(`document.querySelector('[data-hits="busy"]').textContent === '1'`)
	assert.Equal(d.t, 1, get[[]fault.Count](d, "faults")[0].Hits)
	d.quiet()
}

func moveClock(d *desk) {
	d.open("#/time")
	before := get[clockOf](d, "clock")
	require.Equal(d.t, "manual", before.Mode)
	d.write("#by", "90s")
	d.click("#advance")
	d.until(`document.querySelector('#status').textContent.includes('Advanced by 90s')`)
	assert.Equal(d.t, before.Now+90_000, get[clockOf](d, "clock").Now)
	at := *get[clockOf](d, "clock").Next
	d.click("#to-next:not([disabled])")
	d.until(`document.querySelector('#status').textContent.includes('At the next')`)
	assert.Equal(d.t, at, get[clockOf](d, "clock").Now)
	d.click(`[aria-label="Advance by 1 h"]`)
	d.until(`document.querySelector('#status').textContent.includes('Advanced by 1 h')`)
	assert.Equal(d.t, at+3_600_000, get[clockOf](d, "clock").Now)
	d.click(`[aria-label="Advance by 1 d"]`)
	d.until(`document.querySelector('#status').textContent.includes('Advanced by 1 d')`)
	assert.Equal(d.t, at+90_000_000, get[clockOf](d, "clock").Now)
	d.write("#by", "36500d") // longer than any browser takes to press the button
	d.click("#advance")
	d.click("#bar-stop")
	d.until(`document.querySelector('#status').textContent.includes('Stopped on the way')`)
	stopped := get[clockOf](d, "clock").Now
	assert.Greater(d.t, stopped, at+90_000_000)
	assert.Less(d.t, stopped, at+90_000_000+36_500*86_400_000)
	d.click("#settle:not([disabled])")
	d.until(`document.querySelector('#status').textContent.includes('Settled')`)
	d.click(`[data-speed="600"]`)
	d.until(`document.querySelector('[data-speed="600"]').getAttribute('aria-pressed') === 'true'`)
	assert.InDelta(d.t, 600, get[clockOf](d, "clock").Speed, 0)
	d.click("#freeze")
	d.until(`document.querySelector('#freeze').getAttribute('aria-pressed') === 'true'`)
	assert.Equal(d.t, "manual", get[clockOf](d, "clock").Mode)
	d.click("#bar-run")
	d.until(`document.querySelector('#bar-freeze')`)
	assert.InDelta(d.t, 1, get[clockOf](d, "clock").Speed, 0)
	d.click("#bar-freeze")
	d.until(`document.querySelector('#bar-run')`)
	still := get[clockOf](d, "clock")
	assert.Equal(d.t, "manual", still.Mode)
	d.until(`document.querySelector('#big-clock').textContent === document.querySelector('#clock-face').dataset.text`)
	d.quiet()
}

// ask sends an array a request, as a client does.
func (d *desk) ask(key, method, path string) {
	d.t.Helper()
	l, err := d.labs.Get(lab.DefaultName)
	require.NoError(d.t, err)
	a, err := l.Array(key)
	require.NoError(d.t, err)
	answer(d.t, a.Server, method, path)
}

func lookBack(d *desk) {
	d.ask("box-1", http.MethodGet, "volumes")
	d.api(http.MethodPost, "clock/advance", `{"by":"6m"}`, nil)
	d.open("#/time")
	d.until(`document.querySelector('#scrub')`)
	last := js[string](d, `document.querySelector('#scrub').max`)
	assert.Equal(d.t, last, js[string](d, `document.querySelector('#scrub').value`))
	d.click("#scrub-back")
	d.until(`Number(document.querySelector('#scrub').value) === Number(document.querySelector('#scrub').max) - 1`)
	d.do(chromedp.Focus(chromedp.CSS("#scrub")), chromedp.KeyEvent("\ue011")) // Home
	js[bool](d, `(() => { const e = document.querySelector('#scrub'); e.value = 0; e.dispatchEvent(new Event('input', { bubbles: true })); return true; })()`)
	d.until(`document.querySelector('#travel').textContent.includes('before 1')`)
	d.click("#travel")
	d.until(`document.querySelector('#travelled')`)
	then := get[struct{ Now int64 }](d, "labs/before-1-default")
	assert.Less(d.t, then.Now, get[clockOf](d, "clock").Now)
	d.click("#travelled")
	d.until(`location.hash.includes('lab=before-1-default') && document.querySelector('main').textContent.includes('Lab before-1-default')`)
	assert.Equal(d.t, "before-1-default", js[string](d, `document.querySelector('#lab').value`))
	d.quiet()
}

func manageLabs(d *desk) {
	names := func() (out []string) {
		for _, l := range get[[]struct{ Name string }](d, "labs") {
			out = append(out, l.Name)
		}
		return out
	}
	fill := func(opens, name string) {
		d.click(opens)
		d.write("#d-name", name)
		d.click("#dialog [type=submit]")
	}
	sure := func(opens string) {
		d.click(opens)
		d.click("#dialog [type=submit]")
	}
	d.open("#/labs")
	fill("#new-lab", "fresh")
	d.until(`document.querySelector('[data-switch="fresh"]')`)
	fill("#fork", "copy")
	d.until(`document.querySelector('[data-switch="copy"]')`)
	assert.ElementsMatch(d.t, []string{"default", "fresh", "copy"}, names())
	d.click(`[data-switch="copy"]`)
	d.until(`document.querySelector('#lab').value === 'copy' && document.querySelector('#fork').textContent === 'Fork copy'`)
	fill("#snapshot", "kept")
	d.until(`document.querySelector('[data-restore="kept"]')`)
	at := get[clockOf](d, "labs/copy/clock").Now
	d.click(`[aria-label="Advance by 1 h"]`)
	d.until(`document.querySelector('#status').textContent.includes('Advanced by 1 h')`)
	assert.Equal(d.t, at+3_600_000, get[clockOf](d, "labs/copy/clock").Now)
	sure(`[data-restore="kept"]`)
	d.until(`document.querySelector('#status').textContent.includes('as it was at kept')`)
	assert.Equal(d.t, at, get[clockOf](d, "labs/copy/clock").Now)
	sure(`[data-forget="kept"]`)
	d.until(`!document.querySelector('[data-forget="kept"]')`)
	assert.Empty(d.t, get[[]any](d, "labs/copy/snapshots"))
	sure("#reset")
	d.until(`document.querySelector('#status').textContent.includes('copy is fresh')`)
	assert.Empty(d.t, get[[]lab.ReplicaView](d, "labs/copy/replicas"))
	assert.Len(d.t, get[[]lab.ReplicaView](d, "replicas?array=box-1"), 62)
	d.choose("#lab", "default")
	d.until(`document.querySelector('#fork').textContent === 'Fork default'`)
	sure(`[data-delete="fresh"]`)
	d.until(`!document.querySelector('[data-delete="fresh"]')`)
	assert.ElementsMatch(d.t, []string{"default", "copy"}, names())
	d.quiet()
}
