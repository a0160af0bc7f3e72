package model_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/chance"
	"infinisim/sim/clock"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// upload sends a form with one file.
func (a *arrays) upload(path, part string, file []byte) (int, object) {
	a.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	to, err := w.CreateFormFile(part, "cert.pem")
	require.NoError(a.t, err)
	_, err = to.Write(file)
	require.NoError(a.t, err)
	require.NoError(a.t, w.Close())
	return a.form(path, w.FormDataContentType(), form.Bytes())
}

func (a *arrays) form(path, kind string, raw []byte) (int, object) {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), http.MethodPost, "/api/rest/"+path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", kind)
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	server, err := a.lab.Array(boxA)
	require.NoError(a.t, err)
	server.Server.ServeHTTP(rec, r)
	out := object{}
	require.NoError(a.t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	return rec.Code, out
}

func (a *arrays) uploaded(path string, file []byte) object {
	a.t.Helper()
	status, out := a.upload(path, "upload_file", file)
	require.Equal(a.t, http.StatusOK, status, "%v", out["error"])
	result, _ := out["result"].(map[string]any)
	return result
}

// notUploaded sends a file that must be refused with a message.
func (a *arrays) notUploaded(path string, file []byte, code, message string) {
	a.t.Helper()
	status, out := a.upload(path, "upload_file", file)
	e, _ := out["error"].(map[string]any)
	require.Equal(a.t, code, e["code"], "%v", e["message"])
	assert.Contains(a.t, e["message"], message)
	assert.GreaterOrEqual(a.t, status, 400)
}

func child(o object, name string) object {
	c, _ := o[name].(map[string]any)
	return c
}

// authority is a test's own certificate authority.
type authority struct {
	t    testing.TB
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	ca := &authority{t: tb, key: chance.New(1).RSAKey("ca", 0)}
	ca.cert = ca.sign(&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true}, ca.key.Public())
	return ca
}

// sign issues a certificate, of ten years unless the form says otherwise.
func (ca *authority) sign(form *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	ca.t.Helper()
	form.BasicConstraintsValid = true
	if form.NotBefore.IsZero() {
		form.NotBefore, form.NotAfter = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2034, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	parent := ca.cert
	if parent == nil {
		parent = form
	}
	raw, err := x509.CreateCertificate(nil, form, parent, public, ca.key)
	require.NoError(ca.t, err)
	out, err := x509.ParseCertificate(raw)
	require.NoError(ca.t, err)
	return out
}

func pemOf(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

func certPEM(c *x509.Certificate) []byte { return pemOf("CERTIFICATE", c.Raw) }

func TestCertificates_ofANewArray(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Serial: 30187})
	all := a.list(boxA, "system/certificates?page=1&page_size=50")
	require.Len(t, all, 1)
	assert.Equal(t, "httpd", all[0]["id"])
	cert, key := child(all[0], "certificate"), child(all[0], "public_key")
	assert.Equal(t, false, cert["expired"])
	assert.Equal(t, map[string]any{"C": "US", "CN": "30187", "O": "Infinidat, Ltd."}, cert["issued_to"])
	assert.Equal(t, cert["issued_to"], cert["issued_by"])
	assert.Equal(t, "SHA256withRSA", cert["signature_algorithm"])
	assert.InDelta(t, 3650*24*3600*1000, cert.val("expires_on")-cert.val("issued_on"), 0)
	assert.Equal(t, "RSA", key["algorithm"])

	block, _ := pem.Decode([]byte(cert["raw"].(string)))
	made, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.NoError(t, made.CheckSignature(made.SignatureAlgorithm, made.RawTBSCertificate, made.Signature))
	assert.Equal(t, strings.ToUpper(made.SerialNumber.Text(16)), cert["serial_number"])
	assert.Equal(t, strings.ToUpper(made.PublicKey.(*rsa.PublicKey).N.Text(16)), key["modulus"])
	assert.InDelta(t, made.NotAfter.UnixMilli(), cert["expires_on"], 0)

	again := newArrays(t, lab.ArraySetup{Serial: 30187})
	assert.Equal(t, all, again.list(boxA, "system/certificates"), "one seed, one key")
	assert.NotEqual(t, all, a.list(boxB, "system/certificates"))
	assert.Empty(t, a.list(boxA, "system/certificates?page=2"))
}

func (o object) val(key string) float64 {
	n, _ := o[key].(float64)
	return n
}

