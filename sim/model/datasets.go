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
			return b.listDatasets(shared, in)
		}},
		Route{Method: http.MethodPut, Path: "datasets/bulk", Do: bulkUpdate},
	)
}

// listDatasets answers for both kinds at once, ordered together.
func (b *Box) listDatasets(shared *schema.Type, in *Input) (any, error) {
	q, err := shared.ParseQuery(in.Query, schema.Terms{Open: b.Open, PageSize: in.PageSize, Ignore: []string{"approved"}})
	if err != nil {
		return nil, Wire(err)
	}
	page := q
	q.PageSize = 0
	var found []*schema.Object
	for _, t := range []*schema.Type{Volume, Filesystem} {
		some, _, err := b.Find(b.Eng.Catalog.Kind(t.Name()), q)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	if err := b.order(b.Eng.Catalog.Kind(Volume.Name()), found, q.Sorts); err != nil {
		return nil, err
	}
	out := &Page{Items: []json.RawMessage{}, Total: len(found), Page: page.Page, Size: page.PageSize}
	for _, o := range cut(found, page) {
		raw, err := b.RenderFields(b.Kind(o), o, q.Fields)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, raw)
	}
	return out, nil
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
