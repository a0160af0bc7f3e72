package model

import (
	"slices"

	"infinisim/sim/schema"
)

// Target is an address of the array that an initiator is logged in to
// (InfiniSDK tests, 8.6 era, mock_initiator).
type Target struct {
	Address string `json:"address"`
	Node    int64  `json:"node_id"`
	Session *int64 `json:"session_id,omitempty"`
}

// targetsOf are the targets of an initiator: of FC, the addresses of all ports
// that are online (InfiniSDK 289.1.4, get_online_target_addresses); of iSCSI,
// one session for each enabled address of an iSCSI space. An array without the
// feature iscsi lists bare addresses (InfiniSDK 289.1.4).
//
// unsourced: that a host's ports are logged in to every target there is, and
// the numbers of sessions; NVMe shows no targets.
func targetsOf(b *Box, o *schema.Object) (any, error) {
	all, err := b.targets(o)
	if err != nil || gateISCSI.Open(b.Release()) {
		return all, err
	}
	plain := []string{}
	for _, t := range all {
		plain = append(plain, t.Address)
	}
	return plain, nil
}

// targets are those of an initiator, with their nodes.
func (b *Box) targets(o *schema.Object) ([]Target, error) {
	switch InitiatorType.Get(o) {
	case "FC":
		return b.fcTargets()
	case "ISCSI":
		return b.iscsiTargets(o.ID())
	}
	return []Target{}, nil
}

func (b *Box) fcTargets() ([]Target, error) { return b.fc.get(b.Tx, b.findFCTargets) }

func (b *Box) findFCTargets() ([]Target, error) {
	t, err := b.treeMaker()
	if err != nil {
		return nil, err
	}
	out := []Target{}
	add := func(p fcPort, wwpn string) {
		out = append(out, Target{Address: address("FC", wwpn), Node: int64(p.node)})
	}
	for _, p := range fcPorts() {
		switch {
		case !t.online(p):
		case t.role(p) == softPort && gateNPIV.Open(b.Release()):
			for _, wwpn := range t.carried[p] {
				add(p, wwpn)
			}
		default:
			add(p, t.portWWPN(p))
		}
	}
	slices.SortStableFunc(out, func(x, y Target) int { return int(x.Node - y.Node) })
	return out, nil
}

func (b *Box) iscsiTargets(initiator int64) ([]Target, error) {
	out := []Target{}
	t, err := b.treeMaker()
	if err != nil {
		return nil, err
	}
	err = b.Tx.Each(b.Key, NetworkSpace, func(s *schema.Object) (bool, error) {
		iqn, _ := SpaceProperties.Get(s)["iscsi_iqn"].(string)
		if SpaceService.Get(s) != iscsiService || iqn == "" {
			return true, nil
		}
		for _, ip := range SpaceIPs.Get(s) {
			if ip.Interface == nil { // disabled
				continue
			}
			node, err := b.nodeOf(t, s, *ip.Interface)
			if err != nil {
				return false, err
			}
			if node == 0 {
				continue
			}
			session := initiator<<8 + int64(len(out)) + 1
			out = append(out, Target{Address: iqn, Node: node, Session: &session})
		}
		return true, nil
	})
	return out, err
}

// nodeOf is the node that serves an address of a space: that of its interface,
// or while it is down, that of the space's next interface whose node is up; 0
// if there is none.
//
// unsourced: which node takes an address over, and that the space goes on to
// show the interface that the address belongs to.
func (b *Box) nodeOf(t treeMaker, space *schema.Object, face int64) (int64, error) {
	all := SpaceInterfaces.Get(space)
	at := max(0, slices.Index(all, face))
	for i := range len(all) {
		o, err := b.Must(NetworkInterface, all[(at+i)%len(all)])
		if err != nil {
			return 0, err
		}
		if node := InterfaceNode.Get(o); t.up(int(node)) {
			return node, nil
		}
	}
	return 0, nil
}
