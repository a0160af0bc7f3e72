package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
)

// volume is what a client knows of one of its volumes.
type volume struct {
	id, size int64
	name     string
	digest   string
	replica  int64 // 0 for none
}

// client writes, and remembers what was acknowledged.
type client struct {
	name string
	dice *rand.Rand
	next int
	have []*volume
	open *change // under way when the server ended, nil for none
}

// change is a request whose answer did not come: it may be applied or not.
type change struct {
	what   string
	volume *volume
	size   int64
}

// write sends changes until the server is gone; it returns how many were
// acknowledged.
func (c *client) write(ctx context.Context, s *server) (acknowledged int) {
	for {
		c.open = c.pick()
		ok, err := c.apply(ctx, s, c.open)
		if err != nil {
			return acknowledged
		}
		if ok {
			acknowledged++
		}
		c.open = nil
	}
}

// pick chooses the next change.
func (c *client) pick() *change {
	if len(c.have) < 3 || c.dice.IntN(4) == 0 && len(c.have) < 12 {
		c.next++
		v := &volume{name: fmt.Sprintf("%s-%d", c.name, c.next), size: 1_000_000_000}
		return &change{what: "create", volume: v, size: v.size}
	}
	v := c.have[c.dice.IntN(len(c.have))]
	switch c.dice.IntN(5) {
	case 0:
		return &change{what: "resize", volume: v, size: v.size + 65536*int64(1+c.dice.IntN(100))}
	case 1:
		if v.replica == 0 {
			return &change{what: "replicate", volume: v}
		}
		return &change{what: "unreplicate", volume: v}
	case 2:
		if v.replica == 0 {
			return &change{what: "delete", volume: v}
		}
	}
	return &change{what: "write", volume: v}
}

// apply sends a change and remembers the answer. ok is false for a refusal,
// which changes nothing; err means that no answer came.
func (c *client) apply(ctx context.Context, s *server, ch *change) (ok bool, err error) {
	v := ch.volume
	var answer any
	var status int
	switch ch.what {
	case "create":
		answer, status, err = s.array(ctx, 0, http.MethodPost, "volumes", map[string]any{"name": v.name, "pool_id": s.pools[0], "size": v.size})
	case "resize":
		answer, status, err = s.array(ctx, 0, http.MethodPut, fmt.Sprintf("volumes/%d", v.id), map[string]any{"size": ch.size})
	case "delete":
		answer, status, err = s.array(ctx, 0, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", v.id), nil)
	case "replicate":
		answer, status, err = s.array(ctx, 0, http.MethodPost, "replicas", map[string]any{
			"link_id": s.link, "entity_type": "VOLUME", "remote_pool_id": s.pools[1],
			"entity_pairs": []any{map[string]any{"local_entity_id": v.id, "remote_base_action": "CREATE"}},
		})
	case "unreplicate":
		answer, status, err = s.array(ctx, 0, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", v.replica), nil)
	case "write":
		answer, status, err = s.plane(ctx, http.MethodPost, fmt.Sprintf("arrays/box-1/datasets/%d/write", v.id), map[string]any{
			"offset": 65536 * c.dice.IntN(1000), "length": 65536, "seed": 1 + c.dice.IntN(1<<30),
		})
	}
	if err != nil {
		return false, err
	}
	if status >= http.StatusBadRequest {
		return false, nil
	}
	c.acknowledge(ch, answer)
	return true, nil
}

func (c *client) acknowledge(ch *change, answer any) {
	v := ch.volume
	switch ch.what {
	case "create":
		v.id = number(answer, "id")
		c.have = append(c.have, v)
	case "resize":
		v.size, v.digest = number(answer, "size"), "" // the size is part of the digest
	case "delete":
		c.drop(v)
	case "replicate":
		v.replica = number(answer, "id")
	case "unreplicate":
		v.replica = 0
	case "write":
		v.digest = text(answer, "digest")
	}
}

func (c *client) drop(v *volume) {
	for i, have := range c.have {
		if have == v {
			c.have = append(c.have[:i], c.have[i+1:]...)
			return
		}
	}
}
