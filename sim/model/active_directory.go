package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// spaceDomain keeps the domain that the array joined.
const spaceDomain = "active_directory"

// domain is an Active Directory domain as the array shows it (InfiniSDK
// 289.1.4, active_directory.py), and who joined it.
type domain struct {
	Tenant  int64    `json:"tenant_id"`
	Name    string   `json:"domain"`
	Unit    *string  `json:"org_unit"`
	Servers []string `json:"preferred_ips"`
	unixServices
}

// unixServices say where a domain keeps the numbers of its users. Without them
// the attributes are null (InfiniSDK tests, test_active_directory).
type unixServices struct {
	Unix   bool    `json:"unix_services_enabled"`
	UID    *string `json:"uid_attribute_name"`
	GID    *string `json:"gid_attribute_name"`
	Groups *int64  `json:"max_translated_groups"`
}

// keptDomain is a row of spaceDomain.
type keptDomain struct {
	domain
	Joiner string `json:"joiner"`
}

// The attributes are those that InfiniSDK's tests find.
//
// unsourced: how many groups are translated where nobody says.
const (
	uidAttribute = "uidNumber"
	gidAttribute = "gidNumber"
	someGroups   = 16
)

// addDomains adds the requests about the domain of the SMB servers; mapping its
// users came later (InfiniSDK 289.1.4, compatibility.py).
func addDomains(c *Catalog) {
	const path = "activedirectory/domains"
	smb := schema.Gate{Feature: "native_smb"}
	post := func(action string, gate schema.Gate, do func(b *Box, in *Input) (any, error)) {
		c.AddRoutes(Route{
			Method: http.MethodPost, Path: path + action, Least: RoleAdmin, Needs: gate,
			Do: func(b *Box, _ *schema.Object, in *Input) (any, error) { return do(b, in) },
		})
	}
	c.AddRoutes(
		Route{Method: http.MethodGet, Path: path, Reads: true, Needs: smb, Do: func(b *Box, _ *schema.Object, _ *Input) (any, error) {
			return showDomain(b)
		}},
		Route{
			Method: http.MethodGet, Path: path + "/user_query", Reads: true, Needs: gateUserMapping, Params: []string{"sid", "uid", "username"},
			Do: func(b *Box, _ *schema.Object, in *Input) (any, error) { return queryUser(b, in) },
		},
	)
	post("", smb, joinDomain)
	post("/leave", smb, leaveDomain)
	post("/set_unix_services", gateUserMapping, func(b *Box, in *Input) (any, error) {
		return setUnix(b, in, "unix_services_enabled", "uid_attribute_name", "gid_attribute_name", "max_translated_groups")
	})
	post("/set_max_translated_groups", gateUserMapping, func(b *Box, in *Input) (any, error) {
		if !in.Body.Has("max_translated_groups") {
			return nil, missing("max_translated_groups")
		}
		return setUnix(b, in, "max_translated_groups")
	})
}

func missing(name string) error {
	return apierr.New(apierr.MissingField, "%s: required", name).About(name)
}

// domain is the one that was joined, nil for none.
func (b *Box) domain() (*keptDomain, error) {
	raw := b.Tx.KV(b.Key, spaceDomain).Get([]byte(spaceDomain))
	if raw == nil {
		return nil, nil
	}
	d := &keptDomain{}
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("active directory: %w", err)
	}
	return d, nil
}

func (b *Box) needDomain() (*keptDomain, error) {
	d, err := b.domain()
	if err == nil && d == nil {
		err = apierr.New(apierr.DomainNotJoined, "the array is in no Active Directory domain")
	}
	return d, err
}

func (d *keptDomain) save(b *Box) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("active directory: %w", err)
	}
	b.Tx.KV(b.Key, spaceDomain).Put([]byte(spaceDomain), raw)
	return nil
}

// showDomain gives the domain, null where there is none.
//
// unsourced: the answer of an array that is in no domain.
func showDomain(b *Box) (any, error) {
	d, err := b.domain()
	if err != nil || d == nil {
		return nil, err
	}
	return d.domain, nil
}

