package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
	"infinisim/sim/lab"
)

// spy plants secrets in a process and keeps everything that comes out of it.
type spy struct {
	t            *testing.T
	array, plane string
	token        string
	planted      map[string]string // what it is -> the secret
	answers      int
	out          map[string]string // where it came out -> what
}

// secret is a new secret; in has it where it is part of something longer.
func (s *spy) secret(what string) string {
	value := fmt.Sprintf("Zq%dx%s7Kv", len(s.planted)+10, hex.EncodeToString([]byte{byte(len(s.planted) * 37), byte(len(s.planted) * 91), 0xa7}))
	s.planted[what] = value
	return value
}

// password is a secret that a strict policy takes.
func (s *spy) password(what string) string { return s.secret(what) + "!aA1" }

// ask sends a request and keeps the answer. It returns the status.
func (s *spy) ask(method, url, body string, set ...func(r *http.Request)) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	require.NoError(s.t, err)
	for _, f := range set {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, resp.Body.Close())
	s.answers++
	path, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(url, s.array), s.plane), "?")
	s.out[fmt.Sprintf("answer %d to %s %s", s.answers, method, path)] = string(raw)
	return resp.StatusCode, string(raw)
}

func admin(r *http.Request) { r.SetBasicAuth("admin", "123456") }

func header(name, value string) func(r *http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// rest sends the array a request as its administrator, which must get a status.
func (s *spy) rest(want int, method, path, body string) map[string]any {
	s.t.Helper()
	status, raw := s.ask(method, s.array+"/api/rest/"+path, body, admin)
	require.Equal(s.t, want, status, "%s %s: %s", method, path, raw)
	var v struct {
		Result any `json:"result"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(raw), &v))
	out, _ := v.Result.(map[string]any)
	return out
}

// control sends the control plane a request, which must succeed.
func (s *spy) control(method, path, body string) string {
	s.t.Helper()
	status, raw := s.ask(method, s.plane+path, body, header("Authorization", "Bearer "+s.token))
	require.Less(s.t, status, 300, "%s %s: %s", method, path, raw)
	return raw
}

// plantUsers plants what clients prove who they are with.
func (s *spy) plantUsers() {
	rest := s.array + "/api/rest/"
	eve := s.password("password of a user")
	s.rest(201, http.MethodPost, "users", `{"name":"eve","email":"e@example.com","role":"ADMIN","password":"`+eve+`"}`)
	s.ask(http.MethodGet, rest+"volumes", "", func(r *http.Request) { r.SetBasicAuth("eve", eve) })
	s.ask(http.MethodGet, rest+"volumes", "", func(r *http.Request) { r.SetBasicAuth("eve", s.secret("wrong Basic password")) })
	s.ask(http.MethodGet, rest+"volumes", "", header("Authorization", "Bearer "+s.secret("bearer token of another kind")))
	s.ask(http.MethodGet, rest+"volumes", "", header("Authorization", "Basic "+s.secret("Basic header that is none")))
	s.ask(http.MethodGet, rest+"volumes", "", header("Cookie", "JSESSIONID="+s.secret("session that never was")))
	s.ask(http.MethodPost, rest+"users/login", `{"username":"eve","password":"`+s.secret("wrong password of a login")+`"}`)
	s.ask(http.MethodPost, rest+"users/login", `{"username":"eve","password":"`+s.secret("password in a body cut short")+`"`)
	s.ask(http.MethodPost, rest+"users", `{"name":"x","email":"e@example.com","password":["`+s.secret("password in a list")+`"]}`, admin)
	s.ask(http.MethodPost, rest+"users", `{"name":"x","email":"e@example.com","password":{"is":"`+s.secret("password in an object")+`"}}`, admin)
	s.ask(http.MethodPost, rest+"users", `{"name":"x","pass\u0077ord":"`+s.secret("password by an escaped name")+`"}`, admin)
	s.ask(http.MethodPost, rest+"users", `{"name":"x","admin_password":"`+s.secret("password by an unknown name")+`"}`, admin)
	s.ask(http.MethodPost, rest+"users", `[{"password":"`+s.secret("password in a body that is a list")+`"}]`, admin)
	s.ask(http.MethodPost, rest+"nothing/here", `{"password":"`+s.secret("password to no route")+`"}`, admin)
	s.ask(http.MethodGet, rest+"volumes?password="+s.secret("password in a query"), "", admin)
	s.ask(http.MethodGet, rest+"nothing?api_token="+s.secret("token in a query"), "", admin)
	s.ask(http.MethodGet, rest+"users/eve/reset_password/"+s.secret("reset token that was not given"), "")
	s.resetToken(rest)
	s.rest(200, http.MethodPut, "config/mgmt/users.password_policy_enabled", "true")
	s.ask(http.MethodPost, rest+"users", `{"name":"x","email":"e@example.com","password":"`+s.secret("password that is too weak")+`"}`, admin)
	s.control(http.MethodPut, "/_sim/v1/arrays/box-1/users/eve/password", `{"password":"`+s.password("password that a tester sets")+`"}`)
	remote := base64.StdEncoding.EncodeToString([]byte("admin:" + s.secret("password for the peer")))
	s.ask(http.MethodGet, rest+"volumes", "", admin, header("X-Remote-Authorization", "Basic box-2="+remote))
	s.ask(http.MethodPost, rest+"links", `{"name":"l","remote_host":"box-2","local_replication_network_space_id":1}`, admin,
		header("X-Remote-Authorization", "Basic "+remote))
}

const resetToken = "reset token"

// resetToken has a user forget the password: the token stands in an event that
// the vendor alone sees, and nowhere else.
func (s *spy) resetToken(rest string) {
	for range 2 { // the first is used, the second is as good as a password to the end
		status, raw := s.ask(http.MethodPost, rest+"users/eve/reset_password", "")
		require.Equal(s.t, 200, status, raw)
		_, raw = s.ask(http.MethodGet, rest+"events?code=USER_PASSWORD_RESET_REQUESTED&sort=-id", "", func(r *http.Request) { r.SetBasicAuth("infinidat", "123456") })
		delete(s.out, fmt.Sprintf("answer %d to GET /api/rest/events", s.answers))
		var events struct {
			Result []struct {
				Data []struct{ Name, Value string } `json:"data"`
			} `json:"result"`
		}
		require.NoError(s.t, json.Unmarshal([]byte(raw), &events))
		require.NotEmpty(s.t, events.Result, raw)
		for _, d := range events.Result[0].Data {
			if d.Name == "token" {
				if old := s.planted[resetToken]; old != "" {
					s.planted[resetToken+" that was used"] = old
					status, raw = s.ask(http.MethodGet, rest+"users/eve/reset_password/"+old, "")
					require.Equal(s.t, 200, status, raw)
				}
				s.planted[resetToken] = d.Value
			}
		}
	}
	require.NotEmpty(s.t, s.planted[resetToken])
}

// plantObjects plants what objects keep.
func (s *spy) plantObjects() {
	s.rest(201, http.MethodPost, "config/ldap", `{"name":"ldap","bind_username":"cn=x","servers":["h"],"repository_type":"LDAP","bind_password":"`+s.secret("LDAP bind password")+`"}`)
	host := s.rest(201, http.MethodPost, "hosts", `{"name":"h"}`)
	s.rest(200, http.MethodPut, fmt.Sprintf("hosts/%v", host["id"]), `{"security_method":"MUTUAL_CHAP","security_chap_inbound_username":"u",
		"security_chap_outbound_username":"v","security_chap_inbound_secret":"`+s.secret("CHAP inbound secret")+`","security_chap_outbound_secret":"`+s.secret("CHAP outbound secret")+`"}`)
	s.rest(201, http.MethodPost, "smb_users", `{"name":"smb","password":"`+s.password("password of an SMB user")+`"}`)
	s.rest(201, http.MethodPost, "notifications/targets", `{"name":"mail","protocol":"SMTP","host":"h","username":"u","from_address":"a@example.com","password":"`+s.secret("SMTP password")+`"}`)
	s.rest(201, http.MethodPost, "notifications/targets", `{"name":"trap","protocol":"SNMP","host":"h","version":"SNMPv3","username":"u","auth_type":"AuthPriv",
		"auth_protocol":"MD5","private_protocol":"AES","engine":"0x1000000000","password":"`+s.secret("SNMP password")+`","private_key":"`+s.secret("SNMP private key")+`"}`)
	s.rest(201, http.MethodPost, "notifications/targets", `{"name":"old","protocol":"SNMP","host":"h","version":"SNMPv2c","community":"`+s.secret(community)+`"}`)
	s.control(http.MethodPut, "/_sim/v1/arrays/box-1/features/kms", `{"enabled":true}`)
	s.rest(200, http.MethodPut, "system/kms/set_configuration", `{"kms_hostname":"k","kms_username":"u","kms_password":"`+s.secret("KMS password")+`"}`)
	for _, path := range []string{"system/certificates", "system/kms/upload_infinibox_certificate_and_key"} {
		cert, key := pair(s.t, "box")
		lines := strings.Split(string(key), "\n")
		s.planted["private key to "+path] = lines[1][8:]
		sendFile(s.t, s.array+"/api/rest/"+path, append(bytes.Clone(cert), key...))
	}
	s.control(http.MethodPost, "/_sim/v1/clock/followers", `{"url":"http://127.0.0.1:1","token":"`+s.secret("token of a follower")+`"}`)
}

// plantS3 plants a credential's key, which the creation's answer alone shows.
func (s *spy) plantS3() {
	pool := s.rest(201, http.MethodPost, "pools", `{"name":"s3","type":"S3","physical_capacity":1000000000000}`)
	account := s.rest(201, http.MethodPost, "s3_accounts", fmt.Sprintf(`{"name":"a","pool_id":%v}`, pool["id"]))
	user := s.rest(201, http.MethodPost, "s3_users", fmt.Sprintf(`{"name":"u","account_id":%v}`, account["id"]))
	status, raw := s.ask(http.MethodPost, s.array+"/api/rest/s3_credentials",
		fmt.Sprintf(`{"user_id":%v,"secret_key":"%s"}`, user["id"], s.secret("S3 secret key")), admin)
	require.Equal(s.t, 201, status, raw)
	delete(s.out, fmt.Sprintf("answer %d to POST /api/rest/s3_credentials", s.answers))
}

const community = "SNMP community"

// recoverable are the secrets that the file of a lab has as they are, with the
// reason; all others are sealed there, or not there at all.
func recoverable() map[string]string {
	return map[string]string{
		"SMTP password":                      "said to the mail server",
		"SNMP password":                      "signs notifications",
		"SNMP private key":                   "encrypts notifications",
		community:                            "stands in notifications",
		"private key to system/certificates": "proves to clients who the array is",
		resetToken:                           "stands in an event, since no mail is sent",
		resetToken + " that was used":        "the same; it is worth nothing any more",
	}
}

// gather collects what comes out of a process that serves.
func (s *spy) gather() {
	bearer := header("Authorization", "Bearer "+s.token)
	for _, path := range []string{"journal?entry=all", "journal?format=har", "coverage?format=html", "watch?updates=1"} {
		s.control(http.MethodGet, "/_sim/v1/"+path, "")
	}
	words := strings.NewReplacer("{key}", "box-1", "{lab}", "default", "{id}", "1", "{replica}", "1", "*", "system")
	routes := 0
	for _, served := range control.New(control.Options{Labs: lab.NewLabs(lab.Options{}, "")}).Served() {
		path, reads := strings.CutPrefix(served, "GET ")
		if reads && !strings.HasSuffix(path, "/watch") {
			s.ask(http.MethodGet, s.plane+words.Replace(path), "", bearer)
			routes++
		}
	}
	assert.Greater(s.t, routes, 40)
	s.control(http.MethodGet, "/_sim/metrics?labs=all", "")
	s.control(http.MethodPost, "/_sim/v1/snapshots", `{"name":"kept"}`)
	s.control(http.MethodPost, "/_sim/v1/fork", `{"name":"copy","snapshot":"kept","ports":false}`)
	s.control(http.MethodGet, "/_sim/v1/labs/copy/export", "")
	for _, args := range [][]string{
		{"status", "--output", "json"},
		{"status"},
		{"doctor"},
		{"journal", "--entry", "all"},
		{"journal", "--har"},
		{"lab", "show", "default"},
		{"array", "list", "--output", "json"},
		{"export", "-"},
		{"env"},
		{"coverage"},
		{"clock", "show"},
	} {
		var out bytes.Buffer
		_ = run(s.t.Context(), append(args, "--control", s.plane, "--control-token", s.token), &out, &out) // what is refused is an output, too
		s.out["infinisim "+strings.Join(args, " ")] = out.String()
	}
	var api struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(s.control(http.MethodGet, "/_sim/v1/arrays/box-1/openapi.json", "")), &api))
	asked := 0
	for path, methods := range api.Paths {
		if methods["get"] != nil && !strings.Contains(path, "{") {
			s.ask(http.MethodGet, s.array+path+"?page_size=1000", "", func(r *http.Request) { r.SetBasicAuth("infinidat", "123456") })
			asked++
		}
	}
	assert.Greater(s.t, asked, 50)
}

// files collects the data files.
func (s *spy) files(dir, when string) {
	require.NoError(s.t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		s.out["file "+filepath.Base(path)+" "+when] = string(raw)
		return err
	}))
}

// forms are a secret as it may come out.
func forms(secret string) []string {
	out := []string{secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for shift := range 3 { // the middle of the text in Base64, wherever it begins
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		out = append(out, text[4:len(text)-4])
	}
	return out
}

// look looks for every secret in everything.
func (s *spy) look() {
	for what, secret := range s.planted {
		for where, text := range s.out {
			switch {
			case strings.HasPrefix(where, "file ") && recoverable()[what] != "":
				continue
			case where == "infinisim env":
				continue // a shell evaluates it: it is there to hand the token on
			case strings.HasPrefix(what, resetToken) && strings.HasSuffix(where, "/rest/events"):
				continue // the vendor sees it
			case what == community && strings.Contains(where, "/notifications/targets"):
				continue // InfiniSDK reads it back
			}
			for _, form := range forms(secret) {
				if at := strings.Index(text, form); at >= 0 {
					assert.Fail(s.t, "a secret came out", "%s in %s: …%q…", what, where, text[max(0, at-120):min(len(text), at+120)])
					break
				}
			}
		}
	}
}

// TestSecrets_nowhere plants secrets by every way in, and looks for them in
// everything that comes out: answers and refusals, journal, log, export,
// snapshots, metrics, spans, reports, what commands print, and the files.
func TestSecrets_nowhere(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var spans bytes.Buffer
			collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				_, _ = spans.ReadFrom(r.Body)
			}))
			defer collector.Close()
			dir := t.TempDir()
			s := &spy{t: t, planted: map[string]string{}, out: map[string]string{}}
			s.token = s.secret("control token")
			line, log, stop := startLogged(t, "--log-format", format, "--log-level", "debug", "--clock", "manual", "--data", dir, "--control-token", s.token,
				"--fabric", "127.0.0.1:0", "--fabric-secret", s.secret("fabric secret"), "--otlp-endpoint", collector.URL, "--tls", "--check")
			s.array, s.plane = line.Arrays[0].URL, line.Control
			ready, err := json.Marshal(line)
			require.NoError(t, err)
			s.out["the ready line"] = string(ready)
			s.plantUsers()
			s.plantObjects()
			s.plantS3()
			status, raw := s.ask(http.MethodPost, s.array+"/api/rest/users/login", `{"username":"admin","password":"123456"}`)
			require.Equal(t, http.StatusOK, status, raw)
			s.gather()
			s.files(dir, "while it serves")
			require.NoError(t, stop())
			s.files(dir, "afterwards")
			s.out["log"] = log.String()
			mu.Lock()
			s.out["spans"] = spans.String()
			mu.Unlock()
			assert.Greater(t, len(s.planted), 35)
			assert.Greater(t, len(s.out), 150)
			for _, where := range []string{"log", "spans", "infinisim journal --har", "file default.db afterwards"} {
				assert.Greater(t, len(s.out[where]), 1000, where)
			}
			s.look()
		})
	}
}
