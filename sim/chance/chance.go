// Package chance is a lab's seeded source of everything that looks random.
// Draws are pure: the nth draw of a named stream depends on the seed, the name
// and n alone, so that a counter in the store makes a run repeatable.
package chance

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
)

// Source is one lab's seed.
type Source struct{ seed uint64 }

// New makes a source.
func New(seed uint64) *Source { return &Source{seed: seed} }

// Seed is what the source was made with.
func (s *Source) Seed() uint64 { return s.seed }

func (s *Source) block(name string, n uint64) [sha256.Size]byte {
	var head [16]byte
	binary.BigEndian.PutUint64(head[:8], s.seed)
	binary.BigEndian.PutUint64(head[8:], n)
	return sha256.Sum256(append(head[:], name...))
}

// Uint64 is the nth draw of a stream.
func (s *Source) Uint64(name string, n uint64) uint64 {
	b := s.block(name, n)
	return binary.BigEndian.Uint64(b[:])
}

// Hex is the nth draw of a stream as 32 hex digits.
func (s *Source) Hex(name string, n uint64) string {
	b := s.block(name, n)
	return hex.EncodeToString(b[:16])
}

// Text is the nth draw of a stream as a word of the given length over an
// alphabet of at most 256 characters.
func (s *Source) Text(name string, n uint64, alphabet string, length int) string {
	out := make([]byte, 0, length)
	for part := 0; ; part++ {
		b := s.block(fmt.Sprintf("%s/%d", name, part), n)
		for _, at := range b {
			if len(out) == length {
				return string(out)
			}
			out = append(out, alphabet[int(at)%len(alphabet)])
		}
	}
}

// UUID is the nth draw of a stream as a version 4 UUID.
func (s *Source) UUID(name string, n uint64) string {
	b := s.block(name, n)
	id, err := uuid.NewRandomFromReader(bytes.NewReader(b[:]))
	if err != nil {
		panic("chance: " + err.Error()) // 32 bytes are more than a UUID reads
	}
	return id.String()
}
