package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/lab"
	"infinisim/sim/store"
)

// labs are making, resetting and forking labs, against opening and closing a
// file of bbolt with the same buckets.
func labs() ([]row, error) {
	dir, err := os.MkdirTemp("", "infinisim-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := emptyFiles(dir)
	const opened = "bbolt, open, three buckets, close"
	pairs, err := sim.New()
	if err != nil {
		return nil, err
	}
	defer func() { _ = pairs.Close() }()
	big, err := newWorld()
	if err != nil {
		return nil, err
	}
	defer func() { _ = big.lab.Close() }()
	for i := range 1000 {
		if err := big.volume(i); err != nil {
			return nil, err
		}
	}
	forked := func(l *sim.Lab) func(int) error {
		return func(int) error {
			f, err := l.Fork()
			if err != nil {
				return err
			}
			return f.Close()
		}
	}
	copied, err := copyOf(dir)
	if err != nil {
		return nil, err
	}
	var out []row
	for _, c := range []struct {
		name, floorIs string
		ours, floor   func(int) error
		most          float64
	}{
		{"sim.New and Close, two linked arrays", opened, func(int) error {
			l, err := sim.New()
			if err != nil {
				return err
			}
			return l.Close()
		}, file, 4},
		{"reset of it", opened, func(int) error { return pairs.Reset(context.Background()) }, file, 1},
		{"fork of it, and close", opened, forked(pairs), file, 1},
		{"fork of a lab with 1,000 volumes, and close", "copying its file", forked(big.lab), copied, 3},
	} {
		ours, floor, err := pair(50, c.ours, c.floor)
		if err != nil {
			return nil, err
		}
		out = append(out, within(c.name, c.floorIs, ours, floor, c.most))
	}
	return out, nil
}

// emptyFiles opens and closes a new file of bbolt with three buckets each time.
func emptyFiles(dir string) func(int) error {
	files := 0
	return func(int) error {
		files++
		db, err := bbolt.Open(filepath.Join(dir, fmt.Sprint(files)), 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true})
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("lab"))
			for _, box := range []string{"box-1", "box-2"} {
				if err == nil {
					_, err = tx.CreateBucket([]byte(box))
				}
			}
			return err
		})
		return errors.Join(err, db.Close())
	}
}

// copyOf makes a durable lab with a thousand volumes and gives what copies its
// file.
func copyOf(dir string) (func(int) error, error) {
	path := filepath.Join(dir, "lab.db")
	w, err := newWorld(sim.WithPath(path))
	if err != nil {
		return nil, err
	}
	for i := range 1000 {
		if err := w.volume(i); err != nil {
			return nil, err
		}
	}
	if err := w.lab.Close(); err != nil {
		return nil, err
	}
	return func(int) error {
		raw, err := os.ReadFile(path) //nolint:gosec // our own file
		if err != nil {
			return err
		}
		return os.WriteFile(path+".copy", raw, 0o600) //nolint:gosec // our own file
	}, nil
}

// steps are job steps over 500 rows that one flush keeps.
func steps() ([]row, error) {
	rows, rounds := 500, times(720)
	took, err := ourSteps(rows, rounds)
	if err != nil {
		return nil, err
	}
	floor, err := coalesced(rows, rounds)
	name := fmt.Sprintf("%d coalesced job steps over %d rows", rows*rounds, rows)
	return []row{within(name, "raw bbolt, a put for each, 500 a transaction", took, floor, 5)}, err
}

