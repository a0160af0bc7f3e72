package model

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// The fields of a user.
var (
	UserKind     = schema.Enum(schema.Field{Name: "type", Enum: []string{"Local", "Ldap"}, Flags: schema.Create, Default: "Local"})
	UserRole     = schema.Enum(schema.Field{Name: "role", Flags: schema.Editable, Enum: Roles(), Default: RoleReadOnly})
	UserRoles    = schema.List[string](schema.Field{Name: "roles", Flags: schema.Editable, Check: checkRoles})
	UserEmail    = schema.String(schema.Field{Name: "email", Flags: schema.Editable})
	UserName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	UserPassword = schema.String(schema.Field{Name: "password", Flags: schema.Editable | schema.Private | schema.Unsaid})
	UserEnabled  = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Editable, Default: true, Gate: gateUserDisabling})
	UserDigest   = schema.Int(schema.Field{Name: "password_digest_version", Default: 1, Gate: gateLocalUsers})
	UserFIPS     = schema.Bool(schema.Field{Name: "is_digest_sufficient", Default: true, Gate: gateFIPS})
	UserPolicy   = schema.Bool(schema.Field{Name: "enforce_user_password_policy", Flags: schema.Editable, Default: true, Gate: gatePasswordPolicy})

	// User is who may log in.
	User = schema.NewType("user", UserPassword, UserKind, UserRole, UserRoles, UserEmail, UserName, UserEnabled, UserDigest, UserFIPS, UserPolicy)
)

func checkRoles(v schema.Value) error {
	for _, r := range v.List() {
		if _, err := UserRole.Field().Accept(json.RawMessage(`"` + r.Text() + `"`)); err != nil {
			return errors.New(r.Text() + " is no role")
		}
	}
	return nil
}

// The built-in users have negative ids, admin's is -2 (InfiniSDK tests, 8.6
// era); infinidat and admin have the password 123456 (the documentation).
//
// unsourced: the name of the third built-in user.
func builtInUsers(b *Box) error {
	for i, u := range []struct{ name, role string }{{"infinidat", RoleInfinidat}, {"admin", RoleAdmin}, {"technician", RoleTechnician}} {
		o := schema.New(User, int64(-1-i))
		UserName.Set(o, u.name)
		UserRole.Set(o, u.role)
		UserRoles.Set(o, []string{u.role})
		UserEmail.Set(o, u.name+"@infinidat.com")
		if err := b.setPassword(o, firstPassword); err != nil {
			return err
		}
		if err := b.Insert(o); err != nil {
			return err
		}
	}
	return nil
}

// setPassword gives a user a password, of which only a seal is stored.
func (b *Box) setPassword(o *schema.Object, password string) error {
	text, err := b.seal(password)
	UserPassword.Set(o, text)
	return err
}

// Authenticate finds the user of a name and password. It returns
// BAD_CREDENTIALS for any that does not fit, the same for all reasons.
//
// unsourced: that no number of failed logins locks a user out, and that
// sessions neither end by themselves nor with a change of the password.
func (b *Box) Authenticate(name, password string) (Identity, error) {
	refused := apierr.New(apierr.BadCredentials, "user name or password is wrong")
	ids := b.Tx.IDsBy(b.Key, User, UserName.Field(), schema.TextValue(name))
	if len(ids) == 0 {
		if _, err := opens(nobody, password); err != nil {
			return Identity{}, err
		}
		return Identity{}, refused
	}
	o, err := b.Must(User, ids[0])
	if err != nil {
		return Identity{}, err
	}
	right, err := b.Eng.proven.opens(UserPassword.Get(o), password)
	if err != nil {
		return Identity{}, err
	}
	if !right || !UserEnabled.Get(o) {
		return Identity{}, refused
	}
	return Identity{ID: o.ID(), Name: name, Role: UserRole.Get(o), Password: password}, nil
}

// mostUsers is how many local users an array has (vendor KB 115000244869).
const mostUsers = 50

func addUsers(c *Catalog) {
	k := &Kind{
		Type: User, Path: "users", NotFound: apierr.UserNotFound, Conflict: apierr.UserNameConflict,
		Most: mostUsers, TooMany: apierr.UserLimitExceeded,
		Least: RoleAdmin, LeastUpdate: RoleReadOnly, // of its own account alone
		Forms: []Form{{
			Name: "an LDAP user or group", Required: []string{"name"}, Extra: []string{"dn", "ldap_id"},
			When: func(in Body) bool { return strings.EqualFold(text(in["type"]), "Ldap") },
		}, {Name: "a user", Required: []string{"name", "email", "password"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, in *Input) error { return b.completeUser(o, in) },
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeUpdate: func(b *Box, _, o *schema.Object, in *Input) error {
				if err := b.checkSelf(o, in); err != nil {
					return err
				}
				return b.completeUser(o, in)
			},
			BeforeDelete: func(_ *Box, o *schema.Object, _ *Input) error {
				if o.ID() < 0 {
					return apierr.New(apierr.UserIsBuiltIn, "user %d, %s, is built in", o.ID(), UserName.Get(o))
				}
				return nil
			},
			AfterDelete: afterUserDelete,
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "email": "u@example.com", "password": "Aa1!aaa123456", "role": "PoolAdmin"})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"email": "other@example.com"}) },
	}
	k.Routes = append(resetRoutes(), []Route{
		{Method: http.MethodGet, Path: "users/password_policy", Reads: true, Do: passwordPolicy},
		{Method: http.MethodGet, Path: "users/{id}/pools", Reads: true, Do: ownedPools},
	}...)
	c.Add(k)
	c.OnFormat(builtInUsers)
}

