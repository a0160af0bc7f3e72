package model

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"

	"infinisim/sim/clock"
)

// HTTPSMark is another text whenever the certificate of the array's own HTTPS
// server is another. given is false for the one that the array was installed
// with.
func (b *Box) HTTPSMark() (mark string, given bool, err error) {
	if raw := b.Tx.KV(b.Key, spaceCertificate).Get([]byte(httpd().row)); raw != nil {
		sum := sha256.Sum256(raw)
		return hex.EncodeToString(sum[:]), true, nil
	}
	o, err := b.System()
	if err != nil {
		return "", false, err
	}
	return fmt.Sprintf("%d of %d", SystemSerial.Get(o), SystemInstalled.Get(o)), false, nil
}

// HTTPSCertificate is the certificate of the array's own HTTPS server with its
// key, as GET system/certificates tells of it. Where the key was left out, since
// the lab was made of an export, it is the one that the array was installed with.
func (b *Box) HTTPSCertificate() (*tls.Certificate, error) {
	now, err := httpd().served(b)
	if err != nil {
		return nil, err
	}
	if !matchesKey(now.chain[0], now.key) {
		o, err := b.System()
		if err != nil {
			return nil, err
		}
		if now, err = httpd().selfSigned(b, 0, clock.FromMS(SystemInstalled.Get(o))); err != nil {
			return nil, err
		}
	}
	out := &tls.Certificate{PrivateKey: now.key, Leaf: now.chain[0]}
	for _, c := range now.chain {
		out.Certificate = append(out.Certificate, c.Raw)
	}
	return out, nil
}
