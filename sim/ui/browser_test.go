package ui_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
	"infinisim/sim/estate"
	"infinisim/sim/lab"
	"infinisim/sim/ui"
)

// required is set where the browser's tests are to run: then Chromium and
// axe-core have to be there. Without it they are skipped: with the race
// detector, and all other tests beside them, a page takes too long.
const required = "INFINISIM_BROWSER"

// browser starts a headless Chromium, and gives a context in which tabs open.
func browser(tb testing.TB) context.Context {
	tb.Helper()
	if os.Getenv(required) == "" {
		tb.Skip("scripts/browser.sh runs it")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	require.NotEmpty(tb, path, "no chromium")
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(tb.Context(), opts...)
	tb.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(ctx)
	tb.Cleanup(stop)
	require.NoError(tb, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	return ctx
}

// desk is a process that serves a lab, and a tab that looks at it.
type desk struct {
	t    testing.TB
	tab  context.Context
	labs *lab.Labs
	url  string

	// mu guards bad: what the page did that it must not.
	mu  sync.Mutex
	bad []string
}

// serveEstate has a lab of the estate served, with its dashboard.
func serveEstate(tb testing.TB, file, token string) (*lab.Labs, string) {
	tb.Helper()
	e, err := estate.Read(file)
	require.NoError(tb, err)
	labs := lab.NewLabs(lab.Options{}, "")
	_, err = labs.Create(tb.Context(), lab.Plan{Name: lab.DefaultName, Set: e.Set, Fill: e.Fill, Clock: "manual"})
	require.NoError(tb, err)
	plane := control.New(control.Options{Labs: labs, Token: token, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(ui.Mount(plane))
	tb.Cleanup(func() {
		require.NoError(tb, plane.Close())
		server.Close()
		require.NoError(tb, labs.Close())
	})
	return labs, server.URL
}

// sit opens a tab of the browser before a served lab.
func sit(tb testing.TB, in context.Context, labs *lab.Labs, url string) *desk {
	tb.Helper()
	tab, cancel := chromedp.NewContext(in)
	tb.Cleanup(cancel)
	d := &desk{t: tb, tab: tab, labs: labs, url: url}
	require.NoError(tb, chromedp.Listen(tab, d.hear))
	for _, enable := range []func() error{
		func() error { _, err := chromedp.Call(tab, network.Enable, network.EnableParams{}); return err },
	} {
		require.NoError(tb, enable())
	}
	d.size(1280, 860)
	return d
}

// hear notes what the page must not do: errors, and requests to others.
func (d *desk) hear(ev any) {
	note := func(format string, args ...any) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.bad = append(d.bad, fmt.Sprintf(format, args...))
	}
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		note("exception: %s", asJSON(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			note("console: %s", asJSON(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			note("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, d.url+"/") && u != "about:blank" && !strings.HasPrefix(u, "data:") {
			note("request to %s", u)
		}
	}
}

func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// quiet is what a test of a page ends with.
func (d *desk) quiet() {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	assert.Empty(d.t, d.bad)
	d.bad = nil
}

// patience is how long a page may take to become what is waited for: the
// machine may be busy.
const patience = time.Minute

func (d *desk) do(steps ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.tab, patience)
	defer cancel()
	require.NoError(d.t, chromedp.Do(ctx, steps...), "%v", d.bad)
}

// js evaluates an expression in the page.
func js[T any](d *desk, expression string) T {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.tab, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(d.t, err, expression)
	return v
}

// until waits for an expression to be true: it is looked at whenever the page
// is drawn. (chromedp's own way makes functions of text, which the policy of the
// page forbids.)
func (d *desk) until(expression string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.tab, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](
		`new Promise((done) => { const look = () => { let v = false; try { v = !!(`+expression+`); } catch { v = false; } v ? done(true) : requestAnimationFrame(look); }; look(); })`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		d.shot("failed")
	}
	require.NoError(d.t, err, "waited for %s: %v", expression, d.bad)
}

// open goes to a view, from scratch, and waits until it shows the lab.
func (d *desk) open(hash string) {
	d.t.Helper()
	d.do(chromedp.Navigate("about:blank"), chromedp.Navigate(d.url+ui.Path+"/"+hash))
	d.until(`document.documentElement.dataset.updates > 0 || document.querySelector('.api')`)
	d.until(`document.querySelector('#clock-face').dataset.text`)
}

// click clicks what a selector of CSS picks, once it is there.
func (d *desk) click(selector string) {
	d.t.Helper()
	d.until(`document.querySelector(` + quote(selector) + `)`)
	d.do(chromedp.Click(chromedp.CSS(selector)))
}

// choose picks an option of a select, as a user does.
func (d *desk) choose(selector, value string) {
	d.t.Helper()
	d.until(`document.querySelector(` + quote(selector) + `)`)
	js[bool](d, `(() => { const e = document.querySelector(`+quote(selector)+`); e.value = `+quote(value)+`; e.dispatchEvent(new Event('change', { bubbles: true })); return e.value === `+quote(value)+`; })()`)
}

// write puts text into a field, in place of what is there, by the keyboard.
func (d *desk) write(selector, text string) {
	d.t.Helper()
	d.until(`document.querySelector(` + quote(selector) + `)`)
	js[bool](d, `(() => { const e = document.querySelector(`+quote(selector)+`); e.focus(); e.select(); return true; })()`)
	d.do(chromedp.KeyEvent(text))
}

func quote(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text is JSON
	}
	return string(raw)
}

func (d *desk) size(width, height int64) {
	d.t.Helper()
	d.do(chromedp.EmulateViewport(width, height))
}

// theme has the system be light or dark.
func (d *desk) theme(name string) {
	d.t.Helper()
	_, err := chromedp.Call(d.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	require.NoError(d.t, err)
}

// shot keeps a picture of the page where INFINISIM_SCREENSHOTS says.
func (d *desk) shot(name string) {
	d.t.Helper()
	dir := os.Getenv("INFINISIM_SCREENSHOTS")
	if dir == "" {
		return
	}
	raw, err := chromedp.Run(d.tab, chromedp.CaptureScreenshot())
	require.NoError(d.t, err)
	require.NoError(d.t, os.MkdirAll(dir, 0o750))
	require.NoError(d.t, os.WriteFile(filepath.Join(dir, name+".png"), raw, 0o600))
}

// api asks the control plane, beside the page; an empty body is a GET, and a
// refusal fails the test.
func (d *desk) api(method, path, body string, into any) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+"/_sim/v1/"+path, strings.NewReader(body))
	require.NoError(d.t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(d.t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(d.t, errors.Join(err, resp.Body.Close()))
	require.Equal(d.t, http.StatusOK, resp.StatusCode, "%s %s: %s", method, path, raw)
	if into != nil {
		require.NoError(d.t, json.Unmarshal(raw, into))
	}
}

func get[T any](d *desk, path string) (v T) {
	d.t.Helper()
	d.api(http.MethodGet, path, "", &v)
	return v
}
