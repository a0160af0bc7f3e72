package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// pair is two processes of one array each, linked over their fabrics.
type pair struct {
	bin    string
	dirs   [2]string
	fabric [2]string
	procs  [2]*server
	deaths int
}

// runPairs has one of two processes end itself at a numbered step of its work,
// for each of them and each step (or every nth), while a volume is replicated
// between them: after a restart both sides must end alike.
func runPairs(ctx context.Context, bin string, every int) error {
	started, deaths, runs := time.Now(), 0, 0
	for victim := range 2 {
		for step := 1; ; step += every {
			p, err := newPair(bin)
			if err != nil {
				return err
			}
			err = p.scenario(ctx, victim, step)
			p.end()
			if err != nil {
				return fmt.Errorf("process %d, step %d: %w", victim+1, step, err)
			}
			runs++
			deaths += p.deaths
			if p.deaths == 0 { // it came through: there is no such step
				break
			}
			if runs%20 == 0 {
				fmt.Printf("process %d, step %d, %v\n", victim+1, step, time.Since(started).Round(time.Second))
			}
		}
	}
	fmt.Printf("ok   crash of two processes: %d runs, %d deaths at numbered steps, both sides end alike, %v\n", runs, deaths, time.Since(started).Round(time.Second))
	return nil
}

