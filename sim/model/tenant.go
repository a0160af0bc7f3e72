package model

import (
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// gateTenants opens tenants and plugins (InfiniSDK 289.1.4, compatibility.py);
// arrays have the feature switched off.
func gateTenants() schema.Gate { return schema.Gate{Feature: "tenants"} }

// The fields of a tenant.
var (
	TenantName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	TenantShortKey = schema.Int(schema.Field{Name: "short_tenant_key", Flags: schema.NotNull})
	TenantVisible  = schema.Bool(schema.Field{Name: "visible_to_sysadmin", Flags: schema.Create, Default: true})
	TenantCapacity = tree("capacity")
	TenantCounts   = tree("entity_counts")
	TenantGID      = schema.Int(schema.Field{Name: "anonymous_gid", Flags: schema.Editable, Check: notNegative})
	TenantUID      = schema.Int(schema.Field{Name: "anonymous_uid", Flags: schema.Editable, Check: notNegative})
	TenantUnmapped = schema.String(schema.Field{Name: "nfs_allow_unmapped_users", Flags: schema.Editable})
	TenantGroups   = schema.String(schema.Field{Name: "nfs_group_policy", Flags: schema.Editable})

	// Tenant is a part of the array with objects of its own.
	Tenant = schema.NewType("tenant", TenantName, TenantShortKey, TenantVisible, CreatedAt, UpdatedAt, TenantCapacity, TenantCounts,
		TenantGID, TenantUID, TenantUnmapped, TenantGroups)
)

// The tenant that every array has.
//
// unsourced: its name and its short key, and that short keys count up.
const (
	defaultTenant     = 1
	defaultTenantName = "SYSTEM"
)

// addTenants adds tenants and plugins, and tenant 1 to each new array.
func addTenants(c *Catalog) {
	c.Add(tenantKind(), pluginKind())
	c.OnFormat(func(b *Box) error {
		o := schema.New(Tenant, defaultTenant)
		TenantName.Set(o, defaultTenantName)
		TenantShortKey.Set(o, b.Tx.Next(b.Key, "tenant"))
		return b.Insert(o)
	})
}

// tenantKind is the kind of tenants.
//
// unsourced: which words nfs_allow_unmapped_users and nfs_group_policy take, any
// text passes; that all four NFS fields are null until somebody sets them.
func tenantKind() *Kind {
	return &Kind{
		Least: RoleAdmin, Gate: gateTenants(),
		Type: Tenant, Path: "tenants", NotFound: apierr.TenantNotFound, Conflict: apierr.TenantNameConflict,
		Forms: []Form{{Name: "a tenant", Required: []string{"name"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, _ *Input) error {
				TenantShortKey.Set(o, b.Tx.Next(b.Key, "tenant"))
				return nil
			},
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeDelete: beforeTenantDelete,
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{TenantCapacity.Field(): tenantCapacity, TenantCounts.Field(): tenantCounts},
		Sample:   func(w World) Body { return NewBody(map[string]any{"name": w.Name()}) },
		Change:   func(*schema.Object) Body { return NewBody(map[string]any{"name": "changed", "anonymous_uid": 65534}) },
	}
}

// beforeTenantDelete keeps the tenant that every array has, and a tenant with
// objects.
//
// unsourced: that the objects of a tenant have to go before it.
func beforeTenantDelete(b *Box, o *schema.Object, _ *Input) error {
	if o.ID() == defaultTenant {
		return apierr.New(apierr.TenantIsBuiltIn, "tenant %d, %s, is built in", o.ID(), TenantName.Get(o))
	}
	for _, k := range b.Eng.Catalog.Kinds() {
		if k.Type == EventType {
			continue
		}
		n, err := b.inTenant(k.Type, o.ID())
		if err != nil {
			return err
		}
		if n > 0 {
			return apierr.New(apierr.TenantNotEmpty, "tenant %d has %d of %s", o.ID(), n, k.Path)
		}
	}
	return b.Tx.Each(b.Key, EventType, func(e *schema.Object) (bool, error) {
		if TenantID.Get(e) != o.ID() {
			return true, nil
		}
		TenantID.Set(e, defaultTenant)
		return true, b.Tx.Put(b.Key, e)
	})
}

// inTenant counts the objects of a type that a tenant has.
func (b *Box) inTenant(t *schema.Type, tenant int64) (n int64, err error) {
	if !t.Has(TenantID.Field()) {
		return 0, nil
	}
	err = b.Tx.Each(b.Key, t, func(o *schema.Object) (bool, error) {
		if TenantID.Get(o) == tenant {
			n++
		}
		return true, nil
	})
	return n, err
}

// tenantCapacity is the sum of the tenant's pools (the members: the vendor's Go
// client, tenants).
func tenantCapacity(b *Box, o *schema.Object) (any, error) {
	var out struct {
		Physical         int64 `json:"total_physical_capacity"`
		Allocated        int64 `json:"allocated_physical_space"`
		Virtual          int64 `json:"total_virtual_capacity"`
		AllocatedVirtual int64 `json:"allocated_virtual_space"`
	}
	err := b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		if TenantID.Get(p) == o.ID() {
			out.Physical += PoolPhysical.Get(p)
			out.Allocated += poolPhysical.Get(p)
			out.Virtual += PoolVirtual.Get(p)
			out.AllocatedVirtual += poolVirtual.Get(p)
		}
		return true, nil
	})
	return out, err
}

// tenantCounts counts the tenant's objects (the members: the vendor's Go
// client, tenants).
func tenantCounts(b *Box, o *schema.Object) (any, error) {
	out := map[string]int64{}
	for name, t := range map[string]*schema.Type{
		"plugins": Plugin, "pools": Pool, "network_spaces": NetworkSpace, "hosts": Host, "clusters": Cluster,
	} {
		n, err := b.inTenant(t, o.ID())
		if err != nil {
			return nil, err
		}
		out[name] = n
	}
	return out, nil
}

// SelectTenant makes the request one about a tenant, by its id as text; an
// empty one selects none. It returns INVALID_FIELD_VALUE for what is no id and
// TENANT_NOT_FOUND for a tenant that is not there. The header that carries it
// is InfiniSDK's.
//
// unsourced: what selecting does: what is made is the tenant's, and nothing of
// another tenant is seen; and that an array without the feature looks past it.
func (b *Box) SelectTenant(text string) error {
	if text == "" || !gateTenants().Open(b.Release()) {
		return nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return apierr.New(apierr.InvalidValue, "tenant_id: %q is no id", text).About("tenant_id")
	}
	if _, err := b.Load(b.Eng.Catalog.Kind(Tenant.Name()), id); err != nil {
		return err
	}
	b.Who.Tenant = id
	return nil
}

// ofTenant is the filter of a request that selects a tenant.
func (b *Box) ofTenant(k *Kind) []schema.Filter {
	if b.Who.Tenant == 0 || !k.Type.Has(TenantID.Field()) {
		return nil
	}
	return []schema.Filter{{Field: TenantID.Field(), Op: schema.EQ, Values: []schema.Value{schema.RefValue(b.Who.Tenant)}}}
}

// setTenant gives a new object the tenant of what it is made in, or else the
// one that the request selects. It returns the NotFound code of what it is
// made in if that is another tenant's.
//
// unsourced: that what is in a pool, an account and so on is in its tenant.
func (b *Box) setTenant(o *schema.Object) error {
	if !o.Type().Has(TenantID.Field()) || b.Tx.Count(b.Key, Tenant) <= 1 {
		return nil
	}
	for _, f := range o.Type().StoredFields() {
		k := b.Eng.Catalog.byType[f.Refers()]
		if f.Wire() != schema.WireRef || !f.Has(schema.Create) || o.IsNull(f) || k == nil || !k.Type.Has(TenantID.Field()) {
			continue
		}
		parent, err := b.Seen(k, o.Value(f).Int())
		if err != nil {
			return err
		}
		TenantID.Set(o, TenantID.Get(parent))
		return nil
	}
	if b.Who.Tenant != 0 {
		TenantID.Set(o, b.Who.Tenant)
	}
	return nil
}
