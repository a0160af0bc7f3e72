package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// The fields that many kinds share.
var (
	// CreatedAt is when an object was made, in milliseconds since 1970.
	CreatedAt = schema.Int(schema.Field{Name: "created_at"})
	// UpdatedAt is when an object was last changed, in milliseconds since 1970.
	UpdatedAt = schema.Int(schema.Field{Name: "updated_at"})
	// TenantID is the tenant, 1 unless a request says otherwise: the default
	// tenant of a real array (published payload, release 7.0).
	TenantID = schema.Ref(schema.Field{Name: "tenant_id", Default: 1}, "tenant")
)

// Create makes an object of a kind from a client's body.
func (b *Box) Create(k *Kind, in *Input) (*schema.Object, error) {
	form, err := b.form(k, in.Body)
	if err != nil {
		return nil, err
	}
	if n := b.Tx.Count(b.Key, k.Type); k.Most > 0 && n >= k.Most && !b.Eng.NoLimits {
		return nil, apierr.New(k.TooMany, "the array has %d of %s, as many as there can be", n, k.Path)
	}
	in.Form = form
	if err := b.checkKeys(k, in, schema.Create, form.Extra); err != nil {
		return nil, err
	}
	for _, name := range form.Required {
		if !in.Body.Has(name) {
			return nil, apierr.New(apierr.MissingField, "%s: required to create %s", name, form.Name).About(name)
		}
	}
	o := schema.New(k.Type, b.nextID(k))
	if err := b.assign(k, o, in.Body, form.Extra); err != nil {
		return nil, err
	}
	for _, name := range form.Required {
		if err := b.checkThere(k.Type.Field(name), o); err != nil {
			return nil, err
		}
	}
	if k.Hooks.BeforeCreate != nil {
		if err := k.Hooks.BeforeCreate(b, o, in); err != nil {
			return nil, err
		}
	}
	if err := b.setTenant(o); err != nil {
		return nil, err
	}
	if k.Least == RolePoolAdmin {
		if err := b.Own(o); err != nil {
			return nil, err
		}
	}
	if err := b.Guard(OnCreate, nil, o); err != nil {
		return nil, err
	}
	if err := b.Insert(o); err != nil {
		return nil, err
	}
	if k.Hooks.AfterCreate != nil {
		if err := k.Hooks.AfterCreate(b, o, in); err != nil {
			return nil, err
		}
	}
	return b.Must(k.Type, o.ID())
}

// Insert stores a new object with its times, refusing a name that is taken.
func (b *Box) Insert(o *schema.Object) error {
	if err := b.checkUnique(o); err != nil {
		return err
	}
	if o.Type().Has(CreatedAt.Field()) {
		CreatedAt.Set(o, b.Tx.Now().MS())
	}
	return b.Save(o)
}

// New makes an object of a kind in memory, with an id of its own.
func (b *Box) New(k *Kind) *schema.Object { return schema.New(k.Type, b.nextID(k)) }

func (b *Box) nextID(k *Kind) int64 {
	if k.NextID != nil {
		return k.NextID(b)
	}
	return b.Tx.Next(b.Key, "id")
}

func (b *Box) form(k *Kind, body Body) (*Form, error) {
	for i := range k.Forms {
		if k.Forms[i].When == nil || k.Forms[i].When(body) {
			return &k.Forms[i], nil
		}
	}
	return nil, apierr.New(apierr.MethodNotAllowed, "%s cannot be created", words(k.Type))
}

// checkKeys refuses keys that are no field, and fields that the request may
// not set. The order of names makes the first complaint repeatable.
func (b *Box) checkKeys(k *Kind, in *Input, may schema.Flags, extra []string) error {
	for _, name := range sortedKeys(in.Body) {
		if slices.Contains(extra, name) {
			continue
		}
		f := k.Type.Field(name)
		if f == nil || !b.Open(f) || !k.Type.Shows(f) && !k.Type.May(f, may) {
			return apierr.New(apierr.UnknownField, "%s: unknown field of %s", name, words(k.Type)).About(name)
		}
		if !k.Type.May(f, may) || in.Form != nil && slices.Contains(in.Form.Refused, name) {
			return apierr.New(apierr.ImmutableField, "%s: cannot be set to %s", name, in.Body[name]).About(name)
		}
	}
	return nil
}

