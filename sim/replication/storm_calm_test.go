package replication_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"infinisim/sim/fabric"
	"infinisim/sim/replication"
)

// calm heals everything: paths, arrays, witnesses, faults, pools, links. It
// gives each replica one source, resumes it, and lets it copy. Then both halves
// of every replica have one content.
func (s *storm) calm() error {
	if err := s.heal(); err != nil {
		return err
	}
	if err := s.dry(); err != nil {
		return err
	}
	for range 3 { // what one replica needs can be another's to give
		if err := s.rouse(); err != nil {
			return err
		}
		if _, err := s.lab.Settle(s.ctx); err != nil {
			return err
		}
		if err := s.move("90s"); err != nil {
			return err
		}
	}
	return s.alike()
}

func (s *storm) heal() error {
	err := s.lab.ClearFaults(s.ctx)
	arrays := s.lab.Arrays()
	for _, a := range arrays {
		err = errors.Join(err, s.lab.SetActive(s.ctx, a.Key, true))
		for _, pool := range []string{"p", "q"} {
			err = errors.Join(err, s.request(fmt.Sprintf("%s > POST pools/{pool %s}/unlock", a.Key, pool)))
		}
		for _, b := range arrays {
			if a == b {
				continue
			}
			if a.Key < b.Key {
				ends := fabric.Ends{From: a.Key, To: b.Key}
				err = errors.Join(err, s.lab.SetSchedule(s.ctx, ends, fabric.Schedule{}),
					s.lab.SetPath(s.ctx, ends, func(m *fabric.Model) { *m = fabric.DefaultModel() }))
			}
			if s.id(a.Key, "link", b.Key, "") != 0 {
				err = errors.Join(err, refusable(s.lab.SetWitness(s.ctx, a.Key, s.id(a.Key, "link", b.Key, ""), false)))
			}
		}
	}
	for _, a := range arrays {
		for _, b := range arrays {
			err = errors.Join(err, s.request(fmt.Sprintf(`%s > PUT links/{link %s}?approved=true {"local_replication_network_space_id":{space}}`, a.Key, b.Key)))
		}
	}
	return err
}

// rouse removes orphans, and gives every other replica a source that is active.
func (s *storm) rouse() error {
	now, err := s.look()
	if err != nil {
		return err
	}
	for i := range now.replicas {
		h := &now.replicas[i]
		o := now.other(h)
		ask := func(h *half, verb string) {
			err = errors.Join(err, s.request(fmt.Sprintf("%s > POST replicas/%d/%s", h.box, h.id, verb)))
		}
		switch {
		case o == nil:
			err = errors.Join(err, s.request(fmt.Sprintf("%s > DELETE replicas/%d?approved=true&force_on_local=true", h.box, h.id)))
			if err == nil && s.status != http.StatusOK {
				err = fmt.Errorf("orphan %s %s: %d %s", h.box, h.ref(), s.status, s.answer)
			}
		case h.role == "TARGET" && o.role == "TARGET" && h.box < o.box:
			ask(h, "change_role")
			ask(h, "resume")
		case h.role == "SOURCE" && o.role == "SOURCE" && h.box < o.box:
			ask(o, "suspend")
			ask(o, "change_role")
			ask(h, "resume")
		case h.role == "SOURCE" && o.role == "TARGET", h.role == "ACTIVE_ACTIVE":
			if slices.ContainsFunc(h.pairs, func(p replication.PairState) bool { return p.Initial }) {
				ask(h, "suspend") // who joined is copied at once then, not after the interval
			}
			ask(h, "resume")
			ask(h, "sync")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// alike holds the halves of every replica against each other.
func (s *storm) alike() error {
	now, err := s.look()
	if err != nil {
		return err
	}
	for i := range now.replicas {
		h := &now.replicas[i]
		o := now.other(h)
		switch {
		case o == nil:
			err = errors.Join(err, fmt.Errorf("%s: replica %s is an orphan still", h.box, h.ref()))
			continue
		case h.role == o.role && h.role != "ACTIVE_ACTIVE":
			err = errors.Join(err, fmt.Errorf("%s: replica %s: both halves are %s", h.box, h.ref(), h.role))
			continue
		case h.role == "TARGET":
			continue
		}
		if rests[h.state] || o.role == "ACTIVE_ACTIVE" && rests[o.state] {
			err = errors.Join(err, fmt.Errorf("%s: replica %s is %s (%s)", h.box, h.ref(), h.state, o.state))
		}
		for _, p := range h.pairs {
			here, there := now.datasets[place{h.box, p.Local}], now.datasets[place{o.box, p.Remote}]
			if here.target {
				continue // it is brought up to date itself, after what it sent
			}
			if here.digest != there.digest && !p.Mismatch && !mismatched(o, p.Remote) {
				err = errors.Join(err, fmt.Errorf("%s: %s and its counterpart %s differ: %s, %s", h.box, here.name, there.name, h.state, o.state))
			}
		}
	}
	return err
}

// rests are the words of halves that did not come back.
var rests = map[string]bool{ //nolint:gochecknoglobals // a test's table
	"SUSPENDED": true, "AUTO_SUSPENDED": true, "PEER_SUSPENDED_SERVING": true, "PEER_SUSPENDED_STOPPED": true,
	"PEER_AUTO_SUSPENDED_SERVING": true, "PEER_AUTO_SUSPENDED_STOPPED": true, "PEER_STALLED": true, "PEER_LAGGING": true,
}
