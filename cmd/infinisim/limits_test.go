package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
)

// little is the patience of these tests, which wait for it to end.
const little = 100 * time.Millisecond

// serving has limits serve a handler, and gives the address.
func serving(t *testing.T, patience time.Duration, h http.HandlerFunc, change ...func(l *limits)) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newLimits(patience, slog.New(slog.DiscardHandler))
	for _, fn := range change {
		fn(&l)
	}
	srv := l.server(h)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	t.Cleanup(func() {
		assert.NoError(t, srv.Close())
		assert.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return ln.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// said is all that comes before the other side ends the connection.
func said(t *testing.T, conn net.Conn) string {
	t.Helper()
	raw, _ := io.ReadAll(conn) // an end is an end: orderly or by a reset
	return string(raw)
}

// reading reads a body to its end, and answers what became of it.
func reading(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, apierr.Unread(err).Error())
		return
	}
	_, _ = fmt.Fprintf(w, "%d bytes", len(raw))
}

func TestLimits_aHeadThatDoesNotCome(t *testing.T) {
	t.Parallel()
	conn := dial(t, serving(t, little, reading))
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-A: ")
	require.NoError(t, err)
	assert.NotContains(t, said(t, conn), "200 OK")
}

func TestLimits_anIdleConnection(t *testing.T) {
	t.Parallel()
	conn := dial(t, serving(t, little, reading))
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	assert.Contains(t, said(t, conn), "0 bytes", "it was answered, then cut")
}

func TestLimits_aHeadThatIsTooLong(t *testing.T) {
	t.Parallel()
	conn := dial(t, serving(t, time.Minute, reading))
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", maxHeader+8192)) // it may be cut before the end
	assert.Contains(t, said(t, conn), "431 Request Header Fields Too Large")
}

func TestLimits_aBodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	conn := dial(t, serving(t, little, reading))
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
	require.NoError(t, err)
	answer := said(t, conn)
	assert.Contains(t, answer, "400 Bad Request")
	assert.Contains(t, answer, "body: it did not come whole in time")
}

// TestLimits_aBodyThatNobodyReads has the handler answer without it.
func TestLimits_aBodyThatNobodyReads(t *testing.T) {
	t.Parallel()
	conn := dial(t, serving(t, little, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answered") }))
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
	require.NoError(t, err)
	assert.Contains(t, said(t, conn), "answered")
}

func TestLimits_anAnswerThatNobodyTakes(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	conn := dial(t, serving(t, little, func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 3*pieceBytes)
		for {
			if _, err := w.Write(part); err != nil {
				failed <- err
				return
			}
		}
	}))
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
}

// TestLimits_longAnswersMakeRoom has as many clients as may get long answers take
// none: those who come after them are answered all the same.
func TestLimits_longAnswersMakeRoom(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	address := serving(t, time.Minute, func(w http.ResponseWriter, r *http.Request) { // nobody's patience ends
		if r.URL.Path == "/whole" {
			_, _ = io.WriteString(w, "whole")
			return
		}
		begun <- struct{}{}
		for part := make([]byte, pieceBytes); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}, func(l *limits) { l.long.grace = little })
	for range mostLong {
		_, err := io.WriteString(dial(t, address), "GET /?page_size=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		<-begun
	}
	for range mostLong + 1 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/whole?page_size=1000", nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		assert.Equal(t, "whole", string(raw))
	}
}

// TestLimits_whatTakesLongIsNotCut has one request wait until another client's
// time is over several times, then send a stream, piece by piece.
func TestLimits_whatTakesLongIsNotCut(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	address := serving(t, little, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			reading(w, r)
			return
		}
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		out := http.NewResponseController(w)
		for range 3 {
			<-over
			if r.Context().Err() != nil {
				return
			}
			_, _ = fmt.Fprintf(w, "%s;", raw)
			assert.NoError(t, out.Flush())
		}
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, strings.NewReader("abc"))
	require.NoError(t, err)
	done := make(chan string, 1)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if !assert.NoError(t, err) {
			done <- ""
			return
		}
		raw, err := io.ReadAll(resp.Body)
		assert.NoError(t, errors.Join(err, resp.Body.Close()))
		done <- string(raw)
	}()
	for range 3 {
		for range 2 {
			conn := dial(t, address)
			_, err := io.WriteString(conn, "POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
			require.NoError(t, err)
			said(t, conn)
		}
		over <- struct{}{}
	}
	assert.Equal(t, "abc;abc;abc;", <-done)
}

// TestLimits_longBodiesWaitForEachOther has as many clients as may send long
// bodies stop in the midst: another long body gets no room, a short one does.
func TestLimits_longBodiesWaitForEachOther(t *testing.T) {
	t.Parallel()
	address := serving(t, 20*little, reading)
	half := strings.Repeat("a", smallBody+1)
	var stalled []net.Conn
	for range largeBodies + 1 {
		conn := dial(t, address)
		_, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 2*len(half), half)
		require.NoError(t, err)
		stalled = append(stalled, conn)
	}
	resp, err := http.DefaultClient.Do(request(t, address, "short"))
	require.NoError(t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	assert.Equal(t, "5 bytes", string(raw))
	for _, conn := range stalled {
		assert.Contains(t, said(t, conn), "it did not come whole in time")
	}
	resp, err = http.DefaultClient.Do(request(t, address, half)) // there is room again
	require.NoError(t, err)
	raw, err = io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	assert.Equal(t, fmt.Sprintf("%d bytes", len(half)), string(raw))
}

func request(t *testing.T, address, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, strings.NewReader(body))
	require.NoError(t, err)
	return r
}

// TestLimits_everyListener dials each port of a process, begins a request that
// never comes to its end, and is cut.
func TestLimits_everyListener(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--arrays", "2", "--fabric", "127.0.0.1:0", "--fabric-secret", "s", "--patience", little.String())
	for _, url := range []string{line.Arrays[0].URL, line.Arrays[1].URL, line.Control, line.Fabric} {
		conn := dial(t, strings.TrimPrefix(url, "http://"))
		_, err := io.WriteString(conn, "POST /api/rest/pools HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, url)
		raw, _ := io.ReadAll(resp.Body)
		require.NoError(t, resp.Body.Close())
		if url == line.Fabric {
			assert.Equal(t, http.StatusNotFound, resp.StatusCode, "it looks at nobody's body")
			continue
		}
		var answer struct {
			Error struct{ Code, Message string }
		}
		require.NoError(t, json.Unmarshal(raw, &answer), string(raw))
		assert.Equal(t, "MALFORMED_REQUEST", answer.Error.Code, url)
		assert.Equal(t, "body: it did not come whole in time", answer.Error.Message)
		assert.Empty(t, said(t, conn), url)
	}
	require.NoError(t, stop())
	err := run(context.Background(), []string{"serve", "--patience", "0s"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "--patience 0s: must be above 0")
}
