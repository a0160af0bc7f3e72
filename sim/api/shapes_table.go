package api

import "maps"

// shapes are those of the requests that a kind does not describe, by their
// method and their path as the route has it.
func shapes() map[string]shape {
	out := map[string]shape{}
	for _, some := range []map[string]shape{
		datasetShapes(), groupShapes(), hostShapes(), networkShapes(), systemShapes(), securityShapes(), hardwareShapes(), userShapes(),
		serverShapes(), metricShapes(), replicationShapes(),
	} {
		maps.Copy(out, some)
	}
	return out
}

func datasetShapes() map[string]shape {
	out := map[string]shape{
		"PUT datasets/bulk":                    {takes: some{"ids": list{"int"}, "data": members{"ssa_express_enabled": "bool"}}, gives: list{"volume|filesystem"}},
		"POST volumes/{id}/own_snapshot":       {takes: members{"name?": "text"}, gives: "volume", spare: true},
		"POST volumes/{id}/promote":            {gives: "volume"},
		"POST volumes/{id}/reset_serial":       {gives: "volume"},
		"POST filesystems/{id}/treeqs":         {takes: "new treeq", gives: "treeq"},
		"GET filesystems/{id}/treeqs/{sub}":    {gives: "treeq"},
		"PUT filesystems/{id}/treeqs/{sub}":    {takes: "change treeq", gives: "treeq"},
		"DELETE filesystems/{id}/treeqs/{sub}": {gives: "treeq"},
		"PUT metadata/{object}":                {takes: "object", gives: list{"metadata"}},
		"DELETE metadata/{object}":             {gives: list{"metadata"}},
		"GET metadata/{object}/*":              {gives: "metadata"},
		"DELETE metadata/{object}/*":           {gives: "metadata"},
		"POST pools/{id}/lock":                 {gives: "pool"},
		"POST pools/{id}/unlock":               {gives: "pool"},
		"GET search":                           {gives: list{members{"id": "int", "type": "text", "properties": some{"name?": "text"}}}, page: true},
	}
	for path, kind := range map[string]string{"volumes": "volume", "filesystems": "filesystem"} {
		source := shape{takes: "int|source", gives: kind}
		maps.Copy(out, map[string]shape{
			"POST " + path + "/{id}/restore":      source,
			"POST " + path + "/{id}/refresh":      source,
			"POST " + path + "/{id}/move":         {takes: some{"pool_id": "int", "with_capacity?": "bool"}, gives: kind},
			"POST " + path + "/delete_simulation": {takes: some{"entities": list{"int"}}, gives: members{"space_reclaimable": "int"}},
			"POST " + path + "/group_snapshot": {
				takes: some{"entities": list{some{"id": "int"}}, "snap_prefix?": "text", "snap_suffix?": "text"}, gives: list{kind},
			},
		})
	}
	return out
}

func groupShapes() map[string]shape {
	source := shape{takes: "int|source", gives: "cons_group"}
	member := some{"entity_id": "int"}
	assigned := some{"assigned_entity_id": "int", "assigned_entity_type?": "text"}
	return map[string]shape{
		"POST cgs/{id}/members":                                    {takes: some{"dataset_id": "int"}, gives: "cons_group"},
		"DELETE cgs/{id}/members/{dataset}":                        {gives: "cons_group"},
		"DELETE replication_groups/{id}/members/{vvol}":            {gives: "replication_group"},
		"POST cgs/{id}/move":                                       {takes: some{"pool_id": "int", "with_capacity?": "bool"}, gives: "cons_group"},
		"POST cgs/{id}/promote":                                    {gives: "cons_group"},
		"POST cgs/{id}/refresh":                                    source,
		"POST cgs/{id}/restore":                                    source,
		"POST qos/enable":                                          {gives: members{"is_enabled": "bool"}},
		"GET qos/state":                                            {gives: members{"is_enabled": "bool"}},
		"POST qos/policies/{id}/assign":                            {takes: member, gives: "qos_policy"},
		"POST qos/policies/{id}/unassign":                          {takes: member, gives: "qos_policy"},
		"POST snapshot_policies/{id}/assign_entity":                {takes: assigned, gives: "snapshot_policy"},
		"POST snapshot_policies/{id}/unassign_entity":              {takes: assigned, gives: "snapshot_policy"},
		"POST snapshot_policies/trigger_snapshot_policies_service": {gives: "bool"},
		"POST snapshot_policies/{id}/schedules":                    {takes: "new schedule", gives: "schedule"},
		"GET snapshot_policies/{id}/schedules/{sub}":               {gives: "schedule"},
		"PUT snapshot_policies/{id}/schedules/{sub}":               {takes: "change schedule", gives: "schedule"},
		"DELETE snapshot_policies/{id}/schedules/{sub}":            {gives: "schedule"},
		"POST snapshot_policies/{id}/schedules/{sub}/enable":       {gives: "schedule"},
		"POST snapshot_policies/{id}/schedules/{sub}/disable":      {gives: "schedule"},
		"PUT plugins/{id}/heartbeat":                               {takes: "any", gives: "any"},
	}
}

