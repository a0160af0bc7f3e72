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
	"strings"
	"syscall"
	"time"
)

// getReady is how long a server may take until it serves.
const getReady = 60 * time.Second

// server is the program under load.
type server struct {
	cmd     *exec.Cmd
	dir     string
	ended   chan struct{}
	errs    *bytes.Buffer
	control string
	fabric  string
	arrays  []string // URLs
	secure  []string
	pools   []int64
	link    int64
	http    *http.Client
}

// start runs the server and waits until it is ready.
func start(ctx context.Context, o options, more ...string) (*server, error) {
	dir, err := os.MkdirTemp("", "infinisim-load-")
	if err != nil {
		return nil, err
	}
	ready := filepath.Join(dir, "ready")
	args := append([]string{
		"serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--fabric", "127.0.0.1:0", "--fabric-secret", "s",
		"--tls", "--ready-file", ready,
	}, more...)
	if o.data {
		args = append(args, "--data", filepath.Join(dir, "data"))
	}
	s := &server{cmd: exec.CommandContext(ctx, o.bin, args...), dir: dir, ended: make(chan struct{}), errs: new(bytes.Buffer)} //nolint:gosec // the program under test
	s.cmd.Stderr = s.errs
	s.http = &http.Client{Timeout: answerIn, Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	for begun := time.Now(); time.Since(begun) < getReady; time.Sleep(5 * time.Millisecond) {
		if raw, err := os.ReadFile(ready); err == nil { //nolint:gosec // our own file
			return s, s.read(raw)
		}
		select {
		case <-s.ended:
			return nil, fmt.Errorf("the server ended before it was ready: %s", s.errs)
		default:
		}
	}
	s.stop()
	return nil, errors.New("the server does not get ready")
}

func (s *server) read(raw []byte) error {
	var line struct {
		Control, Fabric string
		Arrays          []struct {
			URL   string
			HTTPS string `json:"https_url"`
		}
		Links []struct {
			AID int64 `json:"a_id"`
		}
	}
	if err := json.Unmarshal(raw, &line); err != nil {
		return err
	}
	s.control, s.fabric = line.Control, line.Fabric
	for _, a := range line.Arrays {
		s.arrays, s.secure = append(s.arrays, a.URL), append(s.secure, a.HTTPS)
	}
	if len(line.Links) == 0 {
		return errors.New("the arrays are not linked")
	}
	s.link = line.Links[0].AID
	return nil
}

// stop ends the server and removes what it had.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	select {
	case <-s.ended:
	case <-time.After(getReady):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	_ = os.RemoveAll(s.dir)
}

// died says what a server that ended by itself had to say.
func (s *server) died() error {
	select {
	case <-s.ended:
		return fmt.Errorf("the server ended: %s", s.errs)
	default:
		return nil
	}
}

// rss is the memory of the process that is resident, in bytes.
func (s *server) rss() int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0 // it ended
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	kb, err := strconv.ParseInt(strings.Fields(line)[0], 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

// sockets counts the files that the process has open.
func (s *server) sockets() int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		return 0 // it ended
	}
	return len(list)
}

// metric reads a value of the process from the control plane.
func (s *server) metric(ctx context.Context, names ...string) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.control+"/_sim/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, wanted := range names {
			if name == wanted || strings.HasPrefix(name, wanted+"{") {
				v, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return nil, err
				}
				out[wanted] = v
			}
		}
	}
	return out, nil
}

// openFiles is how many files a process may have open; Go programs raise what
// they are given to what they may have.
func openFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(limit.Max, 1<<20)), nil //nolint:gosec // it is small now
}
