package chance

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
)

// KeyBits is the length of the keys that RSAKey draws.
const KeyBits = 2048

const (
	publicExponent = 65537
	// sieved is the bound of the small primes that candidates are tried by.
	sieved = 4096
)

// RSAKey is the nth draw of a stream as an RSA key of KeyBits bits. Unlike
// rsa.GenerateKey, which is random on purpose, it gives equal keys for equal
// draws; it is no secret to those who know the seed. It takes some tens of
// milliseconds.
func (s *Source) RSAKey(name string, n uint64) *rsa.PrivateKey {
	p := s.prime(name+"/p", n)
	q := s.prime(name+"/q", n)
	one := big.NewInt(1)
	totient := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: publicExponent},
		D:         new(big.Int).ModInverse(big.NewInt(publicExponent), totient),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	return key
}

// prime is the first prime from a drawn number of half a key's length on, of
// which two make a whole key and the public exponent has an inverse.
func (s *Source) prime(name string, n uint64) *big.Int {
	raw := make([]byte, 0, KeyBits/16)
	var count [8]byte
	for i := uint64(0); len(raw) < cap(raw); i++ {
		binary.BigEndian.PutUint64(count[:], i)
		block := s.block(name, n)
		next := sha256.Sum256(append(block[:], count[:]...))
		raw = append(raw, next[:]...)
	}
	raw[0] |= 0xc0 // two numbers whose top bits are set have a product of full length
	raw[len(raw)-1] |= 1
	start := new(big.Int).SetBytes(raw)
	primes := smallPrimes()
	rest := make([]uint64, len(primes))
	for i, p := range primes {
		rest[i] = new(big.Int).Mod(start, new(big.Int).SetUint64(p)).Uint64()
	}
	for step := uint64(0); ; step += 2 {
		if divides(primes, rest, step) {
			continue
		}
		p := new(big.Int).Add(start, new(big.Int).SetUint64(step))
		less := new(big.Int).Sub(p, big.NewInt(1))
		if p.ProbablyPrime(1) && new(big.Int).Mod(less, big.NewInt(publicExponent)).Sign() != 0 {
			return p
		}
	}
}

// divides reports whether one of the primes divides a number that is step
// above the one with these remainders.
func divides(primes, rest []uint64, step uint64) bool {
	for i, p := range primes {
		if (rest[i]+step)%p == 0 {
			return true
		}
	}
	return false
}

// smallPrimes are the odd primes below sieved.
func smallPrimes() []uint64 {
	composite := make([]bool, sieved)
	var out []uint64
	for p := 3; p < sieved; p += 2 {
		if composite[p] {
			continue
		}
		out = append(out, uint64(p))
		for m := p * p; m < sieved; m += p {
			composite[m] = true
		}
	}
	return out
}
