package replication

import (
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// pair is one dataset of a replica with its counterpart on the peer.
type pair struct {
	ID         int64  `json:"id"`
	RemoteID   int64  `json:"remote_id"`
	Local      int64  `json:"local"`
	Remote     int64  `json:"remote"`
	RemoteName string `json:"remote_name"`
	// How the pair was made.
	LocalAction  string `json:"local_action,omitempty"`
	RemoteAction string `json:"remote_action,omitempty"`
	LocalBase    int64  `json:"local_base,omitempty"`
	RemoteBase   int64  `json:"remote_base,omitempty"`
	// Initial is true until the first image is committed.
	Initial bool `json:"initial"`
	// Base is the last image that both sides have; on the target it is the
	// content. Flight is the image under way (source), Previous the one before
	// Base (target).
	Base     held `json:"base"`
	Flight   held `json:"flight"`
	Previous held `json:"previous"`
	// WasProtected is the target's write protection before it became one.
	WasProtected bool `json:"was_protected,omitempty"`
	// Told is what hosts write on here as the other side, which goes along with
	// it, knows it.
	Told *model.Stream `json:"told,omitempty"`
	// Mismatch marks a pair whose contents differed although the client said
	// that they were equal.
	Mismatch bool `json:"mismatch,omitempty"`
	// Snaps are the snapshots that the running job takes along; Crossed is the
	// last one that did.
	Snaps   []int64 `json:"snaps,omitempty"`
	Crossed int64   `json:"crossed,omitempty"`
	// When the pair was last committed, and the time of that image.
	LastSync int64 `json:"last_sync,omitempty"`
	Restore  int64 `json:"restore"`
	Duration int64 `json:"duration,omitempty"`
}

// held is an image that a pair keeps in its dataset's staging area. An empty
// GUID is no image; image 0 is an image of zeros.
type held struct {
	GUID  string `json:"guid,omitempty"`
	Image int64  `json:"image,omitempty"`
	Size  int64  `json:"size,omitempty"`
	// Time is when the source was so, in milliseconds.
	Time int64 `json:"time,omitempty"`
}

// phase is how far a running job is.
type phase string

const (
	phaseBegin  phase = "begin"  // the peer prepares
	phaseSend   phase = "send"   // bytes cross
	phaseCommit phase = "commit" // the peer is told to commit
	phaseAck    phase = "ack"    // committed there, not yet known here
	phaseHold   phase = "hold"   // nothing to do until the link is back
)

// running is the job of a replica that is under way.
type running struct {
	ID      int64      `json:"id"`
	Initial bool       `json:"initial"`
	Phase   phase      `json:"phase"`
	Started clock.Time `json:"started"`
	Bytes   int64      `json:"bytes"`
	Flow    int64      `json:"flow,omitempty"`
	GUID    string     `json:"guid"`
	// Asked says that somebody waits for it.
	Asked bool `json:"asked"`
	// Stalled jobs have no due time; Left is what their phase still needs.
	Stalled bool          `json:"stalled,omitempty"`
	Left    time.Duration `json:"left,omitempty"`
}

// replica is one half of a replica while it is worked on.
type replica struct {
	b     *model.Box
	o     *schema.Object
	link  *schema.Object
	pairs []pair
	job   *running

	// quiet halves do not tell the other one, which waits for their answer;
	// heard is what that one has.
	quiet bool
	heard *helloAnswer
	// newSerial says that what is given up gets serial numbers of its own.
	newSerial bool
}

// open reads a replica's machine.
func open(b *model.Box, o *schema.Object) (*replica, error) {
	link, err := b.Must(Link, ReplicaLink.Get(o))
	if err != nil {
		return nil, err
	}
	r := &replica{b: b, o: o, link: link, pairs: replicaPairs.Get(o)}
	if !replicaJob.IsNull(o) {
		r.job = replicaJob.Get(o)
	}
	return r, nil
}

// openID finds a replica by id and reads its machine.
func openID(b *model.Box, id int64) (*replica, error) {
	o, err := find(b, id)
	if err == nil && o == nil {
		_, err = b.Load(b.Eng.Catalog.Kind(Replica.Name()), id)
	}
	if err != nil {
		return nil, err
	}
	return open(b, o)
}

// save writes the machine back.
func (r *replica) save() error {
	replicaPairs.Set(r.o, r.pairs)
	if r.job == nil {
		replicaJob.SetNull(r.o)
	} else {
		replicaJob.Set(r.o, r.job)
	}
	ReplicaVersion.Set(r.o, ReplicaVersion.Get(r.o)+1)
	return r.b.Save(r.o)
}

func (r *replica) ends() fabric.Ends { return ends(r.b, r.link) }

func (r *replica) path() fabric.Model { return fabric.ModelOf(r.b.Tx, r.ends()) }

func (r *replica) connected() bool { return connected(r.b, r.link) }

func (r *replica) state() state { return state(replicaState.Get(r.o)) }

func (r *replica) isSource() bool { return ReplicaRole.Get(r.o) == roleSource }

// isPeer reports whether both halves are equal: ACTIVE_ACTIVE.
func (r *replica) isPeer() bool { return ReplicaType.Get(r.o) == activeActive }

// mirrored reports whether writes go to both sides before they are answered,
// once the replica is synchronized: SYNC and ACTIVE_ACTIVE.
func (r *replica) mirrored() bool { return ReplicaType.Get(r.o) != async }

// leads reports whether jobs go out from this half.
func (r *replica) leads() bool { return r.isSource() || r.isPeer() && replicaLeads.Get(r.o) }

// initial reports whether any pair has no image on the target yet; a group
// without members is initial until its first job.
func (r *replica) initial() bool {
	for _, p := range r.pairs {
		if p.Initial {
			return true
		}
	}
	return !replicaDone.Get(r.o)
}

func (r *replica) datasetType() *schema.Type {
	switch ReplicaEntityType.Get(r.o) {
	case model.OfFS:
		return model.Filesystem
	case ofReplicationGroup:
		return model.VVol
	}
	return model.Volume
}

// dataset is a pair's local dataset.
func (r *replica) dataset(p *pair) (*schema.Object, error) { return r.b.Dataset(p.Local) }

// hold puts an image in the staging area of a pair's dataset.
func (r *replica) hold(p *pair, guid string, image, size int64) (held, error) {
	o, err := r.dataset(p)
	if err != nil {
		return held{}, err
	}
	if err := r.b.HoldImage(image); err != nil {
		return held{}, err
	}
	return held{GUID: guid, Image: image, Size: size, Time: r.b.Tx.Now().MS()}, r.b.Stage(o, image)
}

// holdNow puts what a pair's dataset shows now in its staging area.
func (r *replica) holdNow(p *pair, guid string, o *schema.Object) (held, error) {
	image, err := r.b.Freeze(o)
	if err != nil {
		return held{}, err
	}
	return r.hold(p, guid, image, model.DatasetSize.Get(o))
}

// drop takes an image out of the staging area and forgets it.
func (r *replica) drop(p *pair, h *held) error {
	old := *h
	*h = held{}
	if old.Image == 0 {
		return nil
	}
	o, err := r.dataset(p)
	if err != nil {
		return err
	}
	return r.b.Unstage(o, old.Image)
}

// image reads an image that a pair holds; none reads as zeros.
func (r *replica) image(h held) (data.Image, error) { return r.b.ImageAt(h.Image, h.Size) }

// staged counts the bytes that only the replica's own images hold.
func (r *replica) staged() (int64, error) {
	var n int64
	for i := range r.pairs {
		p := &r.pairs[i]
		o, err := r.dataset(p)
		if err != nil {
			return 0, err
		}
		own, err := r.b.Content(o)
		if err != nil {
			return 0, err
		}
		all := []data.Image{own}
		for _, h := range []held{p.Base, p.Flight, p.Previous} {
			im, err := r.image(h)
			if err != nil {
				return 0, err
			}
			all = append(all, im)
		}
		n += data.Union(all...) - own.Used()
	}
	return n, nil
}
