package lab

import (
	"context"
	"errors"
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/store"
)

// Past is a copy of a lab as it was just before an entry of its journal.
type Past struct {
	// Lab is the copy, on a clock that stands still.
	Lab *Lab
	// Entry is the entry, as the journal has it.
	Entry journal.Entry
	// Session is the value of the cookie by which whoever made the request is
	// known in the copy, empty where nobody was.
	Session string
}

// SessionCookie is the name of the cookie that Past.Session is the value of.
const SessionCookie = "JSESSIONID"

// before is the state as it is now.
func (l *Lab) before() *journal.Before {
	return &journal.Before{Position: l.db.Position(), Time: l.Clock.Now(), Faults: l.faults.Kept()}
}

// Travel makes an independent copy of the lab as it was just before an entry of
// its journal, in a file or, for an empty path, in memory: a request that found everything due by then done, or
// a job that is due. Objects, timetable, time, seed, arrays, faults and their
// counts are those of then; the clock stands, the journal is empty, and the one
// who made the request has a session. The same request gives the same answer
// there.
//
// It returns ENTRY_NOT_FOUND for an entry that the journal does not hold, and
// STATE_NOT_KEPT where the history does not reach back to it.
func (l *Lab) Travel(name, path string, entry int64) (*Past, error) {
	if !labName.MatchString(name) {
		return nil, apierr.New(apierr.InvalidValue, "name: %q is no lab's name: lower-case letters, digits and hyphens", name).About("name")
	}
	e, err := l.entry(entry)
	if err != nil {
		return nil, err
	}
	set := new(fault.Set)
	if was, ok := e.Before.Faults.(*fault.Set); ok {
		set = was.Copy()
	}
	own := newOwner(l.opts, set)
	db, err := l.goBack(path, e, own)
	if err != nil {
		return nil, err
	}
	past, err := l.arrive(name, path, db, own, e)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p := &Past{Lab: past, Entry: e}
	if a, err := past.Array(e.Array); err == nil {
		session := e.Before.Session
		if session == "" {
			session = own.chance.Hex("travel/"+e.Array, uint64(entry)) //nolint:gosec // counts up from 1
		}
		if a.Server.Admit(session, e.Before.Who) {
			p.Session = session
		}
	}
	return p, nil
}

// goBack is the store as it was before an entry.
func (l *Lab) goBack(path string, e journal.Entry, own *owner) (*store.DB, error) {
	db, err := l.db.ForkAt(e.Before.Position, e.Before.Time, own)
	if errors.Is(err, store.ErrForgotten) {
		return nil, notKept("entry: the state before #%d is not kept any more: the lab keeps %d bytes of former states", e.Seq, max(0, l.opts.History))
	}
	if err != nil || path == "" {
		return db, err
	}
	kept, err := db.Fork(path, own)
	return kept, errors.Join(err, db.Close())
}

func notKept(format string, args ...any) error {
	return apierr.New(apierr.StateNotKept, format, args...).About("entry")
}

// entry finds an entry that something leads back to.
func (l *Lab) entry(seq int64) (journal.Entry, error) {
	found := l.Journal.Entries(journal.Filter{Entry: journal.All, Since: seq - 1, Until: seq + 1})
	if len(found) == 0 {
		return journal.Entry{}, apierr.New(apierr.EntryNotFound, "entry: the journal does not hold #%d; its last is #%d", seq, l.Journal.Last()).About("entry")
	}
	if found[0].Before == nil {
		return found[0], notKept("entry: #%d is a part of a request or a job: travel to that", seq)
	}
	return found[0], nil
}

// arrive puts the lab of a former state together.
func (l *Lab) arrive(name, path string, db *store.DB, own *owner, e journal.Entry) (*Lab, error) {
	kept, err := readSetup(db)
	if err != nil || kept == nil {
		return nil, errors.Join(err, fmt.Errorf("travel to #%d: no setup", e.Seq))
	}
	o := l.opts
	o.Name, o.Path, o.Clock = name, path, clock.NewManual(e.Before.Time)
	o.Seed, o.NoLimits, o.Profile = kept.Seed, kept.NoLimits, kept.Profile
	o.Peers, o.Follows, o.Step = nil, false, nil // the other processes know nothing of the copy
	past := assemble(o, db, &machine{l.engine, l.routes}, own)
	past.resume(kept)
	past.built = true
	if len(l.opts.Peers) > 0 {
		return past, past.losePeers()
	}
	return past, nil
}

// Fingerprint is a digest of the lab's whole state but for its time and its
// faults' counts: equal labs have an equal one.
func (l *Lab) Fingerprint(ctx context.Context) (print string, err error) {
	var keys []string
	for _, a := range l.Arrays() {
		keys = append(keys, a.Key)
	}
	err = l.view(ctx, func(tx *store.Tx) { print = tx.Fingerprint(keys...) })
	return print, err
}

// Travel makes a copy of a lab as it was just before an entry of its journal,
// and lets it run.
func (s *Labs) Travel(from, name string, entry int64) (*Past, error) {
	if err := s.free(name); err != nil {
		return nil, err
	}
	origin, err := s.Get(from)
	if err != nil {
		return nil, err
	}
	p, err := origin.Travel(name, s.path(name), entry)
	if err != nil {
		return nil, err
	}
	return p, s.run(p.Lab)
}
