package journal

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"infinisim/sim/clock"
)

// HAR is a journal in the form that browsers and proxies exchange (HTTP Archive
// 1.2). Members that begin with an underscore are our own.
type HAR struct {
	Log struct {
		Version string `json:"version"`
		Creator struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"creator"`
		Entries []harEntry `json:"entries"`
	} `json:"log"`
}

type harEntry struct {
	Started  string         `json:"startedDateTime"`
	Time     float64        `json:"time"`
	Request  harRequest     `json:"request"`
	Response harResponse    `json:"response"`
	Cache    map[string]any `json:"cache"`
	Timings  harTimings     `json:"timings"`
	Seq      int64          `json:"_seq"`
	Array    string         `json:"_array"`
	User     string         `json:"_user,omitempty"`
	Faults   []string       `json:"_faults,omitempty"`
	Objects  []Object       `json:"_objects,omitempty"`
	Error    string         `json:"_error,omitempty"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harText struct {
	MIMEType string `json:"mimeType"`
	Text     string `json:"text"`
}

type harContent struct {
	Size int `json:"size"`
	harText
}

type harRequest struct {
	Method  string    `json:"method"`
	URL     string    `json:"url"`
	Version string    `json:"httpVersion"`
	Cookies []harPair `json:"cookies"`
	Headers []harPair `json:"headers"`
	Query   []harPair `json:"queryString"`
	Post    *harText  `json:"postData,omitempty"`
	// HeadersSize is -1: unknown.
	HeadersSize int `json:"headersSize"`
	BodySize    int `json:"bodySize"`
}

type harResponse struct {
	Status      int        `json:"status"`
	Text        string     `json:"statusText"`
	Version     string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Content     harContent `json:"content"`
	Redirect    string     `json:"redirectURL"`
	HeadersSize int        `json:"headersSize"`
	BodySize    int        `json:"bodySize"`
}

const (
	harHTTP = "HTTP/1.1"
	harJSON = "application/json"
)

// HAR exports the requests that the filter picks, whatever kind of entry it
// asks for. Host gives the host name of an array. Times are the lab's.
func (j *Journal) HAR(f Filter, host func(array string) string) *HAR {
	f.Entry = Request
	h := new(HAR)
	h.Log.Version, h.Log.Creator.Name, h.Log.Creator.Version = "1.2", "infinisim", "1"
	h.Log.Entries = []harEntry{}
	for _, e := range j.Entries(f) {
		h.Log.Entries = append(h.Log.Entries, harOf(e, host(e.Array)))
	}
	return h
}

func harOf(e Entry, host string) harEntry {
	start := cmp.Or(e.Received, e.Time)
	wait := float64(e.Time.Sub(start)) / float64(time.Millisecond)
	out := harEntry{
		Started: harTime(start), Time: wait, Cache: map[string]any{}, Timings: harTimings{Wait: wait},
		Seq: e.Seq, Array: e.Array, User: e.User, Faults: e.Faults, Objects: e.Objects,
		Request: harRequest{
			Method: e.Method, URL: (&url.URL{Scheme: "http", Host: host, Path: e.Path, RawQuery: e.Query}).String(), Version: harHTTP,
			Cookies: []harPair{}, Headers: []harPair{}, Query: []harPair{}, HeadersSize: -1, BodySize: len(e.Body),
		},
		Response: harResponse{
			Status: e.Status, Text: http.StatusText(e.Status), Version: harHTTP, Cookies: []harPair{}, Headers: []harPair{},
			Content: harContent{len(e.Answer), harText{harJSON, e.Answer}}, HeadersSize: -1, BodySize: len(e.Answer),
		},
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		out.Request.Headers = append(out.Request.Headers, harPair{name, e.Headers[name]})
	}
	query, _ := url.ParseQuery(e.Query) // the server encoded it
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			out.Request.Query = append(out.Request.Query, harPair{name, value})
		}
	}
	if e.Body != "" {
		out.Request.Post = &harText{cmp.Or(e.Headers["Content-Type"], harJSON), e.Body}
	}
	switch {
	case e.Status == 0:
		out.Error = "the connection was dropped before anything was applied"
	case e.Lost:
		out.Error = "the request was applied, and the connection dropped instead of the answer"
	default:
		out.Response.Headers = []harPair{{"Content-Type", harJSON}}
	}
	return out
}

func harTime(t clock.Time) string { return time.Unix(0, int64(t)).UTC().Format(time.RFC3339Nano) }
