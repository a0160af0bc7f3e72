package replication

import (
	"fmt"

	"infinisim/sim/apierr"
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
	// Snaps are the snapshots that go along.
	Snaps []crossing `json:"snaps,omitempty"`
}

// jobMessage is a step of a job, about the receiver's half.
type jobMessage struct {
	Replica int64     `json:"replica"`
	GUID    string    `json:"guid"`
	Time    int64     `json:"time"`
	Members []content `json:"members,omitempty"`
}

func (r *replica) message(name string, ask, answer any) error {
	return call(r.b, r.ends(), name, ask, answer)
}

// begin tells the peer that a job starts: it lets go of the image before its
// present one.
func (r *replica) begin() error {
	return r.message(msgBegin, jobMessage{Replica: ReplicaRemoteID.Get(r.o), GUID: r.job.GUID}, nil)
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
	return content{Dataset: p.Remote, GUID: h.GUID, Size: h.Size, Image: raw}, err
}

// hello learns which image the peer has, before a replica goes on.
func hello(r *replica) error {
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
	if answer.Turned || replicaTurned.Get(r.o) {
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
		case there == p.Base.GUID || p.Initial || r.mirrored():
			// A mirrored write that hosts were never told of is overwritten.
			if err := r.drop(p, &p.Flight); err != nil {
				return err
			}
		default:
			return apierr.New(apierr.ReplicaNoCommonImage, "replica %d: no common image of dataset %d", r.o.ID(), p.Local)
		}
	}
	r.greeted()
	return nil
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

// caughtUp reports whether what is left after the job's image would be sent
// within a second, over a link that is fast enough.
//
// unsourced: that a SYNC replica is synchronized once what is left takes less
// than a second to send.
func caughtUp(r *replica) bool {
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
		n, err := r.difference(last, held{Image: model.ImageID(o), Size: model.DatasetSize.Get(o)})
		if err != nil {
			return false
		}
		left += n
	}
	return left < path.Throughput()
}

// mirrorAll makes the target equal to the source as it is now; from here on
// every write goes to both.
func mirrorAll(r *replica) error {
	all := make([]*pair, 0, len(r.pairs))
	for i := range r.pairs {
		all = append(all, &r.pairs[i])
	}
	if err := r.mirrorPairs(all); err != nil {
		return err
	}
	return emitReplica(r.b, r.o, "SYNCHRONIZED", "INFO")
}

// mirrorPairs sends the present content of some members and, once the other
// side has it, makes it the common image on both.
func (r *replica) mirrorPairs(pairs []*pair) error {
	ask := jobMessage{Replica: ReplicaRemoteID.Get(r.o), GUID: r.b.UUID(), Time: r.b.Tx.Now().MS()}
	next := make([]held, len(pairs))
	for i, p := range pairs {
		o, err := r.dataset(p)
		if err != nil {
			return err
		}
		if next[i], err = r.hold(p, r.b.UUID(), model.ImageID(o), model.DatasetSize.Get(o)); err != nil {
			return err
		}
		c, err := r.pack(p, next[i])
		if err != nil {
			return err
		}
		ask.Members = append(ask.Members, c)
	}
	failed := r.message(msgMirror, ask, nil)
	for i, p := range pairs {
		old := &p.Base
		if failed != nil {
			old = &next[i]
		}
		if err := r.drop(p, old); err != nil {
			return err
		}
		if failed == nil {
			p.Base, p.Restore, p.LastSync = next[i], ask.Time, ask.Time
		}
	}
	if failed == nil {
		ReplicaRestore.Set(r.o, ask.Time)
		ReplicaLastSync.Set(r.o, ask.Time)
	}
	return failed
}

// mirror follows a host's write on the source of a synchronized replica: both
// sides have it before the write is answered.
func mirror(b *model.Box, o *schema.Object, _ data.Image) error {
	if !model.DatasetRMRSource.Get(o) && !model.DatasetRMRPeer.Get(o) {
		return nil
	}
	reps, err := replicasOf(b, o)
	if err != nil {
		return err
	}
	for _, r := range reps {
		p := r.pairOf(o.ID())
		if !r.inStep(p) {
			continue
		}
		if err := r.mirrorPairs([]*pair{p}); err != nil {
			if r.isPeer() && apierr.CodeOf(err) == apierr.ReplicaRoleConflict {
				return err // the other side serves
			}
			// The host's write stands; the other half is gone, or refuses.
			if err := r.troubled(err); err != nil {
				return err
			}
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	return nil
}

// inStep reports whether a member's writes go to both sides. While a new member
// joins, the old ones go on doing so.
func (r *replica) inStep(p *pair) bool {
	switch r.state() {
	case synchronized, peerSynchronized:
		return true
	case syncInitial, syncInitialStalled, peerInitial, peerInitialStalled:
		return !p.Initial && r.connected()
	}
	return false
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
	if !model.DatasetCG.IsNull(o) {
		ids = append(ids, b.Tx.IDsBy(b.Key, Replica, ReplicaLocalCG.Field(), schema.RefValue(model.DatasetCG.Get(o)))...)
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

// pathRetimed moves the SYNC replicas of a path that became too slow for them,
// and those that wait for a slot where it has more of them.
func (r *engine) pathRetimed(tx *store.Tx, e fabric.Ends) error {
	for _, end := range []fabric.Ends{e, e.Back()} {
		b := r.Box(tx, end.From, model.Identity{})
		err := tx.Each(end.From, Replica, func(o *schema.Object) (bool, error) {
			rep, err := open(b, o)
			if err != nil || rep.ends() != end || ReplicaType.Get(o) != syncType || !rep.connected() || !rep.slow() {
				return true, err
			}
			return true, rep.fire(evSlow)
		})
		if err != nil {
			return err
		}
		wakeWaiting(b)
	}
	return nil
}

// slow reports whether the path is no good for writes that go to both sides.
//
// unsourced: that an ACTIVE_ACTIVE replica goes on over a path that became too
// slow.
func (r *replica) slow() bool {
	return ReplicaType.Get(r.o) == syncType && r.path().RTT() > r.b.Profile().SyncRTT
}

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
	for _, id := range b.Tx.IDsBy(b.Key, Replica, ReplicaLink.Field(), schema.RefValue(link.ID())) {
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
		for _, id := range b.Tx.IDsBy(b.Key, Replica, replicaState.Field(), schema.TextValue(string(s))) {
			out = append(out, fmt.Sprintf("%s: replica %d: %s", b.Key, id, s))
		}
	}
	return out, nil
}
