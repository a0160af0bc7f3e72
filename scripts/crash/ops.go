package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// op is something that a client has done. It asks once and lets both sides
// come to terms, whatever became of it; then it asks until it is done.
type op struct {
	name string
	// ready waits for what has to be so before; nil for nothing.
	ready func(ctx context.Context, p *pair) error
	// act asks for it; nil where there is nothing to ask.
	act func(ctx context.Context, p *pair) error
	// done says errNotYet or another error until it is done.
	done func(ctx context.Context, p *pair) error
	// loose marks what may stand half done until it is asked for again.
	loose bool
	// once marks what is not asked for again.
	once bool
}

// perform does an operation.
func (p *pair) perform(ctx context.Context, o op) error {
	if o.ready != nil {
		if err := p.do(ctx, "before "+o.name, func() error { return o.ready(ctx, p) }); err != nil {
			return err
		}
	}
	if o.act != nil {
		_ = o.act(ctx, p) // whatever became of it
		if err := p.do(ctx, "restart after "+o.name, func() error { return p.alive(ctx) }); err != nil {
			return err
		}
		if !o.loose {
			if err := p.do(ctx, "both sides after one "+o.name, func() error { return p.agree(ctx) }); err != nil {
				return err
			}
		}
	}
	return p.do(ctx, o.name, func() error {
		err := o.done(ctx, p)
		if err == nil || o.act == nil || o.once {
			return err
		}
		if err := o.act(ctx, p); err != nil {
			return err
		}
		return o.done(ctx, p)
	})
}

// alive reports whether both processes serve.
func (p *pair) alive(ctx context.Context) error {
	for i := range p.procs {
		if _, err := p.ask(ctx, i, http.MethodGet, "links", nil); err != nil {
			return err
		}
	}
	return nil
}

// ids are the objects that a pair works with, on each side.
type ids struct {
	spaces, pools, links, replicas [2]int64
	volume, second, group          int64
}

// one finds the only object of a collection; nil for none.
func (p *pair) one(ctx context.Context, i int, path string) (any, error) {
	list, err := p.ask(ctx, i, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	switch found, _ := list.([]any); len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("array %d has %d %s", i+1, len(found), path)
	}
}

// replica is the half that an array has.
func (p *pair) replica(ctx context.Context, i int) (any, error) {
	o, err := p.one(ctx, i, "replicas")
	if err == nil && o == nil {
		err = fmt.Errorf("%w: array %d has no replica", errNotYet, i+1)
	}
	return o, err
}

// verb sends one of the replica's verbs to the half of an array.
func verb(i int, name string) func(ctx context.Context, p *pair) error {
	return func(ctx context.Context, p *pair) error {
		_, err := p.ask(ctx, i, http.MethodPost, fmt.Sprintf("replicas/%d/%s", p.ids.replicas[i], name), nil)
		return err
	}
}

// shows waits until a field of an array's half has a value.
func shows(i int, field, value string) func(ctx context.Context, p *pair) error {
	return func(ctx context.Context, p *pair) error {
		o, err := p.replica(ctx, i)
		if err == nil && text(o, field) != value {
			err = fmt.Errorf("%w: array %d: %s is %q (%s), not %q", errNotYet, i+1, field, text(o, field), text(o, "state_reason"), value)
		}
		return err
	}
}

// both does one thing after the other.
func both(all ...func(ctx context.Context, p *pair) error) func(ctx context.Context, p *pair) error {
	return func(ctx context.Context, p *pair) error {
		for _, do := range all {
			if err := do(ctx, p); err != nil {
				return err
			}
		}
		return nil
	}
}

// up waits until both halves of the link are up.
func up(ctx context.Context, p *pair) error {
	for i := range p.procs {
		o, err := p.one(ctx, i, "links")
		if err != nil {
			return err
		}
		if state := text(o, "link_state"); state != "UP" {
			return fmt.Errorf("%w: array %d: the link is %q", errNotYet, i+1, state)
		}
		p.ids.links[i] = number(o, "id")
	}
	return nil
}

