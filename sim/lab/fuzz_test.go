package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// The fuzzers of this package work on a lab that holds an object of every kind.
// It is made once; what may change it works on a fork.

// ready is that lab.
func ready(tb testing.TB) *world {
	tb.Helper()
	w := newWorld(tb)
	for _, k := range w.cat.Kinds() {
		w.switchOn(k)
		if k.Forms != nil && !k.Single {
			w.Make(k.Type.Name())
		}
	}
	w.vasa()
	return w
}

// ask is a request with any bytes in it.
type ask struct {
	method, target, body string
	header               http.Header
}

// target is a path with its query, as a request line has it.
func (a ask) request(ctx context.Context) (r *http.Request, ok bool) {
	r, err := http.NewRequestWithContext(ctx, a.method, "http://box", strings.NewReader(a.body))
	if err != nil {
		return nil, false // no method that a client could send
	}
	path, query, _ := strings.Cut(a.target, "?")
	r.URL.Path, r.URL.RawQuery = "/api/rest/"+path, query
	r.SetBasicAuth("infinidat", "123456")
	maps.Copy(r.Header, a.header)
	return r, true
}

// reply is what came of it.
type reply struct {
	status int
	code   string // of the refusal
	result json.RawMessage
	meta   struct {
		Total int `json:"number_of_objects"`
		Page  int `json:"page"`
		Size  int `json:"page_size"`
		Pages int `json:"pages_total"`
	}
}

// send asks an array, and holds the answer against what every answer is: the
// envelope, with a status of 2xx or 4xx, and an error with its code for the
// latter.
func send(l *lab.Lab, key string, r *http.Request) (reply, error) {
	a, err := l.Array(key)
	if err != nil {
		return reply{}, err
	}
	rec := httptest.NewRecorder()
	a.Server.ServeHTTP(rec, r)
	out := reply{status: rec.Code}
	if out.status >= http.StatusInternalServerError || out.status < http.StatusOK {
		return out, fmt.Errorf("status %d: %s", rec.Code, rec.Body)
	}
	var e struct {
		Result   json.RawMessage `json:"result"`
		Metadata json.RawMessage `json:"metadata"`
		Error    *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil {
		return out, fmt.Errorf("no envelope: %w: %.200q", err, rec.Body)
	}
	if refused := out.status >= http.StatusBadRequest; refused != (e.Error != nil) || refused && (e.Error.Code == "" || string(e.Result) != "null") {
		return out, fmt.Errorf("status %d with this envelope: %.400s", rec.Code, rec.Body)
	}
	if e.Error != nil {
		out.code = e.Error.Code + " " + e.Error.Message
	}
	if out.result = e.Result; len(e.Metadata) == 0 {
		return out, fmt.Errorf("no metadata: %.400s", rec.Body)
	}
	if err := json.Unmarshal(e.Metadata, &out.meta); err != nil {
		return out, fmt.Errorf("metadata: %w: %s", err, e.Metadata)
	}
	return out, nil
}

// sound says what is not as it must be in a lab, after the settled past is done.
func sound(ctx context.Context, l *lab.Lab) error {
	bad, err := l.Check(ctx)
	if err == nil && len(bad) > 0 {
		err = errors.New(strings.Join(bad, "\n"))
	}
	return err
}

// changeOf is a kind's own legal change of an object, nil for none.
func (w *world) changeOf(k *model.Kind, id int64) (body model.Body) {
	w.t.Helper()
	_ = w.lab.View(w.t.Context(), "box-1", func(b *model.Box) error {
		o, err := b.Load(k, id)
		if err == nil && k.Change != nil {
			body = k.Change(o)
		}
		return err
	})
	return body
}

// idsOf are the objects of a kind on the first array.
func (w *world) idsOf(k *model.Kind) (ids []int64) {
	w.t.Helper()
	_ = w.lab.View(w.t.Context(), "box-1", func(b *model.Box) error {
		return b.Tx.Each(b.Key, k.Type, func(o *schema.Object) (bool, error) {
			ids = append(ids, o.ID())
			return true, nil
		})
	})
	return ids
}
