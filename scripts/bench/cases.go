package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-chi/chi/v5"
	"go.etcd.io/bbolt"

	"infinisim/sim"
)

// world is a lab with a pool and a session.
type world struct {
	lab    *sim.Lab
	h      http.Handler
	cookie *http.Cookie
	pool   int64
}

func newWorld(opts ...sim.Option) (*world, error) {
	l, err := sim.New(opts...)
	if err != nil {
		return nil, err
	}
	w := &world{lab: l, h: l.Handler("box-1")}
	rec, err := w.ask(http.MethodPost, "users/login", `{"username":"admin","password":"123456"}`)
	if err != nil {
		return nil, err
	}
	w.cookie = rec.Result().Cookies()[0]
	rec, err = w.ask(http.MethodPost, "pools", `{"name":"p","physical_capacity":100000000000000,"virtual_capacity":100000000000000}`)
	if err != nil {
		return nil, err
	}
	var out struct{ Result struct{ ID int64 } }
	err = json.Unmarshal(rec.Body.Bytes(), &out)
	w.pool = out.Result.ID
	return w, err
}

func (w *world) ask(method, path, body string) (*httptest.ResponseRecorder, error) {
	r := httptest.NewRequestWithContext(context.Background(), method, "/api/rest/"+path, bytes.NewReader([]byte(body)))
	if w.cookie != nil {
		r.AddCookie(w.cookie)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	if rec.Code >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s: %s", method, path, rec.Body)
	}
	return rec, nil
}

func (w *world) volume(i int) error {
	_, err := w.ask(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"vol-%07d","pool_id":%d,"size":1000000000}`, i, w.pool))
	return err
}

// reads are GETs of an object and of a page, against a chi handler that sends
// the same bytes, and against encoding/json.
func reads() ([]measure, error) {
	w, err := newWorld()
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.lab.Close() }()
	for i := range 1000 {
		if err := w.volume(i); err != nil {
			return nil, err
		}
	}
	rec, err := w.ask(http.MethodGet, "volumes?fields=id&page_size=1", "")
	if err != nil {
		return nil, err
	}
	var out struct{ Result []struct{ ID int64 } }
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		return nil, err
	}
	item := fmt.Sprintf("volumes/%d", out.Result[0].ID)
	var list []measure
	for _, c := range []struct {
		name, path string
		n          int
	}{{"item with fields=", item + "?fields=id,name,size", 4000}, {"whole item", item, 4000}, {"page of 1000", "volumes?page_size=1000", 20}} {
		m, err := w.read(c.name, c.path, c.n)
		if err != nil {
			return nil, err
		}
		list = append(list, m...)
	}
	return list, nil
}

func (w *world) read(name, path string, n int) ([]measure, error) {
	rec, err := w.ask(http.MethodGet, path, "")
	if err != nil {
		return nil, err
	}
	raw := bytes.Clone(rec.Body.Bytes())
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	bare := chi.NewRouter()
	send := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw)
	}
	bare.Get("/api/rest/volumes", send)
	bare.Get("/api/rest/volumes/{id}", send)
	floor := &world{h: bare, cookie: w.cookie}
	get := func(int) error { _, err := w.ask(http.MethodGet, path, ""); return err }
	ours, chiTook, err := pair(n, get, func(int) error { _, err := floor.ask(http.MethodGet, path, ""); return err })
	if err != nil {
		return nil, err
	}
	again, jsonTook, err := pair(n, get, func(int) error { _, err := json.Marshal(value); return err })
	return []measure{
		{name, "a bare chi handler, same bytes", ours, chiTook},
		{name, "encoding/json alone, same value", again, jsonTook},
	}, err
}

// creates are POSTs of a volume in both modes, against raw bbolt that writes
// the same keys.
func creates() ([]measure, error) {
	dir, err := os.MkdirTemp("", "infinisim-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "lab.db")
	w, err := newWorld(sim.WithPath(path))
	if err != nil {
		return nil, err
	}
	keys, err := written(w, path)
	if err != nil {
		return nil, err
	}
	memory, err := newWorld()
	if err != nil {
		return nil, err
	}
	var list []measure
	next := 10 // of the volumes, over all cases
	for _, c := range []struct {
		name   string
		w      *world
		noSync bool
		n      int
		many   bool
	}{
		{"create, memory", memory, true, 300, false},
		{"create, durable, one client", w, false, 20, false},
		{"create, durable, 16 clients, each", w, false, 20, true},
	} {
		raw, err := bbolt.Open(filepath.Join(dir, c.name), 0o600, &bbolt.Options{NoSync: c.noSync, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return nil, err
		}
		one := func(int) error { next++; return c.w.volume(next) }
		if c.many {
			one = func(int) error { next += 16; return c.w.sixteen(next) }
		}
		floor := func(i int) error { return put(raw, keys, i) }
		if c.many {
			floor = func(i int) error { return sixteen(func(k int) error { return put(raw, keys, i*16+k) }) }
		}
		ours, took, err := pair(c.n, one, floor)
		if c.many {
			ours, took = ours/16, took/16
		}
		if err != nil {
			return nil, err
		}
		list = append(list, measure{fmt.Sprintf("%s (%d keys)", c.name, len(keys)), "raw bbolt, a transaction with the same keys", ours, took})
		if err := raw.Close(); err != nil {
			return nil, err
		}
	}
	return list, errors.Join(memory.lab.Close(), w.lab.Close())
}

func (w *world) sixteen(next int) error {
	return sixteen(func(k int) error { return w.volume(next + k) })
}

func sixteen(do func(k int) error) error {
	errs := make([]error, 16)
	var all sync.WaitGroup
	for k := range errs {
		all.Go(func() { errs[k] = do(k) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// dump reads a copy of a store's file.
func dump(path string) (map[string][]byte, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // our own file
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path+".copy", raw, 0o600); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(path+".copy", 0o600, nil)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error { out[string(name)+"\x00"+string(k)] = bytes.Clone(v); return nil })
		})
	})
	return out, errors.Join(err, db.Close())
}

// written is what one create leaves in a durable lab's file.
func written(w *world, path string) (map[string][]byte, error) {
	before, err := dump(path)
	if err == nil {
		err = w.volume(1)
	}
	if err != nil {
		return nil, err
	}
	after, err := dump(path)
	keys := map[string][]byte{}
	for k, v := range after {
		if !bytes.Equal(before[k], v) {
			keys[k] = v
		}
	}
	return keys, err
}

// put writes the keys of one create, made different by i.
func put(db *bbolt.DB, keys map[string][]byte, i int) error {
	return db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			return err
		}
		for k, v := range keys {
			if err := b.Put(binary.BigEndian.AppendUint64([]byte(k), uint64(i)), v); err != nil { //nolint:gosec // a counter
				return err
			}
		}
		return nil
	})
}