// read puts the named members of a body in their places; null takes one away.
// It returns UNKNOWN_FIELD for any other member, and INVALID_FIELD_VALUE.
func (in *Input) read(into map[string]any) error {
	for _, name := range sortedKeys(in.Body) {
		place, ok := into[name]
		if !ok {
			return apierr.New(apierr.UnknownField, "%s: unknown field", name).About(name)
		}
		if err := json.Unmarshal(in.Body[name], place); err != nil {
			return apierr.New(apierr.InvalidValue, "%s: a value of the wrong type", name).About(name)
		}
	}
	return nil
}

// credentials wants a name and a password of the domain.
//
// unsourced: that any will do; there is no directory here to ask.
func credentials(user, password string) error {
	switch "" {
	case user:
		return missing("username")
	case password:
		return missing("password")
	}
	return nil
}

// domainName is two or more labels with dots between them.
var domainName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// joinDomain joins a domain: it takes an address that SMB is served at, so there
// must be a NAS network space (InfiniSDK tests join on an array with one).
//
// unsourced: that an array without one is refused.
func joinDomain(b *Box, in *Input) (any, error) {
	d := &keptDomain{domain: domain{Tenant: 1, Servers: []string{}}}
	var password string
	err := in.read(map[string]any{
		"domain": &d.Name, "org_unit": &d.Unit, "preferred_ips": &d.Servers, "username": &d.Joiner, "password": &password, "tenant_id": &d.Tenant,
		"unix_services_enabled": &d.Unix, "uid_attribute_name": &d.UID, "gid_attribute_name": &d.GID, "max_translated_groups": &d.Groups,
	})
	if err != nil {
		return nil, err
	}
	if d.Servers == nil {
		d.Servers = []string{} // as an empty list: InfiniSDK 289.1.4
	}
	if err := d.check(password); err != nil {
		return nil, err
	}
	if now, err := b.domain(); err != nil || now != nil {
		if err == nil {
			err = apierr.New(apierr.DomainJoined, "the array is in the domain %s", now.Name)
		}
		return nil, err
	}
	if b.Tx.CountBy(b.Key, SpaceService.Field(), NetworkSpace, SpaceService.Field().Parse(json.RawMessage(`"`+nasService+`"`))) == 0 {
		return nil, apierr.New(apierr.DomainNoNetwork, "there is no network space of the service %s", nasService)
	}
	if err := d.complete(); err != nil {
		return nil, err
	}
	if err := d.save(b); err != nil {
		return nil, err
	}
	return d.domain, b.emitDomain(d, "JOINED")
}

func (d *keptDomain) check(password string) error {
	switch {
	case d.Name == "":
		return missing("domain")
	case !domainName.MatchString(d.Name):
		return apierr.New(apierr.InvalidValue, "domain: %q is no name of a domain", d.Name).About("domain")
	case d.Tenant != 1:
		return apierr.New(apierr.InvalidValue, "tenant_id: %d does not exist", d.Tenant).About("tenant_id")
	}
	for _, s := range d.Servers {
		if _, err := netip.ParseAddr(s); err != nil && !domainName.MatchString(s) {
			return apierr.New(apierr.InvalidValue, "preferred_ips: %q is neither an address nor a name", s).About("preferred_ips")
		}
	}
	return credentials(d.Joiner, password)
}

// complete sets what goes with Unix services, or takes it away.
func (u *unixServices) complete() error {
	if !u.Unix {
		u.UID, u.GID, u.Groups = nil, nil, nil
		return nil
	}
	for place, usual := range map[**string]string{&u.UID: uidAttribute, &u.GID: gidAttribute} {
		if *place == nil || **place == "" {
			*place = &usual
		}
	}
	if u.Groups == nil {
		n := int64(someGroups)
		u.Groups = &n
	}
	if *u.Groups < 1 {
		return apierr.New(apierr.InvalidValue, "max_translated_groups: %d is not above 0", *u.Groups).About("max_translated_groups")
	}
	return nil
}

func leaveDomain(b *Box, in *Input) (any, error) {
	var user, password string
	if err := in.read(map[string]any{"username": &user, "password": &password}); err != nil {
		return nil, err
	}
	if err := credentials(user, password); err != nil {
		return nil, err
	}
	d, err := b.needDomain()
	if err != nil {
		return nil, err
	}
	b.Tx.KV(b.Key, spaceDomain).Delete([]byte(spaceDomain))
	return d.domain, b.emitDomain(d, "LEFT")
}

