package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

// openFabric lets arrays of other processes reach those of the lab default.
func (s *servers) openFabric(ctx context.Context) error {
	if s.flags.fabric == "" {
		return nil
	}
	l, err := s.labs.Get(lab.DefaultName)
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.flags.fabric)
	if err != nil {
		return listening("--fabric", s.flags.fabric, err)
	}
	s.fabric = "http://" + ln.Addr().String()
	s.serve(s.limits.server(l.FabricHandler()), ln)
	return nil
}

// follow takes over the time of the process that leads, and has it move this
// one along.
func (s *servers) follow(ctx context.Context, plane string) error {
	leader, ok := s.flags.leader()
	if !ok {
		return nil
	}
	l, err := s.labs.Get(lab.DefaultName)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"url": plane, "token": s.flags.token})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, leader+"/_sim/v1/clock/followers", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("--clock: %w", err)
	}
	if s.flags.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.flags.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("--clock: %w", err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("--clock: %w", err)
	}
	var now struct {
		NS int64 `json:"now_ns,string"`
	}
	if err := json.Unmarshal(raw, &now); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("--clock: %s: %s %s", leader, resp.Status, raw)
	}
	_, err = l.AdvanceTo(ctx, clock.Time(now.NS))
	return err
}
