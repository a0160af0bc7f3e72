package replication

import (
	"fmt"

	"infinisim/sim/data"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// content is a member's image on its way, named by the receiver's ids.
type content struct {
	Dataset int64  `json:"dataset"`
	GUID    string `json:"guid"`
	Size    int64  `json:"size"`
	Image   []byte `json:"image"`
	// Base is the image that the sender knows to be on both sides.
	Base string `json:"base,omitempty"`
	// Streams is what hosts go on writing to it, for a member in step.
	Streams *model.Stream `json:"streams,omitempty"`
	// Snaps are the snapshots that go along.
	Snaps []crossing `json:"snaps,omitempty"`
}

// jobMessage is a step of a job, about the receiver's half.
type jobMessage struct {
	Replica int64  `json:"replica"`
	GUID    string `json:"guid"`
	Time    int64  `json:"time"`
	// Last says that the two sides are in step no more.
	Last    bool      `json:"last,omitempty"`
	Members []content `json:"members,omitempty"`
}

func (r *replica) message(name string, ask, answer any) error {
	return call(r.b, r.ends(), name, ask, answer)
}

// begin tells the peer that a job starts: it lets go of images that are older
// than those that this half has too.
func (r *replica) begin() error {
	ask := jobMessage{Replica: ReplicaRemoteID.Get(r.o), GUID: r.job.GUID}
	for _, p := range r.pairs {
		ask.Members = append(ask.Members, content{Dataset: p.Remote, Base: p.Base.GUID})
	}
	return r.message(msgBegin, ask, nil)
}

// commit has the peer take the images that were sent, all members in one
// step.
func (r *replica) commit() error {
	ask := jobMessage{Replica: ReplicaRemoteID.Get(r.o), GUID: r.job.GUID, Time: r.job.Started.MS()}
	for i := range r.pairs {
		p := &r.pairs[i]
		if p.Flight.GUID == "" {
			continue
		}
		c, err := r.pack(p, p.Flight)
		if err != nil {
			return err
		}
		if c.Snaps, err = r.crossings(p); err != nil {
			return err
		}
		ask.Members = append(ask.Members, c)
	}
	return r.message(msgCommit, ask, nil)
}

func (r *replica) pack(p *pair, h held) (content, error) {
	im, err := r.image(h)
	if err != nil {
		return content{}, err
	}
	raw, err := im.MarshalBinary()
	return content{Dataset: p.Remote, GUID: h.GUID, Size: h.Size, Image: raw, Base: p.Base.GUID}, err
}

// caughtUp reports whether what is left after the job's image would be sent
// within a second, over a link that is fast enough.
//
// unsourced: that a SYNC replica is synchronized once what is left takes less
// than a second to send.
func (r *replica) caughtUp() bool {
	path := r.path()
	if !r.connected() || r.slow() {
		return false
	}
	var left int64
	for i := range r.pairs {
		p := &r.pairs[i]
		o, err := r.dataset(p)
		if err != nil {
			return false
		}
		last := p.Flight
		if last.GUID == "" {
			last = p.Base
		}
		base, err := r.image(last)
		if err != nil {
			return false
		}
		now, err := r.b.Content(o)
		if err != nil {
			return false
		}
		left += data.Diff(base, now)
	}
	return left < path.Throughput()
}

func (r *replica) pairOf(dataset int64) *pair {
	for i := range r.pairs {
		if r.pairs[i].Local == dataset {
			return &r.pairs[i]
		}
	}
	return nil
}

// replicasOf are those that a dataset is in, by itself or with its group.
func replicasOf(b *model.Box, o *schema.Object) ([]*replica, error) {
	ids := append([]int64(nil), model.DatasetReplicas.Get(o)...)
	if group := model.GroupOf(o); group != 0 {
		t := model.ConsGroup
		if o.Type() == model.VVol {
			t = model.ReplicationGroup
		}
		ids = append(ids, idsOfGroup(b, t, group)...)
	}
	var out []*replica
	for _, id := range ids {
		r, err := openID(b, id)
		if err != nil {
			return nil, err
		}
		if r.pairOf(o.ID()) != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// pathChanged moves every link and replica between two arrays when the path
// comes up or goes down.
func (r *engine) pathChanged(tx *store.Tx, e fabric.Ends, up bool) error {
	for _, end := range []fabric.Ends{e, e.Back()} {
		b := r.Box(tx, end.From, model.Identity{})
		err := tx.Each(end.From, Link, func(link *schema.Object) (bool, error) {
			if linkPeer.Get(link) != end.To || LinkSpace.IsNull(link) || !linkAttached.Get(link) {
				return true, nil
			}
			return true, linkMoved(b, link, up, false)
		})
		if err != nil {
			return err
		}
		wakeWaiting(b)
	}
	if !up {
		return nil
	}
	for _, end := range []fabric.Ends{e, e.Back()} {
		if err := tellLate(r.Box(tx, end.From, model.Identity{}), end.To); err != nil {
			return err
		}
	}
	return nil
}

// awaited has somebody wait again for the jobs of a replica whose sides catch up
// with each other, now that they come to an end.
func (r *replica) awaited() error {
	if r.state() != outOfSyncRunning && r.state() != peerRunning || r.job == nil || r.job.Asked || r.slow() || r.outrun() {
		return nil
	}
	if err := r.ask(); err != nil {
		return err
	}
	return r.save()
}

// pathRetimed moves the SYNC replicas of a path that became too slow for them,
// and those that wait for a slot where it has more of them.
func (r *engine) pathRetimed(tx *store.Tx, e fabric.Ends) error {
	for _, end := range []fabric.Ends{e, e.Back()} {
		b := r.Box(tx, end.From, model.Identity{})
		err := tx.Each(end.From, Replica, func(o *schema.Object) (bool, error) {
			rep, err := open(b, o)
			if err != nil || rep.ends() != end || !rep.mirrored() || !rep.connected() {
				return true, err
			}
			if rep.slow() {
				return true, rep.fire(evSlow)
			}
			return true, rep.awaited()
		})
		if err != nil {
			return err
		}
		wakeWaiting(b)
	}
	return nil
}

// slow reports whether the path is no good for writes that go to both sides: a
// round trip takes too long, or hosts write more than it carries.
//
// unsourced: that an ACTIVE_ACTIVE replica goes on over a path that became too
// slow.
func (r *replica) slow() bool {
	return ReplicaType.Get(r.o) == syncType && (r.path().RTT() > r.b.Profile().SyncRTT || r.outrun())
}

// outrun reports whether hosts write more than the path carries: no job ever
// catches up with them.
//
// unsourced: that writes which go to both sides at once leave jobs the whole of
// the path's bandwidth.
func (r *replica) outrun() bool { return r.written() > r.path().Throughput() }

// linkMoved tells a link's replicas that it is up or down. A detached link
// suspends its ASYNC replicas (vendor KB 6211329482397) and leaves SYNC ones
// out of sync (seen on hardware).
func linkMoved(b *model.Box, link *schema.Object, up, detached bool) error {
	if !up {
		linkDownAt.Set(link, b.Tx.Now().MS())
		if err := b.Tx.Put(b.Key, link); err != nil {
			return err
		}
	}
	word, on := linkDown, evLost
	if up {
		word, on = linkUp, evBack
	}
	if err := emitLink(b, link, word); err != nil {
		return err
	}
	for _, id := range idsBy(b, ReplicaLink.Field(), schema.RefValue(link.ID())) {
		r, err := openID(b, id)
		if err != nil {
			return err
		}
		if up {
			if err := r.catchUp(); err != nil {
				return err
			}
		}
		move := on
		if detached && !r.mirrored() {
			move = evSuspend
		}
		if !up {
			if err := r.part(); err != nil {
				return err
			}
		}
		if err := r.fire(move); err != nil {
			return err
		}
		if up {
			if err := r.warnRival(); err != nil {
				return err
			}
		}
	}
	return nil
}

// blocked names the replicas whose job waits for a link or for a slot.
func blocked(b *model.Box) ([]string, error) {
	var out []string
	for _, s := range states(asyncPending, syncPending, asyncInitialStalled, asyncStalled, syncInitialStalled, outOfSync, peerPending, peerInitialStalled, peerLagging) {
		for _, id := range idsBy(b, replicaState.Field(), schema.TextValue(string(s))) {
			out = append(out, fmt.Sprintf("%s: replica %d: %s", b.Key, id, s))
		}
	}
	return out, nil
}
