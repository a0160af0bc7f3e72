package lab_test

import (
	"fmt"
	"regexp"
	"strings"
)

// verbs are requests that need objects which fit each other: <kind> is one of a
// kind, <space> the replication space, <peer kind> one of another array, and
// <name> a name.
func verbs() []string {
	const days = "1735776000000"
	out := []string{
		`POST cgs/<cons_group>/members {"dataset_id":<volume>}`, `POST cgs/<cons_group>/members {"dataset_id":<filesystem>}`,
		`DELETE cgs/<cons_group>/members/<volume>`, `POST cgs {"name":<name>,"parent_id":<cons_group>,"snap_suffix":"-s"}`,
		`POST cgs/<cons_group>/restore {"source_id":<cons_group>}`, `POST cgs/<cons_group>/refresh {"source_id":<cons_group>}`,
		`POST cgs/<cons_group>/promote`, `POST cgs/<cons_group>/move {"pool_id":<pool>,"with_capacity":true}`,
		`POST pools/<pool>/lock`, `POST pools/<pool>/unlock`, `PUT pools/<pool> {"physical_capacity":3000000000000,"virtual_capacity":5000000000000}`,
		`PUT system/capacity/total_virtual_capacity 900000000000000`, `DELETE cgs/<cons_group>?delete_members=true`,
		`PUT metadata/<volume> {"a":"x","d":true}`, `DELETE metadata/<volume>`, `DELETE metadata/<volume>/a`, `PUT metadata/<host> {"b/c":12}`,
		`POST qos/policies/<qos_policy>/assign {"entity_id":<volume>}`, `POST qos/policies/<qos_policy>/unassign {"entity_id":<volume>}`,
		`POST qos/policies/<qos_policy>/assign {"entity_id":<pool>}`, `POST snapshot_policies/<snapshot_policy>/schedules {"name":<name>,"interval":3600,"retention":86400}`,
		`POST snapshot_policies/<snapshot_policy>/schedules {"name":<name>,"type":"clock","day_of_week":"all","time_of_day":3600,"retention":86400}`,
		`PUT snapshot_policies/<snapshot_policy>/schedules/<schedule> {"lock_snapshots":true}`, `DELETE snapshot_policies/<snapshot_policy>/schedules/<schedule>`,
		`POST snapshot_policies/<snapshot_policy>/schedules/<schedule>/disable`, `POST snapshot_policies/<snapshot_policy>/schedules/<schedule>/enable`,
		`POST snapshot_policies/<snapshot_policy>/assign_entity {"assigned_entity_id":<volume>,"assigned_entity_type":"VOLUME"}`,
		`POST snapshot_policies/<snapshot_policy>/assign_entity {"assigned_entity_id":<cons_group>,"assigned_entity_type":"CG"}`,
		`POST snapshot_policies/<snapshot_policy>/unassign_entity {"assigned_entity_id":<volume>}`,
		`POST hosts/<host>/luns {"volume_id":<volume>}`, `POST hosts/<host>/luns {"volume_id":<volume>,"lun":11}`, `DELETE hosts/<host>/luns/lun/11`,
		`DELETE hosts/<host>/luns/volume_id/<volume>`, `POST hosts/<host>/ports {"type":"FC","address":"21000024ff3c5e1a"}`,
		`POST hosts/<host>/ports {"type":"ISCSI","address":"iqn.2001-04.com.example:a"}`, `DELETE hosts/<host>/ports/FC/21000024ff3c5e1a`,
		`POST clusters/<host_cluster>/hosts {"id":<host>}`, `DELETE clusters/<host_cluster>/hosts/<host>`, `POST clusters/<host_cluster>/luns {"volume_id":<volume>}`,
		`DELETE clusters/<host_cluster>/luns/volume_id/<volume>`, `DELETE clusters/<host_cluster>/luns/lun/1`, `DELETE initiators/21000024ff3c5e1a`,
		`POST network/spaces/<network_space>/ips "192.168.77.<n>"`, `DELETE network/spaces/<network_space>/ips/192.168.77.<n>`,
		`POST network/spaces/<network_space>/ips/192.168.77.<n>/disable`, `POST network/spaces/<network_space>/ips/192.168.77.<n>/enable`,
		`POST network/spaces/<network_space>/routes {"destination":"10.9.0.0","gateway":"192.168.77.1","netmask":24}`,
		`POST filesystems/<filesystem>/treeqs {"name":<name>,"path":"/<n>","soft_inodes":5}`, `PUT filesystems/<filesystem>/treeqs/<treeq> {"soft_inodes":5,"hard_inodes":9}`,
		`DELETE filesystems/<filesystem>/treeqs/<treeq>`, `POST shares/<share>/permissions {"sid":"S-1-1-0","access":"READ"}`,
		`PUT shares/<share>/permissions/<sharepermission> {"access":"CHANGE"}`, `DELETE shares/<share>/permissions/<sharepermission>`,
		`POST links {"name":<name>,"local_replication_network_space_id":<space>,"remote_host":"<peer>"}`, `DELETE links/<link>`, `POST links/<link>/refresh`,
		`POST replicas {"link_id":<link>,"entity_type":"CONSISTENCY_GROUP","local_cg_id":<cons_group>,"remote_pool_id":<peer pool>}`,
		`POST replicas {"link_id":<link>,"entity_type":"FILESYSTEM","remote_pool_id":<peer pool>,"entity_pairs":[{"local_entity_id":<filesystem>,"remote_base_action":"CREATE"}]}`,
		`POST replicas {"link_id":<link>,"entity_type":"VOLUME","replication_type":"SYNC","remote_pool_id":<peer pool>,"entity_pairs":[{"local_entity_id":<volume>,"remote_base_action":"CREATE"}]}`,
		`POST replicas {"link_id":<link>,"entity_type":"VOLUME","replication_type":"ACTIVE_ACTIVE","remote_pool_id":<peer pool>,"entity_pairs":[{"local_entity_id":<volume>,"remote_base_action":"CREATE"}]}`,
		`POST replicas/<replica>/change_type_to_async {"rpo_value":60000,"sync_interval":30000}`, `DELETE replicas/<replica>?retain_staging_area=true`, `DELETE replicas/<replica>?force_if_remote_error=true`,
		`PUT plugins/<plugin>/heartbeat {"entity_counts":[{"entity":"vms","count":3}],"health_state":{"state":"OK","messages":[]}}`,
		`POST plugins {"name":<name>,"type":"VSPHERE","version":"1","max_sec_without_heartbeat":90,"heartbeat":{"a":1}}`,
		`POST fc/soft_targets/create_multiple {"switch_id":201,"quantity":2}`, `POST components/nodes/1/fc_ports/1/disable`, `POST components/nodes/1/fc_ports/1/enable`,
		`PUT nfs/server_capabilities {"nfsv4_support":"enabled"}`, `PUT smb/server_capabilities {"smb_encryption":"disabled","smb_leases_enabled":false}`,
		`POST activedirectory/domains {"domain":"d.example.com","username":"u","password":"p"}`, `POST activedirectory/domains/leave {"username":"u","password":"p"}`,
		`POST activedirectory/domains/set_unix_services {"unix_services_enabled":true}`, `POST users/admin/reset_password`, `POST users/login {"username":"admin","password":"123456"}`,
		`POST replication_groups {"name":<name>,"pool_id":<pool>}`, `POST system/kms_disable`, `POST tenants {"name":<name>}`, `PUT replicas/<replica> {"rpo_value":600000}`,
	}
	for _, path := range []string{"volumes/<volume>", "filesystems/<filesystem>"} {
		kind, one, _ := strings.Cut(path, "/")
		out = append(
			out, "POST "+kind+` {"name":<name>,"parent_id":`+one+`}`, "POST "+kind+` {"name":<name>,"parent_id":`+one+`,"write_protected":true,"lock_expires_at":`+days+`}`,
			"POST "+path+`/restore {"source_id":`+one+`}`, "POST "+path+"/restore "+one, "POST "+path+`/refresh {"source_id":`+one+`}`,
			"POST "+path+`/move {"pool_id":<pool>}`, "POST "+path+"/promote", "PUT "+path+` {"size":3000000000}`, "PUT "+path+` {"write_protected":true}`,
			"POST "+kind+`/group_snapshot {"entities":[{"id":`+one+`},{"id":`+one+`}],"snap_suffix":"-<n>"}`, "POST "+kind+`/delete_simulation {"entities":[`+one+`]}`,
			"DELETE "+path, "POST volumes/<volume>/own_snapshot",
		)
	}
	for _, verb := range []string{"sync", "suspend", "resume", "change_role", "switch_role"} {
		out = append(out, "POST replicas/<replica>/"+verb, "POST replicas/<replica>/"+verb, "POST rg_replicas/<rg_replica>/"+verb)
	}
	return out
}

var (
	hole      = regexp.MustCompile(`<[a-z_0-9 ]+>`)
	ofNothing = regexp.MustCompile(`(?:/|:| )0\b`) // the id of nothing
)

// verb is one of them, about what there is.
func (k *deck) verb() string {
	all := verbs()
	line := hole.ReplaceAllStringFunc(all[k.dice.IntN(len(all))], func(h string) string {
		switch word := strings.Trim(h, "<>"); word {
		case "name":
			return fmt.Sprintf("%q", k.Name())
		case "n":
			return fmt.Sprint(2 + k.dice.IntN(4))
		case "space":
			return fmt.Sprint(k.space())
		case "peer":
			return k.Peer()
		case "peer pool":
			return k.some(k.other(), "pool")
		default:
			return k.some(k.box, word)
		}
	})
	method, rest, _ := strings.Cut(line, " ")
	target, body, _ := strings.Cut(rest, " ")
	more := "?approved=true"
	if strings.Contains(target, "?") {
		more = "&approved=true"
	}
	k.n++
	return strings.TrimSuffix(fmt.Sprintf("%s > %s %s%s %s", k.box, method, target, more, body), " ") + fmt.Sprintf(" -> a%d", k.n)
}