func hostShapes() map[string]shape {
	out := map[string]shape{
		"POST hosts/{id}/ports":                            {takes: some{"type": "text", "address": "text"}, gives: "host_port"},
		"GET hosts/{id}/ports":                             {gives: list{"host_port"}},
		"DELETE hosts/{id}/ports/{type}/{address}":         {gives: "host_port"},
		"GET hosts/host_id_by_initiator_address/{address}": {gives: "int"},
		"GET initiators/{address}":                         {gives: "initiator"},
		"DELETE initiators/{address}":                      {gives: "initiator"},
		"POST clusters/{id}/hosts":                         {takes: some{"id": "int"}, gives: "host_cluster"},
		"DELETE clusters/{id}/hosts/{host}":                {gives: "host_cluster"},
	}
	for _, path := range []string{"hosts", "clusters"} {
		maps.Copy(out, map[string]shape{
			"POST " + path + "/{id}/luns":                      {takes: some{"volume_id": "int", "lun?": "int|null"}, gives: "lun"},
			"GET " + path + "/{id}/luns/{lun}":                 {gives: "lun"},
			"DELETE " + path + "/{id}/luns/lun/{lun}":          {gives: "lun"},
			"DELETE " + path + "/{id}/luns/volume_id/{volume}": {gives: "lun"},
		})
	}
	return out
}

func networkShapes() map[string]shape {
	const ips, routes, interfaces = "network/spaces/{id}/ips", "network/spaces/{id}/routes", "network/interfaces/{id}"
	return map[string]shape{
		"POST " + interfaces + "/enable":         {gives: "network_interface"},
		"POST " + interfaces + "/disable":        {gives: "network_interface"},
		"POST " + interfaces + "/ports":          {takes: some{"name": "text"}, gives: "network_interface"},
		"DELETE " + interfaces + "/ports/{name}": {gives: "network_interface"},
		"POST " + ips:                            {takes: "text", gives: "space_ip"},
		"DELETE " + ips + "/{ip}":                {gives: "space_ip"},
		"POST " + ips + "/{ip}/enable":           {gives: "space_ip"},
		"POST " + ips + "/{ip}/disable":          {gives: "space_ip"},
		"GET " + routes:                          {gives: list{"route"}},
		"POST " + routes:                         {takes: members{"destination": "text", "gateway": "text", "netmask": "int|text"}, gives: "route"},
		"GET " + routes + "/{route}":             {gives: "route"},
		"PUT " + routes + "/{route}":             {takes: members{"destination?": "text", "gateway?": "text", "netmask?": "int|text"}, gives: "route"},
		"DELETE " + routes + "/{route}":          {gives: "route"},
		"DELETE fc/switches/{id}":                {never: true},
		"POST fc/soft_targets/create_multiple":   {takes: members{"switch_id": "int", "quantity": "int"}, gives: list{"fc_soft_target"}},
		"POST fc/soft_targets/redistribute":      {takes: members{}, gives: list{"fc_soft_target"}, spare: true},
		"POST fc/soft_targets/wipe":              {takes: members{}, gives: "bool", spare: true},
	}
}

