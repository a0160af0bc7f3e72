package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"infinisim/sim"
	"infinisim/sim/document"
)

// request is what a client asks, and what it has to hear.
type request struct {
	Array   document.Node     `yaml:"array"`
	Do      string            `yaml:"do,required"`
	Body    document.Node     `yaml:"body"`
	Raw     string            `yaml:"raw"`
	User    string            `yaml:"user"`
	Pass    string            `yaml:"password"`
	Session string            `yaml:"session"`
	Headers map[string]string `yaml:"headers"`
	Expect  answer            `yaml:"expect"`
	Save    document.Node     `yaml:"save"`

	array, method, path string
}

// answer is what a client has to hear. Without any of it the request has to
// succeed.
type answer struct {
	Status  *int          `yaml:"status"`
	Code    string        `yaml:"code"`
	Message document.Node `yaml:"message"`
	Fields  document.Node `yaml:"fields"`
	Result  document.Node `yaml:"result"`
	Objects document.Node `yaml:"objects"`
	Dropped bool          `yaml:"dropped"`
	Empty   bool          `yaml:"empty"`
	Fault   document.Node `yaml:"fault"`
	Takes   document.Node `yaml:"takes"`
}

func (q *request) check(p *parser, n document.Node) (err error) {
	if err := n.Into(q); err != nil {
		return err
	}
	if q.array, err = p.array(q.Array); err != nil {
		return err
	}
	var ok bool
	q.method, q.path, ok = strings.Cut(q.Do, " ")
	if !ok || !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}, q.method) || q.path == "" || strings.HasPrefix(q.path, "/") {
		return n.Get("do").Expected("a request like GET volumes?name=v, with what follows /api/rest/")
	}
	if q.Body.There() && n.Get("raw").There() {
		return n.Get("raw").Errorf("body and raw do not go together")
	}
	for _, v := range []document.Node{n.Get("do"), q.Body} {
		if err := p.references(v, q.array); err != nil {
			return err
		}
	}
	if err := q.Expect.check(p, n.Get("expect"), q.array); err != nil {
		return err
	}
	if q.Save.There() && !q.Save.IsMap() {
		return q.Save.Expected("a mapping of names to paths in the result")
	}
	for _, pair := range q.Save.Pairs() {
		if _, err := pair.Value.Text(); err != nil {
			return err
		}
		p.saved[pair.Key] = true
	}
	return nil
}

func (a *answer) check(p *parser, n document.Node, array string) error {
	for _, v := range []document.Node{a.Message, a.Fields, a.Result, a.Objects} {
		if err := checkExpected(v); err != nil {
			return err
		}
		if err := p.references(v, array); err != nil {
			return err
		}
	}
	switch {
	case a.Fields.There() && !a.Fields.IsMap():
		return a.Fields.Expected("a mapping of paths in the result to values")
	case a.Status != nil && (*a.Status < 100 || *a.Status > 599):
		return n.Get("status").Expected("a status from 100 to 599")
	case a.Dropped && len(n.Pairs()) > 1:
		return n.Get("dropped").Errorf("a connection that is dropped brings no answer; nothing else goes with it")
	}
	return checkTime(a.Takes)
}

// checkTime refuses bounds that are no durations.
func checkTime(n document.Node) error {
	if !n.There() {
		return nil
	}
	if err := n.Only("at_least", "at_most"); err != nil {
		return err
	}
	for _, pair := range n.Pairs() {
		if _, err := pair.Value.Duration(); err != nil {
			return err
		}
	}
	return nil
}

