package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// answer is what an array answers its administrator.
func answer(tb testing.TB, h http.Handler, method, path string) string {
	tb.Helper()
	path, body, _ := strings.Cut(path, " ")
	r := httptest.NewRequestWithContext(tb.Context(), method, "/api/rest/"+path, strings.NewReader(body))
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Body.String()
}

func filterAndSort(d *desk) {
	d.open("#/replicas")
	total := 0
	for _, r := range get[[]lab.ReplicaView](d, "replicas") {
		if r.Role == "SOURCE" {
			total++
		}
	}
	first := `document.querySelector('main tbody th').textContent`
	rows := `Number(document.querySelector('main').dataset.rows)`
	d.until(fmt.Sprintf(`%s === %d`, rows, total))
	assert.Equal(d.t, 50, js[int](d, `document.querySelectorAll('main tbody tr').length`), "a page")
	d.until(first + ` === 'charts'`)
	d.click(`main .pager button:last-child`)
	d.until(`document.querySelector('.pager').textContent.includes('Page 2')`)
	assert.Equal(d.t, total-50, js[int](d, `document.querySelectorAll('main tbody tr').length`))
	d.click(`main thead th button`)
	d.until(first + ` === 'papers' && document.querySelector('main thead th').getAttribute('aria-sort') === 'descending'`)
	d.write("#find", "crate-0")
	d.until(rows + ` === 9`)
	assert.Contains(d.t, js[string](d, `location.hash`), "find=crate-0", "an address that can be kept")
	d.write("#find", kb.Backspace)
	d.choose("#type", "SYNC")
	d.until(rows + ` === 1`)
	assert.Equal(d.t, "log", js[string](d, first))
	d.choose("#type", "")
	d.choose("#state", "SYNCHRONIZED")
	d.until(rows + ` === 1`)
	d.choose("#state", "")
	d.choose("#sides", "both")
	d.until(fmt.Sprintf(`%s === %d`, rows, 2*total))
	d.click(`main tbody a`)
	d.until(`document.querySelector('main').textContent.includes('Lag and jobs')`)
	d.quiet()
}

