package lab_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"infinisim/sim/lab"
)

// FuzzFabric sends anything to the listener for messages of other processes, as
// whoever knows the secret and as whoever does not. The lab has replicas with
// the sender. Who does not know the secret changes nothing, what is refused
// changes nothing, and what is taken leaves the array as it must be.
//
// A name makes the body that of a message with the given number; without one
// the body is all that is sent.
func FuzzFabric(f *testing.F) {
	a, b := pairOfReplicas(f)
	for _, p := range []*process{a, b} {
		for _, raw := range p.heard {
			var e struct {
				Message struct {
					ID   int64           `json:"id"`
					Name string          `json:"name"`
					Body json.RawMessage `json:"body"`
				} `json:"message"`
			}
			if err := json.Unmarshal(raw, &e); err != nil {
				f.Fatal(err)
			}
			f.Add(p == a, "Bearer s", int64(1000), e.Message.Name, []byte(e.Message.Body))
			f.Add(p == a, "Bearer s", e.Message.ID, e.Message.Name, []byte(e.Message.Body))
			f.Add(p == a, "Bearer x", int64(1000), e.Message.Name, []byte(e.Message.Body))
			f.Add(p == a, "Bearer s", int64(0), "", raw)
		}
	}
	before := map[bool]string{}
	for _, p := range []*process{a, b} {
		l, err := p.lab.Fork(lab.DefaultName, "")
		if err != nil {
			f.Fatal(err)
		}
		if before[p == a], err = l.Fingerprint(f.Context()); err != nil {
			f.Fatal(err)
		}
		_ = l.Close()
	}
	f.Fuzz(func(t *testing.T, first bool, secret string, id int64, name string, body []byte) {
		p := b
		if first {
			p = a
		}
		l, err := p.lab.Fork(lab.DefaultName, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		if name != "" {
			body = envelopeOf(p.key, id, name, body)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/fabric/v1/message", bytes.NewReader(body))
		r.Header["Authorization"] = []string{secret}
		rec := httptest.NewRecorder()
		l.FabricHandler().ServeHTTP(rec, r)
		after, err := l.Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if after != before[first] && (secret != "Bearer s" || rec.Code != http.StatusOK) {
			t.Fatalf("status %d, and something has changed", rec.Code)
		}
		if (secret == "Bearer s") == (rec.Code == http.StatusUnauthorized) {
			t.Fatalf("secret %q, status %d", secret, rec.Code)
		}
		if after != before[first] {
			if err := sound(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// envelopeOf is a message of the other array. A body that is no JSON makes an
// envelope that is none.
func envelopeOf(to string, id int64, name string, body []byte) []byte {
	from := map[string]string{"box-1": "box-2", "box-2": "box-1"}[to]
	return fmt.Appendf(nil, `{"origin":"o","message":{"id":%d,"name":%s,"from":%q,"to":%q,"body":%s}}`, id, text(name), from, to, body)
}

// pairOfReplicas is two processes with replicas of each type between them.
func pairOfReplicas(tb testing.TB) (a, b *process) {
	tb.Helper()
	a, b = two(tb)
	link, here, there := linked(a, b)
	for i, kind := range []string{"ASYNC", "SYNC", "ACTIVE_ACTIVE"} {
		v := number(a.must(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v%d","size":2000000000,"pool_id":%d}`, i, here)), "id")
		r := a.must(http.MethodPost, "replicas", fmt.Sprintf(
			`{"link_id":%d,"entity_type":"VOLUME","replication_type":%q,"remote_pool_id":%d,"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`,
			link, kind, there, v))
		a.settle()
		if err := a.lab.Write(tb.Context(), a.key, v, lab.Write{Offset: 0, Length: 1 << 30, Seed: 7}); err != nil {
			tb.Fatal(err)
		}
		item := fmt.Sprintf("replicas/%d/", number(r, "id"))
		for _, verb := range []string{"sync", "suspend", "resume", "switch_role"} {
			a.do(http.MethodPost, item+verb, "")
			a.settle()
		}
	}
	cg := number(a.must(http.MethodPost, "cgs", fmt.Sprintf(`{"name":"g","pool_id":%d}`, here)), "id")
	a.must(http.MethodPost, "replicas", fmt.Sprintf(
		`{"link_id":%d,"entity_type":"CONSISTENCY_GROUP","remote_pool_id":%d,"local_cg_id":%d}`, link, there, cg))
	a.settle()
	return a, b
}
