package model

import (
	"encoding/json"
	"maps"
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a repository of users.
var (
	LDAPName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	LDAPPort     = schema.Int(schema.Field{Name: "ldap_port", Flags: schema.Editable, Check: portNumber})
	LDAPSecure   = schema.Bool(schema.Field{Name: "use_ldaps", Flags: schema.Editable})
	LDAPDomain   = schema.String(schema.Field{Name: "domain_name", Flags: schema.Create})
	LDAPUser     = schema.String(schema.Field{Name: "bind_username", Flags: schema.Editable})
	ldapPassword = schema.String(schema.Field{Name: "bind_password", Flags: schema.Editable | schema.Private | schema.Secret})
	LDAPOrder    = schema.Int(schema.Field{Name: "search_order"})
	LDAPServers  = schema.List[string](schema.Field{Name: "servers", Flags: schema.Create})
	LDAPKind     = schema.String(schema.Field{Name: "repository_type", Flags: schema.Create, Default: "ActiveDirectory"})
	LDAPSchema   = schema.Tree[map[string]any](schema.Field{Name: "schema_definition", Flags: schema.Editable})

	// LDAPConfig is a repository of users outside of the array.
	LDAPConfig = schema.NewType("ldap_config", ldapPassword, LDAPName, LDAPPort, LDAPSecure, LDAPDomain, LDAPUser, LDAPOrder, LDAPServers, LDAPKind, LDAPSchema)
)

// mostServers is how many servers a repository may name (vendor KB
// 115000244869).
const mostServers = 3

// The usual ports of LDAP, plain and over TLS.
const (
	plainLDAP  = 389
	secureLDAP = 636
)

// mostRepositories is how many repositories an array has (vendor KB
// 115000244869).
const mostRepositories = 10

// checkBind refuses credentials that no directory takes: the code is that of
// the Ansible collection.
//
// unsourced: that they are wrong when the name or the password is empty; there
// is no directory here to ask, and so the password is stored sealed.
func (b *Box) checkBind(o *schema.Object, in *Input) error {
	if LDAPUser.Get(o) == "" || ldapPassword.Get(o) == "" {
		return apierr.New(apierr.LDAPBadCredentials, "bind_username: the credentials of %q are wrong", LDAPUser.Get(o)).About("bind_username")
	}
	return b.sealOf(o, in, ldapPassword)
}

func ldapKind() *Kind {
	k := &Kind{
		Least: RoleAdmin,
		Type:  LDAPConfig, Path: "config/ldap", NotFound: apierr.LDAPNotFound, Conflict: apierr.LDAPNameConflict,
		Most: mostRepositories, TooMany: apierr.LDAPLimitExceeded,
		Forms: []Form{{Name: "a repository", Required: []string{"name", "bind_username", "bind_password"}}},
		Hooks: Hooks{
			BeforeCreate: completeLDAP,
			BeforeUpdate: func(b *Box, old, o *schema.Object, in *Input) error {
				if err := b.checkBind(o, in); err != nil {
					return err
				}
				return mergeSchema(old, o)
			},
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{
				"name": w.Name(), "bind_username": "cn=admin", "bind_password": "x", "servers": []string{"ldap.example.com"}, "repository_type": "LDAP",
			})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"ldap_port": 1389}) },
	}
	yes := func(*Box, *schema.Object, *Input) (any, error) { return true, nil }
	k.Routes = []Route{
		Post(k, "test", yes),
		{Method: http.MethodPost, Path: "config/ldap/reload", Do: yes},
		{Method: http.MethodPost, Path: "config/ldap/set_order", Do: setLDAPOrder},
	}
	return k
}

func completeLDAP(b *Box, o *schema.Object, in *Input) error {
	if err := b.checkBind(o, in); err != nil {
		return err
	}
	n := len(LDAPServers.Get(o))
	switch {
	case LDAPKind.Get(o) == "LDAP" && n == 0:
		return apierr.New(apierr.MissingField, "servers: required for a repository of type LDAP").About("servers")
	case n > mostServers:
		return apierr.New(apierr.InvalidValue, "servers: %d are more than %d", n, mostServers).About("servers")
	}
	if LDAPPort.IsNull(o) {
		LDAPPort.Set(o, plainLDAP)
		if LDAPSecure.Get(o) {
			LDAPPort.Set(o, secureLDAP)
		}
	}
	LDAPOrder.Set(o, b.Tx.Count(b.Key, LDAPConfig)+1)
	return nil
}

// mergeSchema keeps the parts of a definition that a client leaves out.
func mergeSchema(old, o *schema.Object) error {
	if LDAPSchema.IsNull(old) || LDAPSchema.IsNull(o) {
		return nil
	}
	all := LDAPSchema.Get(old)
	maps.Copy(all, LDAPSchema.Get(o))
	LDAPSchema.Set(o, all)
	return nil
}

func setLDAPOrder(b *Box, _ *schema.Object, in *Input) (any, error) {
	var ids []int64
	if err := json.Unmarshal(in.Raw, &ids); err != nil || ids == nil {
		return nil, apierr.New(apierr.Malformed, "body: no list of ids: %.80q", in.Raw)
	}
	for i, id := range ids {
		o, err := b.Load(b.Eng.Catalog.Kind(LDAPConfig.Name()), id)
		if err != nil {
			return nil, err
		}
		LDAPOrder.Set(o, int64(i+1))
		if err := b.Save(o); err != nil {
			return nil, err
		}
	}
	return true, nil
}
