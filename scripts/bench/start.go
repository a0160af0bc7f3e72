package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"time"
)

// starts are how long the program takes from its start to its first answer, and
// what memory it takes when nobody asks, against the bare chi program.
func starts() ([]row, error) {
	bin, err := executable("./cmd/infinisim")
	if err != nil {
		return nil, err
	}
	floor, err := executable("./scripts/bench/floor")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var idle int64
	ours := func() (time.Duration, error) {
		took, memory, err := firstAnswer(exec.CommandContext(context.Background(), bin, "serve", "--listen", address, "--control", "127.0.0.1:0"), "http://"+address+"/_sim/v1/health") //nolint:gosec // our own
		idle = max(idle, memory)
		return took, err
	}
	bare := func() (time.Duration, error) {
		took, _, err := firstAnswer(exec.CommandContext(context.Background(), floor, "-listen", address), "http://"+address+"/") //nolint:gosec // our own
		return took, err
	}
	took, least, err := turns(ours, bare)
	if err != nil {
		return nil, err
	}
	return []row{
		within("start to the first answer, two linked arrays", "the bare chi program", took, least, 2),
		size("idle memory (RSS), two linked arrays", "the limit", idle, 25<<20),
	}, nil
}

func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	addr, _ := l.Addr().(*net.TCPAddr)
	return addr.Port, l.Close()
}

// firstAnswer starts a program and asks until it answers.
func firstAnswer(cmd *exec.Cmd, url string) (took time.Duration, rss int64, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	p := &program{cmd: cmd}
	defer p.stop()
	for time.Since(begun) < time.Minute {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
		if err != nil {
			return 0, 0, err
		}
		resp, err := client.Do(r)
		if err != nil {
			time.Sleep(200 * time.Microsecond)
			continue
		}
		took = time.Since(begun)
		_ = resp.Body.Close()
		rss, err = p.memory("VmRSS")
		return took, rss, err
	}
	return 0, 0, errors.New("no answer within a minute")
}
