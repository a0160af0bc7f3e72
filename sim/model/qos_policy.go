package model

import (
	"encoding/json"
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The types of QoS policies: of a dataset, or shared by those of a pool.
const (
	QoSVolume         = "VOLUME"
	QoSFilesystem     = "FILESYSTEM"
	QoSPoolVolume     = "POOL_VOLUME"
	QoSPoolFilesystem = "POOL_FILESYSTEM"
)

// The fields of a QoS policy.
var (
	QoSName  = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	QoSKind  = schema.Enum(schema.Field{Name: "type", Flags: schema.Editable, Enum: []string{QoSVolume, QoSFilesystem, QoSPoolVolume, QoSPoolFilesystem}})
	QoSOps   = schema.Int(schema.Field{Name: "max_ops", Flags: schema.Editable})
	QoSBps   = schema.Int(schema.Field{Name: "max_bps", Flags: schema.Editable})
	QoSBurst = schema.Bool(schema.Field{Name: "burst_enabled", Flags: schema.Create})
	QoSBoost = schema.Float(schema.Field{Name: "burst_factor", Flags: schema.Editable})

	// QoSPolicy limits the operations or bytes a second of what it is assigned
	// to.
	QoSPolicy = schema.NewType("qos_policy", QoSName, CreatedAt, UpdatedAt, QoSKind, QoSOps, QoSBps, QoSBurst, QoSBoost)

	// QoSAssignment is one policy at one entity.
	qosOf         = schema.Ref(schema.Field{Name: "qos_policy_id", Flags: schema.Index}, "qos_policy")
	qosEntity     = schema.Int(schema.Field{Name: "entity_id", Flags: schema.Index})
	qosEntityType = schema.String(schema.Field{Name: "entity_type"})
	QoSAssignment = schema.NewType("qos_assignment", qosOf, qosEntity, qosEntityType)
)

// qosEnabled is the key of config that switches QoS on for the array.
const qosEnabled = "qos.enabled"

// addQoS adds the policies.
//
// unsourced: that a policy in use cannot be deleted.
func addQoS(c *Catalog) {
	k := &Kind{
		Least: RoleAdmin,
		Type:  QoSPolicy, Path: "qos/policies", NotFound: apierr.QoSPolicyNotFound, Conflict: apierr.QoSPolicyNameConflict,
		Gate:  gateQoS,
		Forms: []Form{{Name: "a QoS policy", Required: []string{"name", "type"}}},
		Hooks: Hooks{
			AfterCreate: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeDelete: func(b *Box, o *schema.Object, _ *Input) error {
				if n := len(b.assignments(qosOf, o.ID())); n > 0 {
					return apierr.New(apierr.QoSPolicyInUse, "QoS policy %d is assigned to %d entities", o.ID(), n)
				}
				return nil
			},
			AfterUpdate: func(b *Box, _, _ *schema.Object, _ *Input) error { return b.paceIn(0) },
			AfterDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "type": "volume", "max_ops": 1000})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"max_ops": 2000}) },
	}
	k.Routes = []Route{
		Post(k, "assign", assignQoS),
		Post(k, "unassign", unassignQoS),
		{Method: http.MethodGet, Path: k.Path + "/{id}/assigned_entities", Reads: true, Filters: QoSAssignment, Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.List(b.Eng.Catalog.Kind(QoSAssignment.Name()), in, schema.Filter{
				Field: qosOf.Field(), Op: schema.EQ, Values: []schema.Value{schema.RefValue(o.ID())},
			})
		}},
		{Method: http.MethodGet, Path: "qos/assigned_entities", Reads: true, Filters: QoSAssignment, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.List(b.Eng.Catalog.Kind(QoSAssignment.Name()), in)
		}},
		{Method: http.MethodGet, Path: "qos/state", Reads: true, Do: func(b *Box, _ *schema.Object, _ *Input) (any, error) {
			return map[string]bool{"is_enabled": string(b.mgmt(qosEnabled)) == "true"}, nil
		}},
		{Method: http.MethodPost, Path: "qos/enable", Do: func(b *Box, _ *schema.Object, _ *Input) (any, error) {
			b.Tx.KV(b.Key, spaceConfig).Put([]byte(qosEnabled), []byte("true"))
			return map[string]bool{"is_enabled": true}, b.paceIn(0)
		}},
	}
	c.Add(k, &Kind{
		Least: RoleAdmin,
		Type:  QoSAssignment, Path: "qos/assigned_entities", NotFound: apierr.QoSNotAssigned, Single: true,
		NextID: func(b *Box) int64 { return b.Tx.Next(b.Key, "qos_assignment") },
	})
}