// coalesced is how long raw bbolt takes to write rows again and again, all of
// them in a transaction.
func coalesced(rows, rounds int) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "infinisim-bench-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	raw, err := bbolt.Open(filepath.Join(dir, "raw"), 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		return 0, err
	}
	value := make([]byte, 200)
	start := time.Now()
	for i := range rounds {
		err := raw.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			for r := range rows {
				if err == nil {
					err = b.Put(binary.BigEndian.AppendUint64(nil, uint64(r)), append(value[:192:192], byte(i))) //nolint:gosec // a counter
				}
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return time.Since(start), raw.Close()
}

func ourSteps(rows, rounds int) (time.Duration, error) {
	db, err := store.Open(store.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	jobs := job.New(slog.New(slog.DiscardHandler))
	jobs.Handle("tick", func(tx *store.Tx, j job.Job) error {
		tx.KV("box", "tick").Put(binary.BigEndian.AppendUint64(nil, uint64(j.Owner.ID)), make([]byte, 200)) //nolint:gosec // a counter
		j.Due = j.Due.Add(time.Second)
		job.Add(tx, j)
		return nil
	})
	ctx := context.Background()
	err = db.Update(ctx, 0, func(tx *store.Tx) error {
		for r := range rows {
			job.Add(tx, job.Job{Name: "tick", Class: job.Periodic, Owner: job.Owner{Array: "box", Kind: "x", ID: int64(r)}})
		}
		return nil
	})
	start, ran := time.Now(), 0
	for done := false; !done && err == nil; {
		err = db.Update(ctx, clock.Time(rounds-1)*clock.Time(time.Second), func(tx *store.Tx) error {
			done, _ = jobs.Run(tx, tx.Now(), 1000, func(job.Job) { ran++ })
			return nil
		})
	}
	if err == nil && ran != rows*rounds {
		err = fmt.Errorf("%d steps ran, not %d", ran, rows*rounds)
	}
	return time.Since(start), err
}

// forks tells what a thousand forks cost, of a ready-made pair and of a lab
// with a thousand objects.
func forks() error {
	for _, objects := range []int{0, 1000} {
		w, err := newWorld()
		if err != nil {
			return err
		}
		for i := range objects {
			if err := w.volume(i); err != nil {
				return err
			}
		}
		n := times(1000)
		before, disk0 := heap(), onDisk()
		all := make([]*sim.Lab, n)
		start := time.Now()
		for i := range all {
			if all[i], err = w.lab.Fork(); err != nil {
				return err
			}
		}
		took := time.Since(start)
		used := heap() - before
		start = time.Now()
		for _, l := range all { // a write each, so that none is only a promise
			if err := (&world{lab: l, h: l.Handler("box-1"), pool: w.pool}).first(); err != nil {
				return err
			}
		}
		wrote, after := time.Since(start), heap()-before
		disk := onDisk() - disk0
		fmt.Printf("%d forks of a pair with %d volumes: %v and %d KiB of memory a fork, %d KiB after a write (%v a write), %d KiB of disk in all\n",
			n, objects, nice(took/time.Duration(n)), used/int64(n)>>10, after/int64(n)>>10, nice(wrote/time.Duration(n)), disk>>10)
		for _, l := range append(all, w.lab) {
			err = errors.Join(err, l.Close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// idle tells what a lab takes that nobody uses: each with its own run, clock
// and journal, behind one port.
func idle() error {
	for _, c := range []struct {
		how  string
		make func(labs *lab.Labs, name string) error
	}{
		{"made", func(labs *lab.Labs, name string) error {
			_, err := labs.Create(context.Background(), lab.Plan{Name: name})
			return err
		}},
		{"forked", func(labs *lab.Labs, name string) error {
			_, err := labs.Fork(lab.DefaultName, name, "")
			return err
		}},
	} {
		n := times(500)
		labs := lab.NewLabs(lab.Options{}, "")
		if _, err := labs.Create(context.Background(), lab.Plan{Name: lab.DefaultName}); err != nil {
			return err
		}
		heap0, rss0, routines := heap(), anonymous(), runtime.NumGoroutine()
		for i := range n {
			if err := c.make(labs, fmt.Sprintf("idle-%d", i)); err != nil {
				return err
			}
		}
		fmt.Printf("%d idle labs of two linked arrays, %s: %d bytes of heap a lab, %d of resident memory, %.1f goroutines\n", n, c.how,
			(heap()-heap0)/int64(n), (anonymous()-rss0)/int64(n), float64(runtime.NumGoroutine()-routines)/float64(n))
		if err := labs.Close(); err != nil {
			return err
		}
	}
	return nil
}

// anonymous is the resident memory of the process that no file stands behind,
// after what is free went back; 0 where the system does not tell.
func anonymous() int64 {
	debug.FreeOSMemory()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "RssAnon:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0
	}
	return kib << 10
}

// onDisk is how long the private files of labs are, also those of others.
func onDisk() (sum int64) {
	files, err := filepath.Glob(filepath.Join(os.TempDir(), "infinisim-*", "lab.db"))
	if err != nil {
		return 0
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// first is a fork's first write, by Basic credentials: it has no session.
func (w *world) first() error {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/api/rest/volumes",
		bytes.NewReader(fmt.Appendf(nil, `{"name":"mine","pool_id":%d,"size":1000000000}`, w.pool)))
	r.SetBasicAuth(sim.Username, sim.Password)
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	if rec.Code != http.StatusCreated {
		return fmt.Errorf("first write: %s", rec.Body)
	}
	return nil
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far smaller
}
