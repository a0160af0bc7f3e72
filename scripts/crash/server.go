package main

import (
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
	"strconv"
	"time"
)

// server is one run of the program under test.
type server struct {
	cmd     *exec.Cmd
	ended   chan struct{}
	urls    []string
	control string
	pools   []int64
	link    int64
	http    http.Client
	errs    *bytes.Buffer // what it said; read it once it ended
}

const patience = 60 * time.Second

// start runs the server on the directory and waits until it is ready.
func start(ctx context.Context, bin, dir string, step int) (*server, error) {
	args := []string{"--speed", "30"}
	if step > 0 {
		args = append(args, "--die-at-step", strconv.Itoa(step))
	}
	return startOn(ctx, bin, dir, args...)
}

// startOn is start with flags of the caller's.
func startOn(ctx context.Context, bin, dir string, more ...string) (*server, error) {
	ready := filepath.Join(dir, "ready")
	args := []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", ready}
	return startWith(ctx, bin, ready, append(args, more...))
}

func startWith(ctx context.Context, bin, ready string, args []string) (*server, error) {
	_ = os.Remove(ready)                                                                                                        // of the run before
	s := &server{cmd: exec.CommandContext(ctx, bin, args...), ended: make(chan struct{}), http: http.Client{Timeout: patience}} //nolint:gosec // the program that the caller names
	s.errs = new(bytes.Buffer)
	s.cmd.Stderr = s.errs
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) {
		if raw, err := os.ReadFile(ready); err == nil { //nolint:gosec // our own file
			return s, s.read(raw)
		}
		select {
		case <-s.ended:
			return nil, fmt.Errorf("the server ended before it was ready: %s", s.errs.String())
		default:
		}
	}
	s.kill()
	return nil, errors.New("the server does not get ready")
}

func (s *server) read(raw []byte) error {
	var line struct {
		Control string
		Arrays  []struct{ URL string }
		Links   []struct {
			AID int64 `json:"a_id"`
		}
	}
	if err := json.Unmarshal(raw, &line); err != nil {
		return err
	}
	s.control = line.Control
	for _, a := range line.Arrays {
		s.urls = append(s.urls, a.URL)
	}
	if len(line.Links) > 0 {
		s.link = line.Links[0].AID
	}
	return nil
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may be gone already
	<-s.ended
}

// gone reports whether the server ended, once its last answer failed.
func (s *server) gone() bool {
	select {
	case <-s.ended:
		return true
	case <-time.After(time.Second):
		return false
	}
}

// over reports whether the server ended.
func (s *server) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// prepare finds or makes a pool on each array.
func (s *server) prepare(ctx context.Context) error {
	for i := range s.urls {
		list, status, err := s.array(ctx, i, http.MethodGet, "pools?name=eq:pool", nil)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("pools: %d %w", status, err)
		}
		if found, _ := list.([]any); len(found) > 0 {
			s.pools = append(s.pools, number(found[0], "id"))
			continue
		}
		body := map[string]any{"name": "pool", "physical_capacity": 100_000_000_000_000, "virtual_capacity": 100_000_000_000_000}
		made, status, err := s.array(ctx, i, http.MethodPost, "pools", body)
		if err != nil || status != http.StatusCreated {
			return fmt.Errorf("make a pool: %d %v %w", status, made, err)
		}
		s.pools = append(s.pools, number(made, "id"))
	}
	return nil
}

// array sends a request to an array and gives the result, or the error object.
func (s *server) array(ctx context.Context, i int, method, path string, body any) (any, int, error) {
	return s.do(ctx, method, s.urls[i]+"/api/rest/"+path, body)
}

// plane sends a request to the control plane.
func (s *server) plane(ctx context.Context, method, path string, body any) (any, int, error) {
	return s.do(ctx, method, s.control+"/_sim/v1/"+path, body)
}

// check asks the server for its own check, which has to find nothing.
func (s *server) check(ctx context.Context) error {
	bad, status, err := s.plane(ctx, http.MethodPost, "check", nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("check: %d %w", status, err)
	}
	m, _ := bad.(map[string]any)
	if list, _ := m["violations"].([]any); len(list) > 0 {
		return fmt.Errorf("check: %v", list)
	}
	return nil
}

// export is all that the lab holds.
func (s *server) export(ctx context.Context) ([]byte, error) {
	raw, status, err := s.send(ctx, http.MethodGet, s.control+"/_sim/v1/export", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("export: %d %s", status, raw)
	}
	return raw, err
}

// send makes a request and gives the whole answer.
func (s *server) send(ctx context.Context, method, url string, body any) ([]byte, int, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, 0, err
	}
	if body == nil {
		raw = nil
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(raw))
	if err != nil {
		return nil, 0, err
	}
	r.SetBasicAuth("admin", "123456")
	resp, err := s.http.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err = io.ReadAll(resp.Body)
	return raw, resp.StatusCode, err
}

func (s *server) do(ctx context.Context, method, url string, body any) (any, int, error) {
	raw, status, err := s.send(ctx, method, url, body)
	if err != nil {
		return nil, 0, err
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, 0, err
	}
	if m, ok := out.(map[string]any); ok {
		if e := m["error"]; e != nil {
			return e, status, nil
		}
		if result, ok := m["result"]; ok {
			return result, status, nil
		}
	}
	return out, status, nil
}

func number(o any, key string) int64 {
	m, _ := o.(map[string]any)
	n, _ := m[key].(float64)
	return int64(n)
}

func text(o any, key string) string {
	m, _ := o.(map[string]any)
	s, _ := m[key].(string)
	return s
}
