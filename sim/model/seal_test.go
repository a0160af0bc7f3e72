package model_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// sealOf is what is stored of a user's password.
func (a *arrays) sealOf(name string) (seal string) {
	a.t.Helper()
	require.NoError(a.t, a.lab.View(a.t.Context(), boxA, func(b *model.Box) error {
		return b.Tx.Each(boxA, model.User, func(o *schema.Object) (bool, error) {
			if model.UserName.Get(o) == name {
				seal = model.UserPassword.Get(o)
			}
			return true, nil
		})
	}))
	return seal
}

func (a *arrays) login(name, password string) int {
	a.t.Helper()
	status, _ := a.call(boxA, http.MethodPost, "users/login", object{"username": name, "password": password})
	return status
}

// TestSeal_ofPasswords stores of a password what tells nothing of it: not that
// two users have the same one, and not cheaply whether a guess is right.
func TestSeal_ofPasswords(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	const password = "Aa1!aaa123456"
	for _, name := range []string{"one", "two"} {
		a.post(boxA, "users", object{"name": name, "email": name + "@example.com", "password": password, "role": "ADMIN"})
	}
	one, two := a.sealOf("one"), a.sealOf("two")
	assert.NotEqual(t, one, two)
	for _, seal := range []string{one, two} {
		assert.Regexp(t, `^pbkdf2-sha256-hex\$10000\$[0-9a-f]{32}\$[0-9a-f]{64}$`, seal)
	}
	assert.Regexp(t, `^pbkdf2-sha256-hex\$1\$`, a.sealOf("admin"), "a password that everybody knows is not worth the rounds")
	for range 2 { // the second time it is remembered
		assert.Equal(t, http.StatusOK, a.login("one", password))
		assert.Equal(t, http.StatusUnauthorized, a.login("one", password+"7"))
		assert.Equal(t, http.StatusUnauthorized, a.login("one", password+"\x00"), "keys of HMAC end in zero bytes that nobody wrote")
		assert.Equal(t, http.StatusUnauthorized, a.login("one", one))
	}
}

// TestSeal_changedPassword forgets the password that was right before.
func TestSeal_changedPassword(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	u := a.post(boxA, "users", object{"name": "one", "email": "one@example.com", "password": "Aa1!aaa123456", "role": "ADMIN"})
	require.Equal(t, http.StatusOK, a.login("one", "Aa1!aaa123456"))
	a.do(boxA, http.MethodPut, fmt.Sprintf("users/%d", u.id("id")), object{"password": "Bb2!bbb123456"})
	assert.Equal(t, http.StatusUnauthorized, a.login("one", "Aa1!aaa123456"))
	assert.Equal(t, http.StatusOK, a.login("one", "Bb2!bbb123456"))
}

// TestSeal_ofOlderVersions takes what rows of a lab have which older versions
// made: a bare digest, and a key of the secret itself.
func TestSeal_ofOlderVersions(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("infinisim:old password"))
	key, err := pbkdf2.Key(sha256.New, "old password", []byte("0123"), 2, sha256.Size)
	require.NoError(t, err)
	for _, old := range []string{hex.EncodeToString(sum[:]), "pbkdf2-sha256$2$0123$" + hex.EncodeToString(key)} {
		a := newArrays(t, lab.ArraySetup{})
		require.NoError(t, a.lab.On(t.Context(), boxA, func(b *model.Box) error {
			o, err := b.Must(model.User, -2)
			if err != nil {
				return err
			}
			model.UserPassword.Set(o, old)
			return b.Tx.Put(boxA, o)
		}))
		require.Equal(t, old, a.sealOf("admin"))
		for password, want := range map[string]int{"old password": http.StatusOK, "123456": http.StatusUnauthorized, old: http.StatusUnauthorized} {
			assert.Equal(t, want, a.login("admin", password), password)
		}
	}
}
