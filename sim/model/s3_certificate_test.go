package model_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

const s3Certificates = "system/s3_certificates"

// first is the only item of an answer that is a list.
func first(tb testing.TB, result any) object {
	tb.Helper()
	list, _ := result.([]any)
	require.Len(tb, list, 1)
	o, _ := list[0].(map[string]any)
	return o
}

// S3 has a certificate of its own, which is asked for and sent as the array's
// own is, and neither touches the other.
func TestS3Certificate(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Serial: 30187})
	serial := func(path string) any {
		t.Helper()
		return child(first(t, a.result(boxA, http.MethodGet, path, nil)), "certificate")["serial_number"]
	}
	own, s3 := serial("system/certificates"), serial(s3Certificates)
	assert.NotEqual(t, own, s3)

	asked := first(t, a.result(boxA, http.MethodPost, s3Certificates+"/generate_csr", object{"CN": "s3.example.com"}))
	assert.Equal(t, "httpd", asked["id"])
	raw, _ := child(asked, "certificate_request")["raw"].(string)
	block, _ := pem.Decode([]byte(raw))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(t, err)
	assert.Equal(t, "s3.example.com", csr.Subject.CommonName)
	assert.Equal(t, s3, serial(s3Certificates), "what is in use stays")

	signed := newAuthority(t).sign(&x509.Certificate{SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "s3.example.com"}}, csr.PublicKey)
	a.notUploaded("system/certificates/upload_csr", certPEM(signed), "CERTIFICATE_REQUEST_NOT_FOUND", "generate_csr comes first")
	status, out := a.upload(s3Certificates+"/upload_csr", "upload_file", certPEM(signed))
	require.Equal(t, http.StatusOK, status, out["error"])
	assert.Equal(t, "httpd", first(t, out["result"])["id"])
	assert.Equal(t, "1267", serial(s3Certificates))
	assert.Equal(t, own, serial("system/certificates"))
	assert.Len(t, a.list(boxA, "events?code=S3_CERTIFICATE_CHANGED"), 1)

	status, out = a.upload(s3Certificates, "upload_file", certPEM(signed)) // for the key in use
	require.Equal(t, http.StatusOK, status, out["error"])
	a.notUploaded(s3Certificates, []byte("mocked pem data"), "INVALID_FIELD_VALUE", "is no file of certificates")
	a.notUploaded(s3Certificates+"/upload_csr", certPEM(signed), "CERTIFICATE_REQUEST_NOT_FOUND", "generate_csr comes first")
}

func TestS3Certificate_older(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Profile: "7.2"})
	a.refused(boxA, map[string]refusal{
		"read": {404, "PATH_NOT_FOUND", "GET", s3Certificates, nil},
		"made": {404, "PATH_NOT_FOUND", "POST", s3Certificates + "/generate_csr", object{}},
	})
}