func sortedKeys(body Body) []string {
	names := make([]string, 0, len(body))
	for name := range body {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// assign puts the body's values in the object, each checked.
func (b *Box) assign(k *Kind, o *schema.Object, body Body, extra []string) error {
	for _, name := range sortedKeys(body) {
		f := k.Type.Field(name)
		if f == nil || slices.Contains(extra, name) {
			continue
		}
		raw, err := f.Accept(body[name])
		if err != nil {
			return Wire(err)
		}
		if err := b.checkRef(f, raw); err != nil {
			return err
		}
		o.SetRaw(f, raw)
	}
	return nil
}

// checkRef refuses a reference to an object that does not exist.
func (b *Box) checkRef(f *schema.Field, raw json.RawMessage) error {
	v := f.Parse(raw)
	if f.Wire() != schema.WireRef || v.IsNull() {
		return nil
	}
	target := b.Eng.Catalog.byType[f.Refers()]
	if target == nil {
		return nil
	}
	_, err := b.Load(target, v.Int())
	if e, ok := apierr.As(err); ok {
		return e.About(f.Name)
	}
	return err
}

// checkThere refuses the id 0 where an object must be named.
func (b *Box) checkThere(f *schema.Field, o *schema.Object) error {
	if f == nil || f.Wire() != schema.WireRef || !o.IsNull(f) {
		return nil
	}
	target := b.Eng.Catalog.byType[f.Refers()]
	if target == nil {
		return nil
	}
	_, err := b.Load(target, 0)
	if e, ok := apierr.As(err); ok {
		return e.About(f.Name)
	}
	return err
}

func (b *Box) checkUnique(o *schema.Object) error {
	for _, f := range o.Type().StoredFields() {
		if !o.Type().May(f, schema.Unique) || o.IsNull(f) {
			continue
		}
		for _, id := range b.Tx.IDsBy(b.Key, o.Type(), f, o.Value(f)) {
			if id != o.ID() {
				return b.nameConflict(o, f)
			}
		}
	}
	return nil
}

// Update changes an object as a client's body says.
func (b *Box) Update(k *Kind, id int64, in *Input) (*schema.Object, error) {
	old, err := b.Load(k, id)
	if err != nil {
		return nil, err
	}
	if k.Fixed {
		return nil, apierr.New(apierr.MethodNotAllowed, "%s %d cannot be changed", words(k.Type), id)
	}
	if k.Least == RolePoolAdmin {
		if err := b.Own(old); err != nil {
			return nil, err
		}
	}
	if err := b.checkKeys(k, in, schema.Update, nil); err != nil {
		return nil, err
	}
	o := old.Clone()
	if err := b.assign(k, o, in.Body, nil); err != nil {
		return nil, err
	}
	if k.Hooks.BeforeUpdate != nil {
		if err := k.Hooks.BeforeUpdate(b, old, o, in); err != nil {
			return nil, err
		}
	}
	if err := b.Guard(OnUpdate, old, o); err != nil {
		return nil, err
	}
	if err := b.checkUnique(o); err != nil {
		return nil, err
	}
	if err := b.Save(o); err != nil {
		return nil, err
	}
	if k.Hooks.AfterUpdate != nil {
		if err := k.Hooks.AfterUpdate(b, old, o, in); err != nil {
			return nil, err
		}
	}
	return b.Must(k.Type, id)
}

// Delete removes an object as a client asks for it and returns what it was.
func (b *Box) Delete(k *Kind, id int64, in *Input) (*schema.Object, error) {
	o, err := b.Load(k, id)
	if err != nil {
		return nil, err
	}
	if k.Fixed {
		return nil, apierr.New(apierr.MethodNotAllowed, "%s %d cannot be deleted", words(k.Type), id)
	}
	if k.Least == RolePoolAdmin {
		if err := b.Own(o); err != nil {
			return nil, err
		}
	}
	if k.ApproveDelete && !in.Approved {
		message := "deleting " + words(k.Type) + " " + strconv.FormatInt(id, 10) + " needs approval"
		return nil, apierr.New(apierr.ApprovalRequired, "%s", message).WithReason(message, id)
	}
	if k.Hooks.BeforeDelete != nil {
		if err := k.Hooks.BeforeDelete(b, o, in); err != nil {
			return nil, err
		}
	}
	if err := b.Guard(OnDelete, nil, o); err != nil {
		return nil, err
	}
	if err := b.Remove(o); err != nil {
		return nil, err
	}
	if k.Hooks.AfterDelete != nil {
		if err := k.Hooks.AfterDelete(b, o, in); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// Remove takes an object and its jobs out of the store, without hooks, and
// what is kept under its id: ids that a kind draws for itself are those of
// others too.
func (b *Box) Remove(o *schema.Object) error {
	job.Cancel(b.Tx, b.Owner(o))
	if b.Kind(o).NextID == nil {
		if err := b.dropMetadata(o.ID()); err != nil {
			return err
		}
		if err := b.dropQoS(o.ID()); err != nil {
			return err
		}
		if err := b.dropWorkload(o); err != nil {
			return err
		}
	}
	return b.Tx.Delete(b.Key, o.Type(), o.ID())
}

// DecodeBody reads a request's body as a JSON object; no body and null are an
// empty one.
func DecodeBody(raw json.RawMessage) (Body, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return Body{}, nil
	}
	body := Body{}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, apierr.New(apierr.Malformed, "body: not a JSON object: %v", err)
	}
	return body, nil
}

// Wire turns an error of the schema into the array's own.
func Wire(err error) error {
	e, ok := errors.AsType[*schema.Error](err)
	if !ok {
		return err
	}
	code := apierr.InvalidValue
	switch e.Problem {
	case schema.UnknownName:
		code = apierr.UnknownParameter
	case schema.BadPage:
		code = apierr.InvalidPage
	case schema.BadValue:
	}
	return apierr.New(code, "%s", e.Error()).About(e.Field)
}

// Fields reads the fields parameter of an item's GET, nil for all.
func (in *Input) Fields(k *Kind, b *Box) []*schema.Field {
	text := in.Query.Get("fields")
	if text == "" {
		return nil
	}
	return k.Type.ParseFields(text, b.Open)
}

// nameConflict names the object and the value that another one has.
//
// unsourced: the codes' exact form; the array's shell prints NAME_CONFLICT, and
// LDAP_NAME_CONFLICT is shown by the Ansible collection.
func (b *Box) nameConflict(o *schema.Object, f *schema.Field) error {
	return apierr.New(b.Kind(o).Conflict, "%s: %s is taken by another %s", f.Name, o.Raw(f), words(o.Type())).About(f.Name)
}
