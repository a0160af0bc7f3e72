package model

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"infinisim/sim/schema"
)

// ntpPoll is how often a node probes its time server.
const ntpPoll = 64 * time.Second

// addNTP adds what each node knows of its time server (the members: CSI driver,
// which adds last_probe_timestamp to the length of a lock).
//
// unsourced: the time server, how often it is probed, and its figures.
func addNTP(c *Catalog) {
	item := schema.NewType("ntp_status")
	c.AddRoutes(Route{
		Method: http.MethodGet, Path: "system/ntp_status", Reads: true, Filters: item,
		Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			q, err := item.ParseQuery(in.Query, schema.Terms{Open: b.Open, PageSize: in.PageSize})
			if err != nil {
				return nil, Wire(err)
			}
			out := &Page{Items: []json.RawMessage{}, Total: nodeCount, Page: q.Page, Size: q.PageSize}
			for n := min((q.Page-1)*q.PageSize, nodeCount) + 1; n <= min(q.Page*q.PageSize, nodeCount); n++ {
				raw, err := json.Marshal(b.ntpStatus(n))
				if err != nil {
					return nil, fmt.Errorf("ntp status: %w", err)
				}
				out.Items = append(out.Items, raw)
			}
			return out, nil
		},
	})
}

func (b *Box) ntpStatus(node int) map[string]any {
	now := b.Tx.Now().MS()
	since := now % ntpPoll.Milliseconds()
	return map[string]any{
		"node_id": node, "last_probe_timestamp": now - since,
		"ntp_peers": []map[string]any{{
			"tally_code": "*", "remote": "ntp.example.com", "refid": ".GPS.", "stratum": 1, "type": "u",
			"when_seconds": since / 1000, "poll_seconds": int(ntpPoll.Seconds()), "reach": 377,
			"delay_milliseconds": 1.0, "offset_milliseconds": 0.0, "jitter_milliseconds": 0.0,
		}},
	}
}
