package replication

import (
	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// wins decides which half goes on after the link is lost: the preferred one;
// with a witness, the preferred one if it sees the witness, else the one that
// does (vendor KB 360002123818).
//
// unsourced: that neither goes on if both lose a witness at the instant of the
// cut, and that a witness which both had lost before counts as none. A peer in
// another process is taken to see the witness.
func (r *replica) wins() bool {
	preferred := ReplicaPreferred.Get(r.o)
	address := LinkWitness.Get(r.link)
	if noWitness(address) {
		return preferred
	}
	tx := r.b.Tx
	here, since := fabric.Sees(tx, r.b.Key, address)
	there, thereSince := true, since
	if peer := linkPeer.Get(r.link); !fabric.Remote(tx, peer) {
		there, thereSince = fabric.Sees(tx, peer, address)
	}
	switch {
	case here && there:
		return preferred
	case here || there:
		return here
	}
	return preferred && since < tx.Now() && thereSince < tx.Now()
}

// neitherWins reports whether no half goes on: both lost the witness with the
// link.
func (r *replica) neitherWins() bool {
	address, peer := LinkWitness.Get(r.link), linkPeer.Get(r.link)
	if noWitness(address) || fabric.Remote(r.b.Tx, peer) {
		return false
	}
	here, since := fabric.Sees(r.b.Tx, r.b.Key, address)
	there, thereSince := fabric.Sees(r.b.Tx, peer, address)
	now := r.b.Tx.Now()
	return !here && !there && (since == now || thereSince == now)
}

func noWitness(address string) bool { return address == "" || address == "0.0.0.0" }

// witnessState is how an array of a link sees its witness.
//
// unsourced: the words.
func witnessState(b *model.Box, o *schema.Object, array string) string {
	address := LinkWitness.Get(o)
	if noWitness(address) {
		return "NOT_CONFIGURED"
	}
	if fabric.Remote(b.Tx, array) {
		return linkUp
	}
	if seen, _ := fabric.Sees(b.Tx, array, address); !seen {
		return linkDown
	}
	return linkUp
}

// newWitness tells the receiver's half of a link which witness it has.
type newWitness struct {
	Link    int64  `json:"link"`
	Address string `json:"address"`
}

// setWitness gives both halves of a link a witness; 0.0.0.0 is none (vendor KB
// 10106979032733).
//
// unsourced: that it is set on both halves at once.
func setWitness(b *model.Box, o *schema.Object, in *model.Input) (any, error) {
	raw, ok := in.Body["witness_address"]
	if !ok {
		return nil, apierr.New(apierr.MissingField, "witness_address: required").About("witness_address")
	}
	accepted, err := LinkWitness.Field().Accept(raw)
	if err != nil {
		return nil, model.Wire(err)
	}
	o.SetRaw(LinkWitness.Field(), accepted)
	if connected(b, o) {
		if err := call(b, ends(b, o), msgWitness, newWitness{Link: LinkRemoteID.Get(o), Address: LinkWitness.Get(o)}, nil); err != nil {
			return nil, err
		}
	}
	return o, b.Save(o)
}

func (r *engine) handleWitness() {
	handle(r, msgWitness, func(b *model.Box, _ fabric.Message, ask newWitness) (any, error) {
		o, err := b.Must(Link, ask.Link)
		if err != nil {
			return nil, err
		}
		LinkWitness.Set(o, ask.Address)
		return nil, b.Save(o)
	})
	r.Fabric.OnWitness(r.witnessChanged)
}

// witnessChanged reports on both halves of the links that have a witness that
// one side lost or found.
func (r *engine) witnessChanged(tx *store.Tx, array, address string, seen bool) error {
	b := r.Box(tx, array, model.Identity{})
	what, level := "WITNESS_UP", "INFO"
	if !seen {
		what, level = "WITNESS_DOWN", "WARNING"
	}
	return tx.Each(array, Link, func(o *schema.Object) (bool, error) {
		if LinkWitness.Get(o) != address {
			return true, nil
		}
		return true, b.Emit(model.Event{
			Code: what, Level: level, Entity: o.ID(), Template: "link {name}: the witness at {address} is {state}",
			Data: []model.Datum{
				{Name: "name", Type: "String", Value: LinkName.Get(o)},
				{Name: "address", Type: "String", Value: address},
				{Name: "state", Type: "String", Value: map[bool]string{true: linkUp, false: linkDown}[seen]},
			},
		})
	})
}
