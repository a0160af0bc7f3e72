package lab_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (w *couple) post(i int, path, body string) error {
	_, err := w.ask(i, http.MethodPost, path, body)
	return err
}

// missing makes the only object of a collection on the first array, unless it
// is there.
func missing(path string, body func(w *couple) string) func(w *couple) error {
	return func(w *couple) error {
		if o, err := w.one(0, path); err != nil || o != nil {
			return err
		}
		return w.post(0, path, body(w))
	}
}

func linkCreate() deed {
	return deed{name: "link create", done: up, act: missing("links", func(w *couple) string {
		return fmt.Sprintf(`{"name":"l","local_replication_network_space_id":%d,"remote_host":"10.2.0.1"}`, w.ids.spaces[0])
	})}
}

func linkDelete() deed {
	return deed{name: "link delete", ready: up, loose: true, done: absent("links"), act: func(w *couple) error {
		_, err := w.ask(0, http.MethodDelete, fmt.Sprintf("links/%d?approved=true", w.ids.links[0]), "")
		return err
	}}
}

func replicaCreate(kind string, done func(w *couple) error) deed {
	return deed{name: "replica create", ready: up, done: done, act: missing("replicas", func(w *couple) string {
		return fmt.Sprintf(`{"link_id":%d,"entity_type":"VOLUME","remote_pool_id":%d,"replication_type":%q,"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`,
			w.ids.links[0], w.ids.pools[1], kind, w.ids.volume)
	})}
}

func groupCreate() deed {
	return deed{name: "group create", ready: up, done: met, act: missing("replicas", func(w *couple) string {
		return fmt.Sprintf(`{"link_id":%d,"entity_type":"CONSISTENCY_GROUP","remote_pool_id":%d,"local_cg_id":%d,"sync_interval":10000,"rpo_value":60000}`,
			w.ids.links[0], w.ids.pools[1], w.ids.group)
	})}
}

