package model

import (
	"encoding/json"
	"net/http"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a snapshot policy.
var (
	PolicyName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	PolicySuffix   = schema.String(schema.Field{Name: "suffix", Flags: schema.Editable | schema.Unique})
	PolicyDefault  = schema.Bool(schema.Field{Name: "default_snapshot_policy", Flags: schema.Update | schema.Index, Gate: gateDefaultPolicy})
	PolicyEntities = schema.Compute(schema.Int(schema.Field{Name: "assigned_entities_count"}))

	// SnapshotPolicy is a set of schedules that make snapshots of the volumes,
	// filesystems and consistency groups that it is assigned to.
	SnapshotPolicy = schema.NewType("snapshot_policy", PolicyName, PolicySuffix, PolicyDefault, PolicyEntities)
)

// What the default policy of a new array is. That there is one, with two
// schedules that are enabled, is seen in the events of a new array (InfiniSDK
// 289.1.4, doc/events.rst).
//
// unsourced: the default policy's name and suffix, and when its two schedules
// run: a day after the array was made and every day from then on, kept for a
// week, and every week, kept for four; so no test meets them by the hour at
// which it runs.
const (
	defaultPolicyID = 101 // below firstID, as what is built in
	day             = 24 * 60 * 60
)

func addSnapshotPolicies(c *Catalog) {
	k := &Kind{
		Least: RoleAdmin,
		Type:  SnapshotPolicy, Path: "snapshot_policies", NotFound: apierr.PolicyNotFound, Conflict: apierr.PolicyNameConflict,
		Gate:  gateSnapshotPolicies,
		Forms: []Form{{Name: "a snapshot policy", Required: []string{"name"}}},
		Hooks: Hooks{
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			AfterUpdate:  oneDefault,
			BeforeDelete: beforePolicyDelete,
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{
			PolicyEntities.Field(): func(b *Box, o *schema.Object) (any, error) {
				n := 0
				for _, t := range scheduled() {
					n += len(b.assignedTo(o, t))
				}
				return n, nil
			},
		},
		Sample: func(w World) Body { return NewBody(map[string]any{"name": w.Name(), "suffix": w.Name()}) },
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"suffix": "other"}) },
	}
	schedule := scheduleKind()
	k.Routes = append([]Route{
		Post(k, "assign_entity", assignPolicy),
		Post(k, "unassign_entity", unassignPolicy),
		{
			Method: http.MethodGet, Path: k.Path + "/{id}/assigned_entities", Reads: true, Filters: assignment,
			Do: func(b *Box, o *schema.Object, in *Input) (any, error) { return b.listAssigned(o, in) },
		},
		{
			// The vendor's own simulator runs its schedules when asked to
			// (InfiniSDK tests); here they have run, as the clock came by.
			Method: http.MethodPost, Path: k.Path + "/trigger_snapshot_policies_service",
			Do: func(*Box, *schema.Object, *Input) (any, error) { return true, nil },
		},
	}, scheduleRoutes(k, schedule)...)
	c.Add(k, schedule)
	c.OnDue(jobSchedule, runSchedule)
	c.OnDue(jobExpire, expire)
	c.OnFormat(func(b *Box) error {
		if !k.Gate.Open(b.Release()) {
			return nil
		}
		return b.formatPolicy(k, schedule)
	})
}

// formatPolicy gives a new array its default policy.
func (b *Box) formatPolicy(k, schedule *Kind) error {
	o := schema.New(k.Type, defaultPolicyID)
	PolicyName.Set(o, "default_snapshot_policy")
	PolicySuffix.Set(o, "default")
	PolicyDefault.Set(o, true)
	if err := b.Insert(o); err != nil {
		return err
	}
	if err := b.EmitFor(o, "CREATED"); err != nil {
		return err
	}
	for i, s := range []struct {
		name        string
		every, keep int64
	}{{"daily", day, 7 * day}, {"weekly", 7 * day, 28 * day}} {
		o := schema.New(schedule.Type, defaultPolicyID+1+int64(i))
		SchedulePolicy.Set(o, defaultPolicyID)
		ScheduleName.Set(o, s.name)
		ScheduleEvery.Set(o, s.every)
		ScheduleKeep.Set(o, s.keep)
		if err := b.Insert(o); err != nil {
			return err
		}
		if err := afterScheduleCreate(b, o, nil); err != nil {
			return err
		}
	}
	return nil
}

