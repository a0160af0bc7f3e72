package chance_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/chance"
)

func TestSource_isPure(t *testing.T) {
	t.Parallel()
	a, b, other := chance.New(1), chance.New(1), chance.New(2)
	seen := map[string]bool{}
	for n := range uint64(100) {
		assert.Equal(t, a.Uint64("x", n), b.Uint64("x", n))
		assert.NotEqual(t, a.Uint64("x", n), a.Uint64("y", n))
		assert.NotEqual(t, a.Uint64("x", n), other.Uint64("x", n))
		id := a.UUID("x", n)
		assert.False(t, seen[id])
		seen[id] = true
		parsed, err := uuid.Parse(id)
		require.NoError(t, err)
		assert.Equal(t, uuid.Version(4), parsed.Version())
		assert.Len(t, a.Hex("x", n), 32)
		word := a.Text("x", n, "abc", 70)
		assert.Regexp(t, "^[abc]{70}$", word)
		assert.Equal(t, word, b.Text("x", n, "abc", 70))
		assert.NotEqual(t, word, other.Text("x", n, "abc", 70))
	}
}

func TestSource_rsaKey(t *testing.T) {
	t.Parallel()
	a := chance.New(1).RSAKey("x", 3)
	require.NoError(t, a.Validate())
	assert.Equal(t, chance.KeyBits, a.N.BitLen())
	assert.True(t, a.Equal(chance.New(1).RSAKey("x", 3)))
	assert.False(t, a.Equal(chance.New(2).RSAKey("x", 3)))
	assert.False(t, a.Equal(chance.New(1).RSAKey("x", 4)))
}

func Example() {
	s := chance.New(7)
	fmt.Println(s.Uint64("jitter", 1) == chance.New(7).Uint64("jitter", 1))
	// Output: true
}
