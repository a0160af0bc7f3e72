package model

import (
	"errors"

	"infinisim/sim/schema"
)

// What hosts tell of their paths: a path leads from a port to an address of the
// array that the port is logged in to.
//
// unsourced: the words of path_health and resiliency, that min_expected_paths is
// null until a user sets it, and that a host without ports has neither.
const (
	pathsHealthy  = "HEALTHY"
	pathsDegraded = "DEGRADED"
	pathsLost     = "DISCONNECTED"
	resilientFull = "RESILIENT"
	resilientNot  = "NOT_RESILIENT"
)

// pathCount is what becomes of the ports of a host, or of all hosts of a
// cluster.
type pathCount struct {
	ports, lost, paths int
	short              bool // a host has less paths than a user expects
	nodes              map[int64]bool
}

func (n *pathCount) add(b *Box, host *schema.Object) error {
	paths := 0
	for _, id := range b.portIDs(host) {
		port, err := b.Must(Initiator, id)
		if err != nil {
			return err
		}
		targets, err := b.targets(port)
		if err != nil {
			return err
		}
		n.ports++
		if len(targets) == 0 {
			n.lost++
		}
		for _, t := range targets {
			n.nodes[t.Node] = true
		}
		paths += len(targets)
	}
	n.paths += paths
	n.short = n.short || !hostLeastPaths.IsNull(host) && int64(paths) < hostLeastPaths.Get(host)
	return nil
}

// pathsOf counts the paths of a host or of a cluster's hosts.
func (b *Box) pathsOf(o *schema.Object) (*pathCount, error) {
	n := &pathCount{nodes: map[int64]bool{}}
	if o.Type() == Host {
		return n, n.add(b, o)
	}
	for _, id := range b.hostIDs(o.ID()) {
		host, err := b.Must(Host, id)
		if err != nil {
			return nil, err
		}
		if err := n.add(b, host); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func ofPaths(show func(n *pathCount) any) Compute {
	return func(b *Box, o *schema.Object) (any, error) {
		n, err := b.pathsOf(o)
		if err != nil {
			return nil, err
		}
		return show(n), nil
	}
}

// health is null without ports, and degraded when a port leads nowhere or a
// host has too few paths.
func (n *pathCount) health() any {
	switch {
	case n.ports == 0:
		return nil
	case n.paths == 0:
		return pathsLost
	case n.lost > 0 || n.short:
		return pathsDegraded
	}
	return pathsHealthy
}

// resiliency says whether paths lead to every node.
func (n *pathCount) resiliency() any {
	switch {
	case n.ports == 0:
		return nil
	case len(n.nodes) == nodeCount:
		return resilientFull
	}
	return resilientNot
}

// pathFields computes what hosts and clusters tell alike.
func pathFields(into map[*schema.Field]Compute) map[*schema.Field]Compute {
	into[hostLostPorts.Field()] = ofPaths(func(n *pathCount) any { return n.lost })
	into[hostPathHealth.Field()] = ofPaths((*pathCount).health)
	into[hostResiliency.Field()] = ofPaths((*pathCount).resiliency)
	return into
}

func notBelowZero(v schema.Value) error {
	if v.Int() < 0 {
		return errors.New("is below 0")
	}
	return nil
}
