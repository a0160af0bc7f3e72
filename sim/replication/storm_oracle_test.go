package replication_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"infinisim/sim/clock"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// scene is what an onlooker with eyes on all arrays sees.
type scene struct {
	now      clock.Time
	datasets map[place]dataset
	replicas []half
	groups   map[place]string // names
	pools    map[place]string
	order    []place // of the datasets
}

// place names an object in the lab.
type place struct {
	box string
	id  int64
}

// dataset is a volume or filesystem, or a snapshot of one.
type dataset struct {
	place
	name, kind             string
	size                   int64
	snapshot               bool
	group                  string
	parent, pool           int64
	digest                 string
	source, target, peered bool
	paths, protected       bool
	guid                   string
	poured                 bool // hosts write to it by a workload
}

// half is one half of a replica.
type half struct {
	place
	name, peer, role, kind, state string
	remote, interval              int64
	turned, group                 bool
	pairs                         []replication.PairState
}

// look takes everything in.
func (s *storm) look() (*scene, error) {
	out := &scene{now: s.lab.Clock.Now(), datasets: map[place]dataset{}, groups: map[place]string{}, pools: map[place]string{}}
	for _, a := range s.lab.Arrays() {
		err := s.lab.View(s.ctx, a.Key, func(b *model.Box) error {
			return errors.Join(out.lookAtDatasets(b, model.Volume), out.lookAtDatasets(b, model.Filesystem), out.lookAtReplicas(b))
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (v *scene) lookAtDatasets(b *model.Box, t *schema.Type) error {
	return b.Tx.Each(b.Key, t, func(o *schema.Object) (bool, error) {
		if model.DatasetIsInternal.Get(o) {
			return true, nil
		}
		im, err := b.Content(o)
		d := dataset{
			place: place{b.Key, o.ID()}, name: model.DatasetName.Get(o), kind: t.Name(), size: model.DatasetSize.Get(o),
			snapshot: model.DatasetKind.Get(o) != model.Master, parent: model.DatasetParent.Get(o), pool: model.DatasetPool.Get(o), digest: im.Digest(),
			source: model.DatasetRMRSource.Get(o), target: model.DatasetRMRTarget.Get(o), paths: true,
			protected: model.DatasetWriteProtected.Get(o), guid: model.DatasetRMRGUID.Get(o),
		}
		w, bad := b.WorkloadOf(o.ID())
		if bad != nil {
			return false, bad
		}
		d.poured = w.Writes > 0
		if t == model.Volume {
			d.peered, d.paths = model.DatasetRMRPeer.Get(o), model.VolumePaths.Get(o)
		}
		if !model.DatasetCG.IsNull(o) {
			cg, err := b.Must(model.ConsGroup, model.DatasetCG.Get(o))
			if err != nil {
				return false, err
			}
			d.group = model.CGName.Get(cg)
		}
		v.datasets[d.place] = d
		v.order = append(v.order, d.place)
		return true, err
	})
}

func (v *scene) lookAtReplicas(b *model.Box) error {
	err := b.Tx.Each(b.Key, replication.Replica, func(o *schema.Object) (bool, error) {
		v.replicas = append(v.replicas, half{
			place: place{b.Key, o.ID()}, name: nameOf(b, o), peer: peerOf(b, o), role: replication.ReplicaRole.Get(o),
			kind: replication.ReplicaType.Get(o), remote: replication.ReplicaRemoteID.Get(o), turned: replication.Turned(o),
			group: !replication.ReplicaLocalCG.IsNull(o), pairs: replication.PairsOf(o), state: replication.WordOf(o),
			interval: replication.ReplicaInterval.Get(o),
		})
		return true, nil
	})
	if err != nil {
		return err
	}
	err = b.Tx.Each(b.Key, model.ConsGroup, func(o *schema.Object) (bool, error) {
		if model.DatasetKind.Get(o) == model.Master {
			v.groups[place{b.Key, o.ID()}] = model.CGName.Get(o)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return b.Tx.Each(b.Key, model.Pool, func(o *schema.Object) (bool, error) {
		v.pools[place{b.Key, o.ID()}] = model.PoolState.Get(o)
		return true, nil
	})
}

// other is the counterpart of a half, nil if it is gone.
func (v *scene) other(h *half) *half {
	for i := range v.replicas {
		if o := &v.replicas[i]; o.box == h.peer && o.id == h.remote && o.remote == h.id {
			return o
		}
	}
	return nil
}

// oracle knows from one step to the next what nothing may change.
type oracle struct {
	last    *scene
	history map[place][]instant // what a dataset was, and when
	served  map[string]string   // content of an ACTIVE_ACTIVE volume as hosts last saw it, by pair
	guards  map[place]bool      // what users set: write_protected
	commits map[place]int64     // restore point of a target's half
	poured  map[place]bool      // content that only the lab's own check follows
	pouring map[string]bool     // the same, of ACTIVE_ACTIVE volumes by pair
}

type instant struct {
	at     clock.Time
	digest string
}

// judge compares two scenes around a line.
func (o *oracle) judge(line string, status int, before, now *scene) error {
	if before == nil {
		*o = oracle{history: map[place][]instant{}, served: map[string]string{}, guards: map[place]bool{}, commits: map[place]int64{}, poured: map[place]bool{}, pouring: map[string]bool{}}
		before = now
	}
	o.last = now
	twins := now.twins()
	for at, twin := range twins {
		o.pouring[twin] = o.pouring[twin] || o.poured[at] || now.datasets[at].poured
	}
	for at, d := range now.datasets {
		o.poured[at] = o.poured[at] || d.poured || o.pouring[twins[at]]
	}
	done := status > 0 && status < 300
	about := touched(line, before)
	if err := refusedWrite(line, done, before); err != nil {
		return err
	}
	if !done {
		about = nil
	}
	if line == "! calm" { // many steps in one
		o.remember(now, nil)
		return o.protection(line, done, now)
	}
	err := errors.Join(o.still(line, before, now, about), o.protection(line, done, now), o.serving(now, about))
	o.remember(now, about)
	return errors.Join(err, o.committed(before, now))
}

var (
	changes = regexp.MustCompile(`/(restore|refresh)|"size":|^! write`)
	named   = regexp.MustCompile(`\{(?:volume|filesystem|cg) ([^ }]+)\}`)
)

// touched are the datasets whose content a line may change on behalf of a
// client.
func touched(line string, v *scene) map[place]bool {
	if !changes.MatchString(line) || strings.Contains(line, "> POST volumes {") || strings.Contains(line, "> POST filesystems {") {
		return nil
	}
	var box string
	var names []string
	if f := strings.Fields(line); f[0] == "!" {
		box, names = f[2], []string{f[3]}
	} else if m := named.FindStringSubmatch(line); m != nil {
		box, names = f[0], m[1:]
	}
	out := map[place]bool{}
	for _, d := range v.datasets {
		if d.box == box && (slices.Contains(names, d.name) || slices.Contains(names, d.group) && d.group != "" || strings.Contains(line, "> POST cgs/")) {
			out[d.place] = true
		}
	}
	return out
}

// still says that content changes where a client changes it, and where
// replication does: on targets, and on the side of an ACTIVE_ACTIVE pair that
// does not serve. A change of role, and so a failover, changes none.
func (o *oracle) still(line string, before, now *scene, about map[place]bool) error {
	for _, at := range now.order {
		d := now.datasets[at]
		was, ok := before.datasets[at]
		if !ok || was.digest == d.digest || about[at] || o.poured[at] {
			continue
		}
		if d.target && !was.target && strings.Contains(line, "> POST replicas {") {
			continue // it became one, from its base
		}
		if !was.target && !d.target && !was.peered && !d.peered || was.target != d.target || d.snapshot {
			return fmt.Errorf("%s: %s %s (%d) changed by itself", at.box, d.kind, d.name, at.id)
		}
	}
	return nil
}

var protects = regexp.MustCompile(`^(box-\d+) > PUT (?:volume|filesystem)s/\{(volume|filesystem) ([^ }]+)\}.*"write_protected":(true|false)`)

// refusedWrite says that a host's write to what can be written to is done, on
// whatever its replicas are at.
func refusedWrite(line string, done bool, v *scene) error {
	var box, name string
	var offset, length int64
	if n, _ := fmt.Sscanf(line, "! write %s %s %d %d", &box, &name, &offset, &length); n < 4 || done {
		return nil
	}
	for _, at := range v.order {
		d := v.datasets[at]
		if d.box != box || d.name != name || d.snapshot || d.protected || !d.paths || offset+length > d.size || v.pools[place{box, d.pool}] == model.Locked {
			continue
		}
		return fmt.Errorf("%s: a host cannot write to %s", box, name)
	}
	return nil
}

// protection says that a dataset that is no target is protected as its user
// left it.
func (o *oracle) protection(line string, done bool, now *scene) error {
	set := protects.FindStringSubmatch(line)
	for _, at := range now.order {
		d := now.datasets[at]
		if d.snapshot {
			continue
		}
		if set != nil && done && set[1] == d.box && set[2] == d.kind && set[3] == d.name && !d.target {
			o.guards[at] = set[4] == "true"
		}
		if d.target != d.protected && d.target {
			return fmt.Errorf("%s: target %s is not protected", at.box, d.name)
		}
		if want := o.guards[at]; !d.target && want != d.protected {
			return fmt.Errorf("%s: %s is protected: %v, and its user's setting is %v", at.box, d.name, d.protected, want)
		}
	}
	return nil
}

// twins name the pair that each side of an ACTIVE_ACTIVE volume is in.
func (v *scene) twins() map[place]string {
	out := map[place]string{}
	for _, h := range v.replicas {
		for _, p := range h.pairs {
			names := []string{fmt.Sprint(h.box, " ", p.Local), fmt.Sprint(h.peer, " ", p.Remote)}
			slices.Sort(names)
			if h.role == "ACTIVE_ACTIVE" {
				out[place{h.box, p.Local}] = strings.Join(names, " ")
			}
		}
	}
	return out
}

// serving says that a side of an ACTIVE_ACTIVE pair which serves has what hosts
// last saw, on whichever side.
func (o *oracle) serving(now *scene, about map[place]bool) error {
	seen, twins := map[string]string{}, now.twins()
	for _, at := range now.order {
		if d := now.datasets[at]; d.peered && about[at] && d.paths {
			o.served[twins[at]] = d.digest
		}
	}
	for _, at := range now.order {
		d := now.datasets[at]
		if !d.peered {
			continue
		}
		want, known := o.served[twins[at]]
		if d.paths && known && want != d.digest && !o.pouring[twins[at]] {
			return fmt.Errorf("%s: volume %s serves something else than what hosts last saw", at.box, d.name)
		}
		if d.paths {
			want = d.digest
		}
		if d.paths || known {
			seen[twins[at]] = want
		}
	}
	o.served = seen
	return nil
}

// remember notes what datasets are.
func (o *oracle) remember(now *scene, about map[place]bool) {
	for _, at := range now.order {
		d := now.datasets[at]
		if h := o.history[at]; !d.snapshot && (len(h) == 0 || h[len(h)-1].digest != d.digest || about[at]) {
			o.history[at] = append(h, instant{now.now, d.digest})
		}
	}
}

// was reports whether a dataset had a content at a time in milliseconds.
func (o *oracle) was(at place, ms int64, digest string) bool {
	h := o.history[at]
	for i, then := range h {
		ended := i+1 < len(h) && h[i+1].at.MS() < ms
		if then.digest == digest && then.at.MS() <= ms && !ended {
			return true
		}
	}
	return false
}

// committed says that a target shows, once something was committed there, what
// its source was at the restore point, all members of a group at one.
func (o *oracle) committed(before, now *scene) error {
	commits := map[place]int64{}
	for i := range now.replicas {
		h := &now.replicas[i]
		s := now.other(h)
		if h.role != "TARGET" || s == nil || s.role != "SOURCE" || h.turned || s.turned {
			continue
		}
		var last int64
		for _, p := range h.pairs {
			last = max(last, p.Restore)
		}
		was, known := o.commits[h.place] // not of one that became a target just now
		fresh := known && last != was
		commits[h.place] = last
		for _, p := range h.pairs {
			if !fresh || p.Initial || p.Restore != last {
				continue
			}
			from, to := place{h.peer, p.Remote}, place{h.box, p.Local}
			if mismatched(s, p.Remote) || o.poured[from] {
				continue
			}
			if was := before.datasets[from]; was.peered && !was.paths {
				continue // its other half brought it up to date, nobody here knows when
			}
			if !o.was(from, p.Restore, now.datasets[to].digest) {
				return fmt.Errorf("%s: target %s is not what its source was at the restore point %d", h.box, now.datasets[to].name, p.Restore)
			}
		}
	}
	o.commits = commits
	return nil
}

func mismatched(h *half, local int64) bool {
	return slices.ContainsFunc(h.pairs, func(p replication.PairState) bool { return p.Local == local && p.Mismatch })
}