func (b *Box) assignments(by schema.Attr[int64], id int64) []int64 {
	return b.Tx.IDsBy(b.Key, QoSAssignment, by.Field(), by.Field().Parse(strconv.AppendInt(nil, id, 10)))
}

// qosTarget finds what a policy of a type can be assigned to, and the word for
// it.
func (b *Box) qosTarget(kind string, id int64) (*schema.Object, string, error) {
	t, word := Volume, "VOLUME"
	switch kind {
	case QoSFilesystem:
		t, word = Filesystem, "FILESYSTEM"
	case QoSPoolVolume, QoSPoolFilesystem:
		t, word = Pool, "POOL"
	}
	o, err := b.Load(b.Eng.Catalog.Kind(t.Name()), id)
	return o, word, err
}

func qosAsk(in *Input) (int64, error) {
	var ask struct {
		Entity int64 `json:"entity_id"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil || ask.Entity == 0 {
		return 0, apierr.New(apierr.MissingField, "entity_id: %.80s names no entity", in.Raw).About("entity_id")
	}
	return ask.Entity, nil
}

// assignQoS gives an entity a policy, in place of another of the same type.
func assignQoS(b *Box, o *schema.Object, in *Input) (any, error) {
	id, err := qosAsk(in)
	if err != nil {
		return nil, err
	}
	_, word, err := b.qosTarget(QoSKind.Get(o), id)
	if err != nil {
		return nil, err
	}
	if old, err := b.qosAt(id, QoSKind.Get(o)); err != nil {
		return nil, err
	} else if old != nil {
		if err := b.Tx.Delete(b.Key, QoSAssignment, old.ID()); err != nil {
			return nil, err
		}
	}
	a := b.New(b.Eng.Catalog.Kind(QoSAssignment.Name()))
	qosOf.Set(a, o.ID())
	qosEntity.Set(a, id)
	qosEntityType.Set(a, word)
	if err := b.Tx.Put(b.Key, a); err != nil {
		return nil, err
	}
	return o, b.paceIn(0)
}

// qosAt is the assignment of a type of policy at an entity, nil for none.
func (b *Box) qosAt(entity int64, kind string) (*schema.Object, error) {
	for _, id := range b.assignments(qosEntity, entity) {
		a, err := b.Must(QoSAssignment, id)
		if err != nil {
			return nil, err
		}
		policy, err := b.Must(QoSPolicy, qosOf.Get(a))
		if err != nil {
			return nil, err
		}
		if QoSKind.Get(policy) == kind {
			return a, nil
		}
	}
	return nil, nil
}

func unassignQoS(b *Box, o *schema.Object, in *Input) (any, error) {
	id, err := qosAsk(in)
	if err != nil {
		return nil, err
	}
	a, err := b.qosAt(id, QoSKind.Get(o))
	if err != nil {
		return nil, err
	}
	if a == nil || qosOf.Get(a) != o.ID() {
		return nil, apierr.New(apierr.QoSNotAssigned, "entity_id: QoS policy %d is not assigned to %d", o.ID(), id).About("entity_id")
	}
	if err := b.Tx.Delete(b.Key, QoSAssignment, a.ID()); err != nil {
		return nil, err
	}
	return o, b.paceIn(0)
}

// dropQoS forgets what was assigned to an entity that goes.
func (b *Box) dropQoS(entity int64) error {
	for _, id := range b.assignments(qosEntity, entity) {
		if err := b.Tx.Delete(b.Key, QoSAssignment, id); err != nil {
			return err
		}
	}
	return nil
}

// qosShown is the policy of a dataset, or the one it shares with its pool, as
// a field of the dataset shows it: the policy's id or its name.
func qosShown(shared bool, show func(policy *schema.Object) any) Compute {
	return func(b *Box, o *schema.Object) (any, error) {
		kind, entity := QoSVolume, o.ID()
		if DatasetType.Get(o) == OfFS {
			kind = QoSFilesystem
		}
		if shared {
			kind, entity = "POOL_"+kind, DatasetPool.Get(o)
		}
		a, err := b.qosAt(entity, kind)
		if err != nil || a == nil {
			return nil, err
		}
		policy, err := b.Must(QoSPolicy, qosOf.Get(a))
		if err != nil {
			return nil, err
		}
		return show(policy), nil
	}
}

// poolQoS lists the policies of a pool, whole.
func poolQoS(b *Box, o *schema.Object) (any, error) {
	var all []*schema.Object
	for _, id := range b.assignments(qosEntity, o.ID()) {
		a, err := b.Must(QoSAssignment, id)
		if err != nil {
			return nil, err
		}
		policy, err := b.Must(QoSPolicy, qosOf.Get(a))
		if err != nil {
			return nil, err
		}
		all = append(all, policy)
	}
	return b.renderAll(all)
}
