package lab_test

import (
	"fmt"
	"net/http"
	"slices"

	"infinisim/sim/lab"
)

// deed is something that a client has done: it asks once, and both sides come
// to terms whatever became of it; then it asks until it is done.
type deed struct {
	name string
	// ready waits for what has to be so before.
	ready func(w *couple) error
	// act asks for it.
	act func(w *couple) error
	// done says when it is.
	done func(w *couple) error
	// loose marks what may stand half done until it is asked for again; once
	// what is not asked for again.
	loose, once bool
}

func (w *couple) perform(d deed) error {
	w.t.Helper()
	if d.ready != nil {
		if err := w.until("before "+d.name, func() error { return d.ready(w) }); err != nil {
			return err
		}
	}
	if d.act != nil {
		_ = d.act(w) // whatever became of it
		w.revive()
		if !d.loose {
			if err := w.until("both sides after one "+d.name, w.agree); err != nil {
				return err
			}
		}
	}
	return w.until(d.name, func() error {
		err := d.done(w)
		if err == nil || d.act == nil || d.once {
			return err
		}
		if err := d.act(w); err != nil {
			return err
		}
		return d.done(w)
	})
}

func all(do ...func(w *couple) error) func(w *couple) error {
	return func(w *couple) error {
		for _, do := range do {
			if err := do(w); err != nil {
				return err
			}
		}
		return nil
	}
}

// one is the only object of a collection; nil for none.
func (w *couple) one(i int, path string) (map[string]any, error) {
	out, err := w.ask(i, http.MethodGet, path, "")
	if err != nil {
		return nil, err
	}
	list, _ := out["list"].([]any)
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		o, _ := list[0].(map[string]any)
		return o, nil
	}
	return nil, fmt.Errorf("array %d has %d %s", i+1, len(list), path)
}

func (w *couple) half(i int) (map[string]any, error) {
	o, err := w.one(i, "replicas")
	if err == nil && o == nil {
		err = fmt.Errorf("%w: array %d has no replica", errNotYet, i+1)
	}
	return o, err
}

func verb(i int, name string) func(w *couple) error {
	return func(w *couple) error {
		_, err := w.ask(i, http.MethodPost, fmt.Sprintf("replicas/%d/%s", w.ids.replicas[i], name), "")
		return err
	}
}

func shows(i int, field string, value any) func(w *couple) error {
	return func(w *couple) error {
		o, err := w.half(i)
		if err == nil && o[field] != value {
			err = fmt.Errorf("%w: array %d: %s is %v (%v), not %v", errNotYet, i+1, field, o[field], o["state_reason"], value)
		}
		return err
	}
}

func up(w *couple) error {
	for i := range w.procs {
		o, err := w.one(i, "links")
		if err != nil {
			return err
		}
		if o["link_state"] != "UP" {
			return fmt.Errorf("%w: array %d: the link is %v", errNotYet, i+1, o["link_state"])
		}
		w.ids.links[i] = number(o, "id")
	}
	return nil
}

func met(w *couple) error {
	for i := range w.procs {
		o, err := w.half(i)
		if err != nil {
			return err
		}
		w.ids.replicas[i] = number(o, "id")
	}
	return nil
}

func idle(w *couple) error {
	o, err := w.half(0)
	if err == nil && (o["is_initial"] != false || o["state"] != "ACTIVE" || o["job_state"] != "DONE") {
		err = fmt.Errorf("%w: array 1: %v %v %v", errNotYet, o["state"], o["state_reason"], o["job_state"])
	}
	return err
}

func inStep(i int) func(w *couple) error { return all(up, shows(i, "sync_state", "SYNCHRONIZED")) }

func absent(path string) func(w *couple) error {
	return func(w *couple) error {
		o, err := w.one(0, path)
		if err == nil && o != nil {
			err = fmt.Errorf("%w: array 1 has %s", errNotYet, path)
		}
		return err
	}
}

func nothing(*couple) error { return nil }

// writes sends new data to the volume of an array, elsewhere for each seed.
func writes(i int, seed int64) func(w *couple) error {
	return func(w *couple) error {
		volume := w.ids.volume
		if i == 1 {
			o, err := w.half(i)
			if err != nil {
				return err
			}
			volume = number(pairsOf(o)[0], "local_entity_id")
		}
		m := w.procs[i]
		life := m.life
		err := m.lab.Write(w.t.Context(), m.key, volume, lab.Write{Offset: seed << 20, Length: 1 << 20, Seed: uint64(seed)}) //nolint:gosec // small
		if !m.lives(life) {
			return errDead
		}
		return err
	}
}

func pairsOf(o map[string]any) (out []map[string]any) {
	list, _ := o["entity_pairs"].([]any)
	for _, p := range list {
		m, _ := p.(map[string]any)
		out = append(out, m)
	}
	return out
}

