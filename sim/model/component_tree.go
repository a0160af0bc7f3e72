package model

import (
	"fmt"
	"strings"
)

// treeMaker generates the parts of one array.
type treeMaker struct {
	serial int64
	now    int64
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

// softTargets are the addresses of a port that virtualises: its own with the
// node counted on from 9.
//
// unsourced: how soft target addresses of a Fibre Channel port are numbered.
func (t treeMaker) softTargets(role string, n, p int) []string {
	if role != softPort {
		return []string{}
	}
	return []string{t.wwn(fmt.Sprintf("%x%d", 9+n, p))}
}

func serviceRole(node int) string {
	if node == 1 {
		return "MASTER"
	}
	return "MEMBER"
}

func (t treeMaker) node(n int) component {
	c := component{
		"id": n, "node_id": n, "name": fmt.Sprintf("node-%d", n), "model": "R740XD", "vendor": "Dell", "firmware": "1.4.9",
		"state": "ACTIVE", "state_description": "", "node_bbu_protection": "protected", "protecting_bbu": n,
		"protecting_bbu_charge_level": 100, "ipmi.state": "OK", "ntp.state": "OK", "ntp.state_description": "",
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
			"bbu": []component{{"state": "OK", "state_description": ""}},
		},
	}
	c["fc_ports"] = repeat(fcPortsPerNode, func(p int) component { return t.fcPort(n, p) })
	c["eth_ports"] = t.ethPorts(n)
	c["ib_ports"] = repeat(2, func(p int) component {
		return component{
			"id": p, "node_index": n, "model": "MT27800 Family [ConnectX-5]", "vendor": "Mellanox Technologies", "firmware": "16.23.8010",
			"state": "OK", "state_description": "", "link_state": "UP", "probe_ttl": 15000, "last_probe_timestamp": t.now,
		}
	})
	c["drives"] = repeat(localDrives, func(d int) component { return t.localDrive(n, d) })
	services := make([]component, 0, len(serviceNames()))
	for _, name := range serviceNames() {
		services = append(services, component{
			"name": name, "role": serviceRole(n), "state": "ACTIVE", "state_description": nil, "number_of_respawns": 0,
			"respawns": 0, "processes_up": 1,
		})
	}
	c["services"] = services
	return c
}

func repeat(n int, one func(int) component) []component {
	out := make([]component, 0, n)
	for i := range n {
		out = append(out, one(i+1))
	}
	return out
}

func (t treeMaker) fcPort(n, p int) component {
	return component{
		"id": p, "node_index": n, "vendor": "QLogic", "model": "ISP2071", "firmware": "9.03.00", "hardware_revision": "BK3210408-01  B",
		"state": "OK", "state_description": "", "wwnn": t.wwn("00"), "wwpn": t.wwn(fmt.Sprintf("%d%d", n, p)),
		"connection_speed": 16000000000, "max_speed": 16000000000, "link_state": "UP", "qla_errs": 0,
		"switch_wwnn": "10:00:c4:f5:7c:5a:75:70", "switch_vendor": "Brocade", "sfp_type": nil, "sfp_model": nil,
		"soft_target_addresses": t.softTargets(hardPort, n, p), "system_interface_port_number": p, "hba_port_number": (p-1)%4 + 1, "enabled": true,
		"role": hardPort, "probe_ttl": 10000, "last_probe_timestamp": t.now,
	}
}

func (t treeMaker) ethPorts(n int) []component {
	names := append([]string{"eth-mgmt"}, dataPorts()...)
	out := make([]component, 0, len(names))
	for i, name := range names {
		role := "DATA"
		if i == 0 {
			role = "MANAGEMENT"
		}
		out = append(out, component{
			"id": i + 1, "node_index": n, "name": name, "model": "FastLinQ QL41000 Series 10/25/40/50GbE Controller",
			"vendor": "QLogic Corp.", "firmware": "mbi 8.50.83 [mfw 8.50.11.0]", "state": "OK", "state_description": "", "role": role,
			"hw_addr":    fmt.Sprintf("34:80:0d:%02x:%02x:%02x", t.serial&0xff, n, i),
			"ip_v4_addr": nil, "ip_v4_broadcast": nil, "ip_v4_netmask": nil, "ip_v6_addr": nil, "ip_v6_netmask": nil,
			"connection_speed": 10000000000, "max_speed": 10000000000, "port_number": i + 1, "link_state": "UP",
			"media_type": "optics", "sfp_type": "multi_mode", "sfp_model": "FTLX8574D3BCL", "system_interface_port_number": i + 1,
			"probe_ttl": 10000, "last_probe_timestamp": t.now,
		})
	}
	return out
}

// localDrive is a disk of a node: the first two boot it, the others cache.
func (t treeMaker) localDrive(n, d int) component {
	kind := "Cache"
	if d <= 2 {
		kind = "Disk"
	}
	return component{
		"id": d, "drive_index": d, "node_index": n, "model": "ST1200MM0099", "vendor": "SEAGATE", "firmware": "ST31", "state": "OK",
		"state_description": "", "serial_number": fmt.Sprintf("N%04X%d%02d", t.serial&0xffff, n, d), "type": kind, "wearout": "n/a",
		"encryption_state": "LOCKED", "probe_ttl": 1600000, "last_probe_timestamp": t.now,
	}
}

func (t treeMaker) enclosure(e int) component {
	return component{
		"id": e, "state": "OK", "state_description": "", "vendor": "Newisys", "model": "NDS-4600", "firmware": "0x00020a05",
		"probe_ttl": 60000, "last_probe_timestamp": t.now,
		"drives": repeat(drivesPerEnclosure, func(d int) component {
			return component{
				"id": d, "drive_index": d, "enclosure_index": e, "serial_number": fmt.Sprintf("D%04X%d%02d", t.serial&0xffff, e, d),
				"bytes_capacity": 4000787030016, "state": "ACTIVE", "state_description": "", "encryption_state": true,
				"vendor": "SEAGATE", "model": "ST4000NM0034", "firmware": "MS00", "nodes_access": []bool{true, true, true},
			}
		}),
	}
}

func (t treeMaker) ups(n int) component {
	return component{
		"id": n, "state": "OK", "state_description": "", "onBattery": false, "charging": false, "charge_level": 100, "model": "BBU",
		"probe_ttl": 60000, "last_probe_timestamp": t.now,
	}
}

func (t treeMaker) pdu(n int) component {
	return component{
		"id": n, "model": "AP8959", "vendor": "APC", "firmware": "v6.1.3", "state": "OK", "state_description": "",
		"power_ports": []component{}, "power_consumption": 0, "probe_ttl": 60000, "last_probe_timestamp": t.now,
	}
}
