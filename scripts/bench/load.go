package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// request is the bytes of one, without a body or with one of JSON.
func request(method, address, uri, headers, body string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if body != "" {
		headers += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return []byte(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", method, uri, u.Host, headers, body)), nil
}

// connection is a client that does nothing but what it must, so that what is
// measured is the server.
type connection struct {
	net.Conn
	in *bufio.Reader
}

func dial(address string) (*connection, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReaderSize(c, 64<<10)}, nil
}

// ask sends a request and reads the answer away.
func (c *connection) ask(raw []byte) error {
	if _, err := c.Write(raw); err != nil {
		return err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(status) < 10 || status[9] != '2' {
		return fmt.Errorf("answered %q", status)
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(rest))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer without a length")
	}
	_, err = io.CopyN(io.Discard, c.in, int64(length))
	return err
}

// connections is how many clients ask at a time.
const connections = 16

// rate is how many requests a second an address answers; next gives the nth
// request.
func rate(address string, d time.Duration, next func(n int64) []byte) (float64, error) {
	var done atomic.Int64
	errs := make([]error, connections)
	var all sync.WaitGroup
	begin := time.Now()
	for i := range connections {
		all.Go(func() {
			c, err := dial(address)
			if err != nil {
				errs[i] = err
				return
			}
			defer func() { _ = c.Close() }()
			for time.Since(begin) < d && errs[i] == nil {
				errs[i] = c.ask(next(done.Add(1)))
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

// second is how long a rate is measured in one turn.
func second() time.Duration {
	if *short {
		return 200 * time.Millisecond
	}
	return time.Second
}

// same is always the same request.
func same(raw []byte) func(int64) []byte { return func(int64) []byte { return raw } }
