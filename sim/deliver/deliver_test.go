package deliver_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
	"infinisim/sim/deliver"
)

// notice is one of an event to a target of this host.
func notice(t deliver.Target) deliver.Notice {
	if t.Host == "" {
		t.Host = "127.0.0.1"
	}
	t.Name = "t"
	return deliver.Notice{
		Array: "box one", Serial: 1001, Rule: "r", Recipients: []string{"a@example.com", "b@example.com"}, Target: t,
		Event: deliver.Event{
			ID: 1007, At: clock.Epoch, Code: "LINK_DOWN", Level: "ERROR", Description: `link "a]b" is düwn`, Reporter: "CORE", Visibility: "CUSTOMER",
			Username: `ad\min`, Entity: "1005",
		},
	}
}

func frame(r *bufio.Reader) (string, error) {
	length, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSpace(length))
	if err != nil {
		return "", err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(r, message)
	return string(message), err
}

// said is what syslog says of notice.
const said = `<139>1 2025-01-01T00:00:00.000Z box-one infinibox - LINK_DOWN [event@32473 id="1007" code="LINK_DOWN" level="ERROR" reporter="CORE" ` +
	`visibility="CUSTOMER" username="ad\\min" affected_entity_id="1005" serial="1001"] ` + "\ufeff" + `link "a]b" is düwn`

func TestSyslog_udp(t *testing.T) {
	t.Parallel()
	where, got := datagrams(t)
	n := notice(deliver.Target{Protocol: deliver.Syslog, Port: where, Facility: "LOCAL1"})
	require.NoError(t, deliver.Network{}.Send(t.Context(), n))
	assert.Equal(t, said, <-got)
}

func TestSyslog_tcp(t *testing.T) {
	t.Parallel()
	where, got := frames(t)
	n := notice(deliver.Target{Protocol: deliver.Syslog, Port: where, Facility: "local1", Transport: "TCP"})
	require.NoError(t, deliver.Network{}.Send(t.Context(), n))
	require.NoError(t, deliver.Network{}.Send(t.Context(), n))
	assert.Equal(t, said, <-got)
	assert.Equal(t, said, <-got)
}

