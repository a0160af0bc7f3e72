package fabric

import (
	"strconv"

	"infinisim/sim/clock"
	"infinisim/sim/store"
)

// A witness is a third party at an address of its own, which tells two arrays
// that lost each other which of them goes on. Each array has its own way to
// it.

// spaceWitness holds the ways to witnesses that are cut: array NUL address ->
// since when.
const spaceWitness = "fabric.witness"

func witnessKey(array, address string) []byte { return []byte(array + "\x00" + address) }

// Sees reports whether an array reaches the witness at an address, and if not,
// since when. An array that is down reaches nobody.
func Sees(tx *store.Tx, array, address string) (seen bool, since clock.Time) {
	if raw := tx.KV("", spaceWitness).Get(witnessKey(array, address)); raw != nil {
		ns, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			panic("fabric: witness: " + err.Error())
		}
		return false, clock.Time(ns)
	}
	return tx.KV("", spaceDown).Get([]byte(array)) == nil, tx.Now()
}

// SetWitness cuts an array's way to the witness at an address, or mends it,
// and tells the listeners.
func (f *Fabric) SetWitness(tx *store.Tx, array, address string, cut bool) error {
	kv := tx.KV("", spaceWitness)
	if (kv.Get(witnessKey(array, address)) != nil) == cut {
		return nil
	}
	if cut {
		kv.Put(witnessKey(array, address), strconv.AppendInt(nil, int64(tx.Now()), 10))
	} else {
		kv.Delete(witnessKey(array, address))
	}
	for _, fn := range f.witness {
		if err := fn(tx, array, address, !cut); err != nil {
			return err
		}
	}
	return nil
}

// OnWitness has fn called, in the transaction that did it, when an array loses
// or finds the witness at an address.
func (f *Fabric) OnWitness(fn func(tx *store.Tx, array, address string, seen bool) error) {
	f.witness = append(f.witness, fn)
}
