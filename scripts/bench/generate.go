package main

import (
	"context"
	"errors"
	"fmt"
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
func generated() ([]measure, error) {
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
	n := times(50_000)
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
	return []measure{{fmt.Sprintf("generate %d volumes (%d keys)", n, len(keys)), "raw bbolt, one transaction with the same keys", ours, took}}, errors.Join(err, raw.Close())
}
