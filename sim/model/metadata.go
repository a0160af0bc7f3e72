package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an entry of metadata.
var (
	MetaObject     = schema.Int(schema.Field{Name: "object_id", Flags: schema.Index})
	MetaObjectType = schema.String(schema.Field{Name: "object_type"})
	MetaKey        = schema.String(schema.Field{Name: "key", Flags: schema.Index})
	MetaValue      = schema.String(schema.Field{Name: "value"})

	// metaImplicit marks an entry that is there before anybody set it: it shows
	// at its object, and not among all entries.
	metaImplicit = schema.Bool(schema.Field{Name: "_implicit", Flags: schema.Private})

	// Metadata is a key with a text that a client keeps at an object. Objects
	// are named by their id alone: ids are unique over all kinds.
	Metadata = schema.NewType("metadata", metaImplicit, MetaObject, MetaObjectType, MetaKey, MetaValue)
)

// ofSystem is the word in a path for the array itself; its entries carry
// systemID.
const ofSystem = "system"

// listVersion is the version of the feature metadata from which entries come
// as a list; before it they are one object (InfiniSDK 289.1.4).
const listVersion = 2

func addMetadata(c *Catalog) {
	k := &Kind{
		Least: RolePoolAdmin,
		Type:  Metadata, Path: "metadata", NotFound: apierr.MetadataNotFound, Single: true,
		NextID: func(b *Box) int64 { return b.Tx.Next(b.Key, "metadata") },
	}
	k.Routes = []Route{
		{Method: http.MethodGet, Path: "metadata", Reads: true, Filters: Metadata, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.List(k, in, schema.Filter{Field: metaImplicit.Field(), Op: schema.EQ, Values: []schema.Value{
				metaImplicit.Field().Parse(json.RawMessage("false")),
			}})
		}},
		{Method: http.MethodGet, Path: "metadata/{object}", Reads: true, Filters: Metadata, Do: objectMetadata},
		{Method: http.MethodPut, Path: "metadata/{object}", Do: setMetadata},
		{Method: http.MethodDelete, Path: "metadata/{object}", Do: clearMetadata},
		{Method: http.MethodGet, Path: "metadata/{object}/*", Reads: true, Params: []string{"page", "page_size"}, Do: oneMetadata},
		{Method: http.MethodDelete, Path: "metadata/{object}/*", Do: unsetMetadata},
	}
	c.Add(k)
	c.OnFormat(func(b *Box) error {
		// The Ansible collection's playbooks find the key on a fresh array.
		key := "ui-dataset-default-provisioning"
		if err := b.setMetadata(systemID, ofSystem, key, Thin); err != nil {
			return err
		}
		o, err := b.entry(systemID, key)
		if err != nil {
			return err
		}
		metaImplicit.Set(o, true)
		return b.Tx.Put(b.Key, o)
	})
}

// ownMetaTarget is metaTarget for one who is about to change the object's
// metadata.
func (b *Box) ownMetaTarget(in *Input) (id int64, word string, err error) {
	id, word, o, err := b.findMetaTarget(in)
	if err != nil {
		return 0, "", err
	}
	if o == nil && !May(b.Who.Role, RoleAdmin) {
		return 0, "", b.denied("change the system's metadata")
	}
	if o != nil {
		err = b.Own(o)
	}
	return id, word, err
}

// metaTarget finds the object that a path names, and the word for its type.
func (b *Box) metaTarget(in *Input) (id int64, word string, err error) {
	id, word, _, err = b.findMetaTarget(in)
	return id, word, err
}

func (b *Box) findMetaTarget(in *Input) (id int64, word string, o *schema.Object, err error) {
	name := in.Vars["object"]
	if name == ofSystem {
		return systemID, ofSystem, nil, nil
	}
	id, err = strconv.ParseInt(name, 10, 64)
	if err == nil {
		for _, k := range b.Eng.Catalog.Kinds() {
			if word := metaWord(k, nil); word == "" {
				continue
			}
			o, err := b.Tx.Get(b.Key, k.Type, id)
			if err != nil {
				return 0, "", nil, err
			}
			if o != nil {
				return id, metaWord(k, o), o, nil
			}
		}
	}
	for _, k := range b.Eng.Catalog.Kinds() {
		if err != nil || k.NextID != nil || metaWord(k, nil) != "" { // ids of their own are no objects' here
			continue
		}
		if o, err := b.Tx.Get(b.Key, k.Type, id); o != nil || err != nil {
			return 0, "", nil, cmp.Or(err, error(apierr.New(apierr.MetadataUnsupported, "object %d is a %s, which has no metadata", id, words(k.Type))))
		}
	}
	return 0, "", nil, apierr.New(apierr.MetadataObjectNotFound, "object %q does not exist", name)
}

