package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// fuzzed is the lab that FuzzControl's requests are about, a fork for each.
const fuzzed = "fuzzed"

// FuzzControl sends anything to the control plane: it is answered with no
// status above 499; refused, the lab has not changed, and whatever was done to
// it, it is as it must be, and so is the lab that it is a fork of.
func FuzzControl(f *testing.F) {
	p := newPlane(f)
	ids := strings.NewReplacer("LINK", fmt.Sprint(p.link.AID), "VOLUME", fmt.Sprint(p.volume()))
	for _, c := range controls(f) {
		f.Add(c[0], ids.Replace(c[1]), c[2])
	}
	before, err := p.lab.Fingerprint(f.Context())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		if outside(target, body) {
			return
		}
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Second) // a century may take longer
		defer stop()
		r, err := http.NewRequestWithContext(ctx, method, "http://localhost", strings.NewReader(body))
		if err != nil {
			return
		}
		path, query, _ := strings.Cut(target, "?")
		r.URL.Path, r.URL.RawQuery = "/_sim/v1/"+path, query
		l, err := p.labs.Fork(lab.DefaultName, fuzzed, "")
		require.NoError(t, err)
		defer func() {
			for _, l := range p.labs.List() {
				if l.Name() != lab.DefaultName {
					require.NoError(t, p.labs.Delete(l.Name()))
				}
			}
		}()
		rec := httptest.NewRecorder()
		p.server.ServeHTTP(rec, r)
		if ctx.Err() != nil {
			return // it was cut off
		}
		require.Less(t, rec.Code, http.StatusInternalServerError, rec.Body.String())
		if rec.Code >= http.StatusBadRequest {
			var e struct {
				Error struct{ Code, Message string }
			}
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &e), rec.Body.String())
			require.NotEmpty(t, e.Error.Code)
		}
		if now, err := p.labs.Get(fuzzed); err != nil || now != l || l.Clock.Speed() != 0 || rec.Code == http.StatusAccepted {
			return // it is gone, or moves by itself
		}
		after, err := l.Fingerprint(t.Context())
		require.NoError(t, err)
		if rec.Code >= http.StatusBadRequest {
			require.Equal(t, before, after, "status %d", rec.Code)
		}
		for _, one := range []*lab.Lab{l, p.lab} {
			bad, err := one.Check(t.Context())
			require.NoError(t, err)
			require.Empty(t, bad, one.Name())
		}
		after, err = p.lab.Fingerprint(t.Context())
		require.NoError(t, err)
		require.Equal(t, before, after, "the lab default")
	})
}

// outside tells what is not asked: what is about the lab default, what waits by
// the wall clock, and what calls other processes.
func outside(target, body string) bool {
	path, query, _ := strings.Cut(target, "?")
	named := strings.HasPrefix(path, "labs/"+fuzzed+"/") || path == "labs/"+fuzzed || path == "labs" || strings.HasPrefix(path, "metrics") || path == "health"
	return !named || len(target)+len(body) > 1<<16 || strings.Contains(body, "within") || strings.Contains(query, "wait") ||
		strings.Contains(path, "watch") || strings.Contains(path, "follow")
}