// oneDefault takes the mark from the policy that had it.
func oneDefault(b *Box, old, o *schema.Object, _ *Input) error {
	if PolicyDefault.Get(old) || !PolicyDefault.Get(o) {
		return nil
	}
	for _, id := range b.Tx.IDsBy(b.Key, SnapshotPolicy, PolicyDefault.Field(), schema.BoolValue(true)) {
		if id == o.ID() {
			continue
		}
		other, err := b.Must(SnapshotPolicy, id)
		if err != nil {
			return err
		}
		PolicyDefault.Set(other, false)
		if err := b.Save(other); err != nil {
			return err
		}
	}
	return nil
}

// beforePolicyDelete takes the schedules with the policy.
//
// unsourced: that a policy which is assigned cannot be deleted.
func beforePolicyDelete(b *Box, o *schema.Object, in *Input) error {
	for _, t := range scheduled() {
		if n := len(b.assignedTo(o, t)); n > 0 {
			return apierr.New(apierr.PolicyInUse, "snapshot policy %d is assigned to %d of %s", o.ID(), n, b.Eng.Catalog.Kind(t.Name()).Path)
		}
	}
	for _, id := range b.schedules(o.ID()) {
		if _, err := b.Delete(b.Eng.Catalog.Kind(Schedule.Name()), id, in); err != nil {
			return err
		}
	}
	return b.forgetMaker(o, DatasetByPolicy)
}

