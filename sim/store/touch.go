package store

import "infinisim/sim/schema"

// Did says what became of an object.
type Did string

// What becomes of objects.
const (
	Created Did = "created"
	Changed Did = "changed"
	Deleted Did = "deleted"
)

// Touch is an object that a savepoint wrote, with what became of it in all.
type Touch struct {
	Array, Kind string
	ID          int64
	Did         Did
}

// touches are the objects that a savepoint wrote, in the order of their first
// change.
type touches struct {
	all []Touch
	at  map[Touch]int // by the touch without what it did
}

func (s *touches) add(t Touch) {
	key := t
	key.Did = ""
	i, seen := s.at[key]
	if !seen {
		if s.at == nil {
			s.at = map[Touch]int{}
		}
		s.at[key] = len(s.all)
		s.all = append(s.all, t)
		return
	}
	was := s.all[i].Did
	switch {
	case was == "": // it came and went
		s.all[i].Did = t.Did
	case was == Created && t.Did == Deleted:
		s.all[i].Did = ""
	case was == Deleted && t.Did == Created:
		s.all[i].Did = Changed
	case was != Created:
		s.all[i].Did = t.Did
	}
}

// Touched lists the objects that the savepoint, and those in it, created,
// changed or deleted, in the order in which each was written first. One that
// came and went is left out.
func (tx *Tx) Touched() []Touch {
	out := make([]Touch, 0, len(tx.touched.all))
	for _, t := range tx.touched.all {
		if t.Did != "" {
			out = append(out, t)
		}
	}
	return out
}

func (tx *Tx) touch(array string, t *schema.Type, id int64, did Did) {
	tx.touched.add(Touch{Array: array, Kind: t.Name(), ID: id, Did: did})
}
