package lab

import (
	"context"
	"fmt"
	"maps"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// Link is a link between two arrays with its id on each.
type Link struct {
	Name string `json:"name"`
	A    string `json:"a"`
	AID  int64  `json:"a_id"`
	B    string `json:"b"`
	BID  int64  `json:"b_id"`
}

// Link joins two arrays as an administrator would: with a replication space of
// seven addresses on each (one for management, three for SYNC, three for
// ASYNC) and a link between them.
func (l *Lab) Link(ctx context.Context, a, b string) (Link, error) { return l.LinkWith(ctx, a, b, nil) }

// LinkWith is Link with more members of the request that makes the link, such
// as its name or its witness.
func (l *Lab) LinkWith(ctx context.Context, a, b string, more model.Body) (Link, error) {
	out := Link{Name: a + "-" + b, A: a, B: b}
	var host string
	err := l.On(ctx, b, func(box *model.Box) error {
		space, err := l.replicationSpace(box)
		if err == nil {
			host = model.SpaceIPs.Get(space)[0].Address
		}
		return err
	})
	if err != nil {
		return out, err
	}
	err = l.On(ctx, a, func(box *model.Box) error {
		space, err := l.replicationSpace(box)
		if err != nil {
			return err
		}
		body := model.NewBody(map[string]any{
			"name": out.Name, "local_replication_network_space_id": space.ID(), "remote_host": host,
		})
		maps.Copy(body, more)
		link, err := box.Create(box.Eng.Catalog.Kind(replication.Link.Name()), &model.Input{Body: body})
		if err != nil {
			return err
		}
		out.Name, out.AID, out.BID = replication.LinkName.Get(link), link.ID(), replication.LinkRemoteID.Get(link)
		return nil
	})
	return out, err
}

func create(b *model.Box, t *schema.Type, body map[string]any) (*schema.Object, error) {
	return b.Create(b.Eng.Catalog.Kind(t.Name()), &model.Input{Body: model.NewBody(body)})
}

// replicationSpace finds the array's replication space, or makes one.
func (l *Lab) replicationSpace(b *model.Box) (*schema.Object, error) {
	for _, id := range b.Tx.IDs(b.Key, model.NetworkSpace, 0, -1) {
		o, err := b.Must(model.NetworkSpace, id)
		if err != nil {
			return nil, err
		}
		if model.SpaceService.Get(o) == model.ReplicationService && len(model.SpaceIPs.Get(o)) > 0 {
			return o, nil
		}
	}
	var ports []int64
	for node := 1; node <= 3; node++ {
		port, err := b.FreePort(int64(node))
		if err != nil {
			return nil, err
		}
		used := []string{}
		if port != "" {
			used = append(used, port)
		}
		o, err := create(b, model.NetworkInterface, map[string]any{"name": fmt.Sprintf("replication-%d", node), "node_id": node, "ports": used})
		if err != nil {
			return nil, err
		}
		ports = append(ports, o.ID())
	}
	n := number(b.Key)
	space, err := create(b, model.NetworkSpace, map[string]any{
		"name": "replication", "service": model.ReplicationService, "interfaces": ports, "mtu": 9000,
		"network_config": map[string]any{
			"network": fmt.Sprintf("10.%d.%d.0", 100+n/256%100, n%256), "netmask": 24, "default_gateway": fmt.Sprintf("10.%d.%d.254", 100+n/256%100, n%256),
		},
	})
	if err != nil {
		return nil, err
	}
	if err := b.AddFreeIPs(space, addresses); err != nil {
		return nil, err
	}
	return space, nil
}

// addresses of a replication space: vendor KB 360002123758.
const addresses = 7

// number is the array's place in the lab, from its key.
func number(key string) int {
	n := 0
	_, _ = fmt.Sscanf(key, "box-%d", &n) // keys are made by AddArray
	return n
}

// LinkEnds names the arrays that a link of an array joins.
func (l *Lab) LinkEnds(ctx context.Context, key string, link int64) (e fabric.Ends, err error) {
	err = l.View(ctx, key, func(b *model.Box) error {
		o, err := b.Load(b.Eng.Catalog.Kind(replication.Link.Name()), link)
		if err == nil {
			e = fabric.Ends{From: key, To: replication.Peer(o)}
		}
		return err
	})
	return e, err
}

// AllocateIP finds a free address of a network space, named by name or id.
func (l *Lab) AllocateIP(ctx context.Context, key, space string) (ip string, err error) {
	err = l.View(ctx, key, func(b *model.Box) error {
		for _, id := range b.Tx.IDs(b.Key, model.NetworkSpace, 0, -1) {
			o, err := b.Must(model.NetworkSpace, id)
			if err != nil {
				return err
			}
			if model.SpaceName.Get(o) == space || fmt.Sprint(id) == space {
				ip, err = b.AllocateIP(o)
				return err
			}
		}
		return apierr.New(apierr.NetworkSpaceNotFound, "network_space: %q does not exist", space).About("network_space")
	})
	return ip, err
}

// SetWitness cuts an array's way to the witness of one of its links, or mends
// it. A link without a witness refuses it with INVALID_FIELD_VALUE.
func (l *Lab) SetWitness(ctx context.Context, key string, link int64, cut bool) error {
	return l.On(ctx, key, func(b *model.Box) error {
		o, err := b.Load(b.Eng.Catalog.Kind(replication.Link.Name()), link)
		if err != nil {
			return err
		}
		address := replication.LinkWitness.Get(o)
		if address == "" {
			return apierr.New(apierr.InvalidValue, "witness: link %d has none", link).About("witness_address")
		}
		return b.Eng.Fabric.SetWitness(b.Tx, key, address, cut)
	})
}
