package model

import (
	"encoding/json"
	"net/http"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// anyDataset has the fields that volumes and filesystems share: what the
// query language of /datasets speaks.
func anyDataset() *schema.Type { return schema.NewType("dataset", datasetFields()...) }

func addDatasets(c *Catalog) {
	shared := anyDataset()
	c.AddRoutes(
		Route{Method: http.MethodGet, Path: "datasets", Reads: true, Filters: shared, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.listAcross(shared, []*schema.Type{Volume, Filesystem}, in, func(o *schema.Object) bool { return !DatasetIsInternal.Get(o) })
		}},
		Route{Method: http.MethodPut, Path: "datasets/bulk", Least: RolePoolAdmin, Do: bulkUpdate},
	)
}

// listAcross answers for datasets of several types at once, ordered together:
// those that pass, in the terms of the type shown.
func (b *Box) listAcross(shown *schema.Type, types []*schema.Type, in *Input, pass func(o *schema.Object) bool) (any, error) {
	return b.listFrom(shown, in, func(take func(*schema.Object) error) error {
		for _, t := range types {
			err := b.candidates(b.Eng.Catalog.Kind(t.Name()), nil, func(o *schema.Object) error {
				if !pass(o) {
					return nil
				}
				return take(o)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// listFrom answers for the objects that each visits, in the terms of the type
// shown, by the names of its fields: an object whose type has no such field has
// null there. They are ordered by id if the request names no order.
func (b *Box) listFrom(shown *schema.Type, in *Input, each func(take func(*schema.Object) error) error) (any, error) {
	q, err := shown.ParseQuery(in.Query, schema.Terms{Open: b.Open, PageSize: in.PageSize, Ignore: []string{"approved"}})
	if err != nil {
		return nil, Wire(err)
	}
	own := func(o *schema.Object, f *schema.Field) (schema.Value, error) {
		if f = o.Type().Field(f.Name); f == nil {
			return schema.Value{}, nil
		}
		return b.value(b.Kind(o), o, f)
	}
	var found []*schema.Object
	err = each(func(o *schema.Object) error {
		ok, err := matches(own, o, q.Filters)
		if ok {
			found = append(found, o)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := order(own, found, q.Sorts); err != nil {
		return nil, err
	}
	out := &Page{Items: []json.RawMessage{}, Total: len(found), Page: q.Page, Size: q.PageSize}
	for _, o := range cut(found, q) {
		raw, err := b.RenderFields(b.Kind(o), o, ownFields(o.Type(), q.Fields))
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, raw)
	}
	return out, nil
}

// ownFields are the fields of a type that have the names of others; nil stays
// nil, for all.
func ownFields(t *schema.Type, fields []*schema.Field) []*schema.Field {
	if fields == nil {
		return nil
	}
	out := make([]*schema.Field, 0, len(fields))
	for _, f := range fields {
		if f = t.Field(f.Name); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// bulkUpdate changes ssa_express_enabled of many datasets, and nothing else
// (InfiniSDK 289.1.4, doc/volumes.rst).
func bulkUpdate(b *Box, _ *schema.Object, in *Input) (any, error) {
	var ask struct {
		IDs  []int64 `json:"ids"`
		Data Body    `json:"data"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil {
		return nil, apierr.New(apierr.Malformed, "body: %v", err)
	}
	if ask.IDs == nil {
		return nil, missing("ids")
	}
	if names := sortedKeys(ask.Data); !slices.Equal(names, []string{DatasetExpress.Name()}) {
		return nil, apierr.New(apierr.InvalidValue, "data: %v: only ssa_express_enabled can be changed in bulk", names).About("data")
	}
	out := []json.RawMessage{}
	for _, id := range ask.IDs {
		o, err := b.Dataset(id)
		if err != nil {
			return nil, err
		}
		o, err = b.Update(b.Kind(o), id, &Input{Request: in.Request, Body: ask.Data})
		if err != nil {
			return nil, err
		}
		raw, err := b.Render(o)
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}
