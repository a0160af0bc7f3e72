package main

import (
	"context"
	"fmt"
	"net/http"
)

// found is what the server has after a restart.
type found struct {
	volumes  map[string]map[string]any // by name
	replicas map[int64]int64           // source volume to replica
}

// compare holds what the server has against what it acknowledged. What was
// under way is taken as it is found.
func compare(ctx context.Context, s *server, all []*client) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	f, err := look(ctx, s)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := c.compare(ctx, s, f); err != nil {
			return fmt.Errorf("client %s: %w", c.name, err)
		}
		c.open = nil
	}
	for name := range f.volumes {
		return fmt.Errorf("volume %s is there and nobody made it, or it was deleted", name)
	}
	return nil
}

func look(ctx context.Context, s *server) (*found, error) {
	f := &found{volumes: map[string]map[string]any{}, replicas: map[int64]int64{}}
	for page := 1; ; page++ {
		list, status, err := s.array(ctx, 0, http.MethodGet, fmt.Sprintf("volumes?type=eq:MASTER&page_size=1000&page=%d", page), nil)
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("volumes: %d %w", status, err)
		}
		items, _ := list.([]any)
		for _, item := range items {
			f.volumes[text(item, "name")], _ = item.(map[string]any)
		}
		if len(items) < 1000 {
			break
		}
	}
	list, status, err := s.array(ctx, 0, http.MethodGet, "replicas?page_size=1000", nil)
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("replicas: %d %w", status, err)
	}
	items, _ := list.([]any)
	for _, item := range items {
		f.replicas[number(item, "local_entity_id")] = number(item, "id")
		remote := fmt.Sprintf("replicas/%d?fields=id", number(item, "remote_replica_id"))
		if _, status, err := s.array(ctx, 1, http.MethodGet, remote, nil); err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("replica %d has no half on the other array: %d %w", number(item, "id"), status, err)
		}
	}
	return f, nil
}

func (c *client) compare(ctx context.Context, s *server, f *found) error {
	c.settleOpen(f)
	for _, v := range c.have {
		got := f.volumes[v.name]
		if got == nil {
			return fmt.Errorf("volume %s (%d) was acknowledged and is gone", v.name, v.id)
		}
		delete(f.volumes, v.name)
		if number(got, "id") != v.id || number(got, "size") != v.size {
			return fmt.Errorf("volume %s: id %d size %d, acknowledged id %d size %d", v.name, number(got, "id"), number(got, "size"), v.id, v.size)
		}
		if f.replicas[v.id] != v.replica {
			return fmt.Errorf("volume %s: replica %d, acknowledged %d", v.name, f.replicas[v.id], v.replica)
		}
		answer, status, err := s.plane(ctx, http.MethodGet, fmt.Sprintf("arrays/box-1/datasets/%d/digest", v.id), nil)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("digest of %s: %d %w", v.name, status, err)
		}
		if digest := text(answer, "digest"); v.digest != "" && digest != v.digest && !c.wrote(v) {
			return fmt.Errorf("volume %s: digest %s, acknowledged %s", v.name, digest, v.digest)
		}
		v.digest = text(answer, "digest")
	}
	return nil
}

func (c *client) wrote(v *volume) bool {
	return c.open != nil && c.open.what == "write" && c.open.volume == v
}

// settleOpen takes the change that was under way as the server has it.
func (c *client) settleOpen(f *found) {
	if c.open == nil {
		return
	}
	v := c.open.volume
	got := f.volumes[v.name]
	switch {
	case c.open.what == "create" && got != nil:
		c.drop(v) // of a comparison that the server did not live to see
		c.acknowledge(c.open, any(got))
	case c.open.what == "delete" && got == nil:
		c.drop(v)
	case c.open.what == "resize" && got != nil:
		if size := number(got, "size"); size >= c.open.size {
			v.size, v.digest = size, ""
		}
	case c.open.what == "replicate", c.open.what == "unreplicate":
		v.replica = f.replicas[v.id]
	}
}
