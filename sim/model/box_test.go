package model_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

type object map[string]any

// id reads a number, 0 for null.
func (o object) id(key string) int64 {
	n, _ := o[key].(float64)
	return int64(n)
}

// arrays is a lab on a manual clock with two arrays that no link joins, driven
// over REST.
type arrays struct {
	t   testing.TB
	lab *lab.Lab
}

const (
	boxA = "box-1"
	boxB = "box-2"
)

// newArrays makes the lab and checks it when the test ends.
func newArrays(tb testing.TB, setup lab.ArraySetup) *arrays {
	tb.Helper()
	l, err := lab.New(lab.Options{Seed: 7})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		bad, err := l.Check(context.WithoutCancel(tb.Context()))
		require.NoError(tb, err)
		require.Empty(tb, bad)
		require.NoError(tb, l.Close())
	})
	for range 2 {
		_, err := l.AddArray(tb.Context(), setup)
		require.NoError(tb, err)
		setup.Serial = 0
	}
	return &arrays{t: tb, lab: l}
}

// call sends a request as admin and gives status and decoded envelope.
func (a *arrays) call(box, method, path string, body any) (int, object) {
	a.t.Helper()
	var raw []byte
	if body != nil {
		var err error
		raw, err = json.Marshal(body)
		require.NoError(a.t, err)
	}
	r := httptest.NewRequestWithContext(a.t.Context(), method, "/api/rest/"+path, bytes.NewReader(raw))
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	server, err := a.lab.Array(box)
	require.NoError(a.t, err)
	server.Server.ServeHTTP(rec, r)
	out := object{}
	require.NoError(a.t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	return rec.Code, out
}

// result sends a request that must succeed.
func (a *arrays) result(box, method, path string, body any) any {
	a.t.Helper()
	status, out := a.call(box, method, path, body)
	require.Less(a.t, status, 300, "%s %s: %v", method, path, out["error"])
	return out["result"]
}

func (a *arrays) do(box, method, path string, body any) object {
	a.t.Helper()
	result, _ := a.result(box, method, path, body).(map[string]any)
	return result
}

func (a *arrays) post(box, path string, body any) object {
	a.t.Helper()
	return a.do(box, http.MethodPost, path, body)
}

func (a *arrays) get(box, path string) object {
	a.t.Helper()
	return a.do(box, http.MethodGet, path, nil)
}

// list sends a GET whose answer is a list.
func (a *arrays) list(box, path string) []object {
	a.t.Helper()
	items, ok := a.result(box, http.MethodGet, path, nil).([]any)
	require.True(a.t, ok, "%s is no list", path)
	out := make([]object, 0, len(items))
	for _, e := range items {
		o, _ := e.(map[string]any)
		out = append(out, o)
	}
	return out
}

// refusal is a request that must be refused.
type refusal struct {
	status       int
	code         string
	method, path string
	body         any
}

// refused sends requests that must be refused, each for its own reason.
func (a *arrays) refused(box string, cases map[string]refusal) {
	a.t.Helper()
	for name, c := range cases {
		status, out := a.call(box, c.method, c.path, c.body)
		e, _ := out["error"].(map[string]any)
		require.Equal(a.t, c.code, e["code"], "%s: %v", name, e["message"])
		require.Equal(a.t, c.status, status, name)
	}
}

// ports makes an interface of the given port on each node.
func (a *arrays) ports(box, port string) []int64 {
	a.t.Helper()
	ids := make([]int64, 0, 3)
	for node := 1; node <= 3; node++ {
		ids = append(ids, a.post(box, "network/interfaces", object{
			"name": fmt.Sprintf("pg-%s-%d", port, node), "node_id": node, "ports": []string{port},
		}).id("id"))
	}
	return ids
}

// space makes a network space 10.n.0.0/16 of a service on its own ports.
func (a *arrays) space(box, service string, n int) int64 { //nolint:unparam // a second one may follow
	a.t.Helper()
	return a.post(box, "network/spaces", object{
		"name": fmt.Sprintf("space-%d", n), "service": service, "interfaces": a.ports(box, fmt.Sprintf("eth-data%d", n)),
		"network_config": object{"netmask": 16, "network": fmt.Sprintf("10.%d.0.0", n), "default_gateway": fmt.Sprintf("10.%d.255.254", n)},
	}).id("id")
}
