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

func (b *Box) fcTargets() ([]Target, error) {
	if b.fc != nil {
		return b.fc, nil
	}
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
	b.fc = out
	return out, nil
}

func (b *Box) iscsiTargets(initiator int64) ([]Target, error) {
	out := []Target{}
	err := b.Tx.Each(b.Key, NetworkSpace, func(s *schema.Object) (bool, error) {
		iqn, _ := SpaceProperties.Get(s)["iscsi_iqn"].(string)
		if SpaceService.Get(s) != iscsiService || iqn == "" {
			return true, nil
		}
		for _, ip := range SpaceIPs.Get(s) {
			if ip.Interface == nil { // disabled
				continue
			}
			face, err := b.Must(NetworkInterface, *ip.Interface)
			if err != nil {
				return false, err
			}
			session := initiator<<8 + int64(len(out)) + 1
			out = append(out, Target{Address: iqn, Node: InterfaceNode.Get(face), Session: &session})
		}
		return true, nil
	})
	return out, err
}
