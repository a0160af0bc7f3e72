package api

import (
	"maps"
	"slices"
	"strings"

	"infinisim/sim/schema"
)

// shape says what a request takes and answers that is no creation, read, update
// or deletion of an object of a kind.
//
// What is taken or given is a text, a list of one such, or an object: members,
// whose names are all that there may be, or some, which may have others. A name
// with a question mark may be left out. A text is one or more words with bars
// between: int, number, text, bool, null, any, the name of a kind or of one of
// common, and, of bodies, "new KIND" and "change KIND".
type shape struct {
	takes, gives any
	// spare says that the body may be left out.
	spare bool
	// page says that a list comes with the numbers of a page.
	page bool
	// state says that a state may forbid it though it reads.
	state bool
	// never says that the array always refuses it, and nothing is said of it.
	never bool
}

type (
	members map[string]any
	some    map[string]any
	list    []any
)

// shape is what a text or a composite of such stands for.
func (d describer) shape(v any, answers bool) document {
	switch v := v.(type) {
	case list:
		return document{"type": "array", "items": d.shape(v[0], answers)}
	case members:
		s := d.membersOf(v, answers)
		s["additionalProperties"] = false
		return s
	case some:
		return d.membersOf(members(v), answers)
	case string:
		return d.words(v)
	}
	panic("api: no shape") // a programmer's mistake
}

func (d describer) membersOf(v members, answers bool) document {
	properties, required := document{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		bare, optional := strings.CutSuffix(name, "?")
		properties[bare] = d.shape(v[name], answers)
		if !optional {
			required = append(required, bare)
		}
	}
	s := document{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// words are the schemas of a text with bars.
func (d describer) words(text string) document {
	plain := map[string]string{"int": "integer", "number": "number", "text": "string", "bool": "boolean", "null": "null", "object": "object"}
	var types []string
	var others []any
	for word := range strings.SplitSeq(text, "|") {
		verb, kind, made := strings.Cut(word, " ")
		switch {
		case word == "any":
			return document{}
		case plain[word] != "":
			types = append(types, plain[word])
		case made && verb == "new":
			others = append(others, d.takes(d.routes.kind(kind), schema.Create))
		case made:
			others = append(others, d.takes(d.routes.kind(kind), schema.Update))
		default:
			others = append(others, ref("schemas", word))
		}
	}
	switch {
	case len(others) == 0 && len(types) == 1:
		return document{"type": types[0]}
	case len(others) == 0:
		return document{"type": types}
	}
	for _, t := range types {
		others = append(others, document{"type": t})
	}
	if len(others) == 1 {
		one, _ := others[0].(document)
		return one
	}
	return document{"anyOf": others}
}

// common are shapes that several requests have.
func common() map[string]any {
	unix := members{
		"unix_services_enabled": "bool", "uid_attribute_name": "text|null", "gid_attribute_name": "text|null", "max_translated_groups": "int|null",
	}
	domain := members{"tenant_id": "int", "domain": "text", "org_unit": "text|null", "preferred_ips": list{"text"}}
	maps.Copy(domain, unix)
	certificate := members{
		"expired": "bool", "issued_by": some{}, "issued_to": some{}, "issued_on": "int", "expires_on": "int", "signature_algorithm": "text",
		"version": "int", "serial_number": "text", "raw": "text",
	}
	key := members{"modulus": "text|null", "algorithm": "text", "raw": "text"}
	return map[string]any{
		"unix_services": unix, "domain": domain, "x509": certificate, "public_key": key,
		"certificate": members{"id": "text", "certificate": "x509", "public_key": "public_key"},
		"certificate_request": members{
			"id": "text", "public_key": "public_key",
			"certificate_request": members{"issued_to": some{}, "signature_algorithm": "text", "raw": "text"},
		},
		"key_management": members{
			"kms_hostname": "text|null", "kms_port": "int|null", "kms_username": "text|null", "is_kms_enabled": "bool",
			"kmip_connectivity_state": "text", "kms_ca_certificate": "x509|null", "infinibox_certificate": "x509|null",
		},
		"component": some{"id?": "int|text", "name?": "text", "model?": "text|null", "firmware?": "text|null", "state?": "text", "state_description?": "text|null", "last_probe_timestamp?": "int", "probe_ttl?": "int"},
		"service": some{
			"name?": "text", "cluster_state?": "text",
			"node_states?": list{members{"node_id": "int", "state?": "text", "role?": "text"}},
		},
		"nfs_server_capabilities": members{"tenant_id": "int", "nfsv4_support": "text"},
		"smb_server_capabilities": members{
			"tenant_id": "int", "min_smb_protocol": "text", "max_smb_protocol": "text", "smb_signing": "text", "smb_encryption": "text",
			"smb_leases_enabled": "bool", "smb_lease_break_timeout": "int",
		},
		"source":    some{"source_id": "int"},
		"host_port": members{"host_id": "int", "type": "text", "address": "text"},
		"space_ip": members{
			"ip_address": "text", "enabled": "bool", "reserved": "bool", "vlan_id": "int|null", "interface_id": "int|null", "type": "text",
			"tpgt?": "int|null",
		},
		"route":   members{"id": "int", "destination": "text", "gateway": "text", "netmask": "int"},
		"counter": members{"name": "text", "description": "text", "units": "text"},
		"ssh": members{
			"overall_ssh_port_status": "text", "nodes": list{members{"node_id": "int", "ssh_port_status": "text"}},
		},
	}
}