// checkSelf lets who is no administrator change its own password and email,
// and nothing of other users.
//
// unsourced: what users may change of their own accounts.
func (b *Box) checkSelf(o *schema.Object, in *Input) error {
	if May(b.Who.Role, RoleAdmin) || b.Who.Role == "" {
		return nil
	}
	if o.ID() != b.Who.ID {
		return b.denied("change user " + UserName.Get(o))
	}
	for _, name := range sortedKeys(in.Body) {
		if name != "password" && name != "email" {
			return b.denied("change its own " + name).About(name)
		}
	}
	return nil
}

// afterUserDelete takes the user from the owners of pools.
func afterUserDelete(b *Box, o *schema.Object, _ *Input) error {
	err := b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		owners := PoolOwners.Get(p)
		i := slices.Index(owners, o.ID())
		if i < 0 {
			return true, nil
		}
		PoolOwners.Set(p, slices.Delete(slices.Clone(owners), i, i+1))
		return true, b.Tx.Put(b.Key, p)
	})
	if err != nil {
		return err
	}
	return b.EmitFor(o, "DELETED")
}

// Session finds who a session's user is now: the account may have been
// disabled or deleted, or have another role. ok is false when it is over.
func (b *Box) Session(who Identity) (now Identity, ok bool, err error) {
	a, err := store.Memo(b.Tx, store.Name{Group: "account", Array: b.Key, ID: who.ID}, func() (account, error) {
		o, err := b.Tx.Get(b.Key, User, who.ID)
		if err != nil || o == nil {
			return account{}, err
		}
		return account{name: UserName.Get(o), role: UserRole.Get(o), enabled: UserEnabled.Get(o)}, nil
	})
	if err != nil || !a.enabled {
		return who, false, err
	}
	who.Name, who.Role = a.name, a.role
	return who, true, nil
}

// account is what a session asks of its user.
type account struct {
	name, role string
	enabled    bool
}

// completeUser keeps role and roles alike, and takes a new password through
// the policy.
func (b *Box) completeUser(o *schema.Object, in *Input) error {
	if in.Body.Has("roles") && !in.Body.Has("role") {
		list := UserRoles.Get(o)
		if len(list) == 0 {
			return apierr.New(apierr.InvalidValue, "roles: [] names no role").About("roles")
		}
		raw, err := UserRole.Field().Accept(json.RawMessage(`"` + list[0] + `"`))
		if err != nil {
			return Wire(err)
		}
		o.SetRaw(UserRole.Field(), raw)
	}
	UserRoles.Set(o, []string{UserRole.Get(o)})
	if !in.Body.Has("password") {
		return nil
	}
	password := UserPassword.Get(o)
	if b.passwordPolicyOn() && !strongPassword(password) {
		// Code and message: InfiniSDK tests, 8.6 era.
		return apierr.New(apierr.PasswordDoesNotComply, "User operation failed due to the password not complying with the policy").About("password")
	}
	return b.setPassword(o, password)
}

// SetPassword gives a user a password whatever the policy says. It returns
// USER_NOT_FOUND for a name that no user has.
func (b *Box) SetPassword(name, password string) error {
	o, err := b.userNamed(name)
	if err != nil {
		return err
	}
	if err := b.setPassword(o, password); err != nil {
		return err
	}
	return b.Tx.Put(b.Key, o)
}

func (b *Box) passwordPolicyOn() bool {
	return string(b.mgmt("users.password_policy_enabled")) == "true"
}

// strongPassword is the policy: InfiniSDK's tests show that "123456" fails and
// "Aa1!aaa123456" passes.
//
// unsourced: the password policy in between: eight characters, with upper and
// lower case, a digit and another.
func strongPassword(p string) bool {
	var upper, lower, number, other bool
	for _, r := range p {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			number = true
		default:
			other = true
		}
	}
	return len([]rune(p)) >= 8 && upper && lower && number && other
}

func passwordPolicy(b *Box, _ *schema.Object, _ *Input) (any, error) {
	return map[string]any{
		"enabled": b.passwordPolicyOn(), "min_length": 8, "min_uppercase": 1, "min_lowercase": 1, "min_digits": 1, "min_special": 1,
	}, nil
}

func ownedPools(b *Box, o *schema.Object, _ *Input) (any, error) {
	out := []map[string]int64{}
	err := b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		if slices.Contains(PoolOwners.Get(p), o.ID()) {
			out = append(out, map[string]int64{"id": p.ID()})
		}
		return true, nil
	})
	return out, err
}