func systemShapes() map[string]shape {
	scalar := "text|number|bool"
	words := list{"text"}
	return map[string]shape{
		"GET _features":      {gives: list{members{"name": "text", "version": "int", "experimental": "bool", "enabled": "bool"}}},
		"GET system":         {gives: "system"},
		"GET system/{field}": {gives: "text|number|object|null"},
		"PUT system/name":    {takes: "text", gives: "text"},
		"PUT system/capacity/total_virtual_capacity": {takes: "int", gives: "int"},
		"GET system/ssh":        {gives: "ssh"},
		"POST system/ssh/open":  {gives: "ssh"},
		"POST system/ssh/close": {gives: "ssh"},
		"GET config/mgmt/{key}": {gives: scalar},
		"PUT config/mgmt/{key}": {takes: scalar, gives: scalar},
		"GET config/limits": {gives: members{
			"nas.max_filesystems_in_system?": "int", "nas.treeq_max_count_per_filesystem?": "int", "replication.max_replicas?": "int",
			"replication.max_links?": "int",
		}},
		"DELETE events": {gives: members{"deleted": "int"}},
		"GET events/types": {gives: members{
			"codes": words, "levels": list{members{"name": "text", "value": "int"}}, "reporters": words, "visibilities": words,
		}},
		"POST events/custom": {gives: "event", spare: true, takes: members{
			"code?": "text|null", "level?": "text|null", "visibility?": "text|null", "description_template?": "text|null",
			"description?": "text|null", "data?": list{members{"name": "text", "type": "text", "value": "any"}},
		}},
		"POST notifications/targets/{id}/test": {takes: some{"recipients?": words}, gives: "bool", spare: true},
	}
}

func securityShapes() map[string]shape {
	out := map[string]shape{
		"GET system/kms": {gives: "key_management"},
		"POST system/kms/upload_kms_ca_certificate":            {gives: "key_management"},
		"POST system/kms/upload_infinibox_certificate_and_key": {gives: "key_management"},
		"PUT system/kms/set_configuration": {gives: "key_management", spare: true, takes: members{
			"kms_hostname?": "text|null", "kms_port?": "int|null", "kms_username?": "text|null", "kms_password?": "text|null",
		}},
		"POST system/kms_enable":             {gives: "bool"},
		"POST system/kms_disable":            {gives: "bool"},
		"GET config/security/is_kms_enabled": {gives: "bool"},
	}
	lists := func(v any) any { return list{v} }
	alone := func(v any) any { return v }
	for path, as := range map[string]func(any) any{"system/certificates": alone, "system/s3_certificates": lists} {
		maps.Copy(out, map[string]shape{
			"GET " + path:                            {gives: list{"certificate"}},
			"POST " + path:                           {gives: as("certificate")},
			"POST " + path + "/upload_csr":           {gives: as("certificate")},
			"POST " + path + "/generate_self_signed": {gives: as("certificate")},
			"POST " + path + "/generate_csr":         {takes: some{}, gives: as("certificate_request"), spare: true},
		})
	}
	return out
}

func hardwareShapes() map[string]shape {
	all := list{"component"}
	tree := shape{gives: members{"rack": "int", "nodes?": all, "enclosures?": all, "ups?": all, "pdus?": all}}
	port := shape{takes: members{"role?": "text|null"}, gives: "component", spare: true}
	closed := port
	closed.takes = members{}
	return map[string]shape{
		"GET components":                                    tree,
		"GET components/racks/{rack}":                       tree,
		"GET components/nodes":                              {gives: all, page: true},
		"GET components/enclosures":                         {gives: all, page: true},
		"GET components/ups":                                {gives: all, page: true},
		"GET components/pdus":                               {gives: all, page: true},
		"GET components/{part}/{id}":                        {gives: "component"},
		"GET components/{part}/{id}/{sub}/{key}":            {gives: "component"},
		"POST components/nodes/{id}/fc_ports/{key}/enable":  port,
		"POST components/nodes/{id}/fc_ports/{key}/disable": closed,
		"GET services":                                      {gives: list{"service"}},
		"GET services/{name}":                               {gives: "service"},
		"GET external_services":                             {gives: list{"service"}},
		"GET external_services/{name}":                      {gives: "service"},
	}
}