func TestSyslog_header(t *testing.T) {
	t.Parallel()
	for level, priority := range map[string]string{"INFO": "<190>", "WARNING": "<188>", "ERROR": "<187>", "CRITICAL": "<186>"} {
		n := notice(deliver.Target{})
		n.Event.Level = level
		assert.Contains(t, deliver.SyslogText(n), priority+"1 ", "local7, %s", level)
	}
	n := notice(deliver.Target{})
	n.Event.Code, n.Array, n.Event.Username = strings.Repeat("X", 40), "", `a"]\`
	text := deliver.SyslogText(n)
	assert.Contains(t, text, " - infinibox - "+strings.Repeat("X", 32)+" [", "the header cuts what is too long")
	assert.Contains(t, text, `code="`+strings.Repeat("X", 40)+`"`, "the data has the whole")
	assert.Contains(t, text, `username="a\"\]\\"`)
}

func TestMail(t *testing.T) {
	t.Parallel()
	s := &mailServer{}
	n := notice(deliver.Target{Protocol: deliver.SMTP, Port: s.listen(t), From: "box@example.com"})
	require.NoError(t, deliver.Network{}.Send(t.Context(), n))
	got := <-s.got
	assert.Contains(t, got.from, "FROM:<box@example.com>")
	assert.Equal(t, []string{"TO:<a@example.com>", "TO:<b@example.com>"}, got.to)
	m, err := mail.ReadMessage(strings.NewReader(got.text))
	require.NoError(t, err)
	assert.Equal(t, `"box one" <box@example.com>`, m.Header.Get("From"))
	assert.Equal(t, "<a@example.com>, <b@example.com>", m.Header.Get("To"))
	assert.Equal(t, "box one: ERROR LINK_DOWN", m.Header.Get("Subject"))
	assert.Equal(t, "Wed, 01 Jan 2025 00:00:00 +0000", m.Header.Get("Date"))
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	assert.True(t, strings.HasPrefix(text, "link \"a]b\" is düwn\n\nSystem: box one (serial 1001)\n"), text)
	assert.Contains(t, text, "\nRule: r\n")
}

func TestMail_nobody(t *testing.T) {
	t.Parallel()
	n := notice(deliver.Target{Protocol: deliver.SMTP, Port: 1})
	n.Recipients = nil
	require.NoError(t, deliver.Network{}.Send(t.Context(), n), "nothing is to be done, nobody is asked")
}

func TestMail_encrypted(t *testing.T) {
	t.Parallel()
	config, roots := certificate(t)
	s := &mailServer{tls: config, auth: "PLAIN"}
	n := notice(deliver.Target{Protocol: deliver.SMTP, Port: s.listen(t), TLS: true, Username: "u", Password: "p"})
	require.NoError(t, deliver.Network{Roots: roots}.Send(t.Context(), n))
	got := <-s.got
	assert.True(t, got.secure)
	assert.True(t, got.loginOK)
	assert.Contains(t, got.from, "FROM:<infinibox@box-one>")
}

func TestMail_refused(t *testing.T) {
	t.Parallel()
	config, roots := certificate(t)
	for name, c := range map[string]struct {
		server  mailServer
		target  deliver.Target
		network deliver.Network
		want    string
	}{
		"a stranger's certificate": {mailServer{tls: config}, deliver.Target{TLS: true}, deliver.Network{}, "certificate"},
		"no encryption":            {mailServer{}, deliver.Target{TLS: true}, deliver.Network{Roots: roots}, "STARTTLS"},
		"no users":                 {mailServer{}, deliver.Target{Username: "u"}, deliver.Network{}, "takes no user"},
		"a wrong password":         {mailServer{auth: "PLAIN"}, deliver.Target{Username: "u", Password: "x"}, deliver.Network{}, "535"},
		"an unknown recipient":     {mailServer{refuse: "b@example.com"}, deliver.Target{}, deliver.Network{}, "recipient b@example.com: 550"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, target := c.server, c.target
			target.Protocol, target.Port = deliver.SMTP, s.listen(t)
			err := c.network.Send(t.Context(), notice(target))
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "password")
		})
	}
}

// traps receives SNMP traps and reads them with the library's own decoder until
// the test ends. (Its receiver does not tell which port it was given.)
func traps(t *testing.T, params *gosnmp.GoSNMP) (where int64, got func() *gosnmp.SnmpPacket) {
	t.Helper()
	where, raw := datagrams(t)
	return where, func() *gosnmp.SnmpPacket {
		t.Helper()
		p, err := params.UnmarshalTrap([]byte(<-raw), false)
		require.NoError(t, err)
		return p
	}
}

func checkTrap(t *testing.T, p *gosnmp.SnmpPacket) {
	t.Helper()
	values := map[string]string{}
	for _, v := range p.Variables {
		text, ok := v.Value.([]byte)
		if !ok {
			text = fmt.Append(nil, v.Value)
		}
		values[v.Name] = string(text)
	}
	assert.Equal(t, deliver.TrapID, values[".1.3.6.1.6.3.1.1.4.1.0"])
	for i, want := range []string{
		"1007", "LINK_DOWN", "ERROR", `link "a]b" is düwn`, "2025-01-01T00:00:00.000Z", "CORE", `ad\min`, "1005", "box one", "1001",
	} {
		assert.Equal(t, want, values[fmt.Sprintf("%s.%d.0", deliver.TrapValues, i+1)])
	}
}

func TestTrap_v2c(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{"secret": "secret", "": "public"} {
		where, got := traps(t, &gosnmp.GoSNMP{Version: gosnmp.Version2c})
		n := notice(deliver.Target{Protocol: deliver.SNMP, Port: where, Version: "SNMPv2c", Community: set})
		require.NoError(t, deliver.Network{}.Send(t.Context(), n))
		p := got()
		assert.Equal(t, gosnmp.Version2c, p.Version)
		assert.Equal(t, want, p.Community)
		checkTrap(t, p)
	}
}

func TestTrap_v3(t *testing.T) {
	t.Parallel()
	const engine = "0x8000000001020304"
	id, err := deliver.EngineID(engine)
	require.NoError(t, err)
	for kind, flags := range map[string]gosnmp.SnmpV3MsgFlags{
		"NoAuthNoPriv": gosnmp.NoAuthNoPriv, "AuthNoPriv": gosnmp.AuthNoPriv, "AuthPriv": gosnmp.AuthPriv,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			user := &gosnmp.UsmSecurityParameters{
				UserName: "user", AuthoritativeEngineID: string(id), AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv,
			}
			if flags != gosnmp.NoAuthNoPriv {
				user.AuthenticationProtocol, user.AuthenticationPassphrase = gosnmp.MD5, "password"
			}
			if flags == gosnmp.AuthPriv {
				user.PrivacyProtocol, user.PrivacyPassphrase = gosnmp.AES, "privatekey"
			}
			where, got := traps(t, &gosnmp.GoSNMP{Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: flags, SecurityParameters: user})
			n := notice(deliver.Target{
				Protocol: deliver.SNMP, Port: where, Version: "SNMPv3", Engine: engine, AuthType: kind, AuthProtocol: "MD5", PrivateProtocol: "AES",
				Username: "user", Password: "password", PrivateKey: "privatekey",
			})
			require.NoError(t, deliver.Network{}.Send(t.Context(), n))
			p := got()
			assert.Equal(t, gosnmp.Version3, p.Version)
			assert.Equal(t, flags, p.MsgFlags&gosnmp.AuthPriv)
			checkTrap(t, p)
		})
	}
}

func TestTrap_incomplete(t *testing.T) {
	t.Parallel()
	n := notice(deliver.Target{Protocol: deliver.SNMP, Port: 162, Version: "SNMPv3", Username: "u"})
	require.ErrorContains(t, deliver.Network{}.Send(t.Context(), n), "engine")
	n.Target.Engine, n.Target.AuthType = "0x8000000001", "AuthPriv"
	require.Error(t, deliver.Network{}.Send(t.Context(), n), "there are no keys")
}

func TestNetwork_unknown(t *testing.T) {
	t.Parallel()
	err := deliver.Network{}.Send(t.Context(), notice(deliver.Target{Protocol: "PIGEON"}))
	require.ErrorContains(t, err, "PIGEON")
}

// TestNetwork_silence gives up on a server that says nothing when the context
// ends.
func TestNetwork_silence(t *testing.T) {
	t.Parallel()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	n := notice(deliver.Target{Protocol: deliver.SMTP, Port: port(t, ln.Addr())})
	go func() { sent <- deliver.Network{}.Send(ctx, n) }()
	conn, err := ln.Accept()
	require.NoError(t, err)
	defer conn.Close()
	cancel()
	require.Error(t, <-sent)
}

// slow is a sender whose first notice is under way until the queue breaks it
// off.
type slow struct {
	under chan deliver.Notice
}

func (s slow) Send(ctx context.Context, n deliver.Notice) error {
	s.under <- n
	<-ctx.Done()
	return ctx.Err()
}

func TestQueue(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := slow{under: make(chan deliver.Notice)}
	q := deliver.NewQueue(s, slog.New(slog.NewTextHandler(&log, nil)))
	q.Start()
	n := notice(deliver.Target{Password: "secret", PrivateKey: "secret", Community: "secret"})
	q.Put(n)
	<-s.under
	for range 1025 { // one more than can wait
		q.Put(n)
	}
	q.Close()
	assert.Equal(t, 1, strings.Count(log.String(), "notification lost"), "what does not fit is lost")
	assert.Equal(t, 1, strings.Count(log.String(), "not delivered"), "what was under way is broken off")
	assert.Contains(t, log.String(), "count=1024", "what waited is left")
	assert.NotContains(t, log.String(), "secret")
}

func TestQueue_none(t *testing.T) {
	t.Parallel()
	q := deliver.NewQueue(nil, nil)
	q.Start()
	q.Put(deliver.Notice{})
	q.Close()
	assert.Nil(t, q)
}

// sure tells what it sends.
type sure struct{ sent chan string }

func (s sure) Send(_ context.Context, n deliver.Notice) error {
	s.sent <- n.Event.Code
	return errors.New("told and failed")
}

func ExampleQueue() {
	s := sure{sent: make(chan string)}
	q := deliver.NewQueue(s, slog.New(slog.DiscardHandler))
	q.Start()
	defer q.Close()
	for _, code := range []string{"LINK_DOWN", "LINK_UP"} {
		q.Put(deliver.Notice{Event: deliver.Event{Code: code}})
	}
	fmt.Println(<-s.sent, <-s.sent)
	// Output: LINK_DOWN LINK_UP
}
