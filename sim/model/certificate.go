package model

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
)

// A published payload of release 8.x shows how the array tells of a
// certificate (InfiniSDK tests, 8.6 era, mock_s3certificates): names by their
// short forms, times in milliseconds, the serial number in hexadecimal.
type shownCertificate struct {
	Expired   bool              `json:"expired"`
	Issuer    map[string]string `json:"issued_by"`
	Subject   map[string]string `json:"issued_to"`
	From      int64             `json:"issued_on"`
	Until     int64             `json:"expires_on"`
	Algorithm string            `json:"signature_algorithm"`
	Version   int               `json:"version"`
	Serial    string            `json:"serial_number"`
	Raw       string            `json:"raw"`
}

type shownKey struct {
	Modulus   *string `json:"modulus"`
	Algorithm string  `json:"algorithm"`
	Raw       string  `json:"raw"`
}

// certificateOf tells of a certificate as it is at a time.
func certificateOf(c *x509.Certificate, now clock.Time) shownCertificate {
	return shownCertificate{
		Expired: now.MS() > c.NotAfter.UnixMilli(), Issuer: shortName(c.Issuer), Subject: shortName(c.Subject),
		From: c.NotBefore.UnixMilli(), Until: c.NotAfter.UnixMilli(), Algorithm: algorithmName(c.SignatureAlgorithm),
		Version: c.Version, Serial: serialText(c.SerialNumber), Raw: block("CERTIFICATE", c.Raw),
	}
}

// serialText is a certificate's serial number as the array writes it.
func serialText(n *big.Int) string { return strings.ToUpper(n.Text(16)) }

func block(kind string, raw []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
}

// shortName is a distinguished name by the short forms of its attributes.
func shortName(n pkix.Name) map[string]string {
	out := map[string]string{}
	for short, values := range map[string][]string{
		"C": n.Country, "ST": n.Province, "L": n.Locality, "O": n.Organization, "OU": n.OrganizationalUnit, "CN": {n.CommonName},
	} {
		if text := strings.Join(values, ", "); text != "" {
			out[short] = text
		}
	}
	return out
}

// longName is shortName turned round; it returns UNKNOWN_FIELD for an
// attribute that it does not know.
func longName(short map[string]string) (n pkix.Name, err error) {
	for _, name := range slices.Sorted(maps.Keys(short)) {
		switch value := short[name]; name {
		case "C":
			n.Country = []string{value}
		case "ST":
			n.Province = []string{value}
		case "L":
			n.Locality = []string{value}
		case "O":
			n.Organization = []string{value}
		case "OU":
			n.OrganizationalUnit = []string{value}
		case "CN":
			n.CommonName = value
		default:
			return n, apierr.New(apierr.UnknownField, "%s: no attribute of a distinguished name", name).About(name)
		}
	}
	return n, nil
}

// algorithmName is the name that the payload shows for SHA256withRSA; others
// are formed alike.
func algorithmName(a x509.SignatureAlgorithm) string {
	hash, key, ok := strings.Cut(a.String(), "-")
	if !ok {
		return a.String() // Ed25519
	}
	if rest, swapped := strings.CutPrefix(a.String(), "ECDSA-"); swapped {
		hash, key = rest, "ECDSA"
	}
	return hash + "with" + key
}

// keyOf tells of a public key.
//
// unsourced: that a key which is not RSA has no modulus, and its name.
func keyOf(key any) (shownKey, error) {
	raw, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return shownKey{}, fmt.Errorf("public key: %w", err)
	}
	out := shownKey{Raw: block("PUBLIC KEY", raw)}
	switch k := key.(type) {
	case *rsa.PublicKey:
		modulus := strings.ToUpper(k.N.Text(16))
		out.Algorithm, out.Modulus = "RSA", &modulus
	case *ecdsa.PublicKey:
		out.Algorithm = "EC"
	case ed25519.PublicKey:
		out.Algorithm = "Ed25519"
	}
	return out, nil
}

// bundle is what a file holds: certificates, the first one that of the key if
// there is one.
type bundle struct {
	chain []*x509.Certificate
	key   crypto.Signer
}

// readBundle reads a file in PEM. It returns INVALID_FIELD_VALUE, about the
// member named, for a file that holds anything but certificates and at most one
// key, none at all, or a key that is not the first certificate's.
func readBundle(file []byte, member string) (out bundle, err error) {
	bad := func(format string, args ...any) error {
		return apierr.New(apierr.InvalidValue, "%s: %s", member, fmt.Sprintf(format, args...)).About(member)
	}
	for rest := file; len(strings.TrimSpace(string(rest))) > 0; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return out, bad("is no file of certificates (PEM)")
		}
		switch {
		case b.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(b.Bytes)
			if err != nil {
				return out, bad("certificate %d is damaged: %v", len(out.chain)+1, err)
			}
			out.chain = append(out.chain, c)
		case strings.HasSuffix(b.Type, "PRIVATE KEY") && out.key == nil:
			if out.key, err = readKey(b); err != nil {
				return out, bad("the private key cannot be read: %v", err)
			}
		default:
			return out, bad("holds %q, which is neither a certificate nor the one key", b.Type)
		}
	}
	switch {
	case len(out.chain) == 0:
		return out, bad("holds no certificate")
	case out.key != nil && !matchesKey(out.chain[0], out.key):
		return out, bad("the private key is not that of the certificate %s", serialText(out.chain[0].SerialNumber))
	}
	return out, nil
}

func readKey(b *pem.Block) (crypto.Signer, error) {
	switch b.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(b.Bytes) //nolint:wrapcheck // the caller says what it is
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(b.Bytes) //nolint:wrapcheck // the caller says what it is
	}
	key, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it is
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T signs nothing", key)
	}
	return signer, nil
}

func matchesKey(c *x509.Certificate, key crypto.Signer) bool {
	public, ok := key.Public().(interface {
		Equal(other crypto.PublicKey) bool
	})
	return ok && public.Equal(c.PublicKey)
}
