package model

import (
	"fmt"
	"maps"
	"strings"
)

// treeMaker generates the parts of one array.
type treeMaker struct {
	serial int64
	now    int64
	// flash is the type of a node's flash drives.
	flash string
	// kept is what deviates, by the part's path: "nodes/1/fc_ports/2".
	kept map[string]component
	// carried are the soft target addresses that ports carry, by the port.
	carried map[fcPort][]string
}

// part is a component as it is: as generated, with what the store keeps of it
// laid over.
func (t treeMaker) part(path string, c component) component {
	maps.Copy(c, t.kept[path])
	return c
}

// wwn is an address of the array: the vendor's company id 742b0f, the serial
// number, and what tells ports apart (published payload of release 7.0).
func (t treeMaker) wwn(last string) string {
	plain := fmt.Sprintf("5742b0f0%06x%s", t.serial&0xffffff, last)
	pairs := make([]string, 0, len(plain)/2)
	for i := 0; i < len(plain); i += 2 {
		pairs = append(pairs, plain[i:i+2])
	}
	return strings.Join(pairs, ":")
}

func (t treeMaker) node(n int) component {
	bbu := t.ups(n)
	c := component{
		"id": n, "node_id": n, "name": fmt.Sprintf("node-%d", n), "model": "R740XD", "vendor": "Dell", "firmware": "1.4.9",
		"state": componentActive, "state_description": "", "node_bbu_protection": protection(bbu), "protecting_bbu": n,
		"protecting_bbu_charge_level": bbu["charge_level"], "ipmi.state": "OK", "ntp.state": "OK", "ntp.state_description": "",
		"bios.state": "OK", "bios.state_description": "", "power": 414, "probe_ttl": 60000, "last_probe_timestamp": t.now,
		"tpm": component{
			"id": 1, "model": "1.2", "vendor": "0x57454300", "firmware": "5.81", "state": "OK", "state_description": "",
			"node_index": n, "probe_ttl": 600000, "last_probe_timestamp": t.now,
		},
		"security": component{
			"node_id": fmt.Sprint(n), "security_mode": "FIPS1",
			"crypto_module": component{"state": "OK", "server_state": "ACTIVE", "version": "Infinidat Crypto Module v1.0.2 icm-1.0.2"},
		},
		"power_supplies": []component{{"id": 1, "state": "OK", "power": 230, "current": 1, "voltage": 230}},
		"hba":            []component{{"id": 1, "state": "OK"}},
		"pgs":            []component{},
		"connectivity_status": component{
			"enclosures": []string{"UP"}, "pdu": []string{"UP"}, "eth_switches": []string{}, "support_appliances": []string{"UP"},
			"bbu": []component{{"state": bbu["state"], "state_description": ""}},
		},
	}
	c["fc_ports"] = repeat(fcPortsPerNode, func(p int) component { return t.fcPort(n, p) })
	c["eth_ports"] = t.ethPorts(n)
	c["ib_ports"] = repeat(2, func(p int) component { return t.ibPort(n, p) })
	c["drives"] = repeat(localDrives, func(d int) component { return t.localDrive(n, d) })
	c["services"] = t.services(n)
	return t.part(nodePath(n), c)
}

func nodePath(n int) string { return fmt.Sprintf("nodes/%d", n) }

// up reports whether a node runs. One that failed takes its services and the
// links of its ports along.
func (t treeMaker) up(n int) bool { return t.kept[nodePath(n)]["state"] != componentFailed }

// wire is a port as it is: its link is down while its node is.
func (t treeMaker) wire(n int, path string, c component) component {
	c = t.part(path, c)
	if !t.up(n) {
		c["link_state"] = linkDown
	}
	return c
}

func repeat(n int, one func(int) component) []component {
	out := make([]component, 0, n)
	for i := range n {
		out = append(out, one(i+1))
	}
	return out
}

