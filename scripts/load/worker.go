package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// mostOwn is how many volumes a worker keeps; what it has comes and goes.
const mostOwn = 12

// mostTimes is how many times a worker keeps.
const mostTimes = 20_000

// trimEvery is after how many requests the first worker deletes events that are
// older than a day: an array keeps 500,000, more than a soak makes.
const trimEvery = 100

// worker is a client of a soak.
type worker struct {
	*server
	number        int
	dice          *rand.Rand
	next          int
	own           []int64
	snaps         []int64
	replicas      []int64
	done, refused int
	trimmed       int // what was done when events were trimmed last
	took          []time.Duration
	err           error
}

func newWorker(s *server, number int) *worker {
	return &worker{server: s, number: number, dice: rand.New(rand.NewPCG(1, uint64(number)))} //nolint:gosec // a test's dice
}

// work does one thing after the other until it is told to end, or an answer
// does not come.
func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil && w.err == nil {
		begun := time.Now()
		w.err = w.step(context.WithoutCancel(ctx))
		if len(w.took) < mostTimes {
			w.took = append(w.took, time.Since(begun))
		}
		pause(ctx, 5*time.Millisecond)
	}
}

// ask sends a request; a refusal is counted, for others may have been first.
func (w *worker) ask(ctx context.Context, i int, method, path string, body any) (o any, ok bool, err error) {
	o, status, err := w.array(ctx, i, method, path, body)
	if err != nil {
		return nil, false, err
	}
	if status >= http.StatusInternalServerError {
		return nil, false, fmt.Errorf("%s %s: %d %v", method, path, status, o)
	}
	w.done++
	if status >= http.StatusBadRequest {
		w.refused++
		return nil, false, nil
	}
	return o, true, nil
}

func (w *worker) step(ctx context.Context) error {
	if w.number == 0 && w.done-w.trimmed > trimEvery {
		w.trimmed = w.done
		return w.trim(ctx)
	}
	n := w.dice.IntN(20)
	switch {
	case len(w.own) < 3 || n < 2 && len(w.own) < mostOwn:
		return w.create(ctx)
	case n < 4:
		return w.remove(ctx)
	case n < 8:
		return w.change(ctx)
	case n == 8:
		return w.snapshot(ctx)
	case n == 9:
		return w.replicate(ctx)
	case n == 10:
		return w.wrong(ctx)
	case n == 11:
		return w.login(ctx)
	case n < 14:
		_, _, err := w.plane(ctx, http.MethodPost, fmt.Sprintf("arrays/box-1/datasets/%d/write", w.any(w.own)), map[string]any{
			"offset": 65536 * w.dice.IntN(1000), "length": 65536, "seed": 1 + w.dice.IntN(1<<30),
		})
		return err
	}
	return w.read(ctx)
}

func (w *worker) any(of []int64) int64 { return of[w.dice.IntN(len(of))] }

func (w *worker) create(ctx context.Context) error {
	w.next++
	o, ok, err := w.ask(ctx, 0, http.MethodPost, "volumes", map[string]any{
		"name": fmt.Sprintf("soak-%d-%d", w.number, w.next), "pool_id": w.pools[0], "size": 1_000_000_000,
	})
	if ok {
		w.own = append(w.own, number(o, "id"))
	}
	return err
}

