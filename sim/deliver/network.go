package deliver

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Network sends notices to the hosts that their targets name. Its zero value
// is ready; it holds no state.
type Network struct {
	// Roots vouch for mail servers' certificates; nil are those of the system.
	Roots *x509.CertPool
	// Timeout is how long one notice may take in real time, 0 for ten seconds.
	Timeout time.Duration
}

const usualTimeout = 10 * time.Second

// Send takes a notice to its target.
func (n Network) Send(ctx context.Context, notice Notice) error {
	timeout := n.Timeout
	if timeout == 0 {
		timeout = usualTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch notice.Target.Protocol {
	case Syslog:
		return sendSyslog(ctx, notice)
	case SMTP:
		return n.sendMail(ctx, notice)
	case SNMP:
		return sendTrap(ctx, notice, timeout)
	}
	return fmt.Errorf("no way to deliver by %s", notice.Target.Protocol)
}

// dial connects to a target; when ctx ends, so does the connection. The caller
// calls done.
func dial(ctx context.Context, network string, t Target) (conn net.Conn, done func(), err error) {
	conn, err = new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(t.Host, strconv.FormatInt(t.Port, 10)))
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // whoever waits on it sees the error
	return conn, func() { stop(); _ = conn.Close() }, nil
}
