package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"infinisim/sim"
)

// program is a server in a process of its own.
type program struct {
	cmd     *exec.Cmd
	urls    []string // of the arrays, or of the floor
	control string
	cookie  string
	pool    int64 // of the first array, where one was made
}

// built are the programs of this run, built once.
var built struct {
	sync.Mutex
	dir     string
	started []*program
}

// executable builds a package of this module and gives the file.
func executable(pkg string) (string, error) {
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "infinisim-bench-")
		if err != nil {
			return "", err
		}
		built.dir = dir
	}
	out := filepath.Join(built.dir, filepath.Base(pkg))
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg) //nolint:gosec // our own packages
	cmd.Stderr = os.Stderr
	return out, cmd.Run()
}

// stopServers ends what runs and removes what was built.
func stopServers() {
	for _, p := range built.started {
		p.stop()
	}
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // a temporary folder
	}
}

func (p *program) stop() {
	end := p.cmd.Process.Kill
	if *serverProfile != "" {
		end = func() error { return p.cmd.Process.Signal(os.Interrupt) } // it has a profile to write
	}
	_ = end()        // it may be gone
	_ = p.cmd.Wait() // killed
}

// serve starts infinisim with one array more than links need, and logs in.
func serveProgram(args ...string) (*program, error) {
	bin, err := executable("./cmd/infinisim")
	if err != nil {
		return nil, err
	}
	if *serverProfile != "" {
		args = append(args, "--cpuprofile", *serverProfile)
	}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", "-"}, args...)
	p, line, err := start(bin, args...)
	if err != nil {
		return nil, err
	}
	var ready struct {
		Control string
		Arrays  []struct{ URL string }
	}
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	p.control = ready.Control
	for _, a := range ready.Arrays {
		p.urls = append(p.urls, a.URL)
	}
	return p, p.login()
}

// start runs a program and gives the first line that it prints.
func start(bin string, args ...string) (*program, string, error) {
	p := &program{cmd: exec.CommandContext(context.Background(), bin, args...)} //nolint:gosec // our own programs
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, "", err
	}
	built.started = append(built.started, p)
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, r) }() // it must not block
	return p, strings.TrimSpace(line), err
}

// floorProgram starts the floor with answers for request URIs.
func floorProgram(answers map[string]string) (*program, error) {
	bin, err := executable("./scripts/bench/floor")
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(answers)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(built.dir, "answers.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return nil, err
	}
	p, line, err := start(bin, file)
	if err != nil {
		return nil, err
	}
	p.urls = []string{line}
	return p, nil
}

func (p *program) login() error { return p.loginAt(0) }

// loginAt opens a session of one array; the cookie is that of the last one.
func (p *program) loginAt(array int) error {
	_, header, err := p.send(http.MethodPost, p.urls[array]+"/api/rest/users/login", map[string]string{"username": sim.Username, "password": sim.Password})
	if err != nil {
		return err
	}
	p.cookie, _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
	return nil
}

// send makes one request and gives the whole answer.
func (p *program) send(method, url string, body any) ([]byte, http.Header, error) {
	raw := []byte{}
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, nil, err
		}
	}
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(raw))
	if err != nil {
		return nil, nil, err
	}
	r.SetBasicAuth(sim.Username, sim.Password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %d %s", method, url, resp.StatusCode, answer)
	}
	return answer, resp.Header, err
}

// array asks an array and decodes the result.
func (p *program) array(i int, method, path string, body, result any) error {
	raw, _, err := p.send(method, p.urls[i]+"/api/rest/"+path, body)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(raw, &struct{ Result any }{result})
}

// tell asks the control plane.
func (p *program) tell(method, path string, body any) error {
	_, _, err := p.send(method, p.control+"/_sim/v1/"+path, body)
	return err
}

// memory is a figure of the process's status, such as RssAnon, in bytes.
func (p *program) memory(name string) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(raw), name+":")
	if !ok {
		return 0, errors.New("no " + name + " in the status of a process")
	}
	var kib int64
	_, err = fmt.Sscan(rest, &kib)
	return kib << 10, err
}