func digests(w *couple) error {
	o, err := w.half(0)
	if err != nil {
		return err
	}
	for _, p := range pairsOf(o) {
		var got [2]string
		for i, key := range []string{"local_entity_id", "remote_entity_id"} {
			m := w.procs[i]
			if got[i], _, err = m.lab.Digest(w.t.Context(), m.key, number(p, key)); err != nil {
				return err
			}
		}
		if got[0] != got[1] {
			return fmt.Errorf("%w: volume %v and its target differ", errNotYet, p["local_entity_id"])
		}
	}
	return nil
}

// agree compares the halves of what both arrays have, and asks each lab for its
// own check.
func (w *couple) agree() error {
	for path, remote := range map[string]string{"links": "remote_link_id", "replicas": "remote_replica_id"} {
		a, err := w.one(0, path)
		if err != nil {
			return err
		}
		b, err := w.one(1, path)
		switch {
		case err != nil:
			return err
		case (a == nil) != (b == nil):
			return fmt.Errorf("one of them alone has %s", path)
		case a != nil && (number(a, remote) != number(b, "id") || number(b, remote) != number(a, "id")):
			return fmt.Errorf("%s %v and %v are of others", path, a["id"], b["id"])
		}
		if path == "replicas" && a != nil {
			if err := halves(w, a, b); err != nil {
				return err
			}
		}
		for i, half := range []map[string]any{a, b} {
			if path == "replicas" {
				if err := w.marked(i, half); err != nil {
					return err
				}
			}
		}
	}
	for i, m := range w.procs {
		bad, err := m.lab.Check(w.t.Context())
		if err != nil || len(bad) > 0 {
			return fmt.Errorf("array %d: %v %w", i+1, bad, err)
		}
	}
	return nil
}

func halves(w *couple, a, b map[string]any) error {
	if a["role"] == b["role"] && a["role"] != "ACTIVE_ACTIVE" {
		return fmt.Errorf("both halves are %v", a["role"])
	}
	for _, field := range []string{"replication_type", "sync_interval", "rpo_value"} {
		if a[field] != b[field] {
			return fmt.Errorf("the halves are %v and %v", a[field], b[field])
		}
	}
	var here, there [][2]int64
	for _, p := range pairsOf(a) {
		here = append(here, [2]int64{number(p, "local_entity_id"), number(p, "remote_entity_id")})
	}
	for _, p := range pairsOf(b) {
		there = append(there, [2]int64{number(p, "remote_entity_id"), number(p, "local_entity_id")})
	}
	if !slices.Equal(here, there) {
		return fmt.Errorf("the pairs are %v and %v", here, there)
	}
	if a["sync_state"] == "SYNCHRONIZED" || b["sync_state"] == "SYNCHRONIZED" {
		return digests(w)
	}
	return nil
}

// marked looks for a dataset that is marked and in no replica, and for a target
// that is not protected.
func (w *couple) marked(i int, half map[string]any) error {
	var in []int64
	for _, p := range pairsOf(half) {
		in = append(in, number(p, "local_entity_id"))
	}
	out, err := w.ask(i, http.MethodGet, "volumes?type=eq:MASTER", "")
	if err != nil {
		return err
	}
	list, _ := out["list"].([]any)
	for _, o := range list {
		v, _ := o.(map[string]any)
		isIn := slices.Contains(in, number(v, "id"))
		want := []any{isIn && half["role"] == "TARGET", isIn && half["role"] == "SOURCE", isIn && half["role"] == "ACTIVE_ACTIVE", isIn && half["role"] == "TARGET"}
		got := []any{v["rmr_target"], v["rmr_source"], v["rmr_active_active_peer"], v["write_protected"]}
		if !slices.Equal(want, got) {
			return fmt.Errorf("array %d: volume %v: %v, not %v", i+1, v["id"], got, want)
		}
	}
	return nil
}

// want is what both arrays have in the end.
type want struct {
	links, replicas  int
	masters, retains [2]int
}

// have counts what is there, and looks for what was left behind.
func (w *couple) have(x want) error {
	var guids [2][]string
	for i := range w.procs {
		for path, n := range map[string]int{
			"links": x.links, "replicas": x.replicas, "volumes?type=eq:MASTER": x.masters[i], "volumes?type=eq:SNAPSHOT": x.retains[i],
		} {
			out, err := w.ask(i, http.MethodGet, path, "")
			if err != nil {
				return err
			}
			if out["n"] != n {
				return fmt.Errorf("array %d has %v %s, not %d", i+1, out["n"], path, n)
			}
			if path == "volumes?type=eq:SNAPSHOT" {
				list, _ := out["list"].([]any)
				for _, o := range list {
					v, _ := o.(map[string]any)
					guids[i] = append(guids[i], fmt.Sprint(v["rmr_snapshot_guid"]))
				}
			}
		}
		slices.Sort(guids[i])
	}
	if !slices.Equal(guids[0], guids[1]) {
		return fmt.Errorf("retained images are %v and %v", guids[0], guids[1])
	}
	if x.replicas > 0 {
		return digests(w)
	}
	return nil
}
