package model_test

import (
	"crypto/x509"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

func (a *arrays) kmsState() any {
	a.t.Helper()
	return child(a.get(boxA, "system"), "security")["kmip_connectivity_state"]
}

func TestKMS_lifeOfAServer(t *testing.T) {
	t.Parallel()
	a, ca := newArrays(t, lab.ArraySetup{}), newAuthority(t)
	assert.Equal(t, "NOT_CONFIGURED", a.kmsState())
	assert.Equal(t, false, a.result(boxA, http.MethodGet, "config/security/is_kms_enabled", nil))
	a.refused(boxA, map[string]refusal{"bare": {409, "KMS_NOT_CONFIGURED", "POST", "system/kms_enable", nil}})

	set := a.do(boxA, http.MethodPut, "system/kms/set_configuration", object{"kms_username": "box", "kms_password": "s", "kms_hostname": "kms.example.com"})
	assert.Equal(t, "box", set["kms_username"])
	assert.EqualValues(t, 5696, set["kms_port"])
	assert.NotContains(t, set, "kms_password")
	mine := ca.sign(&x509.Certificate{SerialNumber: big.NewInt(5), NotBefore: time.Unix(0, 0), NotAfter: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, ca.key.Public())
	both := append(certPEM(mine), pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ca.key))...)
	assert.Equal(t, "1", child(a.uploaded("system/kms/upload_kms_ca_certificate", certPEM(ca.cert)), "kms_ca_certificate")["serial_number"])
	assert.Equal(t, "5", child(a.uploaded("system/kms/upload_infinibox_certificate_and_key", both), "infinibox_certificate")["serial_number"])
	assert.Equal(t, "DISABLED", a.kmsState())

	assert.Equal(t, true, a.result(boxA, http.MethodPost, "system/kms_enable", nil))
	assert.Equal(t, true, a.result(boxA, http.MethodGet, "config/security/is_kms_enabled", nil))
	assert.Equal(t, "CONNECTED", a.kmsState())
	a.refused(boxA, map[string]refusal{"twice": {409, "KMS_ALREADY_ENABLED", "POST", "system/kms_enable", nil}})
	_, err := a.lab.AdvanceTo(t.Context(), clock.FromTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	assert.Equal(t, "DISCONNECTED", a.kmsState(), "the array's certificate expired")
	assert.Equal(t, false, a.result(boxA, http.MethodPost, "system/kms_disable", nil))
	a.refused(boxA, map[string]refusal{"off": {409, "KMS_NOT_ENABLED", "POST", "system/kms_disable", nil}})
	assert.Len(t, a.list(boxA, "events?code=in:(KMS_ENABLED,KMS_DISABLED)"), 2)
	assert.Equal(t, "NOT_CONFIGURED", child(a.get(boxB, "system"), "security")["kmip_connectivity_state"])
}

func TestKMS_refused(t *testing.T) {
	t.Parallel()
	a, ca := newArrays(t, lab.ArraySetup{}), newAuthority(t)
	const set = "system/kms/set_configuration"
	before := a.get(boxA, "system/kms")
	a.refused(boxA, map[string]refusal{
		"unknown":   {400, "UNKNOWN_FIELD", "PUT", set, object{"planet": 1}},
		"type":      {400, "INVALID_FIELD_VALUE", "PUT", set, object{"kms_username": 1}},
		"port":      {400, "INVALID_FIELD_VALUE", "PUT", set, object{"kms_port": 0}},
		"authority": {400, "MISSING_REQUIRED_FIELD", "POST", "system/kms/upload_kms_ca_certificate", nil},
		"own":       {400, "MISSING_REQUIRED_FIELD", "POST", "system/kms/upload_infinibox_certificate_and_key", nil},
		"elsewhere": {404, "PATH_NOT_FOUND", "GET", "config/security/is_door_open", nil},
	})
	key := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ca.key))
	a.notUploaded("system/kms/upload_kms_ca_certificate", append(certPEM(ca.cert), key...), "INVALID_FIELD_VALUE", "holds a private key")
	a.notUploaded("system/kms/upload_kms_ca_certificate", []byte("x"), "INVALID_FIELD_VALUE", "PEM")
	a.notUploaded("system/kms/upload_infinibox_certificate_and_key", certPEM(ca.cert), "INVALID_FIELD_VALUE", "holds no private key")
	a.notUploaded("system/kms/upload_infinibox_certificate_and_key", []byte("x"), "INVALID_FIELD_VALUE", "PEM")
	assert.Equal(t, before, a.get(boxA, "system/kms"))
}

func TestSecurity_bestPractice(t *testing.T) {
	t.Parallel()
	a, ca := newArrays(t, lab.ArraySetup{}), newAuthority(t)
	best := func() object { return child(child(a.get(boxA, "system"), "security"), "fips_best_practice") }
	assert.EqualValues(t, 2048, best()["certificate_strength"])
	assert.Equal(t, true, best()["is_ldap_connections_secured"])
	assert.Equal(t, false, best()["is_local_users_disabled"])
	a.post(boxA, "config/ldap", object{"name": "r", "bind_username": "u", "bind_password": "p", "servers": []string{"s"}, "repository_type": "LDAP"})
	assert.Equal(t, false, best()["is_ldap_connections_secured"])
	mine := append(certPEM(ca.cert), pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ca.key))...)
	a.uploaded("system/certificates", mine)
	assert.Equal(t, true, best()["is_certificate_strength_sufficient"])
}