// controls are the seeds: every request of the description with bodies that
// tests and fixtures send.
func controls(tb testing.TB) [][3]string {
	tb.Helper()
	const l = "labs/" + fuzzed
	out := [][3]string{
		{"GET", l + "/clock", ""},
		{"POST", l + "/clock/advance", `{"by":"30s"}`},
		{"POST", l + "/clock/advance", `{"to":"2025-01-02T00:00:00Z"}`},
		{"POST", l + "/clock/advance", `{"by":1000,"async":true}`},
		{"POST", l + "/clock/settle", `{}`},
		{"POST", l + "/clock/freeze", ``},
		{"POST", l + "/clock/speed", `{"factor":60}`},
		{"POST", l + "/clock/advance", `{"by":"365d"}`},
		{"GET", l + "/operations", ""},
		{"POST", l + "/arrays", `{"name":"third","profile":"7.2"}`},
		{"PATCH", l + "/arrays/box-1", `{"version":"8.5","name":"x","serial":5}`},
		{"DELETE", l + "/arrays/box-2", ""},
		{"GET", l + "/arrays/box-1/rest/volumes?size=gt:5&sort=-id", ""},
		{"PUT", l + "/arrays/box-1/features/qos", `{"enabled":false}`},
		{"POST", l + "/arrays/box-1/events", `{"code":"CUSTOM_INFO","data":{"x":1}}`},
		{"PUT", l + "/arrays/box-1/users/admin/password", `{"password":"x"}`},
		{"PATCH", l + "/arrays/box-1/components/nodes/1", `{"state":"FAILED"}`},
		{"POST", l + "/arrays/box-1/deactivate", ""},
		{"POST", l + "/arrays/box-1/activate", ""},
		{"POST", l + "/arrays/box-1/ips", `{"space":"r"}`},
		{"POST", l + "/arrays/box-1/datasets/VOLUME/write", `{"offset":0,"length":4096,"seed":7}`},
		{"GET", l + "/arrays/box-1/datasets/VOLUME/digest", ""},
		{"PUT", l + "/arrays/box-1/datasets/VOLUME/workload", `{"bytes_per_second":1000000,"overwrite":0.5}`},
		{"POST", l + "/arrays/box-1/nlm_locks", `{"filesystem_id":1,"client":"a","file_path":"/x"}`},
		{"POST", l + "/arrays/box-1/links/LINK/cut", `{"both":true}`},
		{"POST", l + "/arrays/box-1/links/LINK/restore", `{}`},
		{"POST", l + "/arrays/box-1/links/LINK/witness/cut", ``},
		{"PUT", l + "/arrays/box-1/links/LINK/model", `{"latency_ns":5000000,"loss_ppm":100,"bandwidth":1000}`},
		{"PUT", l + "/arrays/box-1/links/LINK/schedule", `{"steps":[{"at":"1h","cut":true}],"every":"1d"}`},
		{"POST", l + "/faults", `{"id":"x","site":"http","path":"volumes","times":2,"odds":0.5,"effect":{"type":"error","code":"SYSTEM_NOT_READY"}}`},
		{"POST", l + "/faults", `{"site":"job","job":"replica.phase","effect":{"type":"delay","delay":"1s"}}`},
		{"POST", l + "/faults", `{"site":"link","array":"box-1","peer":"box-2","from":"1m","until":"2m","effect":{"type":"cut"}}`},
		{"POST", l + "/faults", `{"site":"component","array":"box-1","effect":{"type":"component","component":"nodes/1","state":"FAILED"}}`},
		{"POST", l + "/faults", `{"preset":"link-flap","array":"box-1"}`},
		{"DELETE", l + "/faults", ""},
		{"DELETE", l + "/faults/x", ""},
		{"GET", l + "/faults/presets", ""},
		{"POST", l + "/reset", `{}`},
		{"GET", l + "/journal?since=1&format=har", ""},
		{"POST", l + "/verify", `{"expect":[{"method":"POST","path":"volumes","count":1}]}`},
		{"POST", l + "/travel", `{"entry":1,"name":"past"}`},
		{"POST", "labs", `{"name":"lonely","arrays":1,"seed":9,"profile":"7.2","clock":"manual"}`},
		{"GET", "labs", ""},
		{"POST", l + "/fork", `{"name":"other"}`},
		{"POST", l + "/snapshots", `{"name":"s"}`},
		{"POST", l + "/snapshots/s/restore", `{}`},
		{"GET", l + "/export", ""},
		{"DELETE", l, ""},
		{"GET", l + "/check", ""},
		{"GET", "metrics", ""},
		{"GET", "health", ""},
		{"GET", l + "/coverage", ""},
		{"POST", l + "/generate", `{"volumes":10}`},
	}
	for _, file := range []string{"small", "linked"} {
		raw, err := os.ReadFile(filepath.Join("../../fixtures/estates", file+".yaml"))
		require.NoError(tb, err)
		estate, err := json.Marshal(string(raw))
		require.NoError(tb, err)
		out = append(out, [3]string{"POST", "labs", `{"name":"made","clock":"manual","ports":false,"estate":` + string(estate) + `}`})
	}
	return out
}
