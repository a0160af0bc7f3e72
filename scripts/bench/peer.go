package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// peer is a comparable server of another project, moto's for AWS: how many
// requests it answers, how long it takes to start and what memory it takes,
// beside ours.
func peer() ([]row, error) {
	if *moto == "" {
		return nil, nil
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	theirs := &program{cmd: exec.CommandContext(context.Background(), *moto, "-m", "moto.server", "-H", "127.0.0.1", "-p", fmt.Sprint(port))} //nolint:gosec // what we were told
	begun := time.Now()
	if err := theirs.cmd.Start(); err != nil {
		return nil, err
	}
	defer theirs.stop()
	for {
		if _, _, err = theirs.send(http.MethodGet, "http://"+address+"/", nil); err == nil {
			break
		}
		if time.Since(begun) > time.Minute {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
	started := time.Since(begun)
	ours, item, err := filled()
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	a, b, err := turns(func() (float64, error) { return browsed(ours.urls[0]+item, ours.cookie) },
		func() (float64, error) { return browsed("http://"+address+"/", "") }) // S3's list of buckets
	if err != nil {
		return nil, err
	}
	memory, err := theirs.memory("VmRSS")
	return []row{
		{Case: "GET of something small, 16 connections", FloorIs: "moto's server, GET of S3's buckets", Ours: perSecond(a), Floor: perSecond(b), Ratio: a / b},
		{Case: "start to the first answer: see above", FloorIs: "moto's server", Floor: nice(started).String()},
		{Case: "memory after it: see above", FloorIs: "moto's server (RSS)", Floor: mib(memory)},
	}, err
}

// browsed is how many GETs a second a server answers to sixteen clients of
// net/http, which dial again where it hangs up.
func browsed(url, cookie string) (float64, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var done atomic.Int64
	errs := make([]error, connections)
	var all sync.WaitGroup
	begin := time.Now()
	for i := range connections {
		all.Go(func() {
			for time.Since(begin) < second() && errs[i] == nil {
				errs[i] = get(&client, url, cookie)
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

func get(client *http.Client, url, cookie string) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Cookie", cookie)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
