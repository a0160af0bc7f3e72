package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"infinisim/sim"
	"infinisim/sim/generate"
)

// generated fills an array of a durable lab, against raw bbolt that writes the
// same keys in their order in one transaction.
func generated() ([]row, error) {
	dir, err := os.MkdirTemp("", "infinisim-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "lab.db")
	l, err := sim.New(sim.WithPath(path), sim.WithArrays(1))
	if err != nil {
		return nil, err
	}
	n := times(100_000)
	begin := time.Now()
	_, err = generate.Run(context.Background(), l.Lab, generate.Plan{Pools: 10, Volumes: n, Used: 30, Seed: 7}, nil)
	ours := time.Since(begin)
	if err = errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	keys, err := dump(path)
	if err != nil {
		return nil, err
	}
	sorted := slices.Sorted(maps.Keys(keys))
	raw, err := bbolt.Open(filepath.Join(dir, "raw"), 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	begin = time.Now()
	err = raw.Update(func(tx *bbolt.Tx) error {
		for _, full := range sorted {
			bucket, key, _ := strings.Cut(full, "\x00")
			b, err := tx.CreateBucketIfNotExists([]byte(bucket))
			if err != nil {
				return err
			}
			if err := b.Put([]byte(key), keys[full]); err != nil {
				return err
			}
		}
		return nil
	})
	took := time.Since(begin)
	if err := errors.Join(err, raw.Close()); err != nil {
		return nil, err
	}
	out := []row{within(fmt.Sprintf("generate %d volumes (%d keys)", n, len(keys)), "raw bbolt, one transaction with the same keys", ours, took, 2)}
	text, err := exported(path)
	return append(out, text...), err
}

// exported writes the lab of a file as text and makes a lab of that, against
// decoding and encoding each line as JSON.
func exported(path string) ([]row, error) {
	l, err := sim.New(sim.WithPath(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	var text bytes.Buffer
	begin := time.Now()
	if err := l.Export(context.Background(), &text); err != nil {
		return nil, err
	}
	wrote := time.Since(begin)
	var values []any
	in := json.NewDecoder(bytes.NewReader(text.Bytes()))
	begin = time.Now()
	for in.More() {
		var v any
		if err := in.Decode(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	decoded := time.Since(begin)
	begin = time.Now()
	enc := json.NewEncoder(io.Discard)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
	}
	encoded := time.Since(begin)
	begin = time.Now()
	again, err := sim.Import(&text)
	if err != nil {
		return nil, err
	}
	read := time.Since(begin)
	return []row{
		within(fmt.Sprintf("export of it (%d lines)", len(values)), "encoding/json, the same lines", wrote, encoded, 3),
		within("import of that", "encoding/json decoding the same lines", read, decoded, 3),
	}, again.Close()
}
