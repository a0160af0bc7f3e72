package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
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
	ask, err := request(http.MethodGet, "http://"+address, "/", "", "") // S3's list of buckets
	if err != nil {
		return nil, err
	}
	ours, item, err := filled()
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	own, err := request(http.MethodGet, ours.urls[0], item, "Cookie: "+ours.cookie+"\r\n", "")
	if err != nil {
		return nil, err
	}
	a, b, err := turns(func() (float64, error) { return rate(ours.urls[0], second(), same(own)) },
		func() (float64, error) { return rate("http://"+address, second(), same(ask)) })
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
