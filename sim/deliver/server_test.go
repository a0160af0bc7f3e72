package deliver_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mailServer is as much of a mail server as a client needs: it takes mail, over
// STARTTLS if it has a certificate, from the user u with the password p if it
// asks for one.
type mailServer struct {
	tls    *tls.Config
	auth   string // the ways to log in, empty for none
	refuse string // a recipient that it does not take
	got    chan received
}

// received is one mail.
type received struct {
	from    string
	to      []string
	text    string
	secure  bool
	loginOK bool
}

// listen starts the server on a port of this host until the test ends.
func (s *mailServer) listen(t *testing.T) int64 {
	t.Helper()
	s.got = make(chan received, 8)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, ln.Close()) })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
	return port(t, ln.Addr())
}

func port(t *testing.T, a net.Addr) int64 {
	t.Helper()
	switch a := a.(type) {
	case *net.TCPAddr:
		return int64(a.Port)
	case *net.UDPAddr:
		return int64(a.Port)
	}
	require.Fail(t, "no port", "%v", a)
	return 0
}

// talk speaks with one client.
func (s *mailServer) talk(conn net.Conn) {
	defer conn.Close()
	c := textproto.NewConn(conn)
	say := func(line string) { _ = c.PrintfLine("%s", line) }
	say("220 test")
	var m received
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "EHLO":
			say("250-test")
			if s.tls != nil && !m.secure {
				say("250-STARTTLS")
			}
			if s.auth != "" {
				say("250-AUTH " + s.auth)
			}
			say("250 HELP")
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, s.tls)
			c, m.secure = textproto.NewConn(conn), true
		case "AUTH":
			plain, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			if m.loginOK = string(plain) == "\x00u\x00p"; !m.loginOK {
				say("535 who are you")
				continue
			}
			say("235 welcome")
		case "MAIL":
			m.from, m.to = rest, nil
			say("250 ok")
		case "RCPT":
			if s.refuse != "" && strings.Contains(rest, s.refuse) {
				say("550 unknown")
				continue
			}
			m.to = append(m.to, rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			text, err := c.ReadDotBytes()
			if err != nil {
				return
			}
			m.text = string(text)
			say("250 taken")
		case "QUIT":
			say("221 bye")
			s.got <- m
			return
		default:
			say("500 what")
		}
	}
}

// certificate makes one for this host, and the pool that vouches for it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}

// datagrams listens for them on a port of this host until the test ends.
func datagrams(t *testing.T) (where int64, got <-chan string) {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	out := make(chan string, 8)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			out <- string(buf[:n])
		}
	}()
	return port(t, conn.LocalAddr()), out
}

// frames listens for syslog over TCP: a length, a blank, a message.
func frames(t *testing.T) (where int64, got <-chan string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, ln.Close()) })
	out := make(chan string, 8)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			text := bufio.NewReader(conn)
			for {
				message, err := frame(text)
				if err != nil {
					break
				}
				out <- message
			}
			_ = conn.Close() // the sender did already
		}
	}()
	return port(t, ln.Addr()), out
}