// metaWord is the word for an object's type in metadata, empty for a kind that
// has none (the words: Ansible collection 1.6.3, infini_metadata).
func metaWord(k *Kind, o *schema.Object) string {
	snapshot := o != nil && (k.Type == Volume || k.Type == Filesystem) && DatasetKind.Get(o) == Snapshot
	switch {
	case k.Single || k.Fixed || k.Forms == nil || k.NextID != nil || k.Type == Tenant || k.Type == Plugin:
		return ""
	case k.Type == Volume && snapshot:
		return "vol-snap"
	case k.Type == Filesystem && snapshot:
		return "fs-snap"
	case k.Type == Filesystem:
		return "fs"
	case k.Type == ConsGroup:
		return "cg"
	}
	return strings.TrimPrefix(k.Type.Name(), "host_")
}

// entries lists an object's metadata by ascending id.
func (b *Box) entries(object int64) ([]*schema.Object, error) {
	var out []*schema.Object
	for _, id := range b.Tx.IDsBy(b.Key, Metadata, MetaObject.Field(), schema.IntValue(object)) {
		o, err := b.Must(Metadata, id)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (b *Box) entry(object int64, key string) (*schema.Object, error) {
	all, err := b.entries(object)
	for _, o := range all {
		if MetaKey.Get(o) == key {
			return o, nil
		}
	}
	return nil, err
}

func (b *Box) asList() bool { return b.Release().Features["metadata"] >= listVersion }

func objectMetadata(b *Box, _ *schema.Object, in *Input) (any, error) {
	id, _, err := b.metaTarget(in)
	if err != nil {
		return nil, err
	}
	if b.asList() {
		return b.List(b.Eng.Catalog.Kind(Metadata.Name()), in, schema.Filter{
			Field: MetaObject.Field(), Op: schema.EQ, Values: []schema.Value{schema.IntValue(id)},
		})
	}
	all, err := b.entries(id)
	out := map[string]string{}
	for _, o := range all {
		out[MetaKey.Get(o)] = MetaValue.Get(o)
	}
	return out, err
}

// setMetadata merges what is sent into an object's metadata. Values are kept
// as texts; an entry whose value stays keeps its id.
func setMetadata(b *Box, _ *schema.Object, in *Input) (any, error) {
	id, word, err := b.ownMetaTarget(in)
	if err != nil {
		return nil, err
	}
	for _, key := range sortedKeys(in.Body) {
		value, err := metaText(key, in.Body[key])
		if err != nil {
			return nil, err
		}
		if err := b.setMetadata(id, word, key, value); err != nil {
			return nil, err
		}
	}
	all, err := b.entries(id)
	if err != nil {
		return nil, err
	}
	return b.renderAll(all)
}

func (b *Box) renderAll(all []*schema.Object) (any, error) {
	out := []json.RawMessage{}
	for _, o := range all {
		raw, err := b.Render(o)
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}

// metaText is a JSON scalar as metadata keeps it.
func metaText(key string, raw json.RawMessage) (string, error) {
	var text string
	switch {
	case key == "":
		return "", apierr.New(apierr.InvalidValue, "key: empty").About("key")
	case json.Unmarshal(raw, &text) == nil && string(raw) != "null":
		return text, nil
	case len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') || string(raw) == "null":
		return "", apierr.New(apierr.InvalidValue, "%s: %.80s is no text, number or boolean", key, raw).About(key)
	}
	return string(raw), nil
}

func (b *Box) setMetadata(object int64, word, key, value string) error {
	o, err := b.entry(object, key)
	if err != nil {
		return err
	}
	if o == nil {
		o = b.New(b.Eng.Catalog.Kind(Metadata.Name()))
		MetaObject.Set(o, object)
		MetaObjectType.Set(o, word)
		MetaKey.Set(o, key)
	}
	MetaValue.Set(o, value)
	metaImplicit.Set(o, false)
	return b.Tx.Put(b.Key, o)
}

func clearMetadata(b *Box, _ *schema.Object, in *Input) (any, error) {
	id, _, err := b.ownMetaTarget(in)
	if err != nil {
		return nil, err
	}
	return []json.RawMessage{}, b.dropMetadata(id)
}

// dropMetadata forgets what was kept at an object.
func (b *Box) dropMetadata(object int64) error {
	for _, id := range b.Tx.IDsBy(b.Key, Metadata, MetaObject.Field(), schema.IntValue(object)) {
		if err := b.Tx.Delete(b.Key, Metadata, id); err != nil {
			return err
		}
	}
	return nil
}

func (b *Box) mustEntry(in *Input) (*schema.Object, error) {
	id, _, err := b.metaTarget(in)
	if err != nil {
		return nil, err
	}
	o, err := b.entry(id, in.Vars["*"])
	if err == nil && o == nil {
		err = apierr.New(apierr.MetadataNotFound, "%q has no key %q", in.Vars["object"], in.Vars["*"])
	}
	return o, err
}

func oneMetadata(b *Box, _ *schema.Object, in *Input) (any, error) {
	o, err := b.mustEntry(in)
	if err != nil || b.asList() {
		return o, err
	}
	return MetaValue.Get(o), nil
}

func unsetMetadata(b *Box, _ *schema.Object, in *Input) (any, error) {
	if _, _, err := b.ownMetaTarget(in); err != nil {
		return nil, err
	}
	o, err := b.mustEntry(in)
	if err != nil {
		return nil, err
	}
	raw, err := b.Render(o)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return raw, b.Tx.Delete(b.Key, Metadata, o.ID())
}
