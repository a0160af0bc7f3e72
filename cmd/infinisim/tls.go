package main

import (
	"crypto/tls"
	"fmt"
	"sync"

	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// suites are those of TLS 1.2 that keep what was said secret when the key is
// lost, and that nobody can change on the way. TLS 1.3 has no others.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// presented is the certificate that an array's HTTPS listener shows.
type presented struct {
	lab   *lab.Lab
	key   string
	given *tls.Certificate // by --tls-cert, nil for none

	// mu guards everything below; it is a leaf.
	mu   sync.Mutex
	mark string
	last *tls.Certificate
}

// config is that of the listener.
func (s *presented) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites(), GetCertificate: s.certificate}
}

// certificate is the one that an administrator gave the array, else that of
// --tls-cert, else the one that the array was installed with. The last takes
// some tens of milliseconds to make, so it is made once.
func (s *presented) certificate(hello *tls.ClientHelloInfo) (out *tls.Certificate, err error) {
	err = s.lab.View(hello.Context(), s.key, func(b *model.Box) error {
		mark, own, err := b.HTTPSMark()
		if err != nil {
			return err
		}
		if !own && s.given != nil {
			out = s.given
			return nil
		}
		if out = s.kept(mark); out != nil {
			return nil
		}
		if out, err = b.HTTPSCertificate(); err == nil {
			s.keep(mark, out)
		}
		return err
	})
	return out, err
}

func (s *presented) kept(mark string) *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mark != s.mark {
		return nil
	}
	return s.last
}

func (s *presented) keep(mark string, made *tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark, s.last = mark, made
}

// certificate reads the one of --tls-cert; it is nil where there is none.
func certificate(certFile, keyFile string) (*tls.Certificate, error) {
	if certFile == "" {
		return nil, nil //nolint:nilnil // none was given
	}
	c, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return &c, nil
}
