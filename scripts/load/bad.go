package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// credentials are those of the user admin.
const credentials = "Authorization: Basic YWRtaW46MTIzNDU2\r\n"

// now and then is when a slow client does something.
const nowAndThen = 100 * time.Millisecond

// dial connects the nth client to a listener: the arrays' in turn, by HTTP and
// by HTTPS, the control plane's and the fabric's.
func (s *server) dial(ctx context.Context, n int) (conn net.Conn, host string, err error) {
	all := append([]string{s.control, s.fabric}, append(append([]string{}, s.arrays...), s.secure...)...)
	return dialURL(ctx, all[n%len(all)])
}

func dialURL(ctx context.Context, address string) (net.Conn, string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", err
	}
	if u.Scheme == "https" {
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it signs itself
		conn, err := d.DialContext(ctx, "tcp", u.Host)
		return conn, u.Host, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	return conn, u.Host, err
}

// ended is closed once the other side has nothing more to say; what it said is
// thrown away.
func ended(conn net.Conn) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, conn) // an end is an end
		close(over)
	}()
	return over
}

// unlessCut takes for a success that a client was cut while it connected: so
// many of them are slow whether they want or not.
func unlessCut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

var errNotCut = errors.New("it was not cut")

// dribble sends a text byte by byte, again and again, until the server has
// enough.
func dribble(ctx context.Context, conn net.Conn, text string) error {
	over := ended(conn)
	for i := 0; ; i++ {
		if _, err := io.WriteString(conn, text[i%len(text):i%len(text)+1]); err != nil {
			return nil //nolint:nilerr // it was cut
		}
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return errNotCut
		case <-time.After(nowAndThen):
		}
	}
}

func slowHead(ctx context.Context, s *server, _ options, i int) error {
	conn, host, err := s.dial(ctx, i)
	if err != nil {
		return unlessCut(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "GET /api/rest/system HTTP/1.1\r\nHost: %s\r\nX-Slow: ", host) // it may be cut already
	return dribble(ctx, conn, "a")
}

func slowBody(ctx context.Context, s *server, _ options, i int) error {
	conn, host, err := s.dial(ctx, i)
	if err != nil {
		return unlessCut(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST /api/rest/pools HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 1000000\r\n\r\n{\"", host, credentials) // it may be cut already
	return dribble(ctx, conn, "a")
}

func hugeHead(ctx context.Context, s *server, _ options, i int) error {
	conn, host, err := s.dial(ctx, i)
	if err != nil {
		return unlessCut(err)
	}
	defer func() { _ = conn.Close() }()
	if err := deadline(ctx, conn); err != nil {
		return err
	}
	go func() {
		_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nX-Huge: %s\r\n\r\n", host, strings.Repeat("a", 1<<20))
	}() // it is cut in the midst
	return answered(conn, http.StatusRequestHeaderFieldsTooLarge)
}

// deadline has reads and writes end with the context.
func deadline(ctx context.Context, conn net.Conn) error {
	at, ok := ctx.Deadline()
	if !ok {
		return errors.New("no deadline")
	}
	return conn.SetDeadline(at)
}

// answered wants one of some answers and the end of the connection, or the end
// alone: what a server says to somebody who still sends may be lost.
func answered(conn net.Conn, statuses ...int) error {
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		known := false
		for _, status := range statuses {
			known = known || resp.StatusCode == status
		}
		if !known {
			return fmt.Errorf("answered %s", resp.Status)
		}
		if err == nil {
			_, err = in.ReadByte()
		}
	}
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		return errNotCut
	case err == nil:
		return errors.New("it was answered twice")
	}
	return nil
}

// endlessBody sends a body as fast as it can, in chunks without an end.
func endlessBody(ctx context.Context, s *server, _ options, i int) error {
	conn, host, err := s.dial(ctx, i)
	if err != nil {
		return unlessCut(err)
	}
	defer func() { _ = conn.Close() }()
	if err := deadline(ctx, conn); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(conn, "POST /api/rest/pools HTTP/1.1\r\nHost: %s\r\n%sTransfer-Encoding: chunked\r\n\r\n", host, credentials) // it may be cut already
	go func() {
		chunk := fmt.Sprintf("%x\r\n%s\r\n", 16<<10, strings.Repeat("a", 16<<10))
		for {
			if _, err := io.WriteString(conn, chunk); err != nil {
				return // it was cut
			}
		}
	}()
	// The fabric looks at nobody's body, and the control plane at no such path.
	return answered(conn, http.StatusRequestEntityTooLarge, http.StatusBadRequest, http.StatusNotFound)
}

// slowReader asks for a page of 1,000 and reads a byte now and then. What the
// server sees of it is a client that does not take its answer, or, where the
// system's buffers take it, one that asks nothing more.
func slowReader(ctx context.Context, s *server, o options, i int) error {
	conn, host, err := dialURL(ctx, []string{s.arrays[0], s.secure[0]}[i%2])
	if err != nil {
		return unlessCut(err)
	}
	defer func() { _ = conn.Close() }()
	raw := conn
	if secure, ok := conn.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(conn, "GET /api/rest/volumes?page_size=1000 HTTP/1.1\r\nHost: %s\r\n%s\r\n", host, credentials) // it may be cut already
	one := make([]byte, 1)
	for begun := time.Now(); time.Since(begun) < cutAfter*o.patience; pause(ctx, nowAndThen) {
		if _, err := raw.Read(one); err != nil {
			return nil // it was cut
		}
	}
	return nil // whether it was cut is seen in the server: what is left in the system's buffers still comes
}

// idle asks once, then nothing, until it is cut.
func idle(ctx context.Context, s *server, _ options, i int) error {
	conn, host, err := dialURL(ctx, []string{s.arrays[0], s.arrays[1], s.control}[i%3])
	if err != nil {
		return unlessCut(err)
	}
	defer func() { _ = conn.Close() }()
	if err := deadline(ctx, conn); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(conn, "GET /_sim/v1/health HTTP/1.1\r\nHost: %s\r\n\r\n", host) // it may be cut already
	return answered(conn, http.StatusOK)
}
