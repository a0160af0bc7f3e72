package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// aWhile is lab time in which the processes ask after each other: what was
// called off is taken back by then.
const aWhile = 6 * time.Second

// activeActive is a type of replicas, and the role of both halves of one.
const activeActive = "ACTIVE_ACTIVE"

// finish holds both sides against what has to be there, and again a while
// later: what ended well stays so.
func (p *pair) finish(ctx context.Context, w want) error {
	whole := func() error {
		if err := p.agree(ctx); err != nil {
			return err
		}
		return p.have(ctx, w)
	}
	if err := p.do(ctx, "in the end", whole); err != nil {
		return err
	}
	var until [2]float64
	err := p.do(ctx, "wait", func() error {
		for i := range p.procs {
			now, err := p.now(ctx, i)
			if err != nil {
				return err
			}
			if until[i] == 0 {
				until[i] = now + float64(aWhile.Milliseconds())
			}
			if now < until[i] {
				return errNotYet
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.do(ctx, "a while later", whole)
}

// now is the lab time of a process, in milliseconds.
func (p *pair) now(ctx context.Context, i int) (float64, error) {
	if p.procs[i] == nil {
		return 0, errNotYet
	}
	o, _, err := p.procs[i].plane(ctx, http.MethodGet, "clock", nil)
	m, _ := o.(map[string]any)
	ms, _ := m["now"].(float64)
	if err == nil && ms == 0 {
		err = fmt.Errorf("no time in %v", o)
	}
	return ms, err
}

// have counts what is there, and looks for what was left behind.
func (p *pair) have(ctx context.Context, w want) error {
	for i := range p.procs {
		for path, n := range map[string]int{
			"links": w.links, "replicas": w.replicas, "volumes?type=eq:MASTER": w.masters[i], "volumes?type=eq:SNAPSHOT": w.retains[i],
		} {
			list, err := p.ask(ctx, i, http.MethodGet, path, nil)
			if err != nil {
				return err
			}
			if found, _ := list.([]any); len(found) != n {
				return fmt.Errorf("%w: array %d has %d %s, not %d", errDiffer, i+1, len(found), path, n)
			}
		}
	}
	if w.replicas > 0 {
		return digests(ctx, p)
	}
	return nil
}

// agree compares the halves of all that both arrays have, and asks each server
// for its own check.
func (p *pair) agree(ctx context.Context) error {
	for _, path := range []string{"links", "replicas"} {
		if err := p.halves(ctx, path); err != nil {
			return err
		}
	}
	if err := p.protected(ctx); err != nil {
		return err
	}
	if err := p.retained(ctx); err != nil {
		return err
	}
	for i := range p.procs {
		if err := p.procs[i].check(ctx); err != nil {
			return fmt.Errorf("array %d: %w", i+1, err)
		}
	}
	return nil
}

// halves holds each object against its counterpart.
func (p *pair) halves(ctx context.Context, path string) error {
	here, err := p.one(ctx, 0, path)
	if err != nil {
		return err
	}
	there, err := p.one(ctx, 1, path)
	if err != nil {
		return err
	}
	if (here == nil) != (there == nil) {
		return fmt.Errorf("%w: one of them alone has %s", errDiffer, path)
	}
	if here == nil {
		return nil
	}
	remote := "remote_link_id"
	if path == "replicas" {
		remote = "remote_replica_id"
		if a, b := text(here, "role"), text(there, "role"); a == b && a != activeActive {
			return fmt.Errorf("%w: both halves are %s", errDiffer, a)
		}
		if a, b := text(here, "replication_type"), text(there, "replication_type"); a != b {
			return fmt.Errorf("%w: the halves are %s and %s", errDiffer, a, b)
		}
		if err := samePairs(here, there); err != nil {
			return err
		}
	}
	if number(here, remote) != number(there, "id") || number(there, remote) != number(here, "id") {
		return fmt.Errorf("%w: %s %d and %d are of others", errDiffer, path, number(here, "id"), number(there, "id"))
	}
	if text(here, "sync_state") == "SYNCHRONIZED" || text(there, "sync_state") == "SYNCHRONIZED" {
		return digests(ctx, p)
	}
	return nil
}

func samePairs(here, there any) error {
	var a, b [][2]int64
	for _, o := range pairsOf(here) {
		a = append(a, [2]int64{number(o, "local_entity_id"), number(o, "remote_entity_id")})
	}
	for _, o := range pairsOf(there) {
		b = append(b, [2]int64{number(o, "remote_entity_id"), number(o, "local_entity_id")})
	}
	if !slices.Equal(a, b) {
		return fmt.Errorf("%w: the pairs are %v and %v", errDiffer, a, b)
	}
	return nil
}

// protected looks for a dataset that is marked and in no replica, and for a
// target that is not protected.
func (p *pair) protected(ctx context.Context) error {
	for i := range p.procs {
		replica, err := p.one(ctx, i, "replicas")
		if err != nil {
			return err
		}
		var in []int64
		for _, o := range pairsOf(replica) {
			in = append(in, number(o, "local_entity_id"))
		}
		list, err := p.ask(ctx, i, http.MethodGet, "volumes?type=eq:MASTER", nil)
		if err != nil {
			return err
		}
		found, _ := list.([]any)
		for _, o := range found {
			m, _ := o.(map[string]any)
			isIn := slices.Contains(in, number(o, "id"))
			role := text(replica, "role")
			target := isIn && role == "TARGET"
			if m["rmr_target"] != target || m["rmr_source"] != (isIn && role == "SOURCE") || m["rmr_active_active_peer"] != (isIn && role == activeActive) || m["write_protected"] != target {
				return fmt.Errorf("%w: array %d: volume %v: target %v, source %v, protected %v", errDiffer, i+1, m["id"], m["rmr_target"], m["rmr_source"], m["write_protected"])
			}
		}
	}
	return nil
}

// retained compares the images that a deletion kept: each is on both sides.
func (p *pair) retained(ctx context.Context) error {
	var guids [2][]string
	for i := range p.procs {
		list, err := p.ask(ctx, i, http.MethodGet, "volumes?type=eq:SNAPSHOT", nil)
		if err != nil {
			return err
		}
		found, _ := list.([]any)
		for _, o := range found {
			guids[i] = append(guids[i], text(o, "rmr_snapshot_guid"))
		}
		slices.Sort(guids[i])
	}
	if !slices.Equal(guids[0], guids[1]) {
		return fmt.Errorf("%w: retained images are %v and %v", errDiffer, guids[0], guids[1])
	}
	return nil
}
