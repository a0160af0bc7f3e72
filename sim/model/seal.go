package model

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"infinisim/sim/schema"
)

// A secret that nobody has to read again is stored sealed: as
// "pbkdf2-sha256-hex$ROUNDS$SALT$KEY" (RFC 8018), in hexadecimal. Equal secrets
// have different seals. What goes in is the secret's SHA-256 in hexadecimal:
// HMAC takes a key and the same key with zero bytes behind it for one (RFC 2104,
// section 2).
const (
	sealScheme = "pbkdf2-sha256-hex"
	// formerScheme is that of versions that put the secret itself in.
	formerScheme = "pbkdf2-sha256"
	sealMark     = "$"
	// sealRounds makes one guess cost a millisecond or so.
	sealRounds = 10_000
	// knownRounds are those of a password that the documentation tells
	// everybody: no work protects it, and every new array has three.
	knownRounds = 1
)

// seal seals a secret with a salt of the array's own; an empty one stays empty,
// which stands for none.
func (b *Box) seal(secret string) (string, error) {
	if secret == "" {
		return "", nil
	}
	rounds := sealRounds
	if secret == firstPassword {
		rounds = knownRounds
	}
	n := uint64(b.Tx.Next(b.Key, "seal")) //nolint:gosec // counts up from 1
	return sealed(sealScheme, secret, b.Chance().Hex("seal/"+b.Key, n), rounds)
}

// sealOf seals the secret that a request gave an object; one that it did not
// name is sealed already, or null.
func (b *Box) sealOf(o *schema.Object, in *Input, a schema.Attr[string]) error {
	if !in.Body.Has(a.Name()) || a.IsNull(o) {
		return nil
	}
	text, err := b.seal(a.Get(o))
	if err == nil {
		a.Set(o, text)
	}
	return err
}

func sealed(scheme, secret, salt string, rounds int) (string, error) {
	if scheme == sealScheme {
		sum := sha256.Sum256([]byte(secret))
		secret = hex.EncodeToString(sum[:])
	}
	key, err := pbkdf2.Key(sha256.New, secret, []byte(salt), rounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return strings.Join([]string{scheme, strconv.Itoa(rounds), salt, hex.EncodeToString(key)}, sealMark), nil
}

// opens reports whether a secret is the sealed one, in a time that does not
// tell how much of it is right. Rows of older versions have a bare digest.
func opens(seal, secret string) (bool, error) {
	want := digest(secret)
	if parts := strings.Split(seal, sealMark); len(parts) == 4 && (parts[0] == sealScheme || parts[0] == formerScheme) {
		rounds, err := strconv.Atoi(parts[1])
		if err != nil {
			return false, fmt.Errorf("seal: %w", err)
		}
		if want, err = sealed(parts[0], secret, parts[2], rounds); err != nil {
			return false, err
		}
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(seal)) == 1, nil
}

// digest is what versions up to the first stored of a password.
func digest(password string) string {
	sum := sha256.Sum256([]byte("infinisim:" + password))
	return hex.EncodeToString(sum[:])
}

// nobody is what the password of a user is held against who does not exist, so
// that the answer takes as long as for one who does.
const nobody = sealScheme + "$10000$00000000000000000000000000000000$"

// proofs remembers which passwords were found right, so that a client which
// sends its own with each request waits for the rounds once. It keeps digests
// over seal and password, in memory alone. The zero value is ready for use.
type proofs struct {
	// mu guards found; it is a leaf.
	mu    sync.Mutex
	found map[[sha256.Size]byte]struct{}
}

// mostProofs is how many are remembered, before all are forgotten.
const mostProofs = 1024

// opens is opens, of which it remembers what is right.
func (p *proofs) opens(seal, secret string) (bool, error) {
	of := sha256.Sum256([]byte(seal + sealMark + secret))
	p.mu.Lock()
	_, known := p.found[of]
	p.mu.Unlock()
	if known {
		return true, nil
	}
	right, err := opens(seal, secret)
	if !right || err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil || len(p.found) >= mostProofs {
		p.found = map[[sha256.Size]byte]struct{}{}
	}
	p.found[of] = struct{}{}
	return true, nil
}
