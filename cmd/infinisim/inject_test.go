package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evil is text that would end a header, a line of a log, a label or an element.
const evil = "x\r\nX-Injected: yes\r\n\r\n\",injected=\"1\"} 1\n<script>alert(1)</script>\x00\u2028level=ERROR msg=injected"

// rawAnswer sends bytes and reads all that comes back.
func rawAnswer(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	_, err = conn.Write([]byte(request))
	require.NoError(t, err)
	var out strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			return out.String()
		}
	}
}

// TestInjection_nowhere sends text that would end a header, a line or an element
// wherever a client gives text, and looks at headers, log and metrics.
func TestInjection_nowhere(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			line, log, stop := startLogged(t, "--log-format", format, "--log-level", "debug", "--clock", "manual")
			array, plane := strings.TrimPrefix(line.Arrays[0].URL, "http://"), strings.TrimPrefix(line.Control, "http://")
			encoded := strings.NewReplacer("\r", "%0D", "\n", "%0A", "\x00", "%00", " ", "%20", `"`, "%22", "<", "%3C", ">", "%3E", "\u2028", "%E2%80%A8").Replace(evil)
			quoted, err := json.Marshal(evil)
			require.NoError(t, err)
			basic := base64.StdEncoding.EncodeToString([]byte(evil + ":x"))
			ask := func(address, method, path, body, headers string) {
				answer := rawAnswer(t, address, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s", method, path, address, len(body), headers, body))
				head, _, ok := strings.Cut(answer, "\r\n\r\n")
				require.True(t, ok, answer)
				assert.NotContains(t, strings.ToLower(head), "\r\nx-injected", "%s %s", method, path)
			}
			login := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("admin:123456")) + "\r\n"
			for _, path := range []string{
				"/api/rest/pools?name=eq:", "/api/rest/pools?sort=", "/api/rest/pools?fields=", "/api/rest/pools/", "/api/rest/users/", "/api/rest/users/x/reset_password/",
				"/api/rest/config/mgmt/", "/", "/api/rest/nothing/", "/api/rest/volumes?",
			} {
				ask(array, "GET", path+encoded, "", login)
				ask(array, "GET", path+encoded, "", "Authorization: Basic "+basic+"\r\n")
			}
			for _, kind := range []string{"pools", "hosts", "users", "links", "notifications/targets", "events/custom", "metadata/1"} {
				ask(array, "POST", "/api/rest/"+kind, `{"name":`+string(quoted)+`,"description_template":`+string(quoted)+`,"level":"INFO","visibility":"CUSTOMER","data":[]}`, login)
				ask(array, "POST", "/api/rest/"+kind, `{`+string(quoted)+`:1}`, login)
			}
			ask(array, "GET", "/api/rest/volumes", "", login+"X-Infinidat-Tenant-Id: <script>\r\nX-Sim-Now: \"x\r\nUser-Agent: x\" msg=injected\r\n")
			for _, path := range []string{"arrays/", "labs/", "faults/", "snapshots/", "operations/", "arrays/box-1/users/", "arrays/box-1/features/", "nothing/", "journal?since=", "coverage?format=", "arrays/box-1/rest/"} {
				for _, method := range []string{"GET", "DELETE", "PUT"} {
					ask(plane, method, "/_sim/v1/"+path+encoded, "", "")
				}
			}
			for _, path := range []string{"arrays", "labs", "faults", "snapshots", "fork", "restore", "clock/advance", "arrays/box-1/events"} {
				ask(plane, "POST", "/_sim/v1/"+path, `{"name":`+string(quoted)+`}`, "")
				ask(plane, "POST", "/_sim/v1/"+path, `{`+string(quoted)+`:1}`, "")
			}
			ask(plane, "PATCH", "/_sim/v1/arrays/box-1", `{"name":`+string(quoted)+`}`, "")

			metrics := get(t, http.DefaultClient, line.Control+"/_sim/metrics?labs=all")
			sample := regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]+="([^"\\\n]|\\["\\n])*",?)*\})? [-+0-9.eEInfNa]+$`)
			for text := range strings.SplitSeq(strings.TrimSpace(metrics), "\n") {
				if !strings.HasPrefix(text, "# ") {
					require.Regexp(t, sample, text)
				}
			}
			assert.NotContains(t, metrics, "injected")
			require.NoError(t, stop())
			entries := 0
			for text := range strings.Lines(log.String()) {
				entries++
				if format == "json" {
					var v map[string]any
					require.NoError(t, json.Unmarshal([]byte(text), &v), text)
					continue
				}
				require.Regexp(t, `^time=\S+ level=(DEBUG|INFO) msg=("[^"]*"|\S+)( |$)`, text)
				assert.NotRegexp(t, `^[^"]* msg=injected`, text)
			}
			assert.Greater(t, entries, 60)
			assert.NotContains(t, log.String(), "\r")
			assert.NotContains(t, log.String(), "\x00")
		})
	}
}
