package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/schema"
)

// ReplicationService is the service of a space that links use.
const ReplicationService = "RMR_SERVICE"

const iscsiService = "ISCSI_SERVICE"

const nasService = "NAS_SERVICE"

// IP is an address of a network space. Portal groups are those of iSCSI alone,
// and an address that is disabled has no interface (InfiniSDK
// tests/test_infinibox/test_networking.py).
type IP struct {
	Address   string `json:"ip_address"`
	Enabled   bool   `json:"enabled"`
	Reserved  bool   `json:"reserved"`
	VLAN      *int64 `json:"vlan_id"`
	Interface *int64 `json:"interface_id"`
	Kind      string `json:"type"`
	TPGT      *int64 `json:"tpgt,omitempty"`
}

// NetworkConfig is the subnet of a space.
type NetworkConfig struct {
	Netmask int    `json:"netmask"`
	Network string `json:"network"`
	Gateway string `json:"default_gateway"`
}

// NetworkRoute is a static route of a space.
type NetworkRoute struct {
	ID          int64  `json:"id"`
	Netmask     int    `json:"netmask"`
	Destination string `json:"destination"`
	Gateway     string `json:"gateway"`
}

// The fields of a network space.
var (
	SpaceName       = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	SpaceService    = schema.Enum(schema.Field{Name: "service", Flags: schema.Create | schema.Index, Enum: []string{nasService, iscsiService, ReplicationService, "NVME_SERVICE"}, Default: nasService})
	SpaceConfig     = schema.Tree[NetworkConfig](schema.Field{Name: "network_config", Flags: schema.Editable | schema.NotNull, Default: NetworkConfig{}})
	SpaceInterfaces = schema.List[int64](schema.Field{Name: "interfaces", Flags: schema.Editable})
	SpaceIPs        = schema.Tree[[]IP](schema.Field{Name: "ips", Default: []IP{}})
	SpaceMTU        = schema.Int(schema.Field{Name: "mtu", Flags: schema.Editable, Default: 1500, Check: checkMTU})
	SpaceRate       = schema.Int(schema.Field{Name: "rate_limit", Flags: schema.Editable})
	SpaceFailback   = schema.Bool(schema.Field{Name: "automatic_ip_failback", Flags: schema.Editable, Default: true})
	SpaceProperties = schema.Tree[map[string]any](schema.Field{Name: "properties", Flags: schema.Editable, Default: map[string]any{}})
	SpaceVMACs      = schema.Tree[[]any](schema.Field{Name: "vmac_addresses", Default: []any{}})
	SpaceRoutes     = schema.Tree[[]NetworkRoute](schema.Field{Name: "routes", Default: []NetworkRoute{}})

	// NetworkSpace is a subnet with addresses for one service.
	NetworkSpace = schema.NewType("network_space", SpaceName, SpaceService, SpaceConfig, SpaceInterfaces, SpaceIPs, SpaceMTU,
		SpaceRate, SpaceFailback, SpaceProperties, SpaceVMACs, SpaceRoutes, TenantID)
)

func checkMTU(v schema.Value) error {
	if v.Int() < 1280 || v.Int() > 9216 {
		return errors.New("is no MTU from 1280 to 9216")
	}
	return nil
}

func addNetworkSpaces(c *Catalog) {
	k := &Kind{
		Least: RoleAdmin,
		Type:  NetworkSpace, Path: "network/spaces", NotFound: apierr.NetworkSpaceNotFound, Conflict: apierr.NetworkSpaceNameConflict,
		Gate: schema.Gate{Feature: "network_configuration"},
		// A body without a service answers 400 from release 3.0 on (InfiniSDK
		// tests/test_infinibox/test_networking.py).
		Forms: []Form{{Name: "a network space", Required: []string{"name", "network_config", "interfaces", "service"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, in *Input) error { return b.completeSpace(nil, o, in) },
			BeforeUpdate: updateSpace,
			BeforeDelete: emptySpace,
			AfterDelete: func(b *Box, o *schema.Object, _ *Input) error {
				for _, ip := range SpaceIPs.Get(o) {
					fabric.Withdraw(b.Tx, ip.Address)
				}
				return nil
			},
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{
				"name": w.Name(), "service": "NAS_SERVICE", "interfaces": []int64{w.Make("network_interface")},
				"network_config": map[string]any{"netmask": 24, "network": "192.168.77.0", "default_gateway": "192.168.77.1"},
			})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"mtu": 9000}) },
	}
	k.Routes = append(ipRoutes(), networkRoutes()...)
	c.Add(k)
}

func updateSpace(b *Box, old, o *schema.Object, in *Input) error {
	if len(in.Body) > 1 {
		// Ansible collection infinidat.infinibox, infini_network_space.
		return apierr.New(apierr.NotSupportedMultipleUpdate, "network space %d: one field can be changed at a time, not %d", o.ID(), len(in.Body))
	}
	return b.completeSpace(old, o, in)
}

func emptySpace(_ *Box, o *schema.Object, _ *Input) error {
	for _, ip := range SpaceIPs.Get(o) {
		if ip.Enabled {
			return apierr.New(apierr.NetworkSpaceInUse, "network space %d has the enabled address %s", o.ID(), ip.Address)
		}
	}
	return nil
}

