package model

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// spaceCertificate keeps certificates with their keys, which no request reads:
// "httpd" what is served, "httpd/request" the key of a signing request, "s3"
// and "s3/request" the same for S3.
const spaceCertificate = "certificate"

// certificateLife is how long a certificate of the array's own is valid: 3,650
// days, as the payload of InfiniSDK's tests shows.
const certificateLife = 3650 * 24 * time.Hour

// keptCertificate is a row of spaceCertificate.
type keptCertificate struct {
	Chain [][]byte `json:"chain"`
	Key   []byte   `json:"key"` // PKCS #8
}

// certificates is one place where the array serves a certificate.
type certificates struct {
	path   string
	id     string // of the certificate
	row    string
	name   string // in events
	listed bool   // answers are lists of one
}

// httpd is the place of the array's own HTTPS server.
func httpd() certificates {
	return certificates{path: "system/certificates", id: "httpd", row: "httpd", name: "SSL"}
}

// addCertificates adds the certificate of the array's own HTTPS server
// (InfiniSDK 289.1.4, certificates.py; Ansible collection, infini_certificate).
func addCertificates(c *Catalog) {
	c.certificates(httpd(), schema.Gate{})
}

// certificates adds the requests about a place: InfiniSDK 289.1.4 sends the
// same for S3.
func (c *Catalog) certificates(s certificates, gate schema.Gate) {
	post := func(action string, upload bool, do func(b *Box, in *Input) (any, error)) Route {
		return Route{
			Method: http.MethodPost, Path: s.path + action, Least: RoleAdmin, Needs: gate, Upload: upload,
			Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
				one, err := do(b, in)
				if err != nil || !s.listed {
					return one, err
				}
				return []any{one}, nil
			},
		}
	}
	c.AddRoutes(
		Route{Method: http.MethodGet, Path: s.path, Reads: true, Needs: gate, Filters: anyCertificate(), Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			one, err := s.show(b)
			if err != nil {
				return nil, err
			}
			return pageOf(anyCertificate(), in, []any{one})
		}},
		post("", true, s.upload),
		post("/upload_csr", true, s.answer),
		post("/generate_csr", false, s.request),
		post("/generate_self_signed", false, s.renew),
	)
}

// anyCertificate has no field that a query could name: certificates are paged
// and nothing else.
func anyCertificate() *schema.Type { return schema.NewType("certificate") }

// pageOf answers with a page of what a request lists whole.
func pageOf[T any](shown *schema.Type, in *Input, all []T) (any, error) {
	q, err := shown.ParseQuery(in.Query, schema.Terms{PageSize: in.PageSize, Ignore: []string{"approved"}})
	if err != nil {
		return nil, Wire(err)
	}
	if len(q.Filters)+len(q.Sorts) > 0 {
		return nil, apierr.New(apierr.UnknownParameter, "id: %ss are not filtered or sorted", words(shown)).About("id")
	}
	out := &Page{Items: []json.RawMessage{}, Total: len(all), Page: q.Page, Size: q.PageSize}
	for _, one := range cut(all, q) {
		raw, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shown.Name(), err)
		}
		out.Items = append(out.Items, raw)
	}
	return out, nil
}

// show is the certificate as an answer has it.
func (s certificates) show(b *Box) (any, error) {
	now, err := s.served(b)
	if err != nil {
		return nil, err
	}
	key, err := keyOf(now.chain[0].PublicKey)
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": s.id, "certificate": certificateOf(now.chain[0], b.Tx.Now()), "public_key": key}, nil
}

// served is the certificate in use: one that was stored, or the one that the
// array was installed with.
func (s certificates) served(b *Box) (bundle, error) {
	if kept, err := s.load(b, s.row); err != nil || kept.key != nil {
		return kept, err
	}
	o, err := b.System()
	if err != nil {
		return bundle{}, err
	}
	return s.selfSigned(b, 0, clock.FromMS(SystemInstalled.Get(o)))
}

