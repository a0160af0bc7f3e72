package replication

import (
	"encoding/json"

	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// handleAborts says how messages are taken back whose sender was refused in
// the end, or ended before it knew the answer. The others change nothing that
// a later message of the same replica does not put right.
func (r *engine) handleAborts() {
	undo(r, msgLinkCreate, func(b *model.Box, _ linkOffer, made linkOffer) error {
		o, err := b.Tx.Get(b.Key, Link, made.Link)
		if err != nil || o == nil {
			return err
		}
		if len(idsBy(b, ReplicaLink.Field(), schema.RefValue(o.ID()))) > 0 {
			return nil // in use: the sender has it after all
		}
		if err := b.Remove(o); err != nil {
			return err
		}
		return b.EmitFor(o, "DELETED")
	})
	undo(r, msgCreate, undoReplica)
	undo(r, msgSwitch, func(b *model.Box, ask jobMessage, _ struct{}) error {
		if o, err := b.Tx.Get(b.Key, Replica, ask.Replica); err != nil || o == nil {
			return err
		}
		rep, err := receiver(b, ask.Replica)
		if err != nil || !rep.isSource() || replicaTurned.Get(rep.o) {
			return err
		}
		return rep.fire(evGiveBack)
	})
	undo(r, msgJoin, func(b *model.Box, ask joinMember, made memberAccepted) error {
		if o, err := find(b, ask.Replica); err != nil || o == nil {
			return err
		}
		rep, err := receiver(b, ask.Replica)
		if err != nil || rep.indexOf(made.Dataset) < 0 {
			return err
		}
		if _, err := releaseMember(b, fabric.Message{}, leaveMember{Replica: ask.Replica, Dataset: made.Dataset}); err != nil {
			return err
		}
		return discard(b, ask.Member.Ask, made.Dataset)
	})
}

// undo registers the taking back of a message whose body is an A and whose
// reply is an R.
func undo[A, R any](r *engine, name string, do func(b *model.Box, ask A, made R) error) {
	r.Fabric.OnAbort(name, func(tx *store.Tx, m fabric.Message, reply json.RawMessage) error {
		var ask A
		var made R
		if err := fabric.Decode(m, &ask); err != nil {
			return err
		}
		if err := json.Unmarshal(reply, &made); err != nil {
			return err
		}
		return do(r.box(tx, m), ask, made)
	})
}

// undoReplica removes a target's half and what was made for it.
func undoReplica(b *model.Box, ask offer, made accepted) error {
	o, err := find(b, made.Replica)
	if err != nil || o == nil {
		return err
	}
	r, err := open(b, o)
	if err != nil {
		return err
	}
	if _, err := r.give(false); err != nil {
		return err
	}
	for i, m := range made.Members {
		if ask.IsGroup && ask.Members[i].Ask.RemoteAction == baseCreate {
			if err := leaveCG(b, m.Dataset); err != nil {
				return err
			}
		}
		if err := discard(b, ask.Members[i].Ask, m.Dataset); err != nil {
			return err
		}
	}
	if !ask.IsGroup || ask.Group != 0 || len(ask.Members) == 0 || ask.Members[0].Ask.Remote != 0 {
		return nil
	}
	_, err = b.Delete(b.Eng.Catalog.Kind(groupType(ask.EntityType).Name()), made.Group, approved())
	return err
}

func leaveCG(b *model.Box, id int64) error {
	o, err := b.Dataset(id)
	if err != nil {
		return err
	}
	model.SetGroup(o, 0)
	return b.Save(o)
}

// discard deletes a dataset that was made for a message.
func discard(b *model.Box, ask pairAsk, id int64) error {
	if ask.RemoteAction != baseCreate {
		return nil
	}
	o, err := b.Dataset(id)
	if err != nil {
		return err
	}
	_, err = b.Delete(b.Eng.Catalog.Kind(o.Type().Name()), id, approved())
	return err
}

func approved() *model.Input { return &model.Input{Request: model.Request{Approved: true}} }
