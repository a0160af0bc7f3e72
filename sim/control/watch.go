package control

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/model"
)

// How often, by the wall clock, a watcher is told: not more often than every
// restAfter, however much happens; looked after at least every lookAfter, since
// a clock that runs moves what is computed from the time; and not silent for
// longer than quietFor looks, so that a connection that is gone is seen.
const (
	restAfter = 200 * time.Millisecond
	lookAfter = time.Second
	quietFor  = 10
)

// watchView is what a lab looks like from afar. Who watches asks for what he
// shows when the version is another.
type watchView struct {
	Lab string `json:"lab"`
	// Version counts what may have changed the lab, Entry is the last one of its
	// journal.
	Version int64        `json:"version"`
	Entry   int64        `json:"entry"`
	Clock   clockView    `json:"clock"`
	Arrays  []arrayBrief `json:"arrays"`
	// Faults is how many rules are in force, Hits how often they struck.
	Faults int `json:"faults"`
	Hits   int `json:"hits"`
	// Operations are the long moves that run.
	Operations []operationView `json:"operations"`
	Labs       []string        `json:"labs"`
	Snapshots  []string        `json:"snapshots"`
}

// arrayBrief is an array from afar.
type arrayBrief struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Active bool   `json:"active"`
}

// stream is a result that goes on until the client or the lab is gone: it
// calls send with each of its parts.
type stream func(ctx context.Context, send func(part []byte) error) error

// watch tells what the lab looks like, and again whenever that changed, as
// server-sent events. There is no queue: who reads slowly gets what the lab
// looks like when he reads, and nothing of what was in between.
func watch(s *Server, r *request) (any, error) {
	updates, err := number(r.URL.Query(), "updates")
	if err != nil {
		return nil, err
	}
	return stream(func(ctx context.Context, send func([]byte) error) error {
		var last []byte
		for sent, quiet := int64(0), 0; updates == 0 || sent < updates; {
			_, changed := r.lab.Version()
			next := r.lab.Journal.Next()
			now, err := s.seen(r)
			if err != nil {
				return err
			}
			switch {
			case !bytes.Equal(now, last):
				if err := send(event(now)); err != nil {
					return err
				}
				last, quiet = now, 0
				sent++
				if sent == updates {
					return nil
				}
			case quiet < quietFor:
				quiet++
			default:
				if err := send([]byte(":\n\n")); err != nil {
					return err
				}
				quiet = 0
			}
			if err := s.rest(ctx, changed, next); err != nil {
				return err
			}
			if there, err := s.Labs.Get(r.lab.Name()); err != nil || there != r.lab {
				return send([]byte("event: gone\ndata: {}\n\n"))
			}
		}
		return nil
	}), nil
}

// event is one server-sent event.
func event(data []byte) []byte {
	return append(append([]byte("event: overview\ndata: "), data...), "\n\n"...)
}

// rest waits until there is something new to tell, or it is time to look, and
// not less than restAfter. It returns an error when nobody listens any more, or
// the control plane ends.
func (s *Server) rest(ctx context.Context, changes ...<-chan struct{}) error {
	if err := clock.Pause(ctx, restAfter); err != nil {
		return err
	}
	look, cancel := context.WithCancel(ctx)
	defer cancel()
	late := make(chan error, 1)
	go func() { late <- clock.Pause(look, lookAfter-restAfter) }()
	select {
	case <-changes[0]:
	case <-changes[1]:
	case <-s.ended:
		return context.Canceled
	case err := <-late:
		return err
	}
	return nil
}

// seen is the lab from afar, as JSON.
func (s *Server) seen(r *request) ([]byte, error) {
	version, _ := r.lab.Version()
	at, err := s.clock(r)
	if err != nil {
		return nil, err
	}
	v := watchView{
		Lab: r.lab.Name(), Version: version, Entry: r.lab.Journal.Last(), Clock: at, Arrays: []arrayBrief{},
		Operations: []operationView{}, Labs: []string{}, Snapshots: []string{},
	}
	for _, a := range r.lab.Arrays() {
		v.Arrays = append(v.Arrays, arrayBrief{a.Key, a.Name, r.lab.Active(a)})
	}
	for _, f := range r.lab.Faults() {
		v.Faults++
		v.Hits += f.Hits
	}
	for _, o := range s.operations.of(r.lab) {
		if one := o.view(); one.State == opRunning {
			v.Operations = append(v.Operations, one)
		}
	}
	for _, l := range s.Labs.List() {
		v.Labs = append(v.Labs, l.Name())
	}
	for _, one := range r.lab.Snapshots() {
		v.Snapshots = append(v.Snapshots, one.Name)
	}
	return json.Marshal(v)
}

// pour sends a stream, part by part. A part that cannot be sent ends it.
func (s *Server) pour(w http.ResponseWriter, r *http.Request, from stream) {
	h := w.Header()
	shield(h)
	h.Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	err := from(r.Context(), func(part []byte) error {
		if _, err := w.Write(part); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil && r.Context().Err() == nil {
		s.Log.Debug("stream ended", "path", r.URL.Path, "error", err)
	}
}

// raw is a result that is JSON already.
type raw []byte

// MarshalJSON gives it as it is.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }

// ask answers what the array's own REST API answers to a GET.
func ask(_ *Server, r *request) (any, error) {
	path, err := url.PathUnescape(chi.URLParam(r.Request, "*"))
	if err != nil {
		return nil, apierr.New(apierr.InvalidValue, "path: %v", err).About("path")
	}
	answer, err := r.lab.Ask(r.Context(), r.key(), path, r.URL.Query())
	return raw(answer), err
}

// replicaHistory tells the jobs and the lag of a replica.
func replicaHistory(_ *Server, r *request) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	since, err := number(r.URL.Query(), "since")
	if err != nil {
		return nil, err
	}
	return r.lab.ReplicaHistory(r.Context(), r.key(), id, clock.FromMS(since))
}

// listComponents tells what the hardware of an array is like.
func listComponents(_ *Server, r *request) (any, error) {
	var v model.ComponentViews
	err := r.lab.View(r.Context(), r.key(), func(b *model.Box) (err error) {
		v, err = b.ComponentsOf()
		return err
	})
	return v, err
}
