package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// answerIn is how long a well-behaved client waits for an answer.
const answerIn = 20 * time.Second

// others are the well-behaved clients.
type others struct {
	end context.CancelFunc
	all sync.WaitGroup

	mu    sync.Mutex
	took  []time.Duration
	wrong []error
}

// others sets well-behaved clients to work until they are told to end.
func (s *server) others(ctx context.Context, clients int) *others {
	o := new(others)
	ctx, o.end = context.WithCancel(ctx)
	for i := range clients {
		o.all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				begun := time.Now()
				err := s.errand(context.WithoutCancel(ctx), i, n)
				o.note(time.Since(begun), err)
				pause(ctx, 20*time.Millisecond)
			}
		})
	}
	return o
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (o *others) note(took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.took = append(o.took, took)
	if err != nil {
		o.wrong = append(o.wrong, err)
	}
}

// stop ends the clients and gives how long their requests took, sorted.
func (o *others) stop() ([]time.Duration, error) {
	o.end()
	o.all.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.Sort(o.took)
	if n := len(o.wrong); n > 0 {
		return o.took, fmt.Errorf("%d of %d requests of others went wrong, the first: %w", n, len(o.took), o.wrong[0])
	}
	if len(o.took) == 0 {
		return nil, errors.New("no request of others came to its end")
	}
	return o.took, nil
}

// errand is one request of a well-behaved client.
func (s *server) errand(ctx context.Context, client, n int) error {
	switch n % 4 {
	case 0:
		_, err := s.must(ctx, client%2, http.MethodGet, "system?fields=name", nil)
		return err
	case 1:
		_, err := s.must(ctx, 0, http.MethodGet, "volumes?page_size=50&sort=-name", nil)
		return err
	case 2:
		_, status, err := s.plane(ctx, http.MethodGet, "clock", nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("the clock: %d", status)
		}
		return err
	default:
		_, err := s.must(ctx, 0, http.MethodPut, fmt.Sprintf("pools/%d", s.pools[0]), map[string]any{"name": fmt.Sprintf("pool-%d-%d", client, n)})
		return err
	}
}

// part is the time that a share of the requests took at most.
func part(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Round(100 * time.Microsecond)
}
