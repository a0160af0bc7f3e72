package replication

import (
	"encoding/json"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// mark keeps up what a dataset or group shows of its replicas, and protects a
// target from writes.
func (r *replica) mark(role string) error {
	for i := range r.pairs {
		if err := r.markPair(&r.pairs[i], role); err != nil {
			return err
		}
	}
	return r.markGroup(role, true)
}

func (r *replica) markPair(p *pair, role string) error {
	o, err := r.dataset(p)
	if err != nil {
		return err
	}
	switch role {
	case roleTarget:
		model.DatasetRMRTarget.Set(o, true)
		model.DatasetWriteProtected.Set(o, true)
	case rolePeer:
		model.DatasetRMRPeer.Set(o, true)
	default:
		model.DatasetRMRSource.Set(o, true)
	}
	if r.groupID() == 0 {
		// A member of a group is replicated by the group's replica (live 8.x
		// payload: its own list is empty).
		model.DatasetReplicas.Set(o, with(model.DatasetReplicas.Get(o), r.o.ID()))
	}
	model.DatasetReplTypes.Set(o, with(model.DatasetReplTypes.Get(o), ReplicaType.Get(r.o)))
	return r.b.Save(o)
}

func with[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}

func without[T comparable](list []T, v T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return x == v })
}

func (r *replica) markGroup(role string, there bool) error {
	if r.groupID() == 0 {
		return nil
	}
	cg, err := r.group()
	if err != nil {
		return err
	}
	ids := without(model.CGReplicas.Get(cg), r.o.ID())
	if there {
		ids = with(ids, r.o.ID())
	}
	model.CGReplicas.Set(cg, ids)
	model.CGReplicated.Set(cg, len(ids) > 0)
	model.CGReplTypes.Set(cg, r.types(ids))
	model.SetTargetGroup(cg, there && role == roleTarget)
	return r.b.Save(cg)
}

// types are those of several replicas of this array.
func (r *replica) types(ids []int64) []string {
	out := []string{}
	for _, id := range ids {
		o := r.o
		if id != r.o.ID() {
			var err error
			if o, err = must(r.b, id); err != nil {
				continue
			}
		}
		out = with(out, ReplicaType.Get(o))
	}
	return out
}

// unmark takes a replica's marks off a dataset, whose write protection is what
// it was before.
func (r *replica) unmark(p *pair) error {
	o, err := r.dataset(p)
	if err != nil {
		return err
	}
	if err := r.b.Follow(o, nil); err != nil {
		return err
	}
	ids := without(model.DatasetReplicas.Get(o), r.o.ID())
	model.DatasetReplicas.Set(o, ids)
	model.DatasetReplTypes.Set(o, r.types(ids))
	switch ReplicaRole.Get(r.o) {
	case roleSource:
		model.DatasetRMRSource.Set(o, r.hasOtherSource(ids))
	case rolePeer:
		model.DatasetRMRPeer.Set(o, false)
		model.VolumePaths.Set(o, true)
		if r.newSerial {
			if err := r.b.NewSerial(o); err != nil {
				return err
			}
		}
	default:
		model.DatasetRMRTarget.Set(o, false)
		model.DatasetWriteProtected.Set(o, p.WasProtected)
	}
	return r.b.Save(o)
}

// hasOtherSource reports whether a dataset goes on being the source of one of
// the replicas, or of another of its group's.
func (r *replica) hasOtherSource(ids []int64) bool {
	if r.groupID() != 0 {
		ids = append(slices.Clone(ids), idsOfGroup(r.b, r.groupType(), r.groupID())...)
	}
	return slices.ContainsFunc(ids, func(id int64) bool {
		o, err := must(r.b, id)
		return err == nil && id != r.o.ID() && ReplicaRole.Get(o) == roleSource
	})
}

// actions are the verbs of a replica. All but the deletion are refused on the
// target.
func actions(k *model.Kind) []model.Route {
	post := func(name string, do func(r *replica, in *model.Input) error) model.Route {
		return model.Post(k, name, func(b *model.Box, o *schema.Object, in *model.Input) (any, error) {
			r, err := open(b, o)
			if err != nil {
				return nil, err
			}
			if ReplicaRole.Get(o) == roleTarget {
				return nil, apierr.New(apierr.ReplicaIsTarget, "replica %d is a target: %s it at its source", o.ID(), name)
			}
			return o, do(r, in)
		})
	}
	turned := model.Post(k, "change_role", changeRole)
	turned.Params = []string{"retain_staging_area"}
	return []model.Route{
		model.Post(k, "expose_last_consistent_snapshot", exposeImage),
		turned,
		post("switch_role", switchRole),
		post("suspend", suspendReplica),
		post("resume", resumeReplica),
		post("sync", syncNow),
		post("change_type_to_sync", func(r *replica, _ *model.Input) error { return r.changeType(syncType, model.Body{}) }),
		post("change_type_to_async", func(r *replica, in *model.Input) error { return r.changeType(async, in.Body) }),
	}
}

