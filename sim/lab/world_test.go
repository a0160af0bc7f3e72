package lab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// world makes objects on the first of two arrays, over REST, from the kinds'
// own samples. It implements model.World.
type world struct {
	t   testing.TB
	lab *lab.Lab
	cat *model.Catalog
	n   int
	// once holds what a world has one of.
	once map[string]int64
}

var _ model.World = (*world)(nil)

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := newWorldAs(tb, "")
	for _, a := range w.lab.Arrays() {
		require.NoError(tb, w.lab.On(tb.Context(), a.Key, func(b *model.Box) error { return b.SetFeature("vvol_replication", true) }))
	}
	return w
}

type object map[string]any

// request sends a request as admin and decodes the envelope.
func (w *world) request(box, method, path string, body any) (int, object) {
	w.t.Helper()
	raw := ""
	switch b := body.(type) {
	case nil:
	case string:
		raw = b
	default:
		out, err := json.Marshal(b)
		require.NoError(w.t, err)
		raw = string(out)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, "/api/rest/"+path, strings.NewReader(raw))
	r.SetBasicAuth("infinidat", "123456")
	a, err := w.lab.Array(box)
	require.NoError(w.t, err)
	rec := httptest.NewRecorder()
	a.Server.ServeHTTP(rec, r)
	out := object{}
	require.NoError(w.t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	return rec.Code, out
}

func (w *world) ok(method, path string, body any) object {
	w.t.Helper()
	status, out := w.request("box-1", method, path, body)
	require.Less(w.t, status, 300, "%s %s: %v", method, path, out["error"])
	result, _ := out["result"].(map[string]any)
	return result
}

func (w *world) refused(status int, code, method, path string, body any) {
	w.t.Helper()
	got, out := w.request("box-1", method, path, body)
	e, _ := out["error"].(map[string]any)
	require.Equal(w.t, code, e["code"], "%s %s: %v", method, path, e["message"])
	require.Equal(w.t, status, got)
	require.Nil(w.t, out["result"])
}

func (o object) id() int64 {
	n, _ := o["id"].(float64)
	return int64(n)
}

// Make creates an object of a kind from its own sample.
func (w *world) Make(kind string) int64 {
	w.t.Helper()
	if id := w.once[kind]; id != 0 {
		return id
	}
	if kind == "replication_space" {
		link, err := w.lab.Link(w.t.Context(), "box-1", "box-2")
		require.NoError(w.t, err)
		id := w.ok(http.MethodGet, fmt.Sprintf("links/%d", link.AID), nil)["local_replication_network_space_id"]
		w.ok(http.MethodDelete, fmt.Sprintf("links/%d?approved=true", link.AID), nil)
		w.once[kind] = int64(id.(float64))
		return w.once[kind]
	}
	if kind == "s3_pool" {
		return w.ok(http.MethodPost, "pools", object{"name": w.Name(), "type": "S3", "physical_capacity": 1_000_000_000_000}).id()
	}
	k := w.cat.Kind(kind)
	id := w.ok(http.MethodPost, k.Path+"?approved=true", k.Sample(w)).id()
	if kind == "link" {
		w.once[kind] = id
	}
	return id
}

// switchOn has the first array offer the feature of a kind: releases have some
// switched off.
func (w *world) switchOn(k *model.Kind) {
	w.t.Helper()
	if name := k.Gate.Feature; name != "" {
		require.NoError(w.t, w.lab.On(w.t.Context(), "box-1", func(b *model.Box) error { return b.SetFeature(name, true) }))
	}
}

// Name is a name that nothing else has.
func (w *world) Name() string {
	w.n++
	return fmt.Sprintf("sample-%d", w.n)
}

// Peer is the management address of the second array's replication space.
func (w *world) Peer() string {
	w.t.Helper()
	_, out := w.request("box-2", http.MethodGet, "network/spaces?service=eq:RMR_SERVICE", nil)
	spaces := out["result"].([]any)
	ips := spaces[0].(map[string]any)["ips"].([]any)
	return ips[0].(map[string]any)["ip_address"].(string)
}

// PeerPool is a pool of the second array.
func (w *world) PeerPool(int64) int64 {
	w.t.Helper()
	_, out := w.request("box-2", http.MethodPost, "pools?approved=true", w.cat.Kind(model.Pool.Name()).Sample(w))
	return object(out["result"].(map[string]any)).id()
}

// VVolPool is a pool for vvols.
func (w *world) VVolPool() int64 { return w.vvolPool("box-1") }

// PeerVVolPool is a pool for vvols of the second array.
func (w *world) PeerVVolPool(int64) int64 { return w.vvolPool("box-2") }

func (w *world) vvolPool(box string) int64 {
	w.t.Helper()
	body := w.cat.Kind(model.Pool.Name()).Sample(w)
	body["type"] = []byte(`"VVOL"`)
	_, out := w.request(box, http.MethodPost, "pools?approved=true", body)
	return object(out["result"].(map[string]any)).id()
}

// vasa leaves what a hypervisor makes: a virtual machine without vvols, and one
// with a vvol.
func (w *world) vasa() {
	w.t.Helper()
	for _, name := range []string{"vm-1", "vm-2"} {
		vm, err := w.lab.AddVM(w.t.Context(), "box-1", model.VMSpec{Name: name})
		require.NoError(w.t, err)
		if name == "vm-1" {
			continue
		}
		_, err = w.lab.AddVVol(w.t.Context(), "box-1", model.VVolSpec{Name: "vvol", Pool: w.VVolPool(), Size: 1 << 30, VM: vm, GuestOS: "other"})
		require.NoError(w.t, err)
	}
}

// Text reads a stored field of an object.
func (w *world) Text(kind string, id int64, field string) string {
	w.t.Helper()
	o := w.ok(http.MethodGet, fmt.Sprintf("%s/%d", w.cat.Kind(kind).Path, id), nil)
	return fmt.Sprint(o[field])
}

func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}