// idle waits until the source on the first array has nothing to send.
func idle(ctx context.Context, p *pair) error {
	o, err := p.replica(ctx, 0)
	if err != nil {
		return err
	}
	m, _ := o.(map[string]any)
	if initial, _ := m["is_initial"].(bool); initial || text(o, "state") != "ACTIVE" || text(o, "job_state") != "DONE" {
		return fmt.Errorf("%w: array 1: %v %v %v", errNotYet, m["state"], m["state_reason"], m["job_state"])
	}
	return nil
}

// writes sends new data to a volume of an array, elsewhere for each seed.
func writes(i int, seed int64) func(ctx context.Context, p *pair) error {
	return func(ctx context.Context, p *pair) error {
		volume := p.ids.volume
		if i == 1 {
			o, err := p.replica(ctx, i)
			if err != nil {
				return err
			}
			volume = number(first(o), "local_entity_id")
		}
		if p.procs[i] == nil {
			return errNotYet
		}
		answer, status, err := p.procs[i].plane(ctx, http.MethodPost, fmt.Sprintf("arrays/box-%d/datasets/%d/write", i+1, volume), map[string]any{
			"offset": seed << 20, "length": 1 << 20, "seed": seed,
		})
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("write on array %d: %d %v", i+1, status, answer)
		}
		return err
	}
}

// digests compares what the pairs of the replica show on both sides.
func digests(ctx context.Context, p *pair) error {
	o, err := p.replica(ctx, 0)
	if err != nil {
		return err
	}
	for _, pair := range pairsOf(o) {
		if err := p.equal(ctx, number(pair, "local_entity_id"), number(pair, "remote_entity_id")); err != nil {
			return err
		}
	}
	return nil
}

func (p *pair) equal(ctx context.Context, volume, target int64) error {
	var got [2]string
	for i, id := range []int64{volume, target} {
		if p.procs[i] == nil {
			return errNotYet
		}
		answer, _, err := p.procs[i].plane(ctx, http.MethodGet, fmt.Sprintf("arrays/box-%d/datasets/%d/digest", i+1, id), nil)
		if err != nil {
			return err
		}
		got[i] = text(answer, "digest")
	}
	if got[0] == "" || got[0] != got[1] {
		return fmt.Errorf("%w: volume %d of the first array and %d of the second differ", errNotYet, volume, target)
	}
	return nil
}

func pairsOf(o any) []any {
	m, _ := o.(map[string]any)
	list, _ := m["entity_pairs"].([]any)
	return list
}

func first(o any) any {
	if list := pairsOf(o); len(list) > 0 {
		return list[0]
	}
	return nil
}

// absent waits until an array has none of a collection.
func absent(i int, path string) func(ctx context.Context, p *pair) error {
	return func(ctx context.Context, p *pair) error {
		o, err := p.one(ctx, i, path)
		if err == nil && o != nil {
			err = fmt.Errorf("%w: array %d has %s", errNotYet, i+1, path)
		}
		return err
	}
}

// met remembers the ids of both halves of the replica.
func met(ctx context.Context, p *pair) error {
	for i := range p.procs {
		o, err := p.replica(ctx, i)
		if err != nil {
			return err
		}
		p.ids.replicas[i] = number(o, "id")
	}
	return nil
}

// counts waits until a field of the group is a number.
func counts(field string, n int64) func(ctx context.Context, p *pair) error {
	return func(ctx context.Context, p *pair) error {
		o, err := p.ask(ctx, 0, http.MethodGet, fmt.Sprintf("cgs/%d", p.ids.group), nil)
		if err == nil && number(o, field) != n {
			err = fmt.Errorf("%w: %s is %d, not %d", errNotYet, field, number(o, field), n)
		}
		return err
	}
}

var errDiffer = errors.New("the arrays differ")
