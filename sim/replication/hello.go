package replication

import (
	"fmt"
	"slices"

	"infinisim/sim/apierr"
)

// hello learns which image the peer has, before a replica goes on.
func (r *replica) hello() error {
	var answer helloAnswer
	if err := r.message(msgHello, jobMessage{Replica: ReplicaRemoteID.Get(r.o)}, &answer); err != nil {
		return err
	}
	return r.agree(answer)
}

// agree makes the image that the other half shows the one that both have.
func (r *replica) agree(answer helloAnswer) error {
	if answer.Role == roleSource || r.isPeer() != (answer.Role == rolePeer) {
		return apierr.New(apierr.ReplicaRoleConflict, "replica %d: the peer's half is %s", r.o.ID(), answer.Role)
	}
	if answer.Turned || replicaTurned.Get(r.o) || r.apart(answer) {
		if err := r.meet(answer); err != nil {
			return err
		}
		r.greeted()
		return nil
	}
	for i := range r.pairs {
		p := &r.pairs[i]
		switch there := answer.Images[fmt.Sprint(p.Remote)]; {
		case p.Flight.GUID != "" && there == p.Flight.GUID:
			// The commit was applied there; its answer was lost.
			if err := r.drop(p, &p.Base); err != nil {
				return err
			}
			p.Base, p.Flight, p.Initial = p.Flight, held{}, false
			r.restoredTo(p)
			p.crossed()
		default: // a mirrored write that hosts were never told of is overwritten
			if err := r.drop(p, &p.Flight); err != nil {
				return err
			}
		}
	}
	r.greeted()
	return nil
}

// apart reports whether the other half shows an image that this one does not
// have: it was told to take it, and nobody here heard that it did.
func (r *replica) apart(answer helloAnswer) bool {
	return !r.mirrored() && slices.ContainsFunc(r.pairs, func(p pair) bool {
		there := answer.Images[fmt.Sprint(p.Remote)]
		return !p.Initial && there != p.Base.GUID && (there == "" || there != p.Flight.GUID)
	})
}

// greeted is a replica whose halves have met: it asks for a job at once.
func (r *replica) greeted() {
	ReplicaReason.SetNull(r.o)
	ReplicaStateText.SetNull(r.o)
	replicaWaiting.Set(r.o, true)
}

// helloAnswer is the receiver's role, whether it rests and whether it was
// turned, the image that each of its datasets shows and all that it has.
type helloAnswer struct {
	Role  string `json:"role"`
	Rests bool   `json:"rests,omitempty"`
	// FromLocal says that an administrator had it rest, there.
	FromLocal bool                `json:"from_local,omitempty"`
	Turned    bool                `json:"turned,omitempty"`
	Images    map[string]string   `json:"images"`
	Held      map[string][]string `json:"held,omitempty"`
}
