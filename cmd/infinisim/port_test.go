package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
	"infinisim/sim/lab"
)

// bytes sent as they are: a client of Go's would clean the path.
func rawStatus(t *testing.T, address, request string) (status int, body string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	_, err = conn.Write([]byte(request))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err, request)
	var text strings.Builder
	_, err = bufio.NewReader(resp.Body).WriteTo(&text)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, text.String()
}

// TestPorts_noControl asks an array's port for every route of the control plane,
// in every form that leads there: an array has nothing but its API, and the
// health of an array.
func TestPorts_noControl(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--clock", "manual")
	plane := strings.TrimPrefix(line.Control, "http://")
	array := strings.TrimPrefix(line.Arrays[0].URL, "http://")
	clock := get(t, http.DefaultClient, line.Control+"/_sim/v1/clock")
	served := control.New(control.Options{Labs: lab.NewLabs(lab.Options{}, "")}).Served()
	served = append(served, "GET /_sim/metrics", "GET /_sim/ui", "GET /_sim/ui/", "GET /_sim/ui/js/main.js", "POST /fabric", "POST /_sim/v1/fabric")
	variable := regexp.MustCompile(`\{[^}]*\}|\*`)
	forms := map[string]string{
		"as it is":          "%[1]s %[2]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"the plane's host":  "%[1]s %[2]s HTTP/1.1\r\nHost: %[4]s\r\n",
		"an array's name":   "%[1]s %[2]s HTTP/1.1\r\nHost: simulator-box-1\r\n",
		"a lab's name":      "%[1]s %[2]s HTTP/1.1\r\nHost: simulator-_sim.default\r\n",
		"an odd host":       "%[1]s %[2]s HTTP/1.1\r\nHost: /_sim/v1\r\n",
		"absolute":          "%[1]s http://%[4]s%[2]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"double slash":      "%[1]s /%[2]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"trailing slash":    "%[1]s %[2]s/ HTTP/1.1\r\nHost: %[3]s\r\n",
		"dots":              "%[1]s /api/rest/../..%[2]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"encoded dots":      "%[1]s /api/rest/%%2e%%2e/%%2e%%2e%[2]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"encoded slashes":   "%[1]s %[5]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"rewritten":         "%[1]s / HTTP/1.1\r\nHost: %[3]s\r\nX-Original-URL: %[2]s\r\nX-Rewrite-URL: %[2]s\r\n",
		"forwarded":         "%[1]s %[2]s HTTP/1.1\r\nHost: %[3]s\r\nX-Forwarded-Host: %[4]s\r\nForwarded: host=%[4]s\r\n",
		"from localhost":    "%[1]s %[2]s HTTP/1.0\r\nHost: localhost\r\n",
		"semicolon":         "%[1]s %[2]s;x HTTP/1.1\r\nHost: %[3]s\r\n",
		"another letter":    "%[1]s %[6]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"under the API":     "%[1]s /api/rest%[2]s HTTP/1.1\r\nHost: %[3]s\r\n",
		"method overridden": "POST %[2]s HTTP/1.1\r\nHost: %[3]s\r\nX-HTTP-Method-Override: %[1]s\r\n",
	}
	asked := 0
	for _, one := range served {
		method, path, _ := strings.Cut(one, " ")
		path = variable.ReplaceAllString(path, "default")
		for name, form := range forms {
			request := fmt.Sprintf(form, method, path, array, plane, strings.ReplaceAll(path, "/", "%2F"), strings.ToUpper(path))
			if name == "encoded slashes" {
				request = strings.Replace(request, " %2F", " /", 1)
			}
			status, body := rawStatus(t, array, request+"Connection: close\r\nContent-Length: 0\r\n\r\n")
			asked++
			if strings.HasSuffix(path, "/v1/health") && status == http.StatusOK {
				assert.JSONEq(t, `{"status":"ok","array":"box-1"}`, body, "%s %s", name, one)
				continue
			}
			want := []int{http.StatusNotFound}
			if strings.HasSuffix(path, "/v1/health") {
				want = append(want, http.StatusMethodNotAllowed)
			}
			if name == "an odd host" {
				want = append(want, http.StatusBadRequest) // Go's server refuses it
			}
			require.Contains(t, want, status, "%s: %s: %s", name, one, body)
			if status == http.StatusNotFound {
				require.Contains(t, body, `"result":null`, "%s: %s", name, one)
			}
		}
	}
	assert.Greater(t, asked, 2000)
	assert.Equal(t, clock, get(t, http.DefaultClient, line.Control+"/_sim/v1/clock"))
	require.NoError(t, stop())
}
