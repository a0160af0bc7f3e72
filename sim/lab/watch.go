package lab

import (
	"context"
	"net/url"
	"sync"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/replication"
)

// watch tells those who look at a lab that it changed. The zero value is ready.
type watch struct {
	// mu guards everything below; it is a leaf.
	mu      sync.Mutex
	version int64
	next    chan struct{} // closed by the next change, nil while nobody waits
}

// change counts a change and wakes who waits.
func (w *watch) change() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version++
	if w.next != nil {
		close(w.next)
		w.next = nil
	}
}

// Version counts what may have changed the lab's state since it was made, and
// gives a channel that the next change closes.
func (l *Lab) Version() (version int64, next <-chan struct{}) {
	w := &l.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next = make(chan struct{})
	}
	return w.version, w.next
}

// Ask answers a GET of an array's REST API, for somebody who only looks: see
// api.Server.Ask. It returns SYSTEM_NOT_FOUND for an unknown key.
func (l *Lab) Ask(ctx context.Context, key, path string, query url.Values) ([]byte, error) {
	a, err := l.Array(key)
	if err != nil {
		return nil, err
	}
	return a.Server.Ask(ctx, path, query)
}

// ReplicaHistory tells what became of a replica of an array: its jobs and its
// lag, as far back as the journal goes, from a lab time on. It returns
// REPLICA_NOT_FOUND for an id that no replica has.
func (l *Lab) ReplicaHistory(ctx context.Context, key string, id int64, since clock.Time) (h replication.History, err error) {
	moves := l.Journal.Entries(journal.Filter{Entry: journal.Move, Array: key, Kind: replication.Replica.Name(), Object: id})
	err = l.View(ctx, key, func(b *model.Box) error {
		o, err := b.Load(b.Eng.Catalog.Kind(replication.Replica.Name()), id)
		if err == nil {
			h, err = replication.HistoryOf(b, o, moves, since)
		}
		return err
	})
	if e, ok := apierr.As(err); ok {
		return h, e.About("id")
	}
	return h, err
}