func TestCertificates_upload(t *testing.T) {
	t.Parallel()
	a, ca := newArrays(t, lab.ArraySetup{}), newAuthority(t)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	form := &x509.Certificate{SerialNumber: big.NewInt(0xC0FFEE), Subject: pkix.Name{
		CommonName: "box.example.com", Organization: []string{"Example"}, OrganizationalUnit: []string{"Storage"},
		Country: []string{"NL"}, Province: []string{"Utrecht"}, Locality: []string{"Zeist"},
	}}
	mine := ca.sign(form, key.Public())
	raw, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	file := bytes.Join([][]byte{pemOf("EC PRIVATE KEY", raw), certPEM(mine), certPEM(ca.cert)}, nil)

	out := a.uploaded("system/certificates", file)
	cert := child(out, "certificate")
	assert.Equal(t, "C0FFEE", cert["serial_number"])
	assert.Equal(t, map[string]any{"CN": "Test CA"}, cert["issued_by"])
	assert.Equal(t, map[string]any{"C": "NL", "CN": "box.example.com", "L": "Zeist", "O": "Example", "OU": "Storage", "ST": "Utrecht"}, cert["issued_to"])
	assert.Nil(t, child(out, "public_key")["modulus"])
	assert.Equal(t, "EC", child(out, "public_key")["algorithm"])
	assert.Equal(t, out, a.list(boxA, "system/certificates")[0])
	assert.NotContains(t, out, "key")
	assert.Len(t, a.list(boxA, "events?code=SSL_CERTIFICATE_CHANGED"), 1)

	// Another of the same key needs no key, under the name of the Ansible
	// collection's part.
	form.SerialNumber = big.NewInt(0xBEEF)
	status, env := a.upload("system/certificates", "file", certPEM(ca.sign(form, key.Public())))
	require.Equal(t, http.StatusOK, status, "%v", env["error"])
	assert.Equal(t, "BEEF", child(a.list(boxA, "system/certificates")[0], "certificate")["serial_number"])

	// It expires by the lab's clock.
	_, err = a.lab.AdvanceTo(t.Context(), clock.FromTime(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	assert.Equal(t, true, child(a.list(boxA, "system/certificates")[0], "certificate")["expired"])
	for _, e := range journalOf(a) {
		assert.NotContains(t, e.Body, "BEGIN EC PRIVATE KEY", "the journal shows a key")
	}
}

func journalOf(a *arrays) []journal.Entry {
	a.t.Helper()
	return a.lab.Journal.Entries(journal.Filter{})
}

func TestCertificates_refused(t *testing.T) {
	t.Parallel()
	a, ca := newArrays(t, lab.ArraySetup{}), newAuthority(t)
	const path = "system/certificates"
	before := a.list(boxA, path)
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	mine := certPEM(ca.sign(&x509.Certificate{SerialNumber: big.NewInt(9)}, other.Public()))
	caKey := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ca.key))

	for message, file := range map[string]string{
		"is no file of certificates":     "hello",
		"holds no certificate":           "",
		"certificate 1 is damaged":       string(pemOf("CERTIFICATE", []byte("junk"))),
		"cannot be read":                 string(pemOf("PRIVATE KEY", []byte("junk"))),
		"which is neither":               string(pemOf("DH PARAMETERS", []byte("junk"))),
		"is not that of the certificate": string(mine) + string(caKey),
		"does not have":                  string(mine),
		"holds \"RSA PRIVATE KEY\"":      string(caKey) + string(caKey),
	} {
		a.notUploaded(path, []byte(file), "INVALID_FIELD_VALUE", message)
	}
	a.notUploaded(path+"/upload_csr", mine, "CERTIFICATE_REQUEST_NOT_FOUND", "generate_csr")
	status, out := a.upload(path, "attachment", mine)
	assert.Equal(t, 400, status)
	assert.Equal(t, "UNKNOWN_FIELD", child(out, "error")["code"])
	status, out = a.form(path, "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncut off"))
	assert.Equal(t, 400, status)
	assert.Equal(t, "MALFORMED_REQUEST", child(out, "error")["code"])
	a.refused(boxA, map[string]refusal{
		"no file":    {400, "MISSING_REQUIRED_FIELD", "POST", path, nil},
		"no answer":  {400, "MISSING_REQUIRED_FIELD", "POST", path + "/upload_csr", nil},
		"attribute":  {400, "UNKNOWN_FIELD", "POST", path + "/generate_csr", object{"planet": "Earth"}},
		"value":      {400, "INVALID_FIELD_VALUE", "POST", path + "/generate_csr", object{"CN": 1}},
		"approval":   {403, "APPROVAL_REQUIRED", "POST", path + "/generate_self_signed", nil},
		"no filters": {400, "UNKNOWN_PARAMETER", "GET", path + "?id=eq:1", nil},
	})
	assert.Equal(t, before, a.list(boxA, path))
}

