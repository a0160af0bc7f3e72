package model

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/schema"
)

// ReplicationService is the service of a space that links use.
const ReplicationService = "RMR_SERVICE"

// IP is an address of a network space.
type IP struct {
	Address   string `json:"ip_address"`
	Enabled   bool   `json:"enabled"`
	Reserved  bool   `json:"reserved"`
	VLAN      *int64 `json:"vlan_id"`
	Interface *int64 `json:"interface_id"`
	Kind      string `json:"type"`
	TPGT      *int64 `json:"tpgt"`
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
	Netmask     any    `json:"netmask"`
	Destination string `json:"destination"`
	Gateway     string `json:"gateway"`
}

// The fields of a network space.
var (
	SpaceName       = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName})
	SpaceService    = schema.Enum(schema.Field{Name: "service", Flags: schema.Create | schema.Index, Enum: []string{"NAS_SERVICE", "ISCSI_SERVICE", ReplicationService, "NVME_SERVICE"}, Default: "NAS_SERVICE"})
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
		Type: NetworkSpace, Path: "network/spaces", NotFound: apierr.NetworkSpaceNotFound, Conflict: apierr.NetworkSpaceNameConflict,
		Gate:  schema.Gate{Feature: "network_configuration"},
		Forms: []Form{{Name: "a network space", Required: []string{"name", "network_config", "interfaces"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, in *Input) error { return b.completeSpace(o, in) },
			BeforeUpdate: func(b *Box, _, o *schema.Object, in *Input) error {
				if len(in.Body) > 1 {
					// Ansible collection infinidat.infinibox, infini_network_space.
					return apierr.New(apierr.NotSupportedMultipleUpdate, "network space %d: one field can be changed at a time, not %d", o.ID(), len(in.Body))
				}
				return b.completeSpace(o, in)
			},
			BeforeDelete: func(_ *Box, o *schema.Object, _ *Input) error {
				for _, ip := range SpaceIPs.Get(o) {
					if ip.Enabled {
						return apierr.New(apierr.NetworkSpaceInUse, "network space %d has the enabled address %s", o.ID(), ip.Address)
					}
				}
				return nil
			},
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
	const ip = "network/spaces/{id}/ips/{ip}"
	k.Routes = []Route{
		{Name: "ips", Method: http.MethodPost, Path: "network/spaces/{id}/ips", Do: addIP},
		{Name: "ips", Method: http.MethodDelete, Path: ip, Do: removeIP},
		{Name: "ips", Method: http.MethodPost, Path: ip + "/enable", Do: switchIP(true)},
		{Name: "ips", Method: http.MethodPost, Path: ip + "/disable", Do: switchIP(false)},
	}
	k.Routes = append(k.Routes, networkRoutes()...)
	c.Add(k)
}

// completeSpace reads the subnet and checks the interfaces. A netmask comes as
// a prefix length or as a dotted mask, as InfiniSDK's tests send it.
func (b *Box) completeSpace(o *schema.Object, in *Input) error {
	if raw, ok := in.Body["network_config"]; ok {
		config, err := readConfig(raw)
		if err != nil {
			return err
		}
		SpaceConfig.Set(o, config)
	}
	var ids []int64
	if json.Unmarshal(o.Raw(SpaceInterfaces.Field()), &ids) != nil {
		return apierr.New(apierr.InvalidValue, "interfaces: %s is no list of ids", o.Raw(SpaceInterfaces.Field())).About("interfaces")
	}
	for _, id := range ids {
		if _, err := b.Load(b.Eng.Catalog.Kind(NetworkInterface.Name()), id); err != nil {
			return err
		}
	}
	return nil
}

func readConfig(raw json.RawMessage) (NetworkConfig, error) {
	bad := func(key string, v any) error {
		return apierr.New(apierr.InvalidValue, "network_config: %s: %v does not fit", key, v).About("network_config")
	}
	var in struct {
		Netmask any    `json:"netmask"`
		Network string `json:"network"`
		Gateway string `json:"default_gateway"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return NetworkConfig{}, bad("value", string(raw))
	}
	out := NetworkConfig{Network: in.Network, Gateway: in.Gateway}
	switch m := in.Netmask.(type) {
	case float64:
		out.Netmask = int(m)
	case string:
		if n, err := strconv.Atoi(m); err == nil {
			out.Netmask = n
		} else if out.Netmask = maskLength(m); out.Netmask < 0 {
			return out, bad("netmask", m)
		}
	}
	if out.Netmask < 1 || out.Netmask > 128 {
		return out, bad("netmask", in.Netmask)
	}
	if _, err := netip.ParseAddr(in.Network); err != nil {
		return out, bad("network", in.Network)
	}
	return out, nil
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

// addIP gives a space an address: a bare JSON string. The first address of a
// replication space is its management address (vendor KB 6211346151837).
func addIP(b *Box, o *schema.Object, in *Input) (any, error) {
	address := text(in.Raw)
	a, err := netip.ParseAddr(address)
	if err != nil {
		return nil, apierr.New(apierr.InvalidValue, "ip_address: %s is no address", in.Raw).About("ip_address")
	}
	net, err := subnet(o)
	if err != nil || !net.Contains(a) {
		return nil, apierr.New(apierr.InvalidValue, "ip_address: %s is outside %s", address, net).About("ip_address")
	}
	ips := SpaceIPs.Get(o)
	if slices.ContainsFunc(ips, func(ip IP) bool { return ip.Address == address }) || !fabric.Announce(b.Tx, address, b.Key) {
		return nil, apierr.New(apierr.NetSpaceAddressConflict, "ip_address: %s is in use", address).About("ip_address")
	}
	next := IP{Address: address, Enabled: true, Kind: "DATA"}
	if SpaceService.Get(o) == ReplicationService && len(ips) == 0 {
		next.Kind = "MANAGEMENT"
	}
	if ids := SpaceInterfaces.Get(o); len(ids) > 0 {
		next.Interface = new(ids[len(ips)%len(ids)])
	}
	SpaceIPs.Set(o, append(ips, next))
	return next, b.Save(o)
}

func (b *Box) findIP(o *schema.Object, address string) ([]IP, int, error) {
	ips := SpaceIPs.Get(o)
	i := slices.IndexFunc(ips, func(ip IP) bool { return ip.Address == address })
	if i < 0 {
		return nil, 0, apierr.New(apierr.IPAddressNotFound, "network space %d has no address %q", o.ID(), address)
	}
	return ips, i, nil
}

// removeIP takes a disabled address away, the management address last.
func removeIP(b *Box, o *schema.Object, in *Input) (any, error) {
	ips, i, err := b.findIP(o, in.Vars["ip"])
	if err != nil {
		return nil, err
	}
	if ips[i].Enabled {
		return nil, apierr.New(apierr.IPAddressEnabled, "address %s is enabled", ips[i].Address)
	}
	if ips[i].Kind == "MANAGEMENT" && len(ips) > 1 {
		return nil, apierr.New(apierr.NetworkSpaceInUse, "management address %s is removed last", ips[i].Address)
	}
	fabric.Withdraw(b.Tx, ips[i].Address)
	removed := ips[i]
	SpaceIPs.Set(o, slices.Delete(ips, i, i+1))
	return removed, b.Save(o)
}

func switchIP(enable bool) func(b *Box, o *schema.Object, in *Input) (any, error) {
	return func(b *Box, o *schema.Object, in *Input) (any, error) {
		ips, i, err := b.findIP(o, in.Vars["ip"])
		if err != nil {
			return nil, err
		}
		if ips[i].Enabled == enable {
			code := apierr.IPAddressAlreadyDisabled
			if enable {
				code = apierr.IPAddressAlreadyOn
			}
			return nil, apierr.New(code, "address %s is so already", ips[i].Address)
		}
		ips[i].Enabled = enable
		SpaceIPs.Set(o, ips)
		return ips[i], b.Save(o)
	}
}

// AllocateIP finds an address of the space's subnet that nothing in the lab
// has. The caller adds it.
func (b *Box) AllocateIP(o *schema.Object) (string, error) {
	net, err := subnet(o)
	if err != nil {
		return "", err
	}
	gateway := SpaceConfig.Get(o).Gateway
	for a := net.Masked().Addr().Next(); net.Contains(a); a = a.Next() {
		if _, taken := fabric.Locate(b.Tx, a.String()); !taken && a.String() != gateway {
			return a.String(), nil
		}
	}
	return "", apierr.New(apierr.NetSpaceAddressConflict, "network space %d has no free address", o.ID())
}
