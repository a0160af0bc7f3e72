package replication

import (
	"encoding/json"
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// release asks the peer to give up its half of a replica.
type release struct {
	Credentials []model.Credentials `json:"credentials"`
	Replica     int64               `json:"replica"`
	Retain      bool                `json:"retain"`
	// NewSerial has the receiver's volumes get serial numbers of their own.
	NewSerial bool `json:"new_serial,omitempty"`
	// Images name, for each of the receiver's datasets, the image that both
	// sides have.
	Images map[string]string `json:"images"`
}

// reclaimed is what a half left behind: a snapshot for each dataset, and a
// snapshot group.
type reclaimed struct {
	Group     int64            `json:"group"`
	Snapshots map[string]int64 `json:"snapshots"`
}

// deleteReplica removes both halves; the datasets stay. The answer is the
// replica as it was, with the ids of what was reclaimed.
func deleteReplica(b *model.Box, o *schema.Object, in *model.Input) (any, error) {
	r, err := open(b, o)
	if err != nil {
		return nil, err
	}
	flags := map[string]bool{}
	for _, name := range []string{"force_on_target", "force_on_local"} {
		if flags[name], err = in.Flag(name, false); err != nil {
			return nil, err
		}
	}
	// unsourced: that the side where the deletion is asked for keeps the serial
	// numbers of ACTIVE_ACTIVE volumes unless told otherwise.
	keep, err := in.Flag("keep_serial_on_local", true)
	if err != nil {
		return nil, err
	}
	r.newSerial = !keep
	_, auto := b.Release().Features["replica_auto_create"]
	retain, err := in.Flag("retain_staging_area", auto)
	if err != nil {
		return nil, err
	}
	if ReplicaRole.Get(o) == roleTarget && !flags["force_on_target"] && !flags["force_on_local"] {
		return nil, apierr.New(apierr.ReplicaIsTarget, "replica %d is a target: delete it at its source, or force it", o.ID())
	}
	if err := r.part(); err != nil {
		return nil, err
	}
	if r.leads() {
		if err := r.stopJob(); err != nil {
			return nil, err
		}
		if err := r.save(); err != nil { // the answer shows it
			return nil, err
		}
	}
	there, err := r.deleteThere(in, flags, retain)
	if err != nil {
		return nil, err
	}
	was, err := r.rendered()
	if err != nil {
		return nil, err
	}
	here, err := r.give(retain)
	if err != nil {
		return nil, err
	}
	return r.report(was, here, there)
}

// deleteThere removes the peer's half, unless the client takes only this one
// away.
func (r *replica) deleteThere(in *model.Input, flags map[string]bool, retain bool) (reclaimed, error) {
	var there reclaimed
	if ReplicaRole.Get(r.o) == roleTarget || flags["force_on_local"] || replicaOrphan.Get(r.o) {
		return there, nil
	}
	ask := release{Credentials: credentials(r.b), Replica: ReplicaRemoteID.Get(r.o), Retain: retain, NewSerial: r.isPeer() && !r.newSerial, Images: map[string]string{}}
	for _, p := range r.pairs {
		ask.Images[fmt.Sprint(p.Remote)] = p.Base.GUID
	}
	if !r.connected() {
		return there, forgive(in, apierr.New(apierr.RemoteUnreachable, "array %s cannot be reached", linkPeer.Get(r.link)))
	}
	err := r.message(msgDelete, ask, &there)
	if apierr.CodeOf(err) == apierr.ReplicaNotFound {
		return there, nil // its half was removed by force before
	}
	return there, forgive(in, err)
}

// releaseReplica gives up the receiver's half.
func releaseReplica(b *model.Box, _ fabric.Message, ask release) (any, error) {
	if err := admit(b, ask.Credentials); err != nil {
		return nil, err
	}
	r, err := receiver(b, ask.Replica)
	if err != nil {
		return nil, err
	}
	for i := range r.pairs {
		p := &r.pairs[i]
		if want := ask.Images[fmt.Sprint(p.Local)]; p.Base.GUID != want && p.Previous.GUID == want {
			p.Base, p.Previous = p.Previous, p.Base
		}
	}
	r.newSerial = ask.NewSerial
	if r.leads() {
		if err := r.stopJob(); err != nil {
			return nil, err
		}
	}
	return r.give(ask.Retain)
}

// give removes this half: jobs, marks, images. What was common to both sides
// becomes snapshots if it is to be retained.
func (r *replica) give(retain bool) (reclaimed, error) {
	out := reclaimed{Snapshots: map[string]int64{}}
	var snaps []*schema.Object
	for i := range r.pairs {
		snap, err := r.givePair(&r.pairs[i], retain)
		if err != nil {
			return out, err
		}
		if snap != nil {
			out.Snapshots[fmt.Sprint(r.pairs[i].Local)] = snap.ID()
			snaps = append(snaps, snap)
		}
	}
	if len(snaps) > 0 && !ReplicaLocalCG.IsNull(r.o) {
		sg, err := r.giveGroup(snaps)
		if err != nil {
			return out, err
		}
		out.Group = sg
	}
	if err := r.markGroup(ReplicaRole.Get(r.o), false); err != nil {
		return out, err
	}
	if err := r.b.Remove(r.o); err != nil {
		return out, err
	}
	if r.leads() {
		r.wake()
	}
	return out, emitReplica(r.b, r.o, "DELETED", "INFO")
}

// givePair turns a pair's common image into a snapshot, or drops it.
func (r *replica) givePair(p *pair, retain bool) (*schema.Object, error) {
	var snap *schema.Object
	if retain && !p.Initial && p.Base.GUID != "" {
		o, err := r.dataset(p)
		if err != nil {
			return nil, err
		}
		if snap, err = r.reclaim(o, p.Base); err != nil {
			return nil, err
		}
	}
	for _, h := range []*held{&p.Base, &p.Flight, &p.Previous} {
		if err := r.drop(p, h); err != nil {
			return nil, err
		}
	}
	return snap, r.unmark(p)
}

// reclaim makes an internal image a snapshot, with the image's guid on both
// sides.
//
// unsourced: the names of reclaimed snapshots.
func (r *replica) reclaim(o *schema.Object, h held) (*schema.Object, error) {
	name := fmt.Sprintf("%.40s-reclaimed-%d", model.DatasetName.Get(o), r.o.ID())
	snap, err := r.b.SnapshotOf(o, name, h.Image)
	if err != nil {
		return nil, err
	}
	model.DatasetSize.Set(snap, h.Size)
	model.DatasetRMRGUID.Set(snap, h.GUID)
	model.DatasetReclaimSerial.Set(snap, LinkRemoteSerial.Get(r.link))
	return snap, r.b.Tx.Put(r.b.Key, snap)
}

func (r *replica) giveGroup(snaps []*schema.Object) (int64, error) {
	cg, err := r.b.Must(model.ConsGroup, ReplicaLocalCG.Get(r.o))
	if err != nil {
		return 0, err
	}
	sg, err := r.b.GroupSnapshotOf(cg, fmt.Sprintf("%.40s-reclaimed-%d", model.CGName.Get(cg), r.o.ID()), snaps)
	if err != nil {
		return 0, err
	}
	model.CGGUID.Set(sg, ReplicaGUID.Get(r.o))
	return sg.ID(), r.b.Tx.Put(r.b.Key, sg)
}

// exposeImage makes a snapshot of the last image that both sides have, at any
// time and on either side; before the first commit there is none. From then on
// it is a snapshot like any other.
func exposeImage(b *model.Box, o *schema.Object, _ *model.Input) (any, error) {
	r, err := open(b, o)
	if err != nil {
		return nil, err
	}
	here := reclaimed{Snapshots: map[string]int64{}}
	var snaps []*schema.Object
	for i := range r.pairs {
		p := &r.pairs[i]
		if p.Initial || p.Base.GUID == "" {
			continue
		}
		of, err := r.dataset(p)
		if err != nil {
			return nil, err
		}
		snap, err := r.reclaim(of, p.Base)
		if err != nil {
			return nil, err
		}
		here.Snapshots[fmt.Sprint(p.Local)] = snap.ID()
		snaps = append(snaps, snap)
	}
	if len(snaps) > 0 && !ReplicaLocalCG.IsNull(o) {
		if here.Group, err = r.giveGroup(snaps); err != nil {
			return nil, err
		}
	}
	if err := emitReplica(b, o, "SNAPSHOT_EXPOSED", "INFO"); err != nil {
		return nil, err
	}
	was, err := r.rendered()
	if err != nil {
		return nil, err
	}
	return r.report(was, here, reclaimed{})
}

// report lays the ids of what was reclaimed over the replica as it was; none
// is null.
func (r *replica) report(was map[string]json.RawMessage, here, there reclaimed) (any, error) {
	if was["entity_pairs"] == nil {
		return was, nil // a replication group's replica shows none
	}
	var views []map[string]json.RawMessage
	if err := json.Unmarshal(was["entity_pairs"], &views); err != nil {
		return nil, err
	}
	for i, p := range r.pairs {
		set(views[i], "_local_reclaimed_snapshot_id", here.Snapshots[fmt.Sprint(p.Local)])
		set(views[i], "_remote_reclaimed_snapshot_id", there.Snapshots[fmt.Sprint(p.Remote)])
	}
	raw, err := json.Marshal(views)
	if err != nil {
		return nil, err
	}
	was["entity_pairs"] = raw
	set(was, "_local_reclaimed_sg_id", here.Group)
	set(was, "_remote_reclaimed_sg_id", there.Group)
	return was, nil
}

func set(m map[string]json.RawMessage, key string, id int64) {
	m[key] = json.RawMessage("null")
	if id != 0 {
		m[key] = json.RawMessage(fmt.Sprint(id))
	}
}