func (r *replica) isSuspended() bool { return r.rests() }

func suspendReplica(r *replica, _ *model.Input) error {
	if r.isSuspended() {
		return apierr.New(apierr.ReplicaAlreadySuspended, "replica %d is suspended", r.o.ID())
	}
	return r.fire(evSuspend)
}

// resumeReplica starts a job at once.
//
// unsourced: that a resumed replica does not wait for its interval.
func resumeReplica(r *replica, _ *model.Input) error {
	if !r.isSuspended() {
		return apierr.New(apierr.ReplicaNotSuspended, "replica %d is not suspended", r.o.ID())
	}
	if !r.connected() {
		return apierr.New(apierr.LinkNotConnected, "link %d is not connected", r.link.ID())
	}
	if r.isPeer() && viewOf(r.state()).state == "SUSPENDED" && !ReplicaFromLocal.Get(r.o) {
		return apierr.New(apierr.ReplicaIsSuspended, "replica %d was suspended at its peer: resume it there", r.o.ID())
	}
	replicaWaiting.Set(r.o, !r.isPeer())
	return r.fire(evResume)
}

// syncNow starts a job at once; behind a running one it waits, and further
// requests merge into it.
func syncNow(r *replica, _ *model.Input) error {
	switch {
	case r.mirrored():
		return apierr.New(apierr.ReplicaTypeMismatch, "replica %d is %s", r.o.ID(), ReplicaType.Get(r.o))
	case r.isSuspended():
		return apierr.New(apierr.ReplicaIsSuspended, "replica %d is suspended", r.o.ID())
	case r.initial():
		return apierr.New(apierr.ReplicaIsInitializing, "replica %d is initializing", r.o.ID())
	}
	replicaWaiting.Set(r.o, true)
	if r.state() == asyncIdle {
		return r.fire(evStart)
	}
	return r.save()
}

// changeType turns ASYNC into SYNC or back, on both sides at once, but not
// while the replica initialises (InfiniSDK documentation).
func (r *replica) changeType(to string, in model.Body) error {
	switch {
	case r.isPeer() || ReplicaConcurrent.Get(r.o):
		return apierr.New(apierr.ReplicaTypeChange, "replica %d is %s: its type does not change", r.o.ID(), kindOf(r))
	case ReplicaType.Get(r.o) == to:
		return apierr.New(apierr.ReplicaTypeMismatch, "replica %d is %s already", r.o.ID(), to)
	case r.initial() || r.state() == syncPending || r.state() == asyncPending:
		return apierr.New(apierr.ReplicaIsInitializing, "replica %d is initializing", r.o.ID())
	case r.isSuspended():
		return apierr.New(apierr.ReplicaIsSuspended, "replica %d is suspended", r.o.ID())
	case to == syncType && (ReplicaEntityType.Get(r.o) == model.OfFS || r.hasFilesystem()):
		return apierr.New(apierr.ReplicaTypeChange, "replica %d: filesystems cannot be replicated %s", r.o.ID(), to)
	case !r.connected():
		return apierr.New(apierr.LinkNotConnected, "link %d is not connected", r.link.ID())
	case to == syncType && r.path().RTT() > r.b.Profile().SyncRTT:
		return apierr.New(apierr.LinkLatencyTooHigh, "a round trip over link %d takes %v", r.link.ID(), r.path().RTT())
	}
	others, err := r.besides()
	if err != nil {
		return err
	}
	if to == syncType && len(others) > 0 {
		return apierr.New(apierr.ReplicaTypeChange, "replica %d: replica %d is beside it, and both have to be %s", r.o.ID(), others[0], async)
	}
	on := evToSync
	if to == async {
		on = evToAsync
	}
	if err := r.retype(to, in); err != nil {
		return err
	}
	if err := r.message(msgConfigure, configure{Replica: ReplicaRemoteID.Get(r.o), Settings: r.settings()}, nil); err != nil {
		return err
	}
	if err := r.fire(on); err != nil {
		return err
	}
	if err := r.watchRPO(); err != nil {
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	if err := r.mark(ReplicaRole.Get(r.o)); err != nil {
		return err
	}
	return emitReplica(r.b, r.o, "TYPE_CHANGED", "INFO")
}

func (r *replica) hasFilesystem() bool {
	for i := range r.pairs {
		if o, err := r.dataset(&r.pairs[i]); err == nil && o.Type() == model.Filesystem {
			return true
		}
	}
	return false
}

// besides are the other replicas of the same dataset or group.
func (r *replica) besides() ([]int64, error) {
	ids := idsOfGroup(r.b, r.groupType(), r.groupID())
	if r.groupID() == 0 {
		o, err := r.dataset(&r.pairs[0])
		if err != nil {
			return nil, err
		}
		ids = model.DatasetReplicas.Get(o)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id == r.o.ID() }), nil
}