// remove deletes something, with what hangs on it: the oldest first, so that
// nothing stays for the whole run.
func (w *worker) remove(ctx context.Context) error {
	var err error
	switch {
	case len(w.replicas) > 0 && w.dice.IntN(2) == 0:
		_, _, err = w.ask(ctx, 0, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", w.replicas[0]), nil)
		w.replicas = w.replicas[1:]
	case len(w.snaps) > 0:
		_, _, err = w.ask(ctx, 0, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", w.snaps[0]), nil)
		w.snaps = w.snaps[1:]
	default:
		var ok bool
		id := w.any(w.own)
		if _, ok, err = w.ask(ctx, 0, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", id), nil); ok {
			w.own = slices.DeleteFunc(w.own, func(other int64) bool { return other == id })
		}
	}
	return err
}

func (w *worker) change(ctx context.Context) error {
	w.next++
	_, _, err := w.ask(ctx, 0, http.MethodPut, fmt.Sprintf("volumes/%d", w.any(w.own)), map[string]any{"name": fmt.Sprintf("soak-%d-%d", w.number, w.next)})
	return err
}

func (w *worker) snapshot(ctx context.Context) error {
	w.next++
	o, ok, err := w.ask(ctx, 0, http.MethodPost, "volumes", map[string]any{
		"name": fmt.Sprintf("snap-%d-%d", w.number, w.next), "parent_id": w.any(w.own),
	})
	if ok {
		w.snaps = append(w.snaps, number(o, "id"))
	}
	return err
}

func (w *worker) replicate(ctx context.Context) error {
	if len(w.replicas) > 1 {
		return w.remove(ctx)
	}
	o, ok, err := w.ask(ctx, 0, http.MethodPost, "replicas", map[string]any{
		"link_id": w.link, "entity_type": "VOLUME", "remote_pool_id": w.pools[1], "sync_interval": 3_600_000, "rpo_value": 7_200_000,
		"entity_pairs": []any{map[string]any{"local_entity_id": w.any(w.own), "remote_base_action": "CREATE"}},
	})
	if ok {
		w.replicas = append(w.replicas, number(o, "id"))
	}
	if err != nil {
		return err
	}
	return w.sweep(ctx)
}

// sweep deletes on the second array what no replica needs any more.
func (w *worker) sweep(ctx context.Context) error {
	list, ok, err := w.ask(ctx, 1, http.MethodGet, "volumes?rmr_target=eq:false&type=eq:MASTER&fields=id&page_size=20", nil)
	if !ok {
		return errors.Join(err, w.never(ok, "the list of volumes"))
	}
	items, _ := list.([]any)
	for _, item := range items {
		if _, _, err := w.ask(ctx, 1, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", number(item, "id")), nil); err != nil {
			return err
		}
	}
	return nil
}

// trim deletes old events, and what replicas left behind on the second array.
func (w *worker) trim(ctx context.Context) error {
	o, _, err := w.plane(ctx, http.MethodGet, "clock", nil)
	if err != nil {
		return err
	}
	for i := range w.arrays {
		path := fmt.Sprintf("events?timestamp=le:%d", number(o, "now")-(24*time.Hour).Milliseconds())
		if _, ok, err := w.ask(ctx, i, http.MethodDelete, path, nil); err != nil || !ok {
			return errors.Join(err, w.never(ok, path))
		}
	}
	return w.sweep(ctx)
}

// never is the error of a refusal that no other client can be the reason of.
func (w *worker) never(ok bool, path string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s was refused", path)
}

// wrong asks for what is not there, and for what is not taken.
func (w *worker) wrong(ctx context.Context) error {
	w.next++
	if _, _, err := w.ask(ctx, 0, http.MethodGet, fmt.Sprintf("nothing/%d-%d", w.number, w.next), nil); err != nil {
		return err
	}
	_, _, err := w.ask(ctx, 0, http.MethodPost, "volumes", map[string]any{"name": "", "size": -1})
	return err
}

// login opens a session and ends it.
func (w *worker) login(ctx context.Context) error {
	if _, _, err := w.ask(ctx, 0, http.MethodPost, "users/login", map[string]any{"username": "admin", "password": "123456"}); err != nil {
		return err
	}
	_, _, err := w.ask(ctx, 0, http.MethodPost, "users/logout", nil)
	return err
}

func (w *worker) read(ctx context.Context) error {
	paths := []string{
		"volumes?page_size=50&sort=-name", "volumes?name=like:soak&fields=id,name,size", "replicas", "events?page_size=20&sort=-id", "pools", "links", "system",
		fmt.Sprintf("volumes/%d", w.any(w.own)), "volumes?page_size=1000&fields=id",
	}
	_, _, err := w.ask(ctx, w.dice.IntN(2), http.MethodGet, paths[w.dice.IntN(len(paths))], nil)
	return err
}
