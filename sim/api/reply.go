package api

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// envelope renders a handler's result inside the transaction.
func envelope(b *model.Box, v any) ([]byte, error) {
	const head = `{"result":`
	if p, ok := v.(*model.Page); ok {
		size := len(head) + 200
		for _, item := range p.Items {
			size += len(item) + 1
		}
		return page(append(make([]byte, 0, size), head...), p), nil
	}
	const tail = `,"error":null,"metadata":{"ready":true}}`
	raw, err := render(b, v)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(head), raw, []byte(tail)), nil
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

func page(out []byte, p *model.Page) []byte {
	out = append(out, '[')
	for i, item := range p.Items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	out = append(out, `],"error":null,"metadata":{"ready":true,"number_of_objects":`...)
	out = strconv.AppendInt(out, int64(p.Total), 10)
	out = append(out, `,"page_size":`...)
	out = strconv.AppendInt(out, int64(p.Size), 10)
	out = append(out, `,"pages_total":`...)
	out = strconv.AppendInt(out, int64(max(1, (p.Total+p.Size-1)/p.Size)), 10)
	out = append(out, `,"page":`...)
	out = strconv.AppendInt(out, int64(p.Page), 10)
	return append(out, "}}"...)
}

// refusal is the whole answer of an error: the six members of a real array's
// error object (InfiniSDK tests, 8.6 era).
func refusal(e *apierr.Error) []byte {
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
		return []byte(`{"result":null,"error":{"code":"INTERNAL_ERROR","message":"","reasons":[]},"metadata":{"ready":true}}`)
	}
	return raw
}

// send writes an answer; the headers are those of a real array (published
// requests of release 7.3).
func send(w http.ResponseWriter, status int, body []byte) {
	head(w, status, len(body))
	_, _ = w.Write(body) // the client is gone: nobody to tell
}

// sendPart writes the head of a whole answer and half of its body.
func sendPart(w http.ResponseWriter, status int, body []byte) {
	head(w, status, len(body))
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush() // or the end of the connection would be all that is sent
}

// sendPieces sends an answer a few bytes at a time, and waits before each. It
// returns the error of the wait.
func sendPieces(w http.ResponseWriter, status int, body []byte, piece int, wait func() error) error {
	head(w, status, len(body))
	out := http.NewResponseController(w)
	for part := range slices.Chunk(body, piece) {
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

func head(w http.ResponseWriter, status, length int) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
}