// unmarkType takes a type of replication off the members that the replica had.
func (r *replica) unmarkType(was string) error {
	for i := range r.pairs {
		o, err := r.dataset(&r.pairs[i])
		if err != nil {
			return err
		}
		model.DatasetReplTypes.Set(o, without(model.DatasetReplTypes.Get(o), was))
		if err := r.b.Save(o); err != nil {
			return err
		}
	}
	return nil
}

// retype sets the type and what goes with it.
func (r *replica) retype(to string, in model.Body) error {
	if err := r.unmarkType(ReplicaType.Get(r.o)); err != nil {
		return err
	}
	ReplicaType.Set(r.o, to)
	if to == syncType {
		ReplicaInterval.SetNull(r.o)
		ReplicaRPO.SetNull(r.o)
		return nil
	}
	ReplicaInterval.Set(r.o, defaultInterval)
	ReplicaRPO.Set(r.o, defaultRPO)
	for name, raw := range in {
		f := Replica.Field(name)
		if f != ReplicaInterval.Field() && f != ReplicaRPO.Field() {
			return apierr.New(apierr.UnknownField, "%s: unknown parameter of the change", name).About(name)
		}
		accepted, err := f.Accept(raw)
		if err != nil {
			return model.Wire(err)
		}
		r.o.SetRaw(f, accepted)
	}
	return r.checkRPO()
}

// beforeReplicaUpdate checks interval and RPO together. A change of interval
// takes effect at the next job (vendor KB 115000246965).
//
// unsourced: that the preferred side changes while the halves can agree on it
// alone; else none of them, or both, would go on after a loss.
func beforeReplicaUpdate(b *model.Box, old, o *schema.Object, in *model.Input) error {
	r, err := open(b, o)
	if err != nil {
		return err
	}
	if ReplicaRole.Get(o) == roleTarget {
		return apierr.New(apierr.ReplicaIsTarget, "replica %d is a target: change it at its source", o.ID())
	}
	if err := r.checkParameters(in.Body); err != nil {
		return err
	}
	if r.isPeer() && ReplicaPreferred.Get(old) != ReplicaPreferred.Get(o) && !r.connected() {
		return apierr.New(apierr.LinkNotConnected, "is_preferred: link %d is not connected", r.link.ID()).About("is_preferred")
	}
	if in.Body.Has("sync_interval") || in.Body.Has("rpo_value") {
		return r.checkRPO()
	}
	return nil
}

func afterReplicaUpdate(b *model.Box, _, o *schema.Object, _ *model.Input) error {
	r, err := open(b, o)
	if err != nil {
		return err
	}
	if err := r.watchRPO(); err != nil {
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	if !r.connected() {
		return nil // the peer learns of it with the next job
	}
	err = r.message(msgConfigure, configure{Replica: ReplicaRemoteID.Get(o), Settings: r.settings()}, nil)
	if apierr.CodeOf(err) == apierr.ReplicaNotFound {
		return nil // the peer's half was removed by force
	}
	return err
}

// rendered is a replica as the wire has it, with the ids that a deletion or an
// exposure reclaimed laid over it.
func (r *replica) rendered() (map[string]json.RawMessage, error) {
	raw, err := r.b.Render(r.o)
	if err != nil {
		return nil, err
	}
	var out map[string]json.RawMessage
	return out, json.Unmarshal(raw, &out)
}
