package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"infinisim/sim/clock"
	"infinisim/sim/store"
)

// setup is what a lab is made of besides its objects. It is kept with them.
type setup struct {
	Seed     uint64       `json:"seed"`
	NoLimits bool         `json:"no_limits"`
	Profile  string       `json:"profile"`
	Next     int          `json:"next"`
	Built    bool         `json:"built"` // by Build, to the end
	Arrays   []setupArray `json:"arrays"`
}

type setupArray struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Serial int64  `json:"serial"`
	Active bool   `json:"active"`
}

const spaceSetup = "setup"

func (l *Lab) setup(arrays []*Array) setup {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := setup{Seed: l.opts.Seed, NoLimits: l.opts.NoLimits, Profile: l.opts.Profile, Next: l.next, Built: l.built}
	for _, a := range arrays {
		s.Arrays = append(s.Arrays, setupArray{Key: a.Key, Name: a.Name, Serial: a.Serial, Active: a.active})
	}
	return s
}

func (s setup) write(tx *store.Tx) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("lab setup: %w", err)
	}
	tx.KV("", spaceSetup).Put([]byte(spaceSetup), raw)
	return nil
}

// keys are those of the arrays.
func (s setup) keys() []string {
	var out []string
	for _, a := range s.Arrays {
		out = append(out, a.Key)
	}
	return out
}

// readSetup is nil for a new lab.
func readSetup(db *store.DB) (s *setup, err error) {
	err = db.View(context.Background(), db.Now(), func(tx *store.Tx) error {
		raw := tx.KV("", spaceSetup).Get([]byte(spaceSetup))
		if raw == nil {
			return nil
		}
		s = new(setup)
		if err := json.Unmarshal(raw, s); err != nil {
			return fmt.Errorf("lab setup: %w", err)
		}
		return nil
	})
	return s, err
}

// resume puts the arrays of a setup in their places.
func (l *Lab) resume(s *setup) {
	l.next, l.built = s.Next, s.Built
	for _, a := range s.Arrays {
		l.put(&Array{Key: a.Key, Name: a.Name, Serial: a.Serial, lab: l.opts.Name, active: a.Active})
	}
}

// Fork makes an independent copy of the lab as it is now, under another name:
// the same objects, timetable, time, seed and faults; a clock of its own that
// goes on as this one does; no sessions and an empty journal. An empty path
// keeps it in memory, which costs no copy of the objects.
func (l *Lab) Fork(name, path string) (*Lab, error) {
	own := newOwner(l.opts, l.faults.Copy())
	db, err := l.db.Fork(path, own)
	if err != nil {
		return nil, err
	}
	return l.copied(db, own, copyOf{name, path, l.Clock.Copy()})
}

// copyOf says what a copy of a lab has of its own.
type copyOf struct {
	name, path string
	clock      *clock.Clock
}

// copied makes a lab of a copied store.
func (l *Lab) copied(db *store.DB, own *owner, c copyOf) (*Lab, error) {
	s, err := readSetup(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	o := l.opts
	o.Name, o.Path, o.Clock = c.name, c.path, c.clock
	o.Peers, o.Follows = nil, false // the other processes know nothing of the copy
	fork := assemble(o, db, &machine{l.engine, l.routes}, own)
	if s != nil { // it has had an array
		fork.resume(s)
	}
	if own.faults.Empty() {
		err = fork.resumeFaults()
	}
	if err == nil && len(l.opts.Peers) > 0 {
		err = fork.losePeers()
	}
	if err != nil {
		return nil, errors.Join(err, fork.Close())
	}
	return fork, nil
}