func (q *request) do(r *play, n document.Node) error {
	path, err := r.fillText(n.Get("do"), q.path, q.array)
	if err != nil {
		return err
	}
	raw := []byte(q.Raw)
	if q.Body.There() {
		body, err := r.fill(q.Body, q.Body.Value(), q.array)
		if err != nil {
			return err
		}
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	began := r.lab.Clock.Now()
	resp, err := r.send(q, path, raw)
	if err != nil {
		if q.Expect.Dropped {
			return nil
		}
		return r.fail(n.Near("expect"), "an answer", "a dropped connection")
	}
	if q.Expect.Dropped {
		return r.fail(n.Get("expect").Get("dropped"), "a dropped connection", resp.text())
	}
	if q.Session != "" {
		r.sessions[q.Session] = append(r.sessions[q.Session], resp.cookies...)
	}
	if err := q.Expect.hold(r, n.Near("expect"), q.array, resp); err != nil {
		return err
	}
	if err := r.within(q.Expect.Takes, r.lab.Clock.Now().Sub(began)); err != nil {
		return err
	}
	for _, pair := range q.Save.Pairs() {
		path, _ := pair.Value.Text() // checked
		v, there := lookup(resp.Result, path)
		if !there {
			return r.fail(pair.Value, "a member of the result", resp.text())
		}
		if f, isNumber := v.(float64); isNumber && f == float64(int64(f)) {
			v = int64(f)
		}
		r.saved[pair.Key] = v
	}
	return nil
}

// heard is an answer, decoded as far as it can be.
type heard struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	raw     []byte

	Result any `json:"result"`
	Error  *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Metadata struct {
		Objects *int `json:"number_of_objects"`
	} `json:"metadata"`
}

// text is the answer for people.
func (h *heard) text() string {
	return fmt.Sprintf("%d %.*s", h.status, longestShown, bytes.TrimSpace(h.raw))
}

// send makes the request, through the handler that serves all clients.
func (r *play) send(q *request, path string, body []byte) (*heard, error) {
	in, err := http.NewRequestWithContext(r.ctx, q.method, "http://simulator-"+q.array+"/api/rest/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, v := range q.Headers {
		in.Header.Set(name, v)
	}
	user, password := q.User, q.Pass
	if user == "" && q.Session == "" {
		user = sim.Username
	}
	if password == "" {
		password = sim.Password
	}
	if user != "" {
		in.SetBasicAuth(user, password)
	}
	for _, c := range r.sessions[q.Session] {
		in.AddCookie(c)
	}
	resp, err := r.client(q.array).RoundTrip(in)
	if err != nil {
		return nil, err
	}
	h := &heard{status: resp.StatusCode, header: resp.Header, cookies: resp.Cookies()}
	h.raw, err = io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if json.Unmarshal(h.raw, h) != nil {
		h.Result, h.Error = nil, nil // a body that a fault spoiled
	}
	return h, nil
}

// hold holds an answer against what is expected.
func (a *answer) hold(r *play, n document.Node, array string, got *heard) error {
	code, message := "", ""
	if got.Error != nil {
		code, message = got.Error.Code, got.Error.Message
	}
	switch {
	case a.Status == nil && a.Code == "" && got.status >= http.StatusBadRequest:
		return r.fail(n, "success", got.text())
	case a.Status != nil && got.status != *a.Status:
		return r.fail(n.Get("status"), fmt.Sprint(*a.Status), got.text())
	case a.Code != "" && code != a.Code:
		return r.fail(n.Get("code"), a.Code, got.text())
	case a.Empty && len(got.raw) > 0:
		return r.fail(n.Get("empty"), "no body", got.text())
	}
	if a.Message.There() {
		if err := r.match(a.Message, message, code != "", array); err != nil {
			return err
		}
	}
	if a.Fault.There() {
		if err := r.match(a.Fault, got.header.Get("X-Sim-Fault"), true, array); err != nil {
			return err
		}
	}
	if a.Objects.There() {
		objects, there := any(nil), got.Metadata.Objects != nil
		if there {
			objects = float64(*got.Metadata.Objects)
		}
		if err := r.match(a.Objects, objects, there, array); err != nil {
			return err
		}
	}
	if a.Result.There() {
		if err := r.match(a.Result, got.Result, true, array); err != nil {
			return err
		}
	}
	return r.members(a.Fields, got.Result, array)
}
