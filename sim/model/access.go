package model

import (
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The roles of users (vendor KB 115000244869).
const (
	RoleInfinidat  = "INFINIDAT"
	RoleAdmin      = "ADMIN"
	RolePoolAdmin  = "POOL_ADMIN"
	RoleReadOnly   = "READ_ONLY"
	RoleTechnician = "TECHNICIAN"
)

// Roles lists the roles, the mightiest first.
func Roles() []string {
	return []string{RoleInfinidat, RoleAdmin, RolePoolAdmin, RoleTechnician, RoleReadOnly}
}

// May reports whether a role is enough where another is the least that will
// do: READ_ONLY for everybody, POOL_ADMIN for those who administer pools,
// TECHNICIAN for those who handle hardware. ADMIN may do either, INFINIDAT
// everything.
func May(role, least string) bool {
	switch {
	case role == least, role == RoleInfinidat, least == RoleReadOnly:
		return true
	case role == RoleAdmin:
		return least == RolePoolAdmin || least == RoleTechnician
	}
	return false
}

// denied is the refusal of what a role may not do.
//
// unsourced: the code; that a reader's snapshot and restore are refused is
// shown by InfiniSDK's tests.
func (b *Box) denied(what string) *apierr.Error {
	return apierr.New(apierr.PermissionDenied, "role %s of user %s may not %s", b.Who.Role, b.Who.Name, what)
}

// Own refuses to let a pool's administrator change what is in no pool of its
// own; all others pass. An object of a kind that is in no pool is nobody's.
func (b *Box) Own(o *schema.Object) error {
	if b.Who.Role != RolePoolAdmin {
		return nil
	}
	k := b.Kind(o)
	if k.InPool == nil {
		return b.denied("change " + k.Path)
	}
	pool, err := k.InPool(b, o)
	if err != nil {
		return err
	}
	return b.OwnPool(pool)
}

// OwnPool refuses a pool's administrator a pool that is not its own.
func (b *Box) OwnPool(pool int64) error {
	if b.Who.Role != RolePoolAdmin {
		return nil
	}
	p, err := b.Load(b.Eng.Catalog.Kind(Pool.Name()), pool)
	if err != nil {
		return err
	}
	if !slices.Contains(PoolOwners.Get(p), b.Who.ID) {
		return b.denied("change what is in pool " + PoolName.Get(p)).About("pool_id")
	}
	return nil
}

// inOwnPool is InPool of a kind with a pool_id.
func inOwnPool(pool schema.Attr[int64]) func(b *Box, o *schema.Object) (int64, error) {
	return func(_ *Box, o *schema.Object) (int64, error) { return pool.Get(o), nil }
}

// inPoolOf is InPool of a kind that belongs to an object of another.
func inPoolOf(t *schema.Type, by schema.Attr[int64]) func(b *Box, o *schema.Object) (int64, error) {
	return func(b *Box, o *schema.Object) (int64, error) {
		k := b.Eng.Catalog.Kind(t.Name())
		parent, err := b.Load(k, by.Get(o))
		if err != nil {
			return 0, err
		}
		return k.InPool(b, parent)
	}
}
