package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"infinisim/sim/api"
	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fault"
	"infinisim/sim/store"
)

// Snapshot is a state of a lab that was kept under a name.
type Snapshot struct {
	// Name is what it was kept under.
	Name string
	// Now is the lab's time in it.
	Now clock.Time
	// Durable reports whether it survives the process.
	Durable bool

	db       *store.DB // of a lab in memory
	path     string    // of a durable one
	sessions map[string]map[string]api.Session
}

// snapshotsEnd is what the directory of a durable lab's snapshots has in place
// of its file's end. A snapshot's file there has the lab's time behind its name.
const (
	snapshotsEnd = ".snapshots"
	timeMark     = "@"
)

func snapshotsDir(path string) string { return strings.TrimSuffix(path, fileEnd) + snapshotsEnd }

// TakeSnapshot keeps the lab as it is now under a name: objects, timetable,
// fabric, time, faults with their counts and, as long as the process lasts, the
// sessions. A durable lab's is a file of its own. It returns INVALID_VALUE for
// what is no name and LAB_SNAPSHOT_EXISTS for one that is taken.
func (l *Lab) TakeSnapshot(ctx context.Context, name string) (Snapshot, error) {
	if !labName.MatchString(name) {
		return Snapshot{}, apierr.New(apierr.InvalidValue, "name: %q is no name of a snapshot: lower-case letters, digits and hyphens", name).About("name")
	}
	exists := apierr.New(apierr.LabSnapshotExists, "name: lab %q has a snapshot %q", l.Name(), name).About("name")
	if _, err := l.snapshot(name); err == nil {
		return Snapshot{}, exists
	}
	s := &Snapshot{Name: name, Now: max(l.Clock.Now(), l.db.Now()), Durable: l.Durable(), sessions: map[string]map[string]api.Session{}}
	if s.Durable {
		dir := snapshotsDir(l.opts.Path)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return Snapshot{}, fmt.Errorf("snapshot %s: %w", name, err)
		}
		s.path = filepath.Join(dir, name+timeMark+strconv.FormatInt(int64(s.Now), 10)+fileEnd)
	}
	db, err := l.still(ctx, s.Now, s.path)
	if err != nil {
		return Snapshot{}, fmt.Errorf("snapshot %s: %w", name, err)
	}
	for _, a := range l.Arrays() {
		s.sessions[a.Key] = a.Server.Sessions()
	}
	if s.Durable {
		if err := db.Close(); err != nil {
			return Snapshot{}, fmt.Errorf("snapshot %s: %w", name, errors.Join(err, os.Remove(s.path)))
		}
	} else {
		s.db = db
	}
	l.mu.Lock()
	other := l.snapshots[name]
	if other == nil {
		l.snapshots[name] = s
	}
	l.mu.Unlock()
	if other != nil { // another one came first
		return Snapshot{}, errors.Join(exists, s.drop())
	}
	return *s, nil
}

// still is a copy of the store at a time, with the state of the faults in it.
func (l *Lab) still(ctx context.Context, now clock.Time, path string) (*store.DB, error) {
	state, err := l.faults.State()
	if err != nil {
		return nil, err
	}
	db, err := l.db.Fork(path, nil)
	if err != nil {
		return nil, err
	}
	err = db.Update(ctx, now, func(tx *store.Tx) error {
		tx.KV("", spaceFaultState).Put([]byte(spaceFaultState), state)
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// drop lets go of what the snapshot holds.
func (s *Snapshot) drop() error {
	if s.db != nil {
		return s.db.Close()
	}
	return os.Remove(s.path)
}

// open gives the snapshot's store; done is called when it is not read any more.
func (s *Snapshot) open(l *Lab) (db *store.DB, done func() error, err error) {
	if s.db != nil {
		return s.db, func() error { return nil }, nil
	}
	db, err = store.Open(store.Options{Path: s.path, Types: l.engine.Catalog.Types(), Log: l.log, MaxBytes: l.opts.MaxBytes})
	if err != nil {
		return nil, nil, fmt.Errorf("snapshot %s: %w", s.Name, err)
	}
	return db, db.Close, nil
}

func (l *Lab) snapshot(name string) (*Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.snapshots[name]; s != nil {
		return s, nil
	}
	return nil, apierr.New(apierr.LabSnapshotNotFound, "snapshot: lab %q has no snapshot %q", l.opts.Name, name).About("snapshot")
}

// Snapshots lists what TakeSnapshot kept, by name. A fork has none of its own.
func (l *Lab) Snapshots() []Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []Snapshot{}
	for _, s := range l.snapshots {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Snapshot) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// DeleteSnapshot takes a snapshot away; it returns LAB_SNAPSHOT_NOT_FOUND if
// there is none of that name.
func (l *Lab) DeleteSnapshot(name string) error {
	s, err := l.snapshot(name)
	if err != nil {
		return err
	}
	l.mu.Lock()
	delete(l.snapshots, name)
	l.mu.Unlock()
	return s.drop()
}

// findSnapshots makes those known that an earlier process kept.
func (l *Lab) findSnapshots() error {
	if l.opts.Path == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(snapshotsDir(l.opts.Path), "*"+timeMark+"*"+fileEnd))
	if err != nil {
		return fmt.Errorf("snapshots: %w", err)
	}
	for _, file := range files {
		name, text, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), fileEnd), timeMark)
		now, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !labName.MatchString(name) {
			continue // not one of ours
		}
		l.snapshots[name] = &Snapshot{Name: name, Now: clock.Time(now), Durable: true, path: file}
	}
	return nil
}