func userShapes() map[string]shape {
	credentials := members{"username": "text", "password": "text"}
	return map[string]shape{
		"POST users/login":                        {takes: some(credentials), gives: members{"name": "text", "roles": list{"text"}, "user_objects": list{"user"}}},
		"POST users/logout":                       {gives: "null"},
		"GET users/password_policy":               {gives: members{"enabled": "bool", "min_digits": "int", "min_length": "int", "min_lowercase": "int", "min_special": "int", "min_uppercase": "int"}},
		"GET users/{id}/pools":                    {gives: list{members{"id": "int"}}},
		"POST users/{name}/reset_password":        {gives: "bool"},
		"GET users/{name}/reset_password/{token}": {gives: "bool"},
		"POST config/ldap/reload":                 {gives: "bool"},
		"POST config/ldap/set_order":              {takes: list{"int"}, gives: "bool"},
		"POST config/ldap/{id}/test":              {gives: "bool"},
		"GET activedirectory/domains":             {gives: "domain|null"},
		"POST activedirectory/domains": {gives: "domain", takes: members{
			"domain": "text", "username": "text", "password": "text", "org_unit?": "text|null", "preferred_ips?": list{"text"}, "tenant_id?": "int",
			"unix_services_enabled?": "bool", "uid_attribute_name?": "text|null", "gid_attribute_name?": "text|null", "max_translated_groups?": "int|null",
		}},
		"POST activedirectory/domains/leave":                     {takes: credentials, gives: "domain"},
		"POST activedirectory/domains/set_max_translated_groups": {takes: members{"max_translated_groups": "int"}, gives: "unix_services"},
		"POST activedirectory/domains/set_unix_services": {gives: "unix_services", spare: true, takes: members{
			"unix_services_enabled?": "bool", "uid_attribute_name?": "text|null", "gid_attribute_name?": "text|null", "max_translated_groups?": "int|null",
		}},
		"GET activedirectory/domains/user_query": {state: true, gives: list{members{
			"tenant_id": "int", "name": "text", "username": "text", "sid": "text", "gsid": "text", "uid": "int|null", "gid": "int|null",
		}}},
	}
}

func serverShapes() map[string]shape {
	return map[string]shape{
		"GET nfs/server_capabilities": {gives: list{"nfs_server_capabilities"}},
		"PUT nfs/server_capabilities": {gives: list{"nfs_server_capabilities"}, takes: members{"nfsv4_support?": "text"}, spare: true},
		"GET smb/server_capabilities": {gives: list{"smb_server_capabilities"}},
		"PUT smb/server_capabilities": {gives: list{"smb_server_capabilities"}, spare: true, takes: members{
			"min_smb_protocol?": "text", "max_smb_protocol?": "text", "smb_signing?": "text", "smb_encryption?": "text",
			"smb_leases_enabled?": "bool", "smb_lease_break_timeout?": "int",
		}},
		"POST shares/{id}/permissions":         {takes: "new sharepermission", gives: "sharepermission"},
		"GET shares/{id}/permissions/{sub}":    {gives: "sharepermission"},
		"PUT shares/{id}/permissions/{sub}":    {takes: "change sharepermission", gives: "sharepermission"},
		"DELETE shares/{id}/permissions/{sub}": {gives: "sharepermission"},
		"GET nlm_locks/{lock}":                 {gives: "nlm_lock"},
		"POST nlm_locks/remove_orphan":         {takes: members{}, gives: list{"nlm_lock"}, spare: true},
		"POST nlm_locks/break": {gives: list{"nlm_lock"}, takes: members{
			"lock_id?": "text|null", "filesystem_id?": "int|null", "file_path?": "text|null", "client?": "text|null",
		}},
	}
}

func metricShapes() map[string]shape {
	return map[string]shape{
		"GET metrics/available_fields": {gives: members{"available_filter_fields": list{members{"name": "text", "values": list{"text"}}}}},
		"GET metrics/filters/{id}/available_fields": {gives: members{
			"available_filter_fields":    list{members{"name": "text", "type": "text", "values?": list{"text"}}},
			"available_collector_fields": list{"counter"},
		}},
		"GET metrics/collectors/data": {gives: members{"collectors": list{members{
			"id": "int", "fields": list{"text"}, "data": list{"any"}, "collector_type": "text", "interval_milliseconds": "int",
			"end_timestamp_milliseconds": "int", "histogram_field?": "text", "ranges?": list{"text"},
		}}}},
	}
}

func replicationShapes() map[string]shape {
	out := map[string]shape{
		"POST links/{id}/refresh":                            {takes: some{"remote_host?": "text"}, gives: "link", spare: true},
		"POST links/{id}/set_witness_address":                {takes: some{"witness_address": "text|null"}, gives: "link"},
		"GET " + remotePath:                                  {gives: "any", state: true}, // what the other array answers there
		"DELETE replicas/{id}":                               {gives: some{"id": "int"}},
		"DELETE rg_replicas/{id}":                            {gives: some{"id": "int"}},
		"POST replicas/{id}/expose_last_consistent_snapshot": {gives: some{"id": "int"}},
		"POST replicas/{id}/change_type_to_async":            {takes: members{"sync_interval?": "int|null", "rpo_value?": "int|null"}, gives: "replica", spare: true},
	}
	for _, verb := range []string{"change_role", "switch_role", "suspend", "resume", "sync", "change_type_to_sync"} {
		out["POST replicas/{id}/"+verb] = shape{gives: "replica"}
	}
	return out
}
