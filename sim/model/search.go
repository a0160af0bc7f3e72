package model

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// addSearch adds the search over all kinds of objects that have a name: GET
// search?query=text&type=word (InfiniSDK 289.1.4).
//
// unsourced: that the search finds names which hold the text in any case, and
// the members of an item's properties.
func addSearch(c *Catalog) {
	item := schema.NewType("search_result")
	c.AddRoutes(Route{
		Method: http.MethodGet, Path: "search", Reads: true, Params: []string{"query", "type", "page", "page_size"},
		Do: func(b *Box, _ *schema.Object, in *Input) (any, error) { return b.search(item, in) },
	})
}

// searchWord is what a search calls a kind (InfiniSDK 289.1.4: the words that
// it turns into its own).
func searchWord(k *Kind) string {
	switch name := k.Type.Name(); name {
	case "cons_group":
		return "cg"
	case "host_cluster":
		return "cluster"
	case "network_interface":
		return "interfaces"
	case "network_space":
		return "ipd"
	case "qos_policy":
		return "qos"
	case "fc_switch":
		return "switch"
	case "ldap_config":
		return "users_repository"
	default:
		return name
	}
}

func (b *Box) search(item *schema.Type, in *Input) (any, error) {
	text, word := strings.ToLower(in.Query.Get("query")), in.Query.Get("type")
	for _, own := range []string{"query", "type"} {
		in.Query.Del(own)
	}
	q, err := item.ParseQuery(in.Query, schema.Terms{Open: b.Open, PageSize: in.PageSize})
	if err != nil {
		return nil, Wire(err)
	}
	var found []*schema.Object
	known := word == ""
	for _, k := range b.Eng.Catalog.Kinds() {
		f := k.Type.Field("name")
		if f == nil || f.Mode() != schema.Stored || k.Single || !k.Gate.Open(b.Release()) {
			continue
		}
		known = known || searchWord(k) == word
		if word != "" && searchWord(k) != word {
			continue
		}
		err := b.Tx.Each(b.Key, k.Type, func(o *schema.Object) (bool, error) {
			if !k.hidden(o) && strings.Contains(strings.ToLower(nameOf(o)), text) {
				found = append(found, o)
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	if !known {
		return nil, apierr.New(apierr.InvalidValue, "type: %q is no type of object", word).About("type")
	}
	out := &Page{Items: []json.RawMessage{}, Total: len(found), Page: q.Page, Size: q.PageSize}
	for _, o := range cut(found, q) {
		raw, err := json.Marshal(struct {
			ID         int64             `json:"id"`
			Type       string            `json:"type"`
			Properties map[string]string `json:"properties"`
		}{o.ID(), searchWord(b.Kind(o)), map[string]string{"name": nameOf(o)}})
		if err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		out.Items = append(out.Items, raw)
	}
	return out, nil
}
