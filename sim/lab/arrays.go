package lab

import (
	"context"
	"fmt"
	"slices"

	"infinisim/sim/api"
	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Array is one array of a lab as the outside sees it.
type Array struct {
	// Key names it for good, Name is what it was made with.
	Key, Name string
	// Serial is its serial number.
	Serial int64
	// Server answers its requests.
	Server *api.Server

	lab    string
	active bool
}

// Host is the name by which the array is reached on a shared port:
// simulator-<key>, followed by a dot and the lab's name outside the lab
// default.
func (a *Array) Host() string {
	if a.lab == DefaultName {
		return hostPrefix + a.Key
	}
	return hostPrefix + a.Key + "." + a.lab
}

// ArraySetup is what a new array may be told; zero members are numbered by
// the lab.
type ArraySetup struct {
	Name    string `json:"name"`
	Profile string `json:"profile"`
	Serial  int64  `json:"serial"`
}

// hostPrefix begins the host names of all arrays.
const hostPrefix = "simulator-"

// firstSerial is the serial number of array 1, less one.
const firstSerial = 1000

// AddArray makes an array and puts it on the network.
func (l *Lab) AddArray(ctx context.Context, s ArraySetup) (*Array, error) {
	l.mu.Lock()
	n := l.next
	l.next++
	l.mu.Unlock()
	a := &Array{Key: fmt.Sprintf("box-%d", n), Name: s.Name, Serial: s.Serial, lab: l.opts.Name, active: true}
	if a.Name == "" {
		a.Name = hostPrefix + a.Key
	}
	if err := model.SystemName.Field().Check(schema.TextValue(a.Name)); err != nil {
		return nil, apierr.New(apierr.InvalidValue, "name: %q: %v", a.Name, err).About("name")
	}
	if a.Serial == 0 {
		a.Serial = firstSerial + int64(n)
	}
	for _, other := range l.Arrays() {
		if other.Serial == a.Serial {
			return nil, apierr.New(apierr.InvalidValue, "serial: %d is that of array %s", a.Serial, other.Key).About("serial")
		}
	}
	profile := s.Profile
	if profile == "" {
		profile = l.opts.Profile
	}
	err := l.Update(ctx, func(tx *store.Tx) error {
		if err := l.engine.Format(tx, model.Setup{Key: a.Key, Name: a.Name, Profile: profile, Serial: a.Serial}); err != nil {
			return err
		}
		fabric.AddLocal(tx, a.Key)
		return l.setup(append(l.Arrays(), a)).write(tx)
	})
	if err != nil {
		return nil, err
	}
	l.put(a)
	return a, nil
}

// put gives an array its server and its place in the lab.
func (l *Lab) put(a *Array) {
	a.Server = api.New(api.Options{
		Routes: l.routes, Runner: l.runner, Clock: l.Clock, Key: a.Key, Log: l.log, Journal: l.Journal, Changed: l.Changed,
		Faults: l.faults, Wait: l.wait, Done: l.watched(),
	})
	if l.opts.Check {
		a.Server.Look = l.lookAfterRequest
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrays = append(l.arrays, a)
}

// Arrays lists the lab's arrays in the order of their making.
func (l *Lab) Arrays() []*Array {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.arrays)
}

// Array finds an array by its key.
func (l *Lab) Array(key string) (*Array, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.arrays {
		if a.Key == key {
			return a, nil
		}
	}
	return nil, apierr.New(apierr.ObjectNotFound, "array %q does not exist", key).About(key)
}

// SetActive puts an array on the network or takes it off: its requests are
// dropped and its links are down.
func (l *Lab) SetActive(ctx context.Context, key string, active bool) error {
	a, err := l.Array(key)
	if err != nil {
		return err
	}
	var others []string
	for _, o := range l.Arrays() {
		if o != a {
			others = append(others, o.Key)
		}
	}
	err = l.Update(ctx, func(tx *store.Tx) error {
		if err := l.engine.Fabric.SetDown(tx, key, !active, others); err != nil {
			return err
		}
		s := l.setup(l.Arrays())
		for i := range s.Arrays {
			if s.Arrays[i].Key == key {
				s.Arrays[i].Active = active
			}
		}
		return s.write(tx)
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.active = active
	return nil
}

// RemoveArray takes an array out of the lab. Its peers see it as lost.
func (l *Lab) RemoveArray(ctx context.Context, key string) error {
	if err := l.SetActive(ctx, key, false); err != nil {
		return err
	}
	err := l.On(ctx, key, func(b *model.Box) error {
		return b.Tx.Each(key, model.NetworkSpace, func(o *schema.Object) (bool, error) {
			for _, ip := range model.SpaceIPs.Get(o) {
				fabric.Withdraw(b.Tx, ip.Address)
			}
			return true, nil
		})
	})
	if err == nil {
		err = l.Update(ctx, func(tx *store.Tx) error {
			fabric.RemoveLocal(tx, key)
			left := slices.DeleteFunc(l.Arrays(), func(a *Array) bool { return a.Key == key })
			return l.setup(left).write(tx)
		})
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrays = slices.DeleteFunc(l.arrays, func(a *Array) bool { return a.Key == key })
	return nil
}

// Active reports whether the array is on the network.
func (l *Lab) Active(a *Array) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return a.active
}

// Tweak changes what a tester may change of an array and no administrator
// can. A serial number that another array has is refused.
func (l *Lab) Tweak(ctx context.Context, key string, t model.Tweak) error {
	a, err := l.Array(key)
	if err != nil {
		return err
	}
	for _, other := range l.Arrays() {
		if t.Serial != nil && other != a && other.Serial == *t.Serial {
			return apierr.New(apierr.InvalidValue, "serial: %d is that of array %s", *t.Serial, other.Key).About("serial")
		}
	}
	err = l.Update(ctx, func(tx *store.Tx) error {
		if err := l.engine.Box(tx, key, system()).Tweak(t); err != nil {
			return err
		}
		s := l.setup(l.Arrays())
		for i := range s.Arrays {
			if s.Arrays[i].Key == key && t.Serial != nil {
				s.Arrays[i].Serial = *t.Serial
			}
		}
		return s.write(tx)
	})
	if err != nil || t.Serial == nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.Serial = *t.Serial
	return nil
}
