package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"infinisim/sim/fabric"
	"infinisim/sim/outbox"
	"infinisim/sim/store"
)

const (
	fabricPath    = "/fabric/v1/message"
	spaceOrigin   = "fabric.origin"
	mostMessage   = 64 << 20
	sendPatience  = 10 * time.Second
	secretPresent = "Bearer "
)

// envelope is a message on its way between processes.
type envelope struct {
	Origin  string         `json:"origin"`
	Message fabric.Message `json:"message"`
}

// meetPeers makes the arrays of other processes known, and calls off what
// requests of a process that ended had asked them.
func (l *Lab) meetPeers() error {
	if len(l.opts.Peers) == 0 {
		return nil
	}
	return l.db.Update(context.Background(), l.Clock.Now(), func(tx *store.Tx) error {
		kv := tx.KV("", spaceOrigin)
		raw := kv.Get([]byte(spaceOrigin))
		if raw == nil {
			// Not from the lab's seed: a second store of the same seed is
			// another sender. It is never shown.
			raw = []byte(rand.Text())
			kv.Put([]byte(spaceOrigin), raw)
		}
		l.origin = string(raw)
		asked := outbox.Abandon(tx)
		l.knowPeers(tx)
		for _, key := range asked {
			// What was under way may have been done there: until the next ping
			// the path counts as lost, and then the halves meet again.
			if err := l.engine.Fabric.SetLost(tx, key, true, fabric.Local(tx)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Lab) knowPeers(tx *store.Tx) {
	if l.origin != "" {
		tx.KV("", spaceOrigin).Put([]byte(spaceOrigin), []byte(l.origin))
	}
	keys := make([]string, 0, len(l.opts.Peers))
	for key := range l.opts.Peers {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fabric.AddPeer(tx, key)
	}
}

// losePeers cuts a lab off from the processes that its origin knew.
func (l *Lab) losePeers() error {
	return l.Update(context.Background(), func(tx *store.Tx) error {
		for _, key := range fabric.Peers(tx) {
			if err := l.engine.Fabric.SetLost(tx, key, true, fabric.Local(tx)); err != nil {
				return err
			}
		}
		return nil
	})
}

// send carries a message to the process of its receiver.
func (l *Lab) send(ctx context.Context, m fabric.Message) (*outbox.Answer, error) {
	raw, err := json.Marshal(envelope{Origin: l.origin, Message: m})
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", m.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	url := strings.TrimSuffix(l.opts.Peers[m.To], "/") + fabricPath
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", m.Name, err)
	}
	r.Header.Set("Authorization", secretPresent+l.opts.Secret)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	l.heard(m.To, err)
	if err != nil {
		l.log.Debug("peer does not answer", "message", m.Name, "to", m.To, "error", err)
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err = io.ReadAll(io.LimitReader(resp.Body, mostMessage))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		l.log.Warn("peer refuses messages", "message", m.Name, "to", m.To, "status", resp.Status, "answer", string(raw))
		return nil, fmt.Errorf("message %s: %s", m.Name, resp.Status)
	}
	var answer outbox.Answer
	return &answer, json.Unmarshal(raw, &answer)
}

// heard logs when an array of another process is lost, and when it is found
// again.
func (l *Lab) heard(peer string, err error) {
	l.mu.Lock()
	was := l.silent[peer]
	if l.silent == nil {
		l.silent = map[string]bool{}
	}
	l.silent[peer] = err != nil
	l.mu.Unlock()
	switch {
	case err != nil && !was:
		l.log.Warn("peer is lost", "lab", l.opts.Name, "peer", peer, "error", err)
	case err == nil && was:
		l.log.Info("peer is found", "lab", l.opts.Name, "peer", peer)
	}
}

// FabricHandler takes the messages of other processes, which have to know the
// secret. It serves one path alone.
func (l *Lab) FabricHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := l.takeMessage(r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body) //nolint:gosec // the sender is gone: it asks again; JSON for a process
	})
}

func (l *Lab) takeMessage(r *http.Request) (status int, body []byte) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), secretPresent)
	switch {
	case r.URL.Path != fabricPath:
		return http.StatusNotFound, nil
	case !ok || l.opts.Secret == "" || !same(given, l.opts.Secret):
		return http.StatusUnauthorized, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, mostMessage))
	if err != nil {
		return http.StatusBadRequest, nil
	}
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return http.StatusBadRequest, nil
	}
	answer, err := l.receive(r.Context(), e)
	if err == nil {
		raw, err = json.Marshal(answer)
	}
	if err != nil {
		l.log.Error("message failed", "message", e.Message.Name, "from", e.Message.From, "error", err)
		return http.StatusInternalServerError, nil
	}
	return http.StatusOK, raw
}

// same compares secrets by their digests: the time tells nothing of one, not
// even its length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func (l *Lab) receive(ctx context.Context, e envelope) (*outbox.Answer, error) {
	if l.opts.Follows && e.Message.Sent > l.Clock.Now() {
		if _, err := l.AdvanceTo(ctx, e.Message.Sent); err != nil {
			return nil, err
		}
	}
	defer l.Changed()
	return l.runner.Receive(ctx, l.Clock.Now(), e.Origin, e.Message)
}
