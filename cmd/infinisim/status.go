package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"infinisim/sim/control"
	"infinisim/sim/lab"
)

// arrayStatus is an array as the control plane lists it.
type arrayStatus struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Serial int64  `json:"serial"`
	Host   string `json:"host"`
	Active bool   `json:"active"`
	control.Address
}

// clockStatus is a lab's clock.
type clockStatus struct {
	Now        int64   `json:"now"`
	Mode       string  `json:"mode"`
	Speed      float64 `json:"speed"`
	NextSettle *int64  `json:"next_settle"`
	Next       *int64  `json:"next"`
}

// status is a server, and one of its labs.
type status struct {
	Control  string            `json:"control"`
	Version  string            `json:"version"`
	Labs     []string          `json:"labs"`
	Lab      string            `json:"lab"`
	Clock    clockStatus       `json:"clock"`
	Arrays   []arrayStatus     `json:"arrays"`
	Links    []lab.LinkView    `json:"links"`
	Replicas []lab.ReplicaView `json:"replicas"`
	Pools    []lab.PoolView    `json:"pools"`
	Faults   int               `json:"faults"`
}

// statusCommand tells of a server in one look.
func statusCommand() *cobra.Command {
	var to remote
	c := &cobra.Command{
		Use: "status", Short: "Show a running server and a lab of it in one look", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := to.status(c.Context())
			if err != nil {
				return err
			}
			p := printerOf(c)
			if p.json {
				return p.value(s, nil)
			}
			return p.status(s)
		},
	}
	to.labFlags(c)
	return c
}

// serverVersion is what a server says of itself in each answer; empty where it
// says nothing.
func (to *remote) serverVersion(ctx context.Context) (string, error) {
	resp, err := to.do(ctx, http.MethodGet, "health", http.NoBody)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	name, version, _ := strings.Cut(resp.Header.Get("Server"), "/")
	if name != "infinisim" {
		version = ""
	}
	return version, errors.Join(err, resp.Body.Close())
}

// status asks for everything, one thing after the other: a lab that goes on
// meanwhile is not held up.
func (to *remote) status(ctx context.Context) (*status, error) {
	s := &status{Control: to.base(), Lab: to.lab, Labs: []string{}}
	var err error
	if s.Version, err = to.serverVersion(ctx); err != nil {
		return nil, err
	}
	var labs []struct {
		Name string `json:"name"`
	}
	var faults []any
	for _, ask := range []struct {
		path string
		to   any
	}{
		{"labs", &labs},
		{to.in("clock"), &s.Clock},
		{to.in("arrays"), &s.Arrays},
		{to.in("links"), &s.Links},
		{to.in("replicas"), &s.Replicas},
		{to.in("pools"), &s.Pools},
		{to.in("faults"), &faults},
	} {
		if err := to.read(ctx, ask.path, ask.to); err != nil {
			return nil, err
		}
	}
	for _, l := range labs {
		s.Labs = append(s.Labs, l.Name)
	}
	s.Faults = len(faults)
	return s, nil
}

// status writes it for people.
func (p printer) status(s *status) error {
	raw, err := encode(s)
	if err != nil {
		return err
	}
	head := []column{
		{"CONTROL", "control", asIs},
		{"VERSION", "version", asIs},
		{"LABS", "labs", asIs},
		{"LAB", "lab", asIs},
		{"TIME", "clock.now", asInstant},
		{"CLOCK", "clock.mode", asState},
		{"SPEED", "clock.speed", asIs},
		{"NEXT DUE", "clock.next", asInstant},
		{"FAULTS", "faults", asIs},
	}
	if err := p.print(raw, head); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		all     any
		n       int
		columns []column
	}{
		{"arrays", s.Arrays, len(s.Arrays), arrayColumns()},
		{"links", s.Links, len(s.Links), linkColumns()},
		{"replicas", s.Replicas, len(s.Replicas), replicaColumns()},
		{"pools", s.Pools, len(s.Pools), []column{
			{"ARRAY", "array", asIs},
			{"ID", "id", asIs},
			{"NAME", "name", asName},
			{"STATE", "state", asState},
			{"PHYSICAL", "physical_capacity", asBytes},
			{"ALLOCATED", "allocated_physical_space", asBytes},
			{"FILL", "fill", asShare},
		}},
	} {
		if part.n == 0 {
			continue
		}
		if _, err := fmt.Fprintf(p.to, "\n%s\n", part.name); err != nil {
			return err
		}
		if err := p.value(part.all, part.columns); err != nil {
			return err
		}
	}
	return nil
}