func (s certificates) load(b *Box, row string) (out bundle, err error) {
	raw := b.Tx.KV(b.Key, spaceCertificate).Get([]byte(row))
	if raw == nil {
		return out, nil
	}
	var kept keptCertificate
	if err := json.Unmarshal(raw, &kept); err != nil {
		return out, fmt.Errorf("certificate %s: %w", row, err)
	}
	for _, der := range kept.Chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return out, fmt.Errorf("certificate %s: %w", row, err)
		}
		out.chain = append(out.chain, c)
	}
	if len(kept.Key) == 0 { // an export has no private keys: one that fits no certificate stands for it
		out.key = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		return out, nil
	}
	if out.key, err = readKey(&pem.Block{Type: "PRIVATE KEY", Bytes: kept.Key}); err != nil {
		return out, fmt.Errorf("certificate %s: %w", row, err)
	}
	return out, nil
}

func (s certificates) keep(b *Box, row string, what bundle) error {
	key, err := x509.MarshalPKCS8PrivateKey(what.key)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", row, err)
	}
	kept := keptCertificate{Key: key, Chain: [][]byte{}}
	for _, c := range what.chain {
		kept.Chain = append(kept.Chain, c.Raw)
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", row, err)
	}
	b.Tx.KV(b.Key, spaceCertificate).Put([]byte(row), raw)
	return nil
}

// stream is the name of the array's draws for a place.
func (s certificates) stream(b *Box) string { return "certificate/" + b.Key + "/" + s.row }

func (s certificates) next(b *Box) uint64 {
	return uint64(b.Tx.Next(b.Key, "certificate")) //nolint:gosec // sequences count up from 1
}

// ownName is whom the array's own certificates are issued to: its serial number
// (the payload of InfiniSDK's tests).
func ownName(b *Box) (pkix.Name, error) {
	o, err := b.System()
	if err != nil {
		return pkix.Name{}, err
	}
	return pkix.Name{Country: []string{"US"}, Organization: []string{"Infinidat, Ltd."}, CommonName: fmt.Sprint(SystemSerial.Get(o))}, nil
}

// selfSigned is the nth certificate that the array signs for itself.
func (s certificates) selfSigned(b *Box, n uint64, from clock.Time) (bundle, error) {
	name, err := ownName(b)
	if err != nil {
		return bundle{}, err
	}
	key := b.Chance().RSAKey(s.stream(b), n)
	start := time.UnixMilli(from.MS()).UTC()
	form := &x509.Certificate{
		SerialNumber: new(big.Int).SetUint64(b.Chance().Uint64(s.stream(b)+"/serial", n)>>1 | 1), Subject: name,
		NotBefore: start, NotAfter: start.Add(certificateLife), SignatureAlgorithm: x509.SHA256WithRSA,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
	}
	// An RSA signature of PKCS #1 v1.5 needs no randomness.
	raw, err := x509.CreateCertificate(nil, form, form, key.Public(), key)
	if err != nil {
		return bundle{}, fmt.Errorf("certificate: %w", err)
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		return bundle{}, fmt.Errorf("certificate: %w", err)
	}
	return bundle{chain: []*x509.Certificate{made}, key: key}, nil
}

// install has the array serve a certificate.
//
// unsourced: the code of the event.
func (s certificates) install(b *Box, what bundle) (any, error) {
	if err := s.keep(b, s.row, what); err != nil {
		return nil, err
	}
	serial := serialText(what.chain[0].SerialNumber)
	err := b.Emit(Event{
		Code: s.name + "_CERTIFICATE_CHANGED", Template: s.name + " certificate {serial} is in use",
		Data: []Datum{{Name: "serial", Type: "String", Value: serial}},
	})
	if err != nil {
		return nil, err
	}
	return s.show(b)
}