func replicaDelete() deed {
	return deed{name: "replica delete", ready: all(up, met), loose: true, done: absent("replicas"), act: func(w *couple) error {
		_, err := w.ask(0, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true&retain_staging_area=true", w.ids.replicas[0]), "")
		return err
	}}
}

func write(i int, seed int64) deed { return deed{name: "write", done: writes(i, seed)} }

func firstCopy() deed { return deed{name: "first copy", done: all(idle, digests)} }

func syncNow() deed {
	return deed{name: "sync", ready: all(up, idle), act: verb(0, "sync"), done: all(idle, digests)}
}

func suspend() deed {
	return deed{name: "suspend", act: verb(0, "suspend"), done: shows(0, "state", "SUSPENDED")}
}

func resume(i int) deed {
	return deed{name: "resume", ready: up, act: verb(i, "resume"), done: shows(i, "state", "ACTIVE")}
}

func toSync() deed {
	return deed{
		name: "change type to sync", ready: all(up, idle), act: verb(0, "change_type_to_sync"),
		done: all(shows(0, "replication_type", "SYNC"), inStep(0), digests),
	}
}

func toAsync() deed {
	return deed{
		name: "change type to async", ready: inStep(0), act: verb(0, "change_type_to_async"),
		done: all(shows(0, "replication_type", "ASYNC"), idle),
	}
}

// mirrored is a write that both sides have, or neither.
func mirrored(i int, seed int64) deed {
	return deed{name: "mirrored write", ready: inStep(i), act: writes(i, seed), done: all(inStep(i), digests), once: true}
}

func switchRole(i int) deed {
	return deed{name: "switch of roles", ready: inStep(i), act: verb(i, "switch_role"), done: all(shows(i, "role", "TARGET"), inStep(1-i))}
}

// failover has the second array take over, and what the first wrote meanwhile
// thrown away.
func failover() []deed {
	turn := func(i int, role string) deed {
		return deed{name: "change role to " + role, loose: true, act: verb(i, "change_role"), done: shows(i, "role", role)}
	}
	return []deed{
		suspend(), write(0, 2), turn(1, "SOURCE"), write(1, 3), turn(0, "TARGET"), resume(1),
		{name: "job back", done: all(up, shows(1, "state", "ACTIVE"), shows(1, "job_state", "DONE"), digests)},
	}
}

func counts(n int64) func(w *couple) error {
	return func(w *couple) error {
		o, err := w.ask(0, http.MethodGet, fmt.Sprintf("cgs/%d", w.ids.group), "")
		if err == nil && number(o, "members_count") != n {
			err = fmt.Errorf("%w: %v members, not %d", errNotYet, o["members_count"], n)
		}
		return err
	}
}

func join() deed {
	return deed{name: "join", ready: all(up, idle), done: counts(2), act: func(w *couple) error {
		return w.post(0, fmt.Sprintf("cgs/%d/members", w.ids.group), fmt.Sprintf(`{"dataset_id":%d}`, w.ids.second))
	}}
}

func leave() deed {
	return deed{name: "leave", ready: all(up, idle), loose: true, done: counts(1), act: func(w *couple) error {
		_, err := w.ask(0, http.MethodDelete, fmt.Sprintf("cgs/%d/members/%d?approved=true&retain_staging_area=true", w.ids.group, w.ids.second), "")
		return err
	}}
}

// prepare makes what stands on each array before they are linked.
func prepare(w *couple) error {
	for i, m := range w.procs {
		w.ids.spaces[i], _ = m.space(i + 1)
		w.ids.pools[i] = m.pool()
	}
	for name, id := range map[string]*int64{"v": &w.ids.volume, "w": &w.ids.second} {
		*id = number(w.procs[0].must(http.MethodPost, "volumes", fmt.Sprintf(`{"name":%q,"size":2000000000,"pool_id":%d}`, name, w.ids.pools[0])), "id")
	}
	return writes(0, 1)(w)
}

func group(w *couple) error {
	w.ids.group = number(w.procs[0].must(http.MethodPost, "cgs", fmt.Sprintf(`{"name":"g","pool_id":%d}`, w.ids.pools[0])), "id")
	return w.post(0, fmt.Sprintf("cgs/%d/members", w.ids.group), fmt.Sprintf(`{"dataset_id":%d}`, w.ids.volume))
}

// stages are the states that stories start from.
func stages() map[string][]deed {
	linked := []deed{{name: "prepare", done: prepare}, linkCreate()}
	replicated := slices.Concat(linked, []deed{replicaCreate("ASYNC", met), firstCopy()})
	grouped := slices.Concat(linked, []deed{{name: "group", done: group}})
	return map[string][]deed{
		"prepared": linked[:1], "linked": linked, "replicated": replicated, "synchronized": slices.Concat(replicated, []deed{toSync()}),
		"active":  slices.Concat(linked, []deed{activeCreate()}),
		"grouped": grouped, "together": slices.Concat(grouped, []deed{groupCreate(), firstCopy()}),
	}
}

func activeCreate() deed {
	return replicaCreate("ACTIVE_ACTIVE", all(met, inStep(0), inStep(1), digests))
}

// story is what happens while one of two processes dies.
type story struct {
	from  string
	deeds []deed
	want  want
}

func stories() map[string]story {
	pair := want{links: 1, replicas: 1, masters: [2]int{2, 1}}
	alone := want{links: 1, masters: [2]int{2, 1}, retains: [2]int{1, 1}}
	sync := deed{name: "sync", ready: up, act: verb(0, "sync"), done: shows(0, "role", "SOURCE")}
	again := deed{name: "catch up", done: all(inStep(0), inStep(1), digests)}
	lone := deed{name: "write", ready: inStep(0), act: writes(0, 7), done: nothing, once: true}
	return map[string]story{
		"link":        {"prepared", []deed{linkCreate(), linkDelete()}, want{masters: [2]int{2, 0}}},
		"create":      {"linked", []deed{replicaCreate("ASYNC", met), firstCopy()}, pair},
		"job":         {"replicated", []deed{write(0, 2), syncNow(), write(0, 3), syncNow()}, pair},
		"suspend":     {"replicated", []deed{write(0, 2), sync, suspend(), write(0, 3), resume(0), firstCopy()}, pair},
		"to-sync":     {"replicated", []deed{write(0, 2), toSync()}, pair},
		"mirror":      {"synchronized", []deed{mirrored(0, 2), mirrored(0, 3), suspend(), write(0, 4), resume(0), {name: "catch up", done: inStep(0)}}, pair},
		"switch":      {"synchronized", []deed{switchRole(0), mirrored(1, 2), switchRole(1), mirrored(0, 3)}, pair},
		"to-async":    {"synchronized", []deed{mirrored(0, 2), toAsync(), write(0, 3), syncNow()}, pair},
		"failover":    {"replicated", failover(), pair},
		"sync-fail":   {"synchronized", append([]deed{lone}, failover()...), pair},
		"member":      {"together", []deed{join(), firstCopy(), leave()}, want{links: 1, replicas: 1, masters: [2]int{2, 2}, retains: [2]int{1, 1}}},
		"group":       {"grouped", []deed{groupCreate(), firstCopy(), replicaDelete()}, alone},
		"delete":      {"replicated", []deed{replicaDelete()}, alone},
		"active":      {"linked", []deed{activeCreate(), mirrored(0, 2), mirrored(1, 3)}, pair},
		"active-rest": {"active", []deed{suspend(), write(0, 4), resume(0), again}, pair},
		"active-end":  {"active", []deed{replicaDelete()}, alone},
	}
}

// copyLab copies the file of the last life in a directory to another.
func copyLab(tb testing.TB, from, to string) {
	tb.Helper()
	in, err := os.Open(from) //nolint:gosec // our own file
	require.NoError(tb, err)
	out, err := os.Create(filepath.Join(to, "lab-0.db")) //nolint:gosec // our own file
	require.NoError(tb, err)
	_, err = io.Copy(out, in)
	require.NoError(tb, err)
	require.NoError(tb, in.Close())
	require.NoError(tb, out.Close())
}

// TestDeath_anyStep has each of two processes die at steps of what they do
// together, and live again: both sides end alike. With -every-step it is each
// step, or every nth, and the other side misses who died, or does not.
func TestDeath_anyStep(t *testing.T) {
	t.Parallel()
	for name, s := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := newCouple(t, [2]string{t.TempDir(), t.TempDir()}, coupleIDs{})
			for _, d := range stages()[s.from] {
				require.NoError(t, first.perform(d))
			}
			first.close()
			deaths := 0
			for victim := range 2 {
				if *everyStep == 0 {
					for _, step := range []int{5, 47} {
						if s.dies(t, first, victim, step, step > 5) {
							deaths++
						}
					}
					continue
				}
				for step := 1; !t.Failed(); step += *everyStep {
					if !s.dies(t, first, victim, step, false) || !s.dies(t, first, victim, step, true) {
						break
					}
					deaths += 2
				}
			}
			t.Logf("%d deaths", deaths)
		})
	}
}

// dies has a process die at a step of a story that begins where a couple ended;
// it reports false if the story ends before.
func (s story) dies(t *testing.T, from *couple, victim, step int, missed bool) bool {
	t.Helper()
	dirs := [2]string{t.TempDir(), t.TempDir()}
	for i := range dirs {
		copyLab(t, from.procs[i].path(), dirs[i])
	}
	w := newCouple(t, dirs, from.ids)
	w.missed = missed
	m := w.procs[victim]
	m.steps, m.at = 0, step
	err := w.tell(s)
	if err != nil {
		t.Errorf("process %d, step %d (%s), missed %v: %v", victim+1, step, m.last, missed, err)
	}
	w.close()
	return m.deaths > 0
}

func (w *couple) tell(s story) error {
	for _, d := range s.deeds {
		if err := w.perform(d); err != nil {
			return err
		}
	}
	whole := func() error {
		if err := w.agree(); err != nil {
			return err
		}
		return w.have(s.want)
	}
	if err := w.until("in the end", whole); err != nil {
		return err
	}
	w.pass(20 * time.Second)
	return w.until("a while later", whole)
}
