package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/simtest"
)

// wire is a client of the array box-1 over a socket, one connection a request.
type wire struct {
	url    string
	client *http.Client
}

func onWire(tb testing.TB, l *simtest.Lab) wire {
	tb.Helper()
	server := httptest.NewUnstartedServer(l.Handler("box-1"))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	tb.Cleanup(server.Close)
	return wire{server.URL + "/api/rest/", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (w wire) send(tb testing.TB, method, path, body string) (*http.Response, error) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(sim.Username, sim.Password)
	return w.client.Do(r)
}

// read is the answer as far as it came, and why it ended early.
func (w wire) read(tb testing.TB, method, path, body string) (answer, error) {
	tb.Helper()
	resp, err := w.send(tb, method, path, body)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, fault: resp.Header.Get("X-Sim-Fault"), body: raw}, err
}

// wireCase is an effect and what a client sees of it.
type wireCase struct {
	effect string
	sees   func(t *testing.T, a answer, err error)
	hosts  int // how many there are afterwards
}

func wireCases() map[string]wireCase {
	return map[string]wireCase{
		"reset": {`{"type":"reset"}`, func(t *testing.T, _ answer, err error) {
			t.Helper()
			require.ErrorIs(t, err, syscall.ECONNRESET)
		}, 0},
		"lost": {`{"type":"lost"}`, func(t *testing.T, _ answer, err error) {
			t.Helper()
			require.ErrorIs(t, err, io.EOF)
		}, 1},
		"truncated answer": {`{"type":"garble","body":"truncated"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.Equal(t, http.StatusCreated, a.status)
			assert.True(t, bytes.HasPrefix(a.body, []byte(`{"result":`)))
		}, 1},
		"truncated status": {`{"type":"status","status":502,"body":"truncated"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.Equal(t, http.StatusBadGateway, a.status)
		}, 0},
		"empty answer": {`{"type":"garble","body":"empty"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.Equal(t, answer{status: http.StatusCreated, fault: "f"}, answer{a.status, a.fault, nil})
			assert.Empty(t, a.body)
		}, 1},
		"malformed answer": {`{"type":"garble","body":"malformed"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.False(t, json.Valid(a.body))
		}, 1},
		"status": {`{"type":"status","status":503}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.Equal(t, http.StatusServiceUnavailable, a.status)
			assert.Contains(t, string(a.body), `"code":"FAULT_INJECTED"`)
		}, 0},
		"error": {`{"type":"error","code":"SYSTEM_NOT_ENOUGH_CAPACITY"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.Equal(t, http.StatusConflict, a.status)
			assert.Contains(t, string(a.body), `"code":"SYSTEM_NOT_ENOUGH_CAPACITY"`)
		}, 0},
		"duplicate": {`{"type":"duplicate"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.Equal(t, http.StatusConflict, a.status, "the host was there when it came again")
			assert.Equal(t, "f", a.fault)
		}, 1},
		"delay": {`{"type":"delay","delay":"2ms","sigma":0.5,"clock":"real"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.Equal(t, http.StatusCreated, a.status)
		}, 1},
		"drip": {`{"type":"drip","delay":"1ms","bytes":100,"clock":"real"}`, func(t *testing.T, a answer, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.True(t, json.Valid(a.body))
		}, 1},
	}
}

func TestFault_onTheWire(t *testing.T) {
	t.Parallel()
	for name, c := range wireCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := simtest.New(t)
			inject(t, l, `{"id":"f","site":"http","method":"POST","path":"hosts","times":1,"effect":`+c.effect+`}`)
			a, err := onWire(t, l).read(t, http.MethodPost, "hosts", `{"name":"h"}`)
			c.sees(t, a, err)
			assert.Len(t, l.Client("box-1").Do(http.MethodGet, "hosts", nil).Result, c.hosts)
			assert.Equal(t, 1, l.Faults()[0].Hits)
			assert.Equal(t, "spent", l.Faults()[0].State)
		})
	}
}

// TestFault_dripsPieceByPiece reads each piece before the lab's clock lets the
// next one go out.
func TestFault_dripsPieceByPiece(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	inject(t, l, `{"site":"http","path":"system","effect":{"type":"drip","delay":"1s","bytes":1000}}`)
	resp, err := onWire(t, l).send(t, http.MethodGet, "system", "")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	left := int(resp.ContentLength)
	require.Greater(t, left, 3000)
	start, pieces := l.Clock.Now(), 0
	for ; left > 0; pieces++ {
		l.MustSettle() // until the piece is out; the next one waits for the clock
		piece := make([]byte, min(left, 1000))
		_, err := io.ReadFull(resp.Body, piece)
		require.NoError(t, err)
		left -= len(piece)
	}
	assert.Equal(t, float64(pieces), l.Clock.Now().Sub(start).Seconds())
}

func TestFault_sessionsExpire(t *testing.T) {
	t.Parallel()
	for _, match := range []string{"", `"user":"admin",`} {
		l := simtest.New(t)
		w := onWire(t, l)
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		w.client.Jar = jar
		ask := func(method, path, body string) int {
			r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
			require.NoError(t, err)
			resp, err := w.client.Do(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			return resp.StatusCode
		}
		login := func() int { return ask(http.MethodPost, "users/login", `{"username":"admin","password":"123456"}`) }
		require.Equal(t, http.StatusOK, login())
		inject(t, l, `{"site":"http","path":"system",`+match+`"times":1,"effect":{"type":"expire"}}`)
		assert.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "system", ""), match)
		assert.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "system", ""), match)
		login()
		assert.Equal(t, http.StatusOK, ask(http.MethodGet, "system", ""), match)
	}
}

func hostName(name string, i int) string {
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(name, " ", "-"), i)
}

// TestFault_everyEffectAtOnce has 64 clients meet every effect over sockets:
// each sees what the effect says, and the array keeps what was applied.
func TestFault_everyEffectAtOnce(t *testing.T) {
	t.Parallel()
	l := simtest.New(t, sim.WithoutLimits())
	w := onWire(t, l)
	cases := wireCases()
	applied := 0
	var clients sync.WaitGroup
	for i := range 64 {
		for name, c := range cases {
			host := hostName(name, i)
			inject(t, l, fmt.Sprintf(`{"id":%q,"site":"http","method":"POST","path":"hosts","fields":{"name":%q},"times":1,"effect":%s}`,
				host, host, c.effect))
			applied += c.hosts
		}
	}
	for i := range 64 {
		clients.Go(func() {
			for name, c := range cases {
				a, err := w.read(t, http.MethodPost, "hosts", fmt.Sprintf(`{"name":%q}`, hostName(name, i)))
				if a.fault != "" {
					a.fault = "f"
				}
				c.sees(t, a, err)
			}
		})
	}
	clients.Wait()
	assert.Equal(t, applied, l.Client("box-1").Do(http.MethodGet, "hosts?page_size=1", nil).Metadata.Objects)
	for _, c := range l.Faults() {
		assert.Equal(t, 1, c.Hits, c.ID)
	}
}

// TestFault_clientGoesAway gives up on an answer that drips: the lab goes on.
func TestFault_clientGoesAway(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	inject(t, l, `{"site":"http","path":"system","times":1,"effect":{"type":"drip","delay":"1h","clock":"real"}}`)
	resp, err := onWire(t, l).send(t, http.MethodGet, "system", "")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, l.Client("box-1").Do(http.MethodGet, "system", nil).Status)
}