func (t treeMaker) ethPorts(n int) []component {
	names := append([]string{"eth-mgmt"}, dataPorts()...)
	out := make([]component, 0, len(names))
	for i, name := range names {
		role := "DATA"
		if i == 0 {
			role = "MANAGEMENT"
		}
		out = append(out, t.wire(n, fmt.Sprintf("nodes/%d/eth_ports/%d", n, i+1), component{
			"id": i + 1, "node_index": n, "name": name, "model": "FastLinQ QL41000 Series 10/25/40/50GbE Controller",
			"vendor": "QLogic Corp.", "firmware": "mbi 8.50.83 [mfw 8.50.11.0]", "state": "OK", "state_description": "", "role": role,
			"hw_addr":    fmt.Sprintf("34:80:0d:%02x:%02x:%02x", t.serial&0xff, n, i),
			"ip_v4_addr": nil, "ip_v4_broadcast": nil, "ip_v4_netmask": nil, "ip_v6_addr": nil, "ip_v6_netmask": nil,
			"connection_speed": 10000000000, "max_speed": 10000000000, "port_number": i + 1, "link_state": linkUp,
			"media_type": "optics", "sfp_type": "multi_mode", "sfp_model": "FTLX8574D3BCL", "system_interface_port_number": i + 1,
			"probe_ttl": 10000, "last_probe_timestamp": t.now,
		}))
	}
	return out
}

func (t treeMaker) ibPort(n, p int) component {
	return t.wire(n, fmt.Sprintf("nodes/%d/ib_ports/%d", n, p), component{
		"id": p, "node_index": n, "model": "MT27800 Family [ConnectX-5]", "vendor": "Mellanox Technologies", "firmware": "16.23.8010",
		"state": "OK", "state_description": "", "link_state": linkUp, "probe_ttl": 15000, "last_probe_timestamp": t.now,
	})
}

// localDrive is a disk of a node: the first two boot it, the others cache.
func (t treeMaker) localDrive(n, d int) component {
	kind := t.flash
	if d <= bootDrives {
		kind = "Disk"
	}
	return t.part(fmt.Sprintf("nodes/%d/drives/%d", n, d), component{
		"id": d, "drive_index": d, "node_index": n, "model": "ST1200MM0099", "vendor": "SEAGATE", "firmware": "ST31", "state": "OK",
		"state_description": "", "serial_number": fmt.Sprintf("N%04X%d%02d", t.serial&0xffff, n, d), "type": kind, "wearout": "n/a",
		"encryption_state": "LOCKED", "probe_ttl": 1600000, "last_probe_timestamp": t.now,
	})
}

func (t treeMaker) enclosure(e int) component {
	access := make([]bool, 0, nodeCount)
	for n := range nodeCount {
		access = append(access, t.up(n+1))
	}
	return t.part(fmt.Sprintf("enclosures/%d", e), component{
		"id": e, "state": "OK", "state_description": "", "vendor": "Newisys", "model": "NDS-4600", "firmware": "0x00020a05",
		"probe_ttl": 60000, "last_probe_timestamp": t.now,
		"drives": repeat(drivesPerEnclosure, func(d int) component {
			return t.part(fmt.Sprintf("enclosures/%d/drives/%d", e, d), component{
				"id": d, "drive_index": d, "enclosure_index": e, "serial_number": fmt.Sprintf("D%04X%d%02d", t.serial&0xffff, e, d),
				"bytes_capacity": 4000787030016, "state": componentActive, "state_description": "", "encryption_state": true,
				"vendor": "SEAGATE", "model": "ST4000NM0034", "firmware": "MS00", "nodes_access": access,
			})
		}),
	})
}

func (t treeMaker) ups(n int) component {
	return t.part(fmt.Sprintf("ups/%d", n), component{
		"id": n, "state": "OK", "state_description": "", "onBattery": false, "charging": false, "charge_level": 100, "model": "BBU",
		"probe_ttl": 60000, "last_probe_timestamp": t.now,
	})
}

func (t treeMaker) pdu(n int) component {
	return t.part(fmt.Sprintf("pdus/%d", n), component{
		"id": n, "model": "AP8959", "vendor": "APC", "firmware": "v6.1.3", "state": "OK", "state_description": "",
		"power_ports": []component{}, "power_consumption": 0, "probe_ttl": 60000, "last_probe_timestamp": t.now,
	})
}