func newPair(bin string) (*pair, error) {
	p := &pair{bin: bin}
	for i := range p.dirs {
		dir, err := os.MkdirTemp("", "infinisim-pair-")
		if err != nil {
			return nil, err
		}
		p.dirs[i] = dir
		if p.fabric[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// freePort is an address below the range from which the system gives ports to
// others while a process is dead.
func freePort() (string, error) {
	for port := 20_000 + os.Getpid()%5_000; port < 32_000; port++ {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		if err != nil {
			continue
		}
		if _, taken := given.LoadOrStore(address, true); !taken {
			return address, ln.Close()
		}
		if err := ln.Close(); err != nil {
			return "", err
		}
	}
	return "", errors.New("no port is free")
}

// given are the ports of this run.
var given sync.Map

func (p *pair) end() {
	for i := range p.procs {
		if p.procs[i] != nil {
			p.procs[i].kill()
		}
		_ = os.RemoveAll(p.dirs[i])
	}
}

func (p *pair) start(ctx context.Context, i, step int) error {
	args := []string{
		"serve", "--data", p.dirs[i], "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", filepath.Join(p.dirs[i], "ready"),
		"--speed", "20", "--arrays", "1", "--links", "none", "--first", strconv.Itoa(i + 1), "--fabric", p.fabric[i], "--fabric-secret", "s",
		"--peer", fmt.Sprintf("box-%d=http://%s", 2-i, p.fabric[1-i]),
	}
	if step > 0 {
		args = append(args, "--die-at-step", strconv.Itoa(step))
	}
	s, err := startWith(ctx, p.bin, filepath.Join(p.dirs[i], "ready"), args)
	p.procs[i] = s
	return err
}

// revive starts a process again that ended.
func (p *pair) revive(ctx context.Context) error {
	for i, s := range p.procs {
		if s == nil || s.over() {
			p.deaths++
			if err := p.start(ctx, i, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// errNotYet is a step that has to be done again.
var errNotYet = errors.New("not yet")

// do repeats a step until it is done; a process that ended is started again.
func (p *pair) do(ctx context.Context, name string, step func() error) error {
	var err error
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(10 * time.Millisecond) {
		if err = step(); err == nil {
			return nil
		}
		if err := p.revive(ctx); err != nil {
			return fmt.Errorf("%s: restart: %w", name, err)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// ask sends a request that has to succeed.
func (p *pair) ask(ctx context.Context, i int, method, path string, body any) (any, error) {
	if p.procs[i] == nil || len(p.procs[i].urls) == 0 {
		return nil, errNotYet
	}
	answer, status, err := p.procs[i].array(ctx, 0, method, path, body)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %d %v", method, path, status, answer)
	}
	return answer, err
}

// made finds an object by its name, or makes it.
func (p *pair) made(ctx context.Context, i int, path, name string, body map[string]any) (any, error) {
	list, err := p.ask(ctx, i, http.MethodGet, path+"?name=eq:"+name, nil)
	if err != nil {
		return nil, err
	}
	if found, _ := list.([]any); len(found) > 0 {
		return found[0], nil
	}
	body["name"] = name
	return p.ask(ctx, i, http.MethodPost, path, body)
}

// space makes a replication space with an address on each array.
func (p *pair) space(ctx context.Context, i int) (int64, error) {
	var ports []int64
	for node := 1; node <= 3; node++ {
		o, err := p.made(ctx, i, "network/interfaces", fmt.Sprintf("i%d", node), map[string]any{"node_id": node})
		if err != nil {
			return 0, err
		}
		ports = append(ports, number(o, "id"))
	}
	network := fmt.Sprintf("10.%d.0.", i+1)
	o, err := p.made(ctx, i, "network/spaces", "r", map[string]any{
		"service": "RMR_SERVICE", "interfaces": ports,
		"network_config": map[string]any{"network": network + "0", "netmask": 24, "default_gateway": network + "254"},
	})
	if err != nil {
		return 0, err
	}
	m, _ := o.(map[string]any)
	if ips, _ := m["ips"].([]any); len(ips) == 0 {
		_, err = p.ask(ctx, i, http.MethodPost, fmt.Sprintf("network/spaces/%d/ips", number(o, "id")), network+"1")
	}
	return number(o, "id"), err
}

// scenario replicates a volume from the first array to the second, and ends
// the replication.
func (p *pair) scenario(ctx context.Context, victim, step int) error {
	for i := range p.procs {
		die := 0
		if i == victim {
			die = step
		}
		if err := p.start(ctx, i, die); err != nil && i != victim {
			return err
		}
	}
	var space, pools [2]int64
	var link, volume, replica, target int64
	for i := range p.procs {
		err := p.do(ctx, "prepare", func() (err error) {
			if space[i], err = p.space(ctx, i); err != nil {
				return err
			}
			o, err := p.made(ctx, i, "pools", "p", map[string]any{"physical_capacity": 10_000_000_000_000, "virtual_capacity": 10_000_000_000_000})
			pools[i] = number(o, "id")
			return err
		})
		if err != nil {
			return err
		}
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"link", func() error {
			o, err := p.made(ctx, 0, "links", "l", map[string]any{"local_replication_network_space_id": space[0], "remote_host": "10.2.0.1"})
			link = number(o, "id")
			return err
		}},
		{"volume", func() error {
			o, err := p.made(ctx, 0, "volumes", "v", map[string]any{"size": 2_000_000_000, "pool_id": pools[0]})
			volume = number(o, "id")
			return err
		}},
		{"first write", func() error { return p.write(ctx, volume, 1) }},
		{"replica", func() (err error) { replica, target, err = p.replicate(ctx, link, volume, pools[1]); return err }},
		{"initial copy", func() error { return p.idle(ctx, replica) }},
		{"second write", func() error { return p.write(ctx, volume, 2) }},
		{"sync", func() error { return p.same(ctx, replica, volume, target) }},
		{"delete", func() error { return p.gone(ctx, replica) }},
		{"both alike", func() error { return p.alike(ctx, volume, target) }},
	}
	for _, s := range steps {
		if err := p.do(ctx, s.name, s.do); err != nil {
			return err
		}
	}
	return nil
}

func (p *pair) write(ctx context.Context, volume, seed int64) error {
	_, status, err := p.procs[0].plane(ctx, http.MethodPost, fmt.Sprintf("arrays/box-1/datasets/%d/write", volume), map[string]any{
		"offset": 0, "length": 1 << 20, "seed": seed,
	})
	if err == nil && status != http.StatusOK {
		err = errNotYet
	}
	return err
}

func (p *pair) replicate(ctx context.Context, link, volume, pool int64) (replica, target int64, err error) {
	list, err := p.ask(ctx, 0, http.MethodGet, "replicas", nil)
	if err != nil {
		return 0, 0, err
	}
	if found, _ := list.([]any); len(found) > 0 {
		return number(found[0], "id"), number(found[0], "remote_entity_id"), nil
	}
	o, err := p.ask(ctx, 0, http.MethodPost, "replicas", map[string]any{
		"link_id": link, "entity_type": "VOLUME", "remote_pool_id": pool,
		"entity_pairs": []any{map[string]any{"local_entity_id": volume, "remote_base_action": "CREATE"}},
	})
	return number(o, "id"), number(o, "remote_entity_id"), err
}

// idle waits for the end of a job; a replica that was suspended is resumed.
func (p *pair) idle(ctx context.Context, replica int64) error {
	o, err := p.ask(ctx, 0, http.MethodGet, fmt.Sprintf("replicas/%d", replica), nil)
	if err != nil {
		return err
	}
	if text(o, "state") == "AUTO_SUSPENDED" {
		_, err := p.ask(ctx, 0, http.MethodPost, fmt.Sprintf("replicas/%d/resume", replica), nil)
		return errors.Join(errNotYet, err)
	}
	m, _ := o.(map[string]any)
	if initial, _ := m["is_initial"].(bool); initial || text(o, "job_state") != "DONE" {
		return fmt.Errorf("%w: %v %v", errNotYet, m["state"], m["job_state"])
	}
	return nil
}

func (p *pair) same(ctx context.Context, replica, volume, target int64) error {
	if err := p.idle(ctx, replica); err != nil {
		return err
	}
	if _, err := p.ask(ctx, 0, http.MethodPost, fmt.Sprintf("replicas/%d/sync", replica), nil); err != nil {
		return err
	}
	if err := p.idle(ctx, replica); err != nil {
		return err
	}
	return p.digests(ctx, volume, target)
}

func (p *pair) digests(ctx context.Context, volume, target int64) error {
	here, _, err := p.procs[0].plane(ctx, http.MethodGet, fmt.Sprintf("arrays/box-1/datasets/%d/digest", volume), nil)
	if err != nil {
		return err
	}
	there, _, err := p.procs[1].plane(ctx, http.MethodGet, fmt.Sprintf("arrays/box-2/datasets/%d/digest", target), nil)
	if err == nil && (text(here, "digest") == "" || text(here, "digest") != text(there, "digest")) {
		err = fmt.Errorf("%w: the target differs from the source", errNotYet)
	}
	return err
}

func (p *pair) gone(ctx context.Context, replica int64) error {
	list, err := p.ask(ctx, 0, http.MethodGet, "replicas", nil)
	if err != nil {
		return err
	}
	if found, _ := list.([]any); len(found) == 0 {
		return nil
	}
	_, err = p.ask(ctx, 0, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", replica), nil)
	return err
}

// alike is the end: no replica, one link and one volume on each side, equal
// content, and nothing for the servers' own checks to find.
func (p *pair) alike(ctx context.Context, volume, target int64) error {
	for i := range p.procs {
		for path, want := range map[string]int{"replicas": 0, "links": 1, "volumes?type=eq:MASTER": 1} {
			list, err := p.ask(ctx, i, http.MethodGet, path, nil)
			if err != nil {
				return err
			}
			if found, _ := list.([]any); len(found) != want {
				return fmt.Errorf("array %d has %d %s, not %d", i+1, len(found), path, want)
			}
		}
		bad, _, err := p.procs[i].plane(ctx, http.MethodPost, "check", nil)
		if err != nil {
			return err
		}
		m, _ := bad.(map[string]any)
		if list, _ := m["violations"].([]any); len(list) > 0 {
			return fmt.Errorf("array %d: %v", i+1, list)
		}
	}
	return p.digests(ctx, volume, target)
}