// forgetMaker takes a schedule or policy that goes out of what it made, which
// keeps its name: a client looks up what an id names (InfiniSDK 289.1.4,
// dataset.py).
//
// unsourced: that the ids become 0 and the names stay.
func (b *Box) forgetMaker(maker *schema.Object, by schema.Attr[int64]) error {
	for _, t := range scheduled() {
		var made []*schema.Object
		err := b.Tx.Each(b.Key, t, func(o *schema.Object) (bool, error) {
			if by.Get(o) == maker.ID() {
				made = append(made, o)
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		for _, o := range made {
			by.SetNull(o)
			if err := b.Tx.Put(b.Key, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// scheduled are the types that a policy can be assigned to, in the order in
// which its entities are listed.
func scheduled() []*schema.Type { return []*schema.Type{Volume, Filesystem, ConsGroup} }

func (b *Box) assignedTo(policy *schema.Object, t *schema.Type) []int64 {
	return b.Tx.IDsBy(b.Key, t, DatasetPolicy.Field(), schema.RefValue(policy.ID()))
}

// byDefault gives what a client makes the default policy, unless it asked for
// another or for none (InfiniSDK tests, 8.6 era).
//
// unsourced: that a consistency group gets the default policy as a dataset does.
func (b *Box) byDefault(o *schema.Object, in *Input) error {
	if _, asked := in.Body[DatasetPolicy.Name()]; asked || !b.Open(PolicyDefault.Field()) {
		return nil
	}
	for _, id := range b.Tx.IDsBy(b.Key, SnapshotPolicy, PolicyDefault.Field(), schema.BoolValue(true)) {
		DatasetPolicy.Set(o, id)
	}
	return nil
}

// Unscheduled has what the body creates begin without a snapshot policy.
func (b *Box) Unscheduled(in Body) Body {
	if b.Open(DatasetPolicy.Field()) {
		in[DatasetPolicy.Name()] = json.RawMessage("null")
	}
	return in
}

// The words for what a policy is assigned to, and the fields of an assignment
// (InfiniSDK tests, 8.6 era).
var (
	assignedID   = schema.Int(schema.Field{Name: "assigned_entity_id"})
	assignedKind = schema.Enum(schema.Field{Name: "assigned_entity_type", Enum: []string{OfVolume, OfFS, OfGroup}})
	assignedName = schema.String(schema.Field{Name: "assigned_entity_name"})
	assignment   = schema.NewType("assigned_entity", assignedID, assignedKind, assignedName)
)

// OfGroup is a consistency group's word among entities.
const OfGroup = "CG"

func entityWord(t *schema.Type) string {
	switch t {
	case Filesystem:
		return OfFS
	case ConsGroup:
		return OfGroup
	}
	return OfVolume
}

// listAssigned lists what has the policy.
func (b *Box) listAssigned(policy *schema.Object, in *Input) (any, error) {
	q, err := assignment.ParseQuery(in.Query, schema.Terms{Open: b.Open, PageSize: in.PageSize, Ignore: []string{"approved"}})
	if err != nil {
		return nil, Wire(err)
	}
	var all []*schema.Object
	for _, t := range scheduled() {
		for _, id := range b.assignedTo(policy, t) {
			o, err := b.Must(t, id)
			if err != nil {
				return nil, err
			}
			all = append(all, o)
		}
	}
	out := &Page{Items: []json.RawMessage{}, Total: len(all), Page: q.Page, Size: q.PageSize}
	for _, o := range cut(all, q) {
		raw, err := json.Marshal(struct {
			ID     int64  `json:"assigned_entity_id"`
			Kind   string `json:"assigned_entity_type"`
			Name   string `json:"assigned_entity_name"`
			Policy int64  `json:"snapshot_policy_id"`
			Called string `json:"snapshot_policy_name"`
		}{o.ID(), entityWord(o.Type()), nameOf(o), policy.ID(), PolicyName.Get(policy)})
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, raw)
	}
	return out, nil
}

// askedEntity is what a request to assign or unassign names; the type is only
// sent with the first.
func (b *Box) askedEntity(in *Input) (*schema.Object, error) {
	var ask struct {
		ID   int64  `json:"assigned_entity_id"`
		Kind string `json:"assigned_entity_type"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil || ask.ID == 0 {
		return nil, apierr.New(apierr.MissingField, "assigned_entity_id: %.80s names no entity", in.Raw).About("assigned_entity_id")
	}
	if words := assignedKind.Field().Enum; ask.Kind != "" && !slices.Contains(words, ask.Kind) {
		return nil, apierr.New(apierr.InvalidValue, "assigned_entity_type: %q is none of %v", ask.Kind, words).About("assigned_entity_type")
	}
	for _, t := range scheduled() {
		if ask.Kind != "" && entityWord(t) != ask.Kind {
			continue
		}
		if o, err := b.Tx.Get(b.Key, t, ask.ID); o != nil || err != nil {
			return o, err
		}
	}
	return nil, apierr.New(apierr.ObjectNotFound, "assigned_entity_id: %d does not exist", ask.ID).About("assigned_entity_id")
}

// assignPolicy gives an entity the policy in place of the one that it had. A
// member of a consistency group has none but the group's (InfiniSDK tests, 8.6
// era).
func assignPolicy(b *Box, policy *schema.Object, in *Input) (any, error) {
	o, err := b.askedEntity(in)
	if err != nil {
		return nil, err
	}
	if o.Type() != ConsGroup && !DatasetCG.IsNull(o) {
		return nil, apierr.New(apierr.PolicyForMember, "assigned_entity_id: %d is a member of consistency group %d", o.ID(), DatasetCG.Get(o)).About("assigned_entity_id")
	}
	DatasetPolicy.Set(o, policy.ID())
	return policy, b.Save(o)
}

func unassignPolicy(b *Box, policy *schema.Object, in *Input) (any, error) {
	o, err := b.askedEntity(in)
	if err != nil {
		return nil, err
	}
	if DatasetPolicy.Get(o) != policy.ID() {
		return nil, apierr.New(apierr.PolicyNotAssigned, "assigned_entity_id: %d does not have snapshot policy %d", o.ID(), policy.ID()).About("assigned_entity_id")
	}
	DatasetPolicy.SetNull(o)
	return policy, b.Save(o)
}
