package replication_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim/fabric"
	"infinisim/sim/lab"
	"infinisim/sim/simtest"
)

var storms = flag.Uint64("storms", 12, "how many seeds TestStorm runs")

// TestStorm does what comes to mind to replicas, links and datasets on both
// arrays, refused or not, and asks the lab after each step whether everything
// is as it must be. At the end the link is whole, everything that can be
// resumed is, and every pair has one content.
func TestStorm(t *testing.T) {
	t.Parallel()
	for seed := range *storms {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := &storm{world: newWorld(t), dice: rand.New(rand.NewPCG(seed, 2))} //nolint:gosec // a test's dice
			for range 80 {
				s.step()
				s.check()
			}
			s.calm()
		})
	}
}

type storm struct {
	*world
	dice   *rand.Rand
	script []string // what was done, for a run that fails
	n      int
}

func (s *storm) box() string { return []string{boxA, boxB}[s.dice.IntN(2)] }

// do sends a request, whatever comes of it, except an error of our own.
func (s *storm) do(box, method, path string, body any) {
	s.t.Helper()
	a := s.call(box, method, path, body)
	s.script = append(s.script, fmt.Sprintf("%s > %s %s %v -> %d", box, method, path, body, a.Status))
	require.Less(s.t, a.Status, 500, "%s\n%s", a.Raw, strings.Join(s.script, "\n"))
}

func (s *storm) list(box, path string) []simtest.Object {
	s.t.Helper()
	var out []simtest.Object
	for _, e := range s.call(box, http.MethodGet, path, nil).Result.([]any) {
		out = append(out, e.(map[string]any))
	}
	return out
}

// any picks one of a list, ok is false for an empty one.
func (s *storm) any(box, path string) (id int64, ok bool) {
	all := s.list(box, path)
	if len(all) == 0 {
		return 0, false
	}
	return all[s.dice.IntN(len(all))].ID("id"), true
}

func (s *storm) step() {
	s.t.Helper()
	s.n++
	box := s.box()
	switch s.dice.IntN(14) {
	case 0:
		s.create(box)
	case 1, 2, 3:
		if v, ok := s.any(box, "volumes"); ok {
			s.script = append(s.script, fmt.Sprintf("%s ! write %d", box, v))
			_ = s.lab.Write(s.t.Context(), box, v, lab.Write{Offset: s.dice.Int64N(4) * gib / 4, Length: gib / 4, Seed: s.dice.Uint64N(4)})
		}
	case 4, 5:
		d := []time.Duration{time.Millisecond, 700 * time.Millisecond, 5 * time.Second, time.Minute, time.Hour}[s.dice.IntN(5)]
		s.script = append(s.script, "@ "+d.String())
		s.advance(d)
	case 6:
		down := s.dice.IntN(2) == 0
		s.script = append(s.script, fmt.Sprintf("cut %v", down))
		s.path(func(m *fabric.Model) { m.Cut = down })
	case 7:
		if v, ok := s.any(box, "volumes?type=eq:MASTER"); ok {
			s.do(box, http.MethodPost, "volumes", object{"name": fmt.Sprintf("s%d", s.n), "parent_id": v})
		}
	case 8:
		if v, ok := s.any(box, "volumes?type=eq:SNAPSHOT"); ok {
			s.do(box, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", v), nil)
		}
	default:
		if r, ok := s.any(box, "replicas"); ok {
			verb := []string{"suspend", "resume", "sync", "change_role", "switch_role", "change_type_to_sync", "change_type_to_async", "change_role"}[s.dice.IntN(8)]
			s.do(box, http.MethodPost, fmt.Sprintf("replicas/%d/%s", r, verb), nil)
		}
	}
}

func (s *storm) create(box string) {
	if len(s.list(box, "replicas")) >= 3 {
		r, _ := s.any(box, "replicas")
		s.do(box, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", r), nil)
		return
	}
	peer := map[string]string{boxA: boxB, boxB: boxA}[box]
	v := s.post(box, "volumes", object{"name": fmt.Sprintf("v%d", s.n), "size": gib, "pool_id": s.pool[box]}).ID("id")
	s.do(box, http.MethodPost, "replicas", object{
		"link_id": s.link[box], "entity_type": "VOLUME", "remote_pool_id": s.pool[peer], "sync_interval": 30_000, "rpo_value": 60_000,
		"including_snapshots": s.dice.IntN(2) == 0, "entity_pairs": []object{{"local_entity_id": v, "remote_base_action": "CREATE"}},
	})
}

func (s *storm) check() {
	s.t.Helper()
	bad, err := s.lab.Check(s.t.Context())
	require.NoError(s.t, err)
	require.Empty(s.t, bad, strings.Join(s.script, "\n"))
}

// calm makes the link whole, gives each replica one source and resumes it.
func (s *storm) calm() {
	s.t.Helper()
	s.path(func(m *fabric.Model) { m.Cut = false })
	for _, r := range s.list(boxA, "replicas") {
		here, there := fmt.Sprintf("replicas/%d", r.ID("id")), fmt.Sprintf("replicas/%d", r.ID("remote_replica_id"))
		if s.call(boxB, http.MethodGet, there, nil).Status != http.StatusOK {
			continue
		}
		role := func(box, path string) any { return s.get(box, path)["role"] }
		if role(boxA, here) == role(boxB, there) {
			if role(boxB, there) == "SOURCE" {
				s.do(boxB, http.MethodPost, there+"/suspend", nil)
				s.do(boxB, http.MethodPost, there+"/change_role", nil)
			} else {
				s.do(boxA, http.MethodPost, here+"/change_role", nil)
			}
		}
		box, path := boxA, here
		if role(boxA, here) == "TARGET" {
			box, path = boxB, there
		}
		if s.get(box, path)["state"] != "ACTIVE" {
			s.do(box, http.MethodPost, path+"/resume", nil)
		}
		s.check()
	}
	s.settle()
	s.advance(5 * time.Minute)
	s.check()
	for _, r := range s.list(boxA, "replicas") {
		there := s.call(boxB, http.MethodGet, fmt.Sprintf("replicas/%d", r.ID("remote_replica_id")), nil)
		if there.Status != http.StatusOK {
			continue
		}
		require.NotEqual(s.t, r["role"], there.Result.(map[string]any)["role"], strings.Join(s.script, "\n"))
		require.Equal(s.t, s.digest(boxA, r.ID("local_entity_id")), s.digest(boxB, r.ID("remote_entity_id")), strings.Join(s.script, "\n"))
	}
}