// emitDomain reports what became of the domain; ACTIVE_DIRECTORY_LEFT is a code
// that the Ansible collection's playbooks exclude from a rule.
func (b *Box) emitDomain(d *keptDomain, verb string) error {
	return b.Emit(Event{
		Code: "ACTIVE_DIRECTORY_" + verb, Template: "Active Directory domain {domain} was " + strings.ToLower(verb),
		Data: []Datum{{Name: "domain", Type: "String", Value: d.Name}},
	})
}

// setUnix changes how users are mapped to numbers; the body names some of the
// members that may change.
//
// unsourced: that members of services which stay off are refused.
func setUnix(b *Box, in *Input, may ...string) (any, error) {
	d, err := b.needDomain()
	if err != nil {
		return nil, err
	}
	all := map[string]any{
		"unix_services_enabled": &d.Unix, "uid_attribute_name": &d.UID, "gid_attribute_name": &d.GID, "max_translated_groups": &d.Groups,
	}
	into := map[string]any{}
	for _, name := range may {
		into[name] = all[name]
	}
	if err := in.read(into); err != nil {
		return nil, err
	}
	for _, name := range may[len(may)-1:] {
		if in.Body.Has(name) && !d.Unix {
			return nil, apierr.New(apierr.InvalidValue, "%s: the domain has no Unix services", name).About(name)
		}
	}
	if err := d.complete(); err != nil {
		return nil, err
	}
	return d.unixServices, d.save(b)
}

// directoryUser is a user of the domain.
type directoryUser struct {
	Tenant int64  `json:"tenant_id"`
	Name   string `json:"name"`
	User   string `json:"username"`
	SID    string `json:"sid"`
	GSID   string `json:"gsid"`
	UID    *int64 `json:"uid"`
	GID    *int64 `json:"gid"`
}

// The identifiers that Windows gives out: those of a domain's own users begin
// at 1000, and all of them are in its group 513.
const (
	firstRID  = 1000
	usersRID  = 513
	manyRIDs  = 1 << 20
	usersGID  = 513
	sidPrefix = "S-1-5-21"
)

// queryUser looks a user of the domain up.
//
// unsourced: that the directory holds the user who joined the domain and no
// other, and how its identifiers follow from its name.
func queryUser(b *Box, in *Input) (any, error) {
	d, err := b.needDomain()
	if err != nil {
		return nil, err
	}
	user := d.user()
	for name, value := range map[string]string{"sid": user.SID, "uid": "", "username": user.Name} {
		if name == "uid" && user.UID != nil {
			value = fmt.Sprint(*user.UID)
		}
		asked := in.Query.Get(name)
		if asked == "" {
			continue
		}
		if strings.EqualFold(asked, value) || name == "username" && strings.EqualFold(asked, user.User) {
			return []directoryUser{user}, nil
		}
		return []directoryUser{}, nil
	}
	return nil, apierr.New(apierr.MissingField, "username: one of sid, uid and username is required").About("username")
}

func (d *keptDomain) user() directoryUser {
	name := d.Joiner
	if _, after, ok := strings.Cut(name, `\`); ok {
		name = after
	}
	name, _, _ = strings.Cut(name, "@")
	of := sha256.Sum256([]byte(strings.ToLower(d.Name)))
	realm := fmt.Sprintf("%s-%d-%d-%d", sidPrefix, binary.BigEndian.Uint32(of[:]), binary.BigEndian.Uint32(of[4:]), binary.BigEndian.Uint32(of[8:]))
	who := sha256.Sum256([]byte(strings.ToLower(name)))
	rid := firstRID + int64(binary.BigEndian.Uint32(who[:])%manyRIDs)
	out := directoryUser{
		Tenant: d.Tenant, Name: name, User: name + "@" + d.Name, SID: fmt.Sprintf("%s-%d", realm, rid), GSID: fmt.Sprintf("%s-%d", realm, usersRID),
	}
	if gid := int64(usersGID); d.Unix {
		out.UID, out.GID = &rid, &gid
	}
	return out
}
