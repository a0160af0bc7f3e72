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
	"time"

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
	return w, w.login()
}

// login opens a session and makes a pool.
func (w *world) login() error {
	rec, err := w.ask(http.MethodPost, "users/login", `{"username":"admin","password":"123456"}`)
	if err != nil {
		return err
	}
	w.cookie = rec.Result().Cookies()[0]
	rec, err = w.ask(http.MethodPost, "pools", `{"name":"p","physical_capacity":100000000000000,"virtual_capacity":100000000000000}`)
	if err != nil {
		return err
	}
	var out struct{ Result struct{ ID int64 } }
	err = json.Unmarshal(rec.Body.Bytes(), &out)
	w.pool = out.Result.ID
	return err
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

// creates are POSTs of a volume in both modes, in process, against raw bbolt
// that writes the same keys.
func creates() ([]row, error) {
	dir, err := os.MkdirTemp("", "infinisim-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "lab.db")
	durable, err := newWorld(sim.WithPath(path))
	if err != nil {
		return nil, err
	}
	keys, err := written(durable, path)
	if err != nil {
		return nil, err
	}
	memory, err := newWorld()
	if err != nil {
		return nil, err
	}
	var out []row
	next := 10 // of the volumes, over all cases
	for _, c := range []struct {
		name    string
		w       *world
		noSync  bool
		clients int
		n       int
		least   float64
	}{
		{"create volume, memory, one client", memory, true, 1, 1000, 0.5},
		{"create volume, memory, 16 clients", memory, true, 16, 100, 0.5},
		{"create volume, durable, 64 clients", durable, false, 64, 10, 0.8},
	} {
		raw, err := bbolt.Open(filepath.Join(dir, c.name), 0o600, &bbolt.Options{NoSync: c.noSync, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return nil, err
		}
		floorIs, put := "raw bbolt without a sync, the same keys", raw.Update
		if !c.noSync {
			floorIs, put = "bbolt's Batch, the same keys, as many writers", raw.Batch
		}
		ours, floor, err := pair(c.n, func(int) error {
			next += c.clients
			return together(c.clients, func(k int) error { return c.w.volume(next + k) })
		}, func(i int) error {
			return together(c.clients, func(k int) error {
				return put(func(tx *bbolt.Tx) error { return putKeys(tx, keys, i*c.clients+k) })
			})
		})
		if err != nil {
			return nil, err
		}
		per := func(d time.Duration) float64 { return float64(time.Second) * float64(c.clients) / float64(d) }
		out = append(out, faster(fmt.Sprintf("%s (%d keys)", c.name, len(keys)), floorIs, per(ours), per(floor), c.least))
		if err := raw.Close(); err != nil {
			return nil, err
		}
	}
	return out, errors.Join(memory.lab.Close(), durable.lab.Close())
}

// together does something n times at once.
func together(n int, do func(k int) error) error {
	errs := make([]error, n)
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
	if err := os.WriteFile(path+".copy", raw, 0o600); err != nil { //nolint:gosec // our own file
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

// putKeys writes the keys of one create, made different by i.
func putKeys(tx *bbolt.Tx, keys map[string][]byte, i int) error {
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
}
