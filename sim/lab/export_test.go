package lab_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// full is a lab with an object of every kind, faults, a drive that failed, a
// workload, and a copy under way.
func full(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, k := range w.cat.Kinds() {
		w.switchOn(k)
		if k.Forms != nil && !k.Single {
			w.Make(k.Type.Name())
		}
	}
	w.vasa()
	w.ok(http.MethodPost, "users", object{"name": "plain", "email": "a@b.c", "password": "Pl41n!Secret9", "role": "ADMIN"})
	host := w.ok(http.MethodPost, "hosts", object{"name": "chap"})
	w.ok(http.MethodPut, fmt.Sprintf("hosts/%d", host.id()), object{
		"security_method": "CHAP", "security_chap_inbound_username": "u", "security_chap_inbound_secret": "Pl41n-Chap-Secret",
	})
	w.ok(http.MethodPut, "system/kms/set_configuration?approved=true", object{"kms_hostname": "k.example", "kms_port": 5696, "kms_username": "u", "kms_password": "Pl41n-Kms"})
	for _, r := range []fault.Rule{
		{ID: "z", Site: fault.HTTP, Path: "volumes", Skip: 1, Times: 1, Effect: fault.Effect{Type: fault.Error, Code: "INTERNAL_ERROR"}},
		{ID: "a", Site: fault.HTTP, Path: "hosts", Odds: 0.5, Effect: fault.Effect{Type: fault.Error, Code: "SYSTEM_NOT_READY"}},
		{ID: "slow", Site: fault.Link, Array: "box-1", Peer: "box-2", Effect: fault.Effect{Type: fault.Latency, Delay: fault.Duration(time.Millisecond)}},
	} {
		_, err := w.lab.AddFault(t.Context(), r)
		require.NoError(t, err)
	}
	w.request("box-1", http.MethodGet, "volumes", nil)
	w.request("box-1", http.MethodGet, "hosts", nil)
	return w
}

func export(t *testing.T, l *lab.Lab) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, l.Export(t.Context(), &out))
	return out.String()
}

func imported(t *testing.T, text string) *lab.Lab {
	t.Helper()
	l, err := lab.Import(t.Context(), lab.Options{}, strings.NewReader(text))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

// askAll sends every GET to every array: the journal has the answers.
func askAll(t *testing.T, l *lab.Lab, cat *world) {
	t.Helper()
	for _, a := range l.Arrays() {
		get := func(path string) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/rest/"+path, nil)
			r.SetBasicAuth("infinidat", "123456")
			a.Server.ServeHTTP(httptest.NewRecorder(), r)
		}
		for _, s := range cat.lab.Routes() {
			if s.Method == http.MethodGet && !strings.Contains(s.Path, "{") {
				get(s.Path)
			}
		}
		for _, k := range cat.cat.Kinds() {
			get(k.Path + "?page_size=1000")
		}
	}
}

func goOn(t *testing.T, l *lab.Lab, cat *world) string {
	t.Helper()
	l.Journal.Reset()
	askAll(t, l, cat)
	for _, d := range []time.Duration{time.Second, time.Minute, 25 * time.Hour} {
		_, err := l.AdvanceTo(t.Context(), l.Clock.Now().Add(d))
		require.NoError(t, err)
	}
	askAll(t, l, cat)
	var out bytes.Buffer
	require.NoError(t, l.Journal.WriteTo(&out, journal.Filter{Entry: journal.All}))
	return out.String()
}

func TestExport_roundTrip(t *testing.T) {
	t.Parallel()
	w := full(t)
	text := export(t, w.lab)
	l := imported(t, text)
	assert.Equal(t, strings.Split(text, "\n"), strings.Split(export(t, l), "\n"))
	for _, secret := range []string{"Pl41n", "PRIVATE KEY", "123456\""} {
		assert.NotContains(t, text, secret)
	}
	want, got := goOn(t, w.lab, w), goOn(t, l, w)
	assert.Contains(t, want, "SYSTEM_NOT_READY")
	assert.Equal(t, strings.Split(want, "\n"), strings.Split(got, "\n"))
	assert.Equal(t, export(t, w.lab), export(t, l))
}