// closeSnapshots lets go of those in memory; those on the disk stay.
func (l *Lab) closeSnapshots() error {
	l.mu.Lock()
	all := l.snapshots
	l.snapshots = map[string]*Snapshot{}
	l.mu.Unlock()
	var err error
	for _, s := range all {
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
	}
	return err
}

// ForkSnapshot makes an independent copy of the lab as a snapshot holds it,
// under another name, as Fork does of the lab as it is now. The copy's clock
// runs as the lab's does, from the time of the snapshot on. It returns
// LAB_SNAPSHOT_NOT_FOUND if there is none of that name.
func (l *Lab) ForkSnapshot(snapshot, name, path string) (*Lab, error) {
	s, err := l.snapshot(snapshot)
	if err != nil {
		return nil, err
	}
	from, done, err := s.open(l)
	if err != nil {
		return nil, err
	}
	own := newOwner(l.opts, new(fault.Set))
	db, err := from.Fork(path, own)
	if err = errors.Join(err, done()); err != nil {
		return nil, err
	}
	c := l.Clock.Copy()
	c.Rewind(s.Now)
	return l.copied(db, own, copyOf{name, path, c})
}

// Restored says which arrays came and went with a state of the lab.
type Restored struct {
	// Added are those that were not there before, Removed those that are not
	// there now.
	Added, Removed []*Array
}

// RestoreSnapshot makes the lab what it was when a snapshot was taken: its
// arrays with all that is theirs, their links, its time, its faults with their
// counts, and the sessions if this process took it. The journal is empty then,
// and how the clock runs stays. It returns LAB_SNAPSHOT_NOT_FOUND if there is
// none of that name, and INVALID_VALUE for a lab that replicates with other
// processes: their arrays would not go back.
func (l *Lab) RestoreSnapshot(ctx context.Context, name string) (*Restored, error) {
	s, err := l.snapshot(name)
	if err != nil {
		return nil, err
	}
	if len(l.opts.Peers) > 0 {
		return nil, apierr.New(apierr.InvalidValue, "snapshot: lab %q replicates with arrays of other processes, which would not go back with it", l.Name()).About("snapshot")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	from, done, err := s.open(l)
	if err != nil {
		return nil, err
	}
	err = l.db.Restore(from)
	if err = errors.Join(err, done()); err != nil {
		return nil, fmt.Errorf("restore %s: %w", name, err)
	}
	l.Clock.Rewind(s.Now)
	if err := l.resumeFaults(); err != nil {
		return nil, err
	}
	was, err := readSetup(l.db)
	if err != nil {
		return nil, err
	}
	r := l.reform(was)
	for _, a := range l.Arrays() {
		a.Server.Resume(s.sessions[a.Key])
	}
	l.Journal.Reset()
	l.Changed()
	return r, nil
}

// reform makes the lab's arrays those of a setup; one that is there before and
// after stays the same array.
func (l *Lab) reform(s *setup) *Restored {
	r, before := &Restored{}, map[string]*Array{}
	for _, a := range l.Arrays() {
		before[a.Key] = a
	}
	l.mu.Lock()
	l.arrays, l.next, l.built = nil, s.Next, s.Built
	l.mu.Unlock()
	for _, w := range s.Arrays {
		a := before[w.Key]
		if a == nil {
			a = &Array{Key: w.Key, Name: w.Name, Serial: w.Serial, lab: l.opts.Name, active: w.Active}
			r.Added = append(r.Added, a)
			l.put(a)
			continue
		}
		delete(before, w.Key)
		l.mu.Lock()
		a.Name, a.Serial, a.active = w.Name, w.Serial, w.Active
		l.arrays = append(l.arrays, a)
		l.mu.Unlock()
	}
	for _, a := range before {
		r.Removed = append(r.Removed, a)
	}
	slices.SortFunc(r.Removed, func(a, b *Array) int { return strings.Compare(a.Key, b.Key) })
	return r
}
