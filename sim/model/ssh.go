package model

import (
	"net/http"
	"strconv"
	"strings"

	"infinisim/sim/schema"
)

// addSSH adds the switch of the nodes' SSH ports (InfiniSDK tests, 8.6 era:
// overall_ssh_port_status is OPEN or CLOSED).
//
// unsourced: that the ports of a new array are open.
func addSSH(c *Catalog) {
	const key = "system/ssh"
	status := func(b *Box) any {
		word := "OPEN"
		if raw := b.Tx.KV(b.Key, spaceConfig).Get([]byte(key)); raw != nil {
			word = strings.Trim(string(raw), `"`) // it was kept bare once
		}
		nodes := make([]map[string]any, 0, nodeCount)
		for n := 1; n <= nodeCount; n++ {
			nodes = append(nodes, map[string]any{"node_id": n, "ssh_port_status": word})
		}
		return map[string]any{"overall_ssh_port_status": word, "nodes": nodes}
	}
	set := func(word string) func(b *Box, _ *schema.Object, _ *Input) (any, error) {
		return func(b *Box, _ *schema.Object, _ *Input) (any, error) {
			b.Tx.KV(b.Key, spaceConfig).Put([]byte(key), strconv.AppendQuote(nil, word))
			return status(b), nil
		}
	}
	c.AddRoutes(
		Route{Method: http.MethodGet, Path: key, Reads: true, Do: func(b *Box, _ *schema.Object, _ *Input) (any, error) { return status(b), nil }},
		Route{Method: http.MethodPost, Path: key + "/open", Least: RoleAdmin, Do: set("OPEN")},
		Route{Method: http.MethodPost, Path: key + "/close", Least: RoleAdmin, Do: set("CLOSED")},
	)
}
