package model

import (
	"crypto/rsa"

	"infinisim/sim/chance"
	"infinisim/sim/schema"
)

// strongKey is the least length in bits of an RSA key that FIPS 140-2 accepts
// (NIST SP 800-131A).
const strongKey = 2048

// systemSecurity is how safe the array is kept (the members: CSI driver,
// iboxapi system.go).
//
// unsourced: the words of system_security_state and local_users_password_hash,
// that a key which is not RSA is strong, and that HTTP is served beside HTTPS.
func systemSecurity(b *Box, _ *schema.Object) (any, error) {
	k, err := b.kms()
	if err != nil {
		return nil, err
	}
	state, err := k.state(b)
	if err != nil {
		return nil, err
	}
	best, err := bestPractice(b)
	return map[string]any{
		"encryption_enabled": true, "fips_best_practice": best, "kmip_connectivity_state": state, "system_security_state": "NORMAL",
	}, err
}

func bestPractice(b *Box) (any, error) {
	strength, err := httpd().strength(b)
	if err != nil {
		return nil, err
	}
	secured, off, weak := true, true, 0
	err = b.Tx.Each(b.Key, LDAPConfig, func(o *schema.Object) (bool, error) {
		secured = secured && LDAPSecure.Get(o)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	err = b.Tx.Each(b.Key, User, func(o *schema.Object) (bool, error) {
		if UserKind.Get(o) == "Local" {
			off = off && !UserEnabled.Get(o)
			if !UserFIPS.Get(o) {
				weak++
			}
		}
		return true, nil
	})
	return map[string]any{
		"certificate_strength": strength, "is_certificate_strength_sufficient": strength >= strongKey, "is_http_redirection": false,
		"is_ldap_connections_secured": secured, "is_local_users_disabled": off, "local_users_password_hash": "SHA256",
		"num_users_password_hash_not_secured": weak,
	}, err
}

// strength is the length of the key in use, without making the one that the
// array was installed with.
func (s certificates) strength(b *Box) (int, error) {
	kept, err := s.load(b, s.id)
	if err != nil || kept.key == nil {
		return chance.KeyBits, err
	}
	if key, ok := kept.key.Public().(*rsa.PublicKey); ok {
		return key.N.BitLen(), nil
	}
	return strongKey, nil
}