// TestImport_badTexts spoils a good text in one place each: the refusal names
// line and field, and nothing is made.
func TestImport_badTexts(t *testing.T) {
	t.Parallel()
	w := newWorldAs(t, "")
	w.Make("volume")
	text := export(t, w.lab)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	at := func(part string) int {
		for i, l := range lines {
			if strings.Contains(l, part) {
				return i
			}
		}
		require.Fail(t, "no line has "+part)
		return 0
	}
	volume := at(`"array":"box-1","kind":"volume"`) + 1
	pool := at(`"array":"box-1","kind":"pool"`) + 1
	setup := at(`"space":"setup"`) + 1
	replace := func(line int, from, to string) func([]string) []string {
		return func(l []string) []string {
			require.Contains(t, l[line], from)
			l[line] = strings.Replace(l[line], from, to, 1)
			return l
		}
	}
	insert := func(line int, text string) func([]string) []string {
		return func(l []string) []string { return append(l[:line], append([]string{text}, l[line:]...)...) }
	}
	for _, c := range []struct {
		name  string
		spoil func(l []string) []string
		line  int
		want  []string
	}{
		{"empty", func([]string) []string { return []string{} }, 1, []string{"cut off"}},
		{"not ours", replace(0, `"lab"`, `"laboratory"`), 1, []string{"infinisim", "was expected"}},
		{"future", replace(0, `"format":1`, `"format":99`), 1, []string{"format", "99", "reads 1 to 1"}},
		{"bad time", replace(0, `2025-01-01T`, `2025-13-01T`), 1, []string{"now", "2025-13-01"}},
		{"truncated", func(l []string) []string { return l[:len(l)-5] }, len(lines) - 4, []string{"cut off"}},
		{"cut in a line", func(l []string) []string { return append(l[:volume], l[volume][:40]) }, volume + 1, []string{"JSON object"}},
		{"more follows", insert(len(lines), `{"id":1}`), len(lines) + 1, []string{"follows the end"}},
		{"unknown kind", replace(volume-1, `"volume"`, `"tape"`), volume, []string{"kind", `"tape"`}},
		{"unknown space", replace(setup-1, `"setup"`, `"attic"`), setup, []string{"space", `"attic"`}},
		{"unknown array", replace(volume-1, `"box-1"`, `"box-9"`), volume, []string{"array", `"box-9"`, "box-1, box-2"}},
		{"section twice", insert(volume-1, lines[pool-1]), volume, []string{"twice"}},
		{"row without a section", insert(1, lines[volume]), 2, []string{"section"}},
		{"unknown field", replace(volume, `"size":`, `"sise":`), volume + 1, []string{"sise", "no field"}},
		{"a field that is computed", replace(volume, `"size":`, `"used":`), volume + 1, []string{"used", "no field"}},
		{"field twice", replace(volume, `"size":`, `"name":`), volume + 1, []string{`"name"`, "twice"}},
		{"wrong type", replace(volume, `"size":`, `"size":"big","_":`), volume + 1, []string{"size", `"big"`, "is not a whole number"}},
		{"wrong word", replace(volume, `"provtype":"`, `"provtype":"X`), volume + 1, []string{"provtype", "THIN"}},
		{"null", replace(pool, `"physical_capacity":`, `"physical_capacity":null,"_":`), pool + 1, []string{"physical_capacity", "must not be null"}},
		{"wrong shape", replace(pool, `"owners":[`, `"owners":["x"`), pool + 1, []string{"owners", "does not fit"}},
		{"duplicate", insert(volume+1, lines[volume]), volume + 2, []string{"id", fmt.Sprint("line ", volume+1)}},
		{"no id", replace(volume, `"id":`, `"ID":`), volume + 1, []string{"id"}},
		{"bad key", replace(setup, `"key":"setup"`, `"key":5`), setup + 1, []string{"key", "text"}},
		{"row of more", replace(setup, `"key":`, `"more":1,"key":`), setup + 1, []string{"more"}},
		{"bad setup", replace(setup, `"profile":"`, `"profile":"9`), setup + 1, []string{"value", "profile"}},
		{"setup that has more", replace(setup, `"seed":`, `"sed":`), setup + 1, []string{"value", "sed"}},
		{"bad job", replace(at(`"space":"job"`)+1, `"due":`, `"dew":`), at(`"space":"job"`) + 2, []string{"value", "dew"}},
	} {
		spoilt := strings.Join(c.spoil(append([]string{}, lines...)), "\n")
		l, err := lab.Import(t.Context(), lab.Options{}, strings.NewReader(spoilt))
		if err == nil {
			require.NoError(t, l.Close())
		}
		require.Error(t, err, c.name)
		assert.Equal(t, apierr.InvalidValue, apierr.CodeOf(err), "%s: %v", c.name, err)
		assert.Contains(t, err.Error(), fmt.Sprintf("line %d:", c.line), c.name)
		for _, want := range c.want {
			assert.Contains(t, err.Error(), want, c.name)
		}
	}
}