// renew signs a new certificate, as the array does when its certificate is
// cleared (Ansible collection, infini_certificate, which approves it).
//
// unsourced: that it is refused without approval.
func (s certificates) renew(b *Box, in *Input) (any, error) {
	if !in.Approved {
		message := "generating a certificate replaces the one in use"
		return nil, apierr.New(apierr.ApprovalRequired, "%s", message).WithReason(message)
	}
	made, err := s.selfSigned(b, s.next(b), b.Tx.Now())
	if err != nil {
		return nil, err
	}
	return s.install(b, made)
}

func needFile(in *Input) error {
	if in.File == nil {
		return apierr.New(apierr.MissingField, "upload_file: the request holds no file").About("upload_file")
	}
	return nil
}

// upload takes a certificate with its private key.
//
// unsourced: that a file without a key is taken if its certificate is for the
// key in use.
func (s certificates) upload(b *Box, in *Input) (any, error) {
	if err := needFile(in); err != nil {
		return nil, err
	}
	sent, err := readBundle(in.File, "upload_file")
	if err != nil {
		return nil, err
	}
	if sent.key == nil {
		now, err := s.served(b)
		if err != nil {
			return nil, err
		}
		if sent.key, err = known(sent, now.key); err != nil {
			return nil, err
		}
	}
	return s.install(b, sent)
}

// known gives a key back that is the certificate's.
func known(sent bundle, key crypto.Signer) (crypto.Signer, error) {
	if !matchesKey(sent.chain[0], key) {
		return nil, apierr.New(apierr.InvalidValue, "upload_file: certificate %s is for a key that the array does not have",
			serialText(sent.chain[0].SerialNumber)).About("upload_file")
	}
	return key, nil
}

// request makes a key and asks for its certificate, in the name that the body
// gives or in the array's own. What is in use stays.
//
// unsourced: the names of the body's members and the form of the answer.
func (s certificates) request(b *Box, in *Input) (any, error) {
	if err := onlyKeys(in, sortedKeys(in.Body)...); err != nil {
		return nil, err
	}
	name, err := ownName(b)
	if err != nil {
		return nil, err
	}
	if len(in.Body) > 0 {
		short := map[string]string{}
		for _, member := range sortedKeys(in.Body) {
			var value string
			if json.Unmarshal(in.Body[member], &value) != nil || value == "" {
				return nil, apierr.New(apierr.InvalidValue, "%s: %s is no text", member, in.Body[member]).About(member)
			}
			short[member] = value
		}
		if name, err = longName(short); err != nil {
			return nil, err
		}
	}
	key := b.Chance().RSAKey(s.stream(b), s.next(b))
	raw, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{Subject: name, SignatureAlgorithm: x509.SHA256WithRSA}, key)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	public, err := keyOf(key.Public())
	if err != nil {
		return nil, err
	}
	if err := s.keep(b, s.row+"/request", bundle{key: key}); err != nil {
		return nil, err
	}
	return map[string]any{
		"id": s.id, "public_key": public,
		"certificate_request": map[string]any{
			"issued_to": shortName(name), "signature_algorithm": algorithmName(x509.SHA256WithRSA), "raw": block("CERTIFICATE REQUEST", raw),
		},
	}, nil
}

// answer takes the certificate that was asked for with request.
func (s certificates) answer(b *Box, in *Input) (any, error) {
	if err := needFile(in); err != nil {
		return nil, err
	}
	sent, err := readBundle(in.File, "upload_file")
	if err != nil {
		return nil, err
	}
	asked, err := s.load(b, s.row+"/request")
	switch {
	case err != nil:
		return nil, err
	case asked.key == nil:
		return nil, apierr.New(apierr.CSRNotFound, "no certificate was asked for: generate_csr comes first")
	case sent.key != nil:
		return nil, apierr.New(apierr.InvalidValue, "upload_file: holds a private key; that of the request never left the array").About("upload_file")
	}
	if sent.key, err = known(sent, asked.key); err != nil {
		return nil, err
	}
	b.Tx.KV(b.Key, spaceCertificate).Delete([]byte(s.row + "/request"))
	return s.install(b, sent)
}
