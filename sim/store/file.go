package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"infinisim/sim/clock"
)

const (
	formatVersion = 2 // from 2 on, the system object is 0 and switches are built in
	labBucket     = "lab"
	lockTimeout   = 100 * time.Millisecond // another process has the file
	sealSize      = 4
)

// file is a bbolt file under one store, or under several of memory mode that
// were forked: they share it until one has to write.
//
// Every value ends with a seal, a checksum of its place and content: bbolt does
// not notice a flipped byte.
type file struct {
	bolt    *bbolt.DB
	path    string
	private bool
	now     clock.Time // as of the last write; guarded by the one writer

	// mu guards refs; it is a leaf.
	mu   sync.Mutex
	refs int
}

// createPrivate makes an empty file that goes with its store.
func createPrivate() (*file, error) {
	dir, err := os.MkdirTemp("", "infinisim-")
	if err != nil {
		return nil, fmt.Errorf("private file: %w", err)
	}
	return openFile(filepath.Join(dir, "lab.db"), true, 0)
}

// mapped is how much of a file's growth is mapped from the start: addresses,
// no memory. Beyond it bbolt copies all that a transaction holds whenever the
// file grows, and waits for readers. Windows would make the file that long.
func mapped() int {
	if runtime.GOOS == "windows" || strconv.IntSize == 32 {
		return 64 << 20
	}
	return math.MaxInt32 // 2 GiB
}

// openFile opens or creates a file, whatever is in it.
func openFile(path string, private bool, maxBytes int) (*file, error) {
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{
		NoSync: private, NoGrowSync: private, NoFreelistSync: true, InitialMmapSize: mapped(), FreelistType: bbolt.FreelistMapType,
		Timeout: lockTimeout, MaxSize: maxBytes,
	})
	if err != nil {
		return nil, err
	}
	return &file{bolt: b, path: path, private: private, refs: 1}, nil
}

func (f *file) shared() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refs > 1
}

func (f *file) retain() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refs++
}

// release closes the file when the last store lets go; a private one is
// removed.
func (f *file) release() error {
	f.mu.Lock()
	f.refs--
	last := f.refs == 0
	f.mu.Unlock()
	if !last {
		return nil
	}
	err := f.bolt.Close()
	if f.private {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(f.path)))
	}
	return err
}

func (f *file) copyPrivate() (*file, error) {
	dir, err := os.MkdirTemp("", "infinisim-")
	if err != nil {
		return nil, fmt.Errorf("private file: %w", err)
	}
	return f.copied(filepath.Join(dir, "lab.db"), true, 0)
}

// copied writes the file's state to another path. The system clones the blocks
// where it can.
func (f *file) copied(path string, private bool, maxBytes int) (*file, error) {
	err := f.bolt.View(func(tx *bbolt.Tx) error { return tx.CopyFile(path, 0o600) })
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", f.path, err)
	}
	c, err := openFile(path, private, maxBytes)
	if err != nil {
		return nil, err
	}
	c.now = f.now
	return c, nil
}

// write puts an overlay into the file in one transaction, and syncs unless the
// file is private.
func (f *file) write(over *overlay, now clock.Time, step func(string)) error {
	step("store: before the write")
	err := f.bolt.Update(func(tx *bbolt.Tx) error {
		var err error
		over.Scan(func(key string, value []byte) bool {
			err = apply(tx, key, value)
			return err == nil
		})
		if err != nil {
			return err
		}
		step("store: before the sync")
		return apply(tx, metaKey("now"), stampOf(now))
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	step("store: after the sync")
	f.now = now
	return nil
}

func stampOf(now clock.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(now)) //nolint:gosec // lab time is not negative
}

func apply(tx *bbolt.Tx, key string, value []byte) error {
	bucket, rest := splitKey(key)
	if value == nil {
		if b := tx.Bucket([]byte(bucket)); b != nil {
			return b.Delete([]byte(rest))
		}
		return nil
	}
	b, err := tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return err
	}
	return b.Put([]byte(rest), seal(bucket, []byte(rest), value))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(bucket string, key, value []byte) uint32 {
	c := crc32.Update(crc32.Checksum([]byte(bucket), castagnoli), castagnoli, key)
	return crc32.Update(c, castagnoli, value)
}

func seal(bucket string, key, value []byte) []byte {
	out := make([]byte, 0, len(value)+sealSize)
	return binary.BigEndian.AppendUint32(append(out, value...), sum(bucket, key, value))
}

// unseal takes the seal off without looking at it.
func unseal(sealed []byte) []byte {
	n := max(0, len(sealed)-sealSize)
	return sealed[:n:n]
}

// sealed reports whether a value is as it was written.
func sealed(bucket string, key, value []byte) bool {
	n := len(value) - sealSize
	return n >= 0 && binary.BigEndian.Uint32(value[n:]) == sum(bucket, key, value[:n])
}

// metaSpace holds what the store keeps for itself, in the bucket of the lab.
const metaSpace = "meta"

func metaKey(name string) string { return labBucket + "\x00" + metaSpace + "\x00" + name }

// meta reads a value of the store's own, nil for none.
func meta(tx *bbolt.Tx, name string) []byte {
	b := tx.Bucket([]byte(labBucket))
	if b == nil {
		return nil
	}
	_, rest := splitKey(metaKey(name))
	raw := b.Get([]byte(rest))
	if raw == nil {
		return nil
	}
	return unseal(raw)
}
