package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// handshake shakes hands with an HTTPS listener and returns what it shows.
func handshake(t *testing.T, url string, c *tls.Config) (*tls.ConnectionState, error) {
	t.Helper()
	c.InsecureSkipVerify = true
	conn, err := (&tls.Dialer{Config: c}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "https://"))
	if err != nil {
		return nil, err
	}
	defer func() { assert.NoError(t, conn.Close()) }()
	secure, _ := conn.(*tls.Conn)
	state := secure.ConnectionState()
	return &state, nil
}

// showed is the certificate that an HTTPS listener shows, in PEM.
func showed(t *testing.T, url string) string {
	t.Helper()
	state, err := handshake(t, url, &tls.Config{MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: state.PeerCertificates[0].Raw}))
}

// told is the certificate that the array's REST API tells of, in PEM.
func told(t *testing.T, url string) string {
	t.Helper()
	var out struct {
		Result []struct {
			Certificate struct {
				Raw string `json:"raw"`
			} `json:"certificate"`
		} `json:"result"`
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, http.DefaultClient, url+"/api/rest/system/certificates")), &out))
	require.Len(t, out.Result, 1)
	return out.Result[0].Certificate.Raw
}

// pair makes a certificate for a name with its key, both in PEM.
func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2054, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	raw, err := x509.CreateCertificate(rand.Reader, form, form, k.Public(), k)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// post sends a body to an array as its administrator.
func post(t *testing.T, url, kind string, body io.Reader) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", kind)
	r.SetBasicAuth("admin", "123456")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode, string(raw))
}

func sendFile(t *testing.T, url string, file []byte) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("upload_file", "cert.pem")
	require.NoError(t, err)
	_, err = part.Write(file)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	post(t, url, w.FormDataContentType(), &form)
}

// TestTLS_oldRefused has every HTTPS listener refuse what is not safe any more:
// versions before 1.2, and suites of 1.2 without forward secrecy or with CBC.
func TestTLS_oldRefused(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--tls")
	for _, a := range line.Arrays {
		for version, ok := range map[uint16]bool{
			tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
		} {
			state, err := handshake(t, *a.HTTPS, &tls.Config{MinVersion: version, MaxVersion: version})
			if !ok {
				require.ErrorContains(t, err, "protocol version", tls.VersionName(version))
				continue
			}
			require.NoError(t, err, tls.VersionName(version))
			assert.Equal(t, version, state.Version)
		}
		weak := tls.InsecureCipherSuites()
		for _, s := range tls.CipherSuites() {
			if strings.HasSuffix(s.Name, "_SHA") { // CBC
				weak = append(weak, s)
			}
		}
		require.Greater(t, len(weak), 10)
		for _, s := range weak {
			_, err := handshake(t, *a.HTTPS, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{s.ID}})
			require.ErrorContains(t, err, "handshake failure", s.Name)
		}
		_, err := handshake(t, *a.HTTPS, &tls.Config{
			MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		})
		require.NoError(t, err)
	}
	require.NoError(t, stop())
}

// TestTLS_uploadedIsServed has the listener show the certificate that the array
// tells of, from the next handshake on.
func TestTLS_uploadedIsServed(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--tls")
	one, other := line.Arrays[0], line.Arrays[1]
	first := showed(t, *one.HTTPS)
	assert.Equal(t, told(t, one.URL), first)
	assert.Equal(t, first, showed(t, *one.HTTPS))
	assert.NotEqual(t, first, showed(t, *other.HTTPS))

	cert, key := pair(t, "box.example.com")
	sendFile(t, one.URL+"/api/rest/system/certificates", append(bytes.Clone(cert), key...))
	assert.Equal(t, string(cert), showed(t, *one.HTTPS))
	assert.Equal(t, told(t, one.URL), showed(t, *one.HTTPS))
	assert.Equal(t, told(t, other.URL), showed(t, *other.HTTPS), "the other array keeps its own")

	post(t, one.URL+"/api/rest/system/certificates/generate_self_signed?approved=true", "application/json", nil)
	assert.NotEqual(t, string(cert), showed(t, *one.HTTPS))
	assert.Equal(t, told(t, one.URL), showed(t, *one.HTTPS))
	require.NoError(t, stop())
}

// TestTLS_givenUntilUploaded has --tls-cert shown until the array is given
// another certificate.
func TestTLS_givenUntilUploaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := pair(t, "given.example.com")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), cert, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), key, 0o600))
	line, _, stop := start(t, "--tls", "--tls-cert", filepath.Join(dir, "cert.pem"), "--tls-key", filepath.Join(dir, "key.pem"))
	a := line.Arrays[0]
	assert.Equal(t, string(cert), showed(t, *a.HTTPS))
	uploaded, itsKey := pair(t, "uploaded.example.com")
	sendFile(t, a.URL+"/api/rest/system/certificates", append(bytes.Clone(uploaded), itsKey...))
	assert.Equal(t, string(uploaded), showed(t, *a.HTTPS))
	require.NoError(t, stop())
}

// TestTLS_cookie has the cookie of a session that began over TLS stay there.
func TestTLS_cookie(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--tls")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for url, want := range map[string]bool{line.Arrays[0].URL: false, *line.Arrays[0].HTTPS: true} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/rest/users/login", strings.NewReader(`{"username":"admin","password":"123456"}`))
		require.NoError(t, err)
		resp, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Len(t, resp.Cookies(), 1)
		assert.Equal(t, want, resp.Cookies()[0].Secure, url)
		assert.True(t, resp.Cookies()[0].HttpOnly)
	}
	client.CloseIdleConnections()
	require.NoError(t, stop())
}