// completeSpace reads subnet, interfaces and properties; old is nil for a new
// space.
func (b *Box) completeSpace(old, o *schema.Object, in *Input) error {
	if raw, ok := in.Body["network_config"]; ok {
		config, err := readConfig(raw)
		if err != nil {
			return err
		}
		SpaceConfig.Set(o, config)
		if err := keepsAddresses(o); err != nil {
			return err
		}
	}
	if _, ok := in.Body["interfaces"]; ok {
		if err := b.setInterfaces(o); err != nil {
			return err
		}
	}
	return b.setProperties(old, o)
}

// keepsAddresses refuses a subnet that leaves out an address of the space.
//
// unsourced: that a subnet cannot move away from its addresses.
func keepsAddresses(o *schema.Object) error {
	net, err := subnet(o)
	if err != nil {
		return err
	}
	for _, ip := range SpaceIPs.Get(o) {
		if a, err := netip.ParseAddr(ip.Address); err != nil || !net.Contains(a) {
			return apierr.New(apierr.NetworkSpaceInUse, "network_config: %s leaves out the address %s", net, ip.Address).About("network_config")
		}
	}
	return nil
}

// setInterfaces checks the interfaces of a space and moves its addresses to
// them.
func (b *Box) setInterfaces(o *schema.Object) error {
	var ids []int64
	if json.Unmarshal(o.Raw(SpaceInterfaces.Field()), &ids) != nil {
		return apierr.New(apierr.InvalidValue, "interfaces: %s is no list of ids", o.Raw(SpaceInterfaces.Field())).About("interfaces")
	}
	for i, id := range ids {
		if _, err := b.Load(b.Eng.Catalog.Kind(NetworkInterface.Name()), id); err != nil {
			return err
		}
		if slices.Contains(ids[:i], id) {
			return apierr.New(apierr.InvalidValue, "interfaces: %d is there twice", id).About("interfaces")
		}
	}
	ips := SpaceIPs.Get(o)
	for i := range ips {
		ips[i].Interface = homeOf(o, ips, i)
	}
	SpaceIPs.Set(o, ips)
	return nil
}

// setProperties fills in what a service brings and keeps what an update does
// not name. The target's name and port are those of an array with live iSCSI
// portals (csi-driver, release 2.16).
func (b *Box) setProperties(old, o *schema.Object) error {
	all := map[string]any{}
	switch {
	case old != nil:
		maps.Copy(all, SpaceProperties.Get(old))
	case SpaceService.Get(o) == ReplicationService:
		all["is_async_only"] = false
	case SpaceService.Get(o) == iscsiService:
		system, err := b.System()
		if err != nil {
			return err
		}
		all["iscsi_iqn"] = fmt.Sprintf("iqn.2009-11.com.infinidat:storage:infinibox-sn-%d", SystemSerial.Get(system))
		all["iscsi_tcp_port"], all["iscsi_isns_servers"], all["iscsi_default_security_method"] = 3260, []string{}, "NONE"
	}
	var given map[string]any
	if raw := o.Raw(SpaceProperties.Field()); json.Unmarshal(raw, &given) != nil {
		return apierr.New(apierr.InvalidValue, "properties: %s is no object", raw).About("properties")
	}
	maps.Copy(all, given)
	SpaceProperties.Set(o, all)
	return nil
}

func readConfig(raw json.RawMessage) (NetworkConfig, error) {
	bad := func(key string, v any) error {
		return apierr.New(apierr.InvalidValue, "network_config: %s: %v does not fit", key, v).About("network_config")
	}
	var in struct {
		Netmask json.RawMessage `json:"netmask"`
		Network string          `json:"network"`
		Gateway string          `json:"default_gateway"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return NetworkConfig{}, bad("value", string(raw))
	}
	out := NetworkConfig{Netmask: readNetmask(in.Netmask), Network: in.Network, Gateway: in.Gateway}
	a, err := netip.ParseAddr(in.Network)
	if err != nil {
		return out, bad("network", in.Network)
	}
	if out.Netmask < 1 || out.Netmask > a.BitLen() {
		return out, bad("netmask", string(in.Netmask))
	}
	if _, err := netip.ParseAddr(in.Gateway); err != nil && in.Gateway != "" {
		return out, bad("default_gateway", in.Gateway)
	}
	return out, nil
}

// readNetmask takes a prefix length, or a dotted mask as InfiniSDK's tests send
// it; -1 is neither.
func readNetmask(raw json.RawMessage) int {
	var n int
	if json.Unmarshal(raw, &n) == nil && len(raw) > 0 && string(raw) != "null" {
		return n
	}
	mask := text(raw)
	if n, err := strconv.Atoi(mask); err == nil {
		return n
	}
	return maskLength(mask)
}

// maskLength is the prefix length of a dotted mask, -1 if it is none.
func maskLength(mask string) int {
	a, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() {
		return -1
	}
	n, gap := 0, false
	for _, octet := range a.As4() {
		for bit := 7; bit >= 0; bit-- {
			set := octet>>bit&1 == 1
			if set && gap {
				return -1
			}
			gap = gap || !set
			if set {
				n++
			}
		}
	}
	return n
}

func subnet(o *schema.Object) (netip.Prefix, error) {
	c := SpaceConfig.Get(o)
	a, err := netip.ParseAddr(c.Network)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(c.Netmask)
}
