package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/control"
	"infinisim/sim/lab"
)

func TestSnapshots(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	var ports []string
	p.server = control.New(control.Options{
		Labs: p.labs, Log: slog.New(slog.DiscardHandler),
		Added: func(_ context.Context, l *lab.Lab, a *lab.Array) error {
			ports = append(ports, "+"+l.Name()+" "+a.Key)
			return nil
		},
		Removed: func(a *lab.Array) { ports = append(ports, "-"+a.Key) },
	})
	volume := p.volume()
	taken := p.ok(http.MethodPost, "snapshots", `{"name":"a"}`)
	assert.Equal(t, map[string]any{"name": "a", "now": 1735689600000.0, "durable": false}, taken)
	p.ok(http.MethodPost, "clock/advance", `{"by":"1h"}`)
	p.ok(http.MethodPost, "arrays", `{}`)
	p.ok(http.MethodDelete, "arrays/box-2", "")
	_, list := p.do(http.MethodGet, "labs/default/snapshots", "")
	assert.JSONEq(t, `[{"name":"a","now":1735689600000,"durable":false}]`, list)
	fork := p.ok(http.MethodPost, "fork", `{"name":"f","snapshot":"a"}`)
	assert.Equal(t, 1735689600000.0, fork["now"])
	assert.Len(t, fork["arrays"], 2)
	p.ok(http.MethodPost, "fork", `{"name":"g","ports":false}`)
	ports = nil
	back := p.ok(http.MethodPost, "restore", `{"snapshot":"a"}`)
	assert.Equal(t, 1735689600000.0, back["now"])
	assert.Len(t, back["arrays"], 2)
	assert.Len(t, back["links"], 1)
	assert.Equal(t, []string{"-box-3", "+default box-2"}, ports)
	assert.Equal(t, volume, p.array("box-1", http.MethodGet, fmt.Sprint("volumes/", volume), "")["id"])
	for _, bad := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{http.MethodPost, "snapshots", `{"name":"a"}`, http.StatusConflict, "LAB_SNAPSHOT_EXISTS"},
		{http.MethodPost, "snapshots", `{}`, http.StatusBadRequest, "name:"},
		{http.MethodPost, "snapshots", `{"name":"b","evil":1}`, http.StatusBadRequest, "evil"},
		{http.MethodPost, "restore", `{"snapshot":"b"}`, http.StatusNotFound, "LAB_SNAPSHOT_NOT_FOUND"},
		{http.MethodPost, "labs/g/restore", `{"snapshot":"a"}`, http.StatusNotFound, `lab \"g\" has no snapshot \"a\"`},
		{http.MethodPost, "fork", `{"name":"h","snapshot":"b"}`, http.StatusNotFound, "LAB_SNAPSHOT_NOT_FOUND"},
		{http.MethodDelete, "snapshots/b", "", http.StatusNotFound, "LAB_SNAPSHOT_NOT_FOUND"},
	} {
		status, text := p.do(bad.method, bad.path, bad.body)
		assert.Equal(t, bad.status, status, "%s %s: %s", bad.method, bad.path, text)
		assert.Contains(t, text, bad.want)
	}
	assert.Equal(t, map[string]any{"deleted": "a"}, p.ok(http.MethodDelete, "snapshots/a", ""))
}

func TestExportAndImport(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	volume := p.volume()
	p.ok(http.MethodPost, "clock/advance", `{"by":"1h"}`)
	status, text := p.do(http.MethodGet, "export", "")
	assert.Equal(t, http.StatusOK, status)
	back := p.ok(http.MethodPost, "import?name=again&clock=manual", text)
	assert.Equal(t, 1735693200000.0, back["now"])
	assert.Len(t, back["links"], 1)
	_, again := p.do(http.MethodGet, "labs/again/export", "")
	assert.Equal(t, text, again)
	assert.Contains(t, text, fmt.Sprintf(`{"id":%v,`, volume))
	for _, bad := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"import?name=again", text, http.StatusConflict, "LAB_EXISTS"},
		{"import", text, http.StatusBadRequest, "name:"},
		{"import?name=x&evil=1", text, http.StatusBadRequest, "evil"},
		{"import?name=x&clock=sundial", text, http.StatusBadRequest, "sundial"},
		{"import?name=x&ports=maybe", text, http.StatusBadRequest, "maybe"},
		{"import?name=x", text[:len(text)/2], http.StatusBadRequest, "line "},
		{"import?name=x", "", http.StatusBadRequest, "line 1"},
	} {
		status, text := p.do(http.MethodPost, bad.path, bad.body)
		assert.Equal(t, bad.status, status, "%s: %s", bad.path, text)
		assert.Contains(t, text, bad.want)
	}
	assert.Len(t, p.labs.List(), 2)
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	made := p.ok(http.MethodPost, "generate", `{"array":"box-2","pools":2,"volumes":10,"snapshots":5,"seed":7}`)
	assert.Equal(t, "box-2", made["array"])
	assert.Equal(t, 17.0, made["objects"])
	for body, want := range map[string]string{
		`{"volumes":10}`:              "pools:",
		`{"pools":-1}`:                "pools:",
		`{"pools":1,"array":"box-9"}`: "box-9",
		`{"evil":1}`:                  "evil",
		`{"pools":"many"}`:            "pools",
		`{"pools":1,"array":"box-1","volumes":9000000}`: "SYSTEM_NOT_ENOUGH_CAPACITY",
	} {
		status, text := p.do(http.MethodPost, "generate", body)
		assert.GreaterOrEqual(t, status, 400, body)
		assert.Contains(t, text, want)
	}
}
