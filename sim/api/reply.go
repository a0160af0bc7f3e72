package api

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// envelope renders a handler's result inside the transaction. It is plain where
// it is known that no member has the name of a secret.
func envelope(b *model.Box, v any) (answer string, plain bool, err error) {
	const head, tail = `{"result":`, `,"error":null,"metadata":{"ready":true}}`
	if p, ok := v.(*model.Page); ok {
		return page(head, p), p.Plain, nil
	}
	if one, ok := v.(model.Shown); ok {
		return text(head, one.JSON, tail), one.Plain, nil
	}
	raw, err := render(b, v)
	if err != nil {
		return "", false, err
	}
	return text(head, raw, tail), false, nil
}

// told is an answer that is kept.
type told struct {
	text  string
	plain bool
}

// Size is how many bytes it takes.
func (t told) Size() int { return len(t.text) }

// told answers a GET of a kind's objects, which says the same to the same user
// until something changes.
func (s *Server) told(b *model.Box, x *exchange) error {
	who := b.Who.Role + "\x00" + b.Who.Name + "\x00" + strconv.FormatInt(b.Who.Tenant, 10)
	name := store.Name{Group: x.r.URL.Path + "?" + x.r.URL.RawQuery + "\x00" + who, Array: s.Key, ID: b.Who.ID, Twice: true}
	t, err := store.Memo(b.Tx, name, func() (told, error) {
		x.in.PageSize = b.DefaultPageSize()
		v, err := x.op.do(b, x.in)
		if err != nil {
			return told{}, err
		}
		text, plain, err := envelope(b, v)
		return told{text, plain}, err
	})
	if err != nil {
		return err
	}
	x.status, x.answer, x.plain = http.StatusOK, t.text, t.plain
	x.noteSettle(b.Tx)
	return nil
}

func text(head string, raw []byte, tail string) string {
	var out strings.Builder
	out.Grow(len(head) + len(raw) + len(tail))
	out.WriteString(head)
	out.Write(raw)
	out.WriteString(tail)
	return out.String()
}

func render(b *model.Box, v any) (json.RawMessage, error) {
	switch x := v.(type) {
	case json.RawMessage:
		if len(x) == 0 {
			return json.RawMessage("null"), nil
		}
		return x, nil
	case *schema.Object:
		return b.Render(x)
	default:
		return json.Marshal(v)
	}
}

func page(head string, p *model.Page) string {
	const about = `],"error":null,"metadata":{"ready":true,"number_of_objects":`
	size := len(head) + len(about) + 100 // and the numbers
	for _, item := range p.Items {
		size += len(item) + 1
	}
	var out strings.Builder
	out.Grow(size)
	out.WriteString(head)
	out.WriteByte('[')
	for i, item := range p.Items {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(item)
	}
	out.WriteString(about)
	fmt.Fprintf(&out, `%d,"page_size":%d,"pages_total":%d,"page":%d}}`, p.Total, p.Size, max(1, (p.Total+p.Size-1)/p.Size), p.Page)
	return out.String()
}

// refusal is the whole answer of an error: the six members of a real array's
// error object (InfiniSDK tests, 8.6 era).
func refusal(e *apierr.Error) string {
	reasons := e.Reasons
	if reasons == nil {
		reasons = []apierr.Reason{}
	}
	raw, err := json.Marshal(map[string]any{
		"result": nil,
		"error": map[string]any{
			"code": e.Code, "message": e.Message, "reasons": reasons, "severity": "ERROR", "is_remote": e.Remote, "data": nil,
		},
		"metadata": map[string]bool{"ready": true},
	})
	if err != nil {
		return `{"result":null,"error":{"code":"INTERNAL_ERROR","message":"","reasons":[]},"metadata":{"ready":true}}`
	}
	return string(raw)
}

// send writes an answer; the headers are those of a real array (published
// requests of release 7.3).
func send(w http.ResponseWriter, status int, body string) {
	head(w, status, len(body))
	_, _ = io.WriteString(w, body) // the client is gone: nobody to tell
}

// sendPart writes the head of a whole answer and half of its body.
func sendPart(w http.ResponseWriter, status int, body string) {
	head(w, status, len(body))
	_, _ = io.WriteString(w, body[:len(body)/2])
	_ = http.NewResponseController(w).Flush() // or the end of the connection would be all that is sent
}

// sendPieces sends an answer a few bytes at a time, and waits before each. It
// returns the error of the wait.
func sendPieces(w http.ResponseWriter, status int, body string, piece int, wait func() error) error {
	head(w, status, len(body))
	out := http.NewResponseController(w)
	for part := range slices.Chunk([]byte(body), piece) {
		_ = out.Flush() // in-process there is nothing to flush
		if err := wait(); err != nil {
			return err
		}
		_, _ = w.Write(part) // the client is gone: the next wait ends
	}
	return nil
}

// resetConnection ends the connection of a request with a TCP reset, where
// there is one.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // in-process, or a stream of HTTP/2, which the caller resets
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what is not sent is thrown away, the peer is told
	}
	_ = conn.Close()
}

// usual are the headers of each answer. Nobody changes a value in its place.
var usual = http.Header{
	"Content-Type":           {"application/json"},
	"Cache-Control":          {"no-cache"},
	"X-Content-Type-Options": {"nosniff"},
}

func head(w http.ResponseWriter, status, length int) {
	h := w.Header()
	maps.Copy(h, usual)
	h.Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
}
