package store

import (
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// SetFormat writes another format version, as another program would.
func (db *DB) SetFormat(version uint64) error {
	return db.base.bolt.Update(func(tx *bbolt.Tx) error {
		return apply(tx, metaKey("format"), binary.BigEndian.AppendUint64(nil, version))
	})
}

// SetPartKeys has a load go into the file by that many keys.
func (db *DB) SetPartKeys(n int) { db.partKeys = n }
