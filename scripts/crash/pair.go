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
	"strings"
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
	last   string // what the process said that died last
	ids    ids
}

// pairSpeed is how fast the processes' clocks run: they ask after each other
// every five seconds of it. A machine that is too busy to answer in that time
// comes to nothing else.
const pairSpeed = "10"

// pairPatience is how long a step may take, with all the restarts in it.
const pairPatience = 20 * time.Second

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
		// Not even a look is taken at the port of a process that is dead just now.
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		if err != nil {
			given.Delete(address)
			continue
		}
		return address, ln.Close()
	}
	return "", errors.New("no port is free")
}

// given are the ports of the pairs that run.
var given sync.Map

func (p *pair) end() {
	for i := range p.procs {
		if p.procs[i] != nil {
			p.procs[i].kill()
		}
		_ = os.RemoveAll(p.dirs[i])
		given.Delete(p.fabric[i])
	}
}

func (p *pair) start(ctx context.Context, i, step int) error {
	args := []string{
		"serve", "--data", p.dirs[i], "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", filepath.Join(p.dirs[i], "ready"),
		"--speed", pairSpeed, "--arrays", "1", "--links", "none", "--first", strconv.Itoa(i + 1), "--fabric", p.fabric[i], "--fabric-secret", "s",
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
			if s != nil {
				p.last = strings.TrimSpace(s.errs.String())
			}
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
	for begun := time.Now(); time.Since(begun) < pairPatience; time.Sleep(30 * time.Millisecond) {
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