func liveRequests(d *desk) {
	d.open("#/requests")
	d.until(`document.querySelector('main').textContent.includes('Nothing was asked')`)
	d.ask("box-2", http.MethodPost, `pools {"name":"shed","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)
	d.until(`document.querySelector('.entry')`)
	d.click(".entry summary")
	d.until(`document.querySelector('.entry .detail').textContent.includes('created')`)
	assert.Contains(d.t, js[string](d, `document.querySelector('.entry').textContent`), "Asked by admin")
	d.ask("box-2", http.MethodGet, "volumes/999999")
	d.until(`document.querySelectorAll('.entry').length === 2`)
	assert.True(d.t, js[bool](d, `document.querySelectorAll('.entry')[1].open`), "what was opened stays open")
	d.choose("#req-status", "refused")
	d.until(`document.querySelectorAll('.entry').length === 1`)
	assert.Contains(d.t, js[string](d, `document.querySelector('.entry').textContent`), "VOLUME_NOT_FOUND")
	d.choose("#req-status", "")
	d.choose("#req-method", "POST")
	d.until(`document.querySelectorAll('.entry').length === 1 && document.querySelector('.entry').textContent.includes('pools')`)
	d.choose("#req-method", "")
	d.click("#hold")
	d.until(`document.querySelector('#hold').getAttribute('aria-pressed') === 'true'`)
	d.quiet()
}

func readEvents(d *desk) {
	d.open("#/events")
	d.choose("#event-array", "box-2")
	d.until(`document.querySelector('main').textContent.includes('log of hill')`)
	d.api(http.MethodPost, "arrays/box-2/events", `{"code":"HOST_DOWN","level":"WARNING","description":"a host is down"}`, nil)
	d.until(`document.querySelector('main tbody tr').textContent.includes('a host is down')`)
	d.choose("#event-level", "WARNING")
	d.until(`document.querySelectorAll('main tbody tr').length === 1`)
	d.choose("#event-level", "CRITICAL")
	d.until(`document.querySelector('main').textContent.includes('No events')`)
	d.quiet()
}

func browseAPI(d *desk) {
	d.open("#/api")
	doc := get[struct {
		Paths map[string]map[string]any
	}](d, "arrays/box-1/openapi.json")
	n := 0
	for _, methods := range doc.Paths {
		for name := range methods {
			if name != "parameters" {
				n++
			}
		}
	}
	d.until(fmt.Sprintf(`document.querySelectorAll('.api .list li').length === %d`, n))
	d.write("#api-find", "volumes/{id}/restore")
	d.until(`document.querySelectorAll('.api .list li').length === 1`)
	d.click(".api .list button")
	d.until(`document.querySelector('.api h2 .mono').textContent === '/api/rest/volumes/{id}/restore'`)
	assert.Contains(d.t, js[string](d, `document.querySelector('.api .stack').textContent`), "id path required")
	d.choose("#api-of", "control")
	d.write("#api-find", "watch")
	d.until(`document.querySelector('.api .list').textContent.includes('/_sim/v1/watch')`)
	d.quiet()
}

// keyboardOnly walks through the page without a pointer.
func keyboardOnly(d *desk) {
	focused := `(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || document.activeElement.id).trim()`
	press := func(keys string) { d.t.Helper(); d.do(chromedp.KeyEvent(keys)) }
	tabTo := func(selector string) {
		d.t.Helper()
		for range 120 {
			if js[bool](d, `document.activeElement.matches(`+quote(selector)+`)`) {
				return
			}
			press(kb.Tab)
			require.True(d.t, js[bool](d, `document.activeElement === document.body || document.activeElement.matches(':focus-visible')`), "the focus is seen on %s", js[string](d, focused))
		}
		require.Fail(d.t, "not reached by the keyboard", selector)
	}
	d.open("#/overview")
	press(kb.Tab)
	assert.Equal(d.t, "Skip to the content", js[string](d, focused))
	press(kb.Enter)
	assert.Equal(d.t, "main", js[string](d, `document.activeElement.id`))
	d.open("#/overview")
	tabTo(`#side a[href="#/replicas"]`)
	press(kb.Enter)
	d.until(`location.hash === '#/replicas' && document.querySelector('main thead')`)
	assert.Equal(d.t, "main", js[string](d, `document.activeElement.id`), "a new view has the focus")
	tabTo(`main thead button`)
	press(kb.Enter)
	d.until(`document.querySelector('main thead th').getAttribute('aria-sort') === 'descending'`)
	assert.True(d.t, js[bool](d, `document.activeElement.matches('main thead button')`), "the focus stays where it was")
	d.open("#/links")
	tabTo(`[data-cut="land"]`)
	press(kb.Enter)
	d.until(`document.querySelector('[data-mend="land"]')`)
	d.open("#/labs")
	tabTo("#fork")
	press(kb.Enter)
	d.until(`document.querySelector('#dialog').open`)
	press(kb.Escape)
	d.until(`!document.querySelector('#dialog').open`)
	assert.Equal(d.t, "fork", js[string](d, `document.activeElement.id`), "the focus goes back to what opened it")
	d.open("#/arrays/box-2")
	tabTo("main .twist")
	press(" ")
	d.until(`document.querySelector('main .twist').getAttribute('aria-expanded') === 'true'`)
	d.quiet()
}

func switchTheme(d *desk) {
	d.theme("light")
	d.open("#/overview")
	ground := func() string { return js[string](d, `getComputedStyle(document.body).backgroundColor`) }
	light := ground()
	d.click("#theme")
	d.until(`document.documentElement.dataset.theme === 'dark'`)
	assert.NotEqual(d.t, light, ground())
	d.open("#/pools")
	assert.Equal(d.t, "dark", js[string](d, `document.documentElement.dataset.theme`), "what was chosen is kept")
	d.click("#theme")
	d.until(`document.documentElement.dataset.theme === 'light'`)
	assert.Equal(d.t, light, ground())
	js[bool](d, `(localStorage.removeItem('infinisim.theme'), true)`)
	d.quiet()
}

// logIn has a control plane with a token: the page asks for it, keeps it in the
// tab alone, and sends it with everything, the stream too.
func logIn(d *desk) {
	d.do(chromedp.Navigate(d.url + "/_sim/ui/"))
	d.until(`document.querySelector('#token')`)
	d.axe("login")
	d.shot("login-light")
	d.write("#token", "wrong")
	d.click("main [type=submit]")
	d.until(`document.querySelector('#token-note').textContent === 'That is not the token.'`)
	d.write("#token", "s3cret")
	d.click("main [type=submit]")
	d.until(`document.querySelector('main').textContent.includes('Replicas by state')`)
	assert.Equal(d.t, "s3cret", js[string](d, `sessionStorage.getItem('infinisim.token')`))
	assert.Equal(d.t, 0, js[int](d, `localStorage.length`))
	d.do(chromedp.Reload())
	d.until(`document.querySelector('main').textContent.includes('Replicas by state') && document.querySelector('#clock-face').dataset.text`)
	assert.False(d.t, js[bool](d, `document.documentElement.outerHTML.includes('s3cret')`))
	for _, note := range d.bad {
		assert.Contains(d.t, note, "401", "the refusals alone")
	}
}
