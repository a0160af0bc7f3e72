package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/model"
	"infinisim/sim/state"
	"infinisim/sim/store"
)

// Export writes everything that the lab holds as text, one row a line (see
// package state), as it is now: what comes meanwhile is not in it. Secrets that
// were given have a mark in their place; digests of passwords are in it.
func (l *Lab) Export(ctx context.Context, to io.Writer) error {
	now := max(l.Clock.Now(), l.db.Now())
	db, err := l.still(ctx, now, "")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	was, err := readSetup(db) // an array that was removed leaves its rows
	if err == nil && was == nil {
		was = new(l.setup(nil))
		err = db.Update(ctx, now, was.write)
	}
	if err == nil {
		err = db.View(ctx, now, func(tx *store.Tx) error { return state.Write(to, tx, l.engine.Catalog.Types(), was.keys()) })
	}
	return errors.Join(err, db.Close())
}

// Import makes a lab of what Export wrote. Seed, limits, profile, arrays and
// time are those of the text; how the clock runs is the option's. Arrays of
// other processes are lost to it. It returns INVALID_VALUE, and nothing is made,
// for a text that is not as it must be: the message names line and field.
func Import(ctx context.Context, o Options, from io.Reader) (*Lab, error) {
	o = o.whole()
	if o.Path != "" {
		if _, err := os.Lstat(o.Path); err == nil {
			return nil, fmt.Errorf("import to %s: %w", o.Path, fs.ErrExist)
		}
	}
	m, own := o.machines.get(o), newOwner(o, new(fault.Set))
	text, err := state.Read(from, m.engine.Catalog, checkSetup)
	if e, ok := errors.AsType[*state.Error](err); ok {
		return nil, apierr.New(apierr.InvalidValue, "import: %v", e).About(e.Field)
	}
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	db, err := openStore(o, m, own)
	if err != nil {
		return nil, err
	}
	if err := db.Load(ctx, text.Now, text.Load); err != nil {
		return nil, errors.Join(fmt.Errorf("import: %w", err), db.Close(), removed(o.Path))
	}
	o.Clock.Rewind(text.Now)
	l, err := begin(o, db, m, own)
	if err != nil {
		return nil, errors.Join(err, removed(o.Path))
	}
	if err := l.imported(ctx); err != nil {
		return nil, errors.Join(err, l.Close(), removed(o.Path))
	}
	return l, nil
}

// removed takes the file of a lab away that could not be made.
func removed(path string) error {
	if path == "" {
		return nil
	}
	return os.Remove(path)
}

// checkSetup tells the arrays of a setup, or why it cannot be one.
func checkSetup(raw json.RawMessage) (arrays []string, err error) {
	var s setup
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, err
	}
	if _, err := model.ProfileByName(s.Profile); err != nil {
		return nil, err
	}
	if s.Next < 1 {
		return nil, fmt.Errorf("next: %d is not above 0", s.Next)
	}
	if len(s.Arrays) > mostArrays {
		return nil, fmt.Errorf("arrays: %d are more than %d", len(s.Arrays), mostArrays)
	}
	for _, a := range s.Arrays {
		switch {
		case slices.Contains(arrays, a.Key):
			return nil, fmt.Errorf("arrays: %q is there twice", a.Key)
		case !strings.HasPrefix(a.Key, "box-") || fmt.Sprintf("box-%d", number(a.Key)) != a.Key || number(a.Key) >= s.Next:
			return nil, fmt.Errorf("arrays: key: %q is not box-N with N below next, %d", a.Key, s.Next)
		}
		arrays = append(arrays, a.Key)
	}
	return arrays, nil
}

// imported looks whether a lab that was read is as it must be, and cuts it off
// from the processes that its origin knew.
func (l *Lab) imported(ctx context.Context) error {
	for _, a := range l.Arrays() {
		err := l.View(ctx, a.Key, func(b *model.Box) error { _, err := b.System(); return err })
		if err != nil {
			return apierr.New(apierr.InvalidValue, "import: array %s: it has no row of the kind system: %v", a.Key, err).About("kind")
		}
	}
	bad, err := l.Check(ctx)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	bad = slices.DeleteFunc(bad, func(s string) bool { return strings.HasPrefix(s, parked) }) // it was so before
	if len(bad) > 0 {
		return apierr.New(apierr.InvalidValue, "import: the lab is not as it must be: %s", strings.Join(bad[:min(len(bad), mostShown)], "; "))
	}
	err = l.db.Update(ctx, l.db.Now(), func(tx *store.Tx) error {
		for _, key := range fabric.Peers(tx) {
			if l.opts.Peers[key] != "" {
				continue
			}
			if err := l.engine.Fabric.SetLost(tx, key, true, fabric.Local(tx)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// Load makes many objects of an array at once: fn is run as one change, with a
// loader that takes rows by the thousand.
func (l *Lab) Load(ctx context.Context, key string, fn func(b *model.Box, into *store.Loader) error) error {
	if _, err := l.Array(key); err != nil {
		return err
	}
	if err := l.Update(ctx, func(*store.Tx) error { return nil }); err != nil { // what is due by now comes first
		return err
	}
	err := l.db.Load(ctx, l.Clock.Now(), func(tx *store.Tx, into *store.Loader) error {
		return fn(l.engine.Box(tx, key, system()), into)
	})
	l.Changed()
	return err
}

// mostShown is how many violations a refusal names.
const mostShown = 5

// Import makes a lab of what Export wrote and lets it run. The plan says its
// name and its clock alone. It returns what Create and the function Import
// return.
func (s *Labs) Import(ctx context.Context, p Plan, from io.Reader) (*Lab, error) {
	if err := s.free(p.Name); err != nil {
		return nil, err
	}
	o := s.opts
	o.Name, o.Path = p.Name, s.path(p.Name)
	if p.Name != DefaultName {
		o.Peers, o.Follows, o.Step = nil, false, nil // other processes know the lab default alone
	}
	var err error
	if o.Clock, err = s.clock(p.Clock); err != nil {
		return nil, err
	}
	l, err := Import(ctx, o, from)
	if err != nil {
		return nil, err
	}
	return l, s.run(l)
}