func TestCertificates_signingRequest(t *testing.T) {
	t.Parallel()
	a, ca := newArrays(t, lab.ArraySetup{}), newAuthority(t)
	const path = "system/certificates"
	before := a.list(boxA, path)
	asked := a.post(boxA, path+"/generate_csr", object{"CN": "box.example.com", "O": "Example"})
	assert.Equal(t, before, a.list(boxA, path), "what is in use stays")
	block, _ := pem.Decode([]byte(child(asked, "certificate_request")["raw"].(string)))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(t, err)
	require.NoError(t, csr.CheckSignature())
	assert.Equal(t, "box.example.com", csr.Subject.CommonName)

	stranger := certPEM(ca.sign(&x509.Certificate{SerialNumber: big.NewInt(2)}, ca.key.Public()))
	a.notUploaded(path+"/upload_csr", stranger, "INVALID_FIELD_VALUE", "does not have")
	withKey := bytes.Join([][]byte{stranger, pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ca.key))}, nil)
	a.notUploaded(path+"/upload_csr", withKey, "INVALID_FIELD_VALUE", "never left the array")
	signed := certPEM(ca.sign(&x509.Certificate{SerialNumber: big.NewInt(3), Subject: csr.Subject}, csr.PublicKey))
	out := a.uploaded(path+"/upload_csr", signed)
	assert.Equal(t, "3", child(out, "certificate")["serial_number"])
	assert.Equal(t, child(asked, "public_key"), child(out, "public_key"))
	a.notUploaded(path+"/upload_csr", signed, "CERTIFICATE_REQUEST_NOT_FOUND", "generate_csr")

	status, env := a.call(boxA, http.MethodPost, path+"/generate_csr", nil) // in the array's own name
	require.Equal(t, http.StatusOK, status)
	own := child(child(env, "result"), "certificate_request")
	assert.Equal(t, child(before[0], "certificate")["issued_to"], own["issued_to"])
	fresh := child(a.post(boxA, path+"/generate_self_signed?approved=true", nil), "certificate")
	assert.NotEqual(t, child(before[0], "certificate")["serial_number"], fresh["serial_number"])
}

func TestIdentityProviders_certificate(t *testing.T) {
	t.Parallel()
	a, ca := newArrays(t, lab.ArraySetup{}), newAuthority(t)
	p := a.post(boxA, "config/sso/idps", object{"name": "p", "issuer": "https://sso.example.com", "sign_on_url": "https://sso.example.com/on"})
	assert.Nil(t, p["signing_certificate_serial"])
	assert.Nil(t, p["signing_certificate_expiry"])
	item := fmt.Sprintf("config/sso/idps/%d", p.id("id"))
	mine := ca.sign(&x509.Certificate{SerialNumber: big.NewInt(0xABC), Subject: pkix.Name{CommonName: "idp"}}, ca.key.Public())
	p = a.do(boxA, http.MethodPut, item, object{"signing_certificate": string(certPEM(mine))})
	assert.Equal(t, "ABC", p["signing_certificate_serial"])
	assert.InDelta(t, mine.NotAfter.UnixMilli(), p["signing_certificate_expiry"], 0)
	assert.Len(t, a.list(boxA, "config/sso/idps?signing_certificate_serial=eq:ABC&signing_certificate_expiry=gt:0"), 1)
	key := string(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ca.key)))
	a.refused(boxA, map[string]refusal{
		"text":     {400, "INVALID_FIELD_VALUE", "PUT", item, object{"signing_certificate": "hello"}},
		"with key": {400, "INVALID_FIELD_VALUE", "PUT", item, object{"signing_certificate": string(certPEM(ca.cert)) + key}},
		"two":      {400, "INVALID_FIELD_VALUE", "PUT", item, object{"signing_certificate": string(certPEM(mine)) + string(certPEM(ca.cert))}},
		"serial":   {400, "IMMUTABLE_FIELD", "PUT", item, object{"signing_certificate_serial": "1"}},
	})
	p = a.do(boxA, http.MethodPut, item, object{"signing_certificate": nil})
	assert.Nil(t, p["signing_certificate_serial"])
}