func TestImport_whatDoesNotHangTogether(t *testing.T) {
	t.Parallel()
	w := newWorldAs(t, "")
	id := w.Make("volume")
	pool := w.ok(http.MethodGet, fmt.Sprintf("volumes/%d", id), nil)["pool_id"]
	text := export(t, w.lab)
	path := filepath.Join(t.TempDir(), "lab.db")
	for _, c := range []struct{ name, from, to, want string }{
		{"reference", fmt.Sprintf(`"pool_id":%v,`, pool), `"pool_id":777,`, "pool_id: volume " + fmt.Sprint(id) + " names pool 777"},
		{"account", `"_virtual":`, `"_virtual":1`, "virtual bytes"},
		{"system", `{"array":"box-2","kind":"system"}`, `{"array":"box-2","kind":"system"}` + "\n" + `{"array":"box-2","kind":"tape"}`, "tape"},
	} {
		require.Contains(t, text, c.from)
		_, err := lab.Import(t.Context(), lab.Options{Path: path}, strings.NewReader(strings.Replace(text, c.from, c.to, 1)))
		require.Error(t, err, c.name)
		assert.Contains(t, err.Error(), c.want, c.name)
		assert.NoFileExists(t, path)
	}
	l, err := lab.Import(t.Context(), lab.Options{Path: path}, strings.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = lab.Import(t.Context(), lab.Options{Path: path}, strings.NewReader(text))
	require.ErrorIs(t, err, fs.ErrExist)
	l, err = lab.New(lab.Options{Path: path})
	require.NoError(t, err)
	assert.Equal(t, text, export(t, l))
	require.NoError(t, l.Close())
}

// TestImport_olderTexts reads a text of a release whose objects had fewer
// fields: what it lacks has its default.
func TestImport_olderTexts(t *testing.T) {
	t.Parallel()
	w := newWorldAs(t, "")
	w.Make("volume")
	text := export(t, w.lab)
	older := regexp.MustCompile(`,"ssa_express_enabled":false`).ReplaceAllString(text, "")
	require.NotEqual(t, text, older)
	l := imported(t, older)
	assert.Equal(t, text, export(t, l))
}

// TestImport_keptTexts reads what older programs wrote: what their texts lack
// has its default, and the lab works.
func TestImport_keptTexts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../fixtures/state/*.jsonl")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		l := imported(t, string(raw))
		text := export(t, l)
		assert.Equal(t, text, export(t, imported(t, text)), file)
		_, err = l.Settle(t.Context())
		require.NoError(t, err, file)
		bad, err := l.Check(t.Context())
		require.NoError(t, err)
		assert.Empty(t, bad, file)
	}
}
