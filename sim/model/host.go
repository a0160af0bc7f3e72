package model

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// resilient closes what came with the resiliency of hosts (InfiniSDK 289.1.4,
// compatibility.py: has_host_resiliency).
func resilient() schema.Gate { return schema.Gate{From: "8.4"} }

// HostPort is a port of a host as the wire shows it.
type HostPort struct {
	HostID  int64  `json:"host_id"`
	Type    string `json:"type"`
	Address string `json:"address"`
}

// The fields of a host.
var (
	HostName    = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	HostLUNs    = schema.Compute(schema.Tree[[]any](schema.Field{Name: "luns"}))
	HostPorts   = schema.Compute(schema.Tree[[]HostPort](schema.Field{Name: "ports"}))
	HostCluster = schema.Ref(schema.Field{Name: "host_cluster_id", Flags: schema.Index, NoneZero: true}, "host_cluster")
	HostType    = schema.String(schema.Field{Name: "host_type", Flags: schema.Editable, Default: "DEFAULT", Gate: gateOpenVMS})
	HostClient  = schema.Enum(schema.Field{Name: "san_client_type", Enum: []string{"HOST", "CLUSTER"}, Default: "HOST"})
	HostTuned   = schema.Bool(schema.Field{Name: "optimized", Flags: schema.Editable, Gate: schema.Gate{From: "5.0"}})
	HostNQN     = schema.String(schema.Field{Name: "subsystem_nqn"})

	HostSecurity = schema.Enum(schema.Field{
		Name: "security_method", Flags: schema.Editable, Enum: []string{"NONE", "CHAP", "MUTUAL_CHAP"}, Default: "NONE", Gate: gateISCSI,
	})
	HostInUser    = schema.String(schema.Field{Name: "security_chap_inbound_username", Flags: schema.Editable, Gate: gateISCSI})
	HostOutUser   = schema.String(schema.Field{Name: "security_chap_outbound_username", Flags: schema.Editable, Gate: gateISCSI})
	hostInSecret  = schema.String(schema.Field{Name: "security_chap_inbound_secret", Flags: schema.Editable | schema.Private | schema.Secret, Gate: gateISCSI})
	hostOutSecret = schema.String(schema.Field{Name: "security_chap_outbound_secret", Flags: schema.Editable | schema.Private | schema.Secret, Gate: gateISCSI})
	HostHasIn     = schema.Bool(schema.Field{Name: "security_chap_has_inbound_secret", Gate: gateISCSI})
	HostHasOut    = schema.Bool(schema.Field{Name: "security_chap_has_outbound_secret", Gate: gateISCSI})

	hostLUNCount   = schema.Compute(schema.Int(schema.Field{Name: "luns_count", Gate: resilient()}))
	hostPortCount  = schema.Compute(schema.Int(schema.Field{Name: "ports_count", Gate: resilient()}))
	hostPortType   = schema.String(schema.Field{Name: "port_type", Flags: schema.Create, Gate: resilient()})
	hostLostPorts  = schema.Compute(schema.Int(schema.Field{Name: "ports_disconnected", Gate: resilient()}))
	hostPaths      = schema.Compute(schema.Int(schema.Field{Name: "paths", Gate: resilient()}))
	hostLeastPaths = schema.Int(schema.Field{Name: "min_expected_paths", Flags: schema.Update, Gate: resilient(), Check: notBelowZero})
	hostPathsSet   = schema.Bool(schema.Field{Name: "is_min_expected_paths_user_set", Gate: resilient()})
	hostPathHealth = schema.Compute(schema.String(schema.Field{Name: "path_health", Gate: resilient()}))
	hostResiliency = schema.Compute(schema.String(schema.Field{Name: "resiliency", Gate: resilient()}))

	// Host is a server that volumes are mapped to.
	Host = schema.NewType("host", hostInSecret, hostOutSecret, HostName, CreatedAt, UpdatedAt, HostLUNs, HostPorts, HostCluster,
		HostType, HostClient, HostTuned, HostNQN, HostSecurity, HostInUser, HostOutUser, HostHasIn, HostHasOut, hostLUNCount,
		hostPortCount, hostPortType, hostLostPorts, hostPaths, hostLeastPaths, hostPathsSet, hostPathHealth, hostResiliency, TenantID)
)

func hostKind() *Kind {
	k := &Kind{
		Least: RoleAdmin,
		Type:  Host, Path: "hosts", NotFound: apierr.HostNotFound, Conflict: apierr.HostNameConflict,
		Forms: []Form{{Name: "a host", Required: []string{"name"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, in *Input) error { return b.completeHost(o, in) },
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeUpdate: func(b *Box, _, o *schema.Object, in *Input) error {
				if _, asked := in.Body[hostLeastPaths.Name()]; asked {
					hostPathsSet.Set(o, !hostLeastPaths.IsNull(o))
				}
				return b.completeHost(o, in)
			},
			BeforeDelete: beforeHostDelete,
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: pathFields(map[*schema.Field]Compute{
			hostPaths.Field():     ofPaths(func(n *pathCount) any { return n.paths }),
			HostLUNs.Field():      func(b *Box, o *schema.Object) (any, error) { return b.lunRecords(LUNHost, o.ID()) },
			HostPorts.Field():     func(b *Box, o *schema.Object) (any, error) { return b.portsOf(o) },
			hostLUNCount.Field():  func(b *Box, o *schema.Object) (any, error) { return len(b.lunIDs(LUNHost, o.ID())), nil },
			hostPortCount.Field(): func(b *Box, o *schema.Object) (any, error) { return len(b.portIDs(o)), nil },
		}),
		Sample: func(w World) Body { return NewBody(map[string]any{"name": w.Name()}) },
		Change: func(o *schema.Object) Body { return NewBody(map[string]any{"name": HostName.Get(o) + "-2"}) },
	}
	k.Routes = append([]Route{
		Post(k, "ports", addHostPort),
		{Method: http.MethodGet, Path: "hosts/{id}/ports", Reads: true, Filters: anyHostPort(), Do: listHostPorts},
		{Method: http.MethodDelete, Path: "hosts/{id}/ports/{type}/{address}", Do: removeHostPort},
		{
			Method: http.MethodGet, Path: "hosts/host_id_by_initiator_address/{address}", Reads: true, Anonymous: true, Do: hostByAddress,
		},
	}, lunRoutes(k, LUNHost)...)
	return k
}

// completeHost seals the secrets, since no initiator logs in here, and keeps
// their flags.
func (b *Box) completeHost(o *schema.Object, in *Input) error {
	for _, secret := range []schema.Attr[string]{hostInSecret, hostOutSecret} {
		if err := b.sealOf(o, in, secret); err != nil {
			return err
		}
	}
	HostHasIn.Set(o, hostInSecret.Get(o) != "")
	HostHasOut.Set(o, hostOutSecret.Get(o) != "")
	return nil
}

// beforeHostDelete refuses a host that volumes are mapped to (HOST_NOT_EMPTY:
// vendor drivers), and takes its ports away.
func beforeHostDelete(b *Box, o *schema.Object, _ *Input) error {
	if n := len(b.lunIDs(LUNHost, o.ID())); n > 0 {
		return apierr.New(apierr.HostNotEmpty, "host %d has %d mapped volumes", o.ID(), n)
	}
	if !HostCluster.IsNull(o) {
		return apierr.New(apierr.HostInCluster, "host %d belongs to cluster %d", o.ID(), HostCluster.Get(o))
	}
	for _, id := range b.portIDs(o) {
		if err := b.Tx.Delete(b.Key, Initiator, id); err != nil {
			return err
		}
	}
	return nil
}

// The fields of an initiator: a port of a host.
var (
	InitiatorAddress = schema.String(schema.Field{Name: "address", Flags: schema.Index})
	InitiatorType    = schema.Enum(schema.Field{Name: "type", Enum: []string{"FC", "ISCSI", "NVME"}})
	InitiatorHost    = schema.Ref(schema.Field{Name: "host_id", Flags: schema.Index, NoneZero: true}, "host")
	InitiatorKey     = schema.Float(schema.Field{Name: "port_key"})
	InitiatorTargets = schema.Compute(schema.Tree[[]any](schema.Field{Name: "targets"}))

	// Initiator is a port of a host. Its identity on the wire is its address.
	Initiator = schema.NewType("initiator", InitiatorAddress, InitiatorType, InitiatorHost, InitiatorKey, InitiatorTargets)
)

func initiatorKind() *Kind {
	k := &Kind{
		Least: RoleAdmin,
		Type:  Initiator, Path: "initiators", NotFound: apierr.InitiatorNotFound, Single: true,
		NextID:   func(b *Box) int64 { return b.Tx.Next(b.Key, "initiator") },
		Computed: map[*schema.Field]Compute{InitiatorTargets.Field(): targetsOf},
	}
	k.Routes = []Route{
		{Method: http.MethodGet, Path: "initiators", Reads: true, Filters: Initiator, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.List(k, in)
		}},
		{Method: http.MethodGet, Path: "initiators/{address}", Reads: true, Params: []string{"fields"}, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.initiator(in.Vars["address"])
		}},
		{Method: http.MethodDelete, Path: "initiators/{address}", Do: deleteInitiator},
	}
	return k
}

// portForms are what an address of each type looks like, without the marks
// that a WWN may be written with.
func portForms() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"FC":    regexp.MustCompile(`^[0-9a-f]{16}$`),
		"ISCSI": regexp.MustCompile(`^(iqn\.\d{4}-\d{2}\..+|eui\.[0-9a-f]{16}|naa\.([0-9a-f]{16}|[0-9a-f]{32}))$`),
		"NVME":  regexp.MustCompile(`^nqn\.\d{4}-\d{2}\..+$`),
	}
}

// address puts an address into the one form that the array keeps.
func address(kind, text string) string {
	text = strings.ToLower(text)
	if kind == "FC" {
		text = strings.NewReplacer(":", "", "-", "").Replace(strings.TrimPrefix(text, "0x"))
	}
	return text
}

// anyAddress is an address of a type that is not known: a WWN in any spelling,
// or a name.
func anyAddress(text string) string {
	if plain := address("FC", text); portForms()["FC"].MatchString(plain) {
		return plain
	}
	return strings.ToLower(text)
}

func (b *Box) initiator(text string) (*schema.Object, error) {
	ids := b.Tx.IDsBy(b.Key, Initiator, InitiatorAddress.Field(), schema.TextValue(anyAddress(text)))
	if len(ids) == 0 {
		return nil, apierr.New(apierr.InitiatorNotFound, "Initiator not found")
	}
	return b.Must(Initiator, ids[0])
}

// deleteInitiator forgets an address, and so takes it from its host (InfiniSDK
// 289.1.4, initiator.py, deletes initiators as it does all objects).
//
// unsourced: that the address of a host can be deleted this way.
func deleteInitiator(b *Box, _ *schema.Object, in *Input) (any, error) {
	o, err := b.initiator(in.Vars["address"])
	if err != nil {
		return nil, err
	}
	was, err := b.Render(o)
	if err != nil {
		return nil, err
	}
	host, err := b.Must(Host, InitiatorHost.Get(o))
	if err != nil {
		return nil, err
	}
	if err := b.Tx.Delete(b.Key, Initiator, o.ID()); err != nil {
		return nil, err
	}
	return was, b.Save(host)
}

func (b *Box) portIDs(host *schema.Object) []int64 {
	return b.Tx.IDsBy(b.Key, Initiator, InitiatorHost.Field(), schema.RefValue(host.ID()))
}

func (b *Box) portsOf(host *schema.Object) ([]HostPort, error) {
	out := []HostPort{}
	for _, id := range b.portIDs(host) {
		o, err := b.Must(Initiator, id)
		if err != nil {
			return nil, err
		}
		out = append(out, HostPort{HostID: host.ID(), Type: InitiatorType.Get(o), Address: InitiatorAddress.Get(o)})
	}
	return out, nil
}

// anyHostPort has no field that a query could name: ports are paged and
// nothing else.
func anyHostPort() *schema.Type { return schema.NewType("host_port") }

// listHostPorts answers as the member ports of a host (CSI driver, iboxapi,
// 2025).
func listHostPorts(b *Box, host *schema.Object, in *Input) (any, error) {
	all, err := b.portsOf(host)
	if err != nil {
		return nil, err
	}
	return pageOf(anyHostPort(), in, all)
}

// addHostPort gives a host a port, in any spelling of its type and address.
func addHostPort(b *Box, host *schema.Object, in *Input) (any, error) {
	var ask struct {
		Type    string `json:"type"`
		Address string `json:"address"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil {
		return nil, apierr.New(apierr.Malformed, "body: %v", err)
	}
	kind := strings.ToUpper(ask.Type)
	form := portForms()[kind]
	if form == nil {
		return nil, apierr.New(apierr.InvalidValue, "type: %q is none of FC, ISCSI, NVME", ask.Type).About("type")
	}
	plain := address(kind, ask.Address)
	if !form.MatchString(plain) {
		return nil, apierr.New(apierr.InvalidValue, "address: %q is no %s address", ask.Address, kind).About("address")
	}
	if o, err := b.initiator(plain); err == nil {
		return nil, apierr.New(apierr.PortBelongsToHost, "port %s already belongs to host %d", plain, InitiatorHost.Get(o)).About("address")
	}
	o := b.New(b.Eng.Catalog.Kind(Initiator.Name()))
	InitiatorAddress.Set(o, plain)
	InitiatorType.Set(o, kind)
	InitiatorHost.Set(o, host.ID())
	if err := b.Tx.Put(b.Key, o); err != nil {
		return nil, err
	}
	return HostPort{HostID: host.ID(), Type: kind, Address: plain}, b.Save(host)
}

func removeHostPort(b *Box, host *schema.Object, in *Input) (any, error) {
	kind := strings.ToUpper(in.Vars["type"])
	plain := address(kind, in.Vars["address"])
	for _, id := range b.portIDs(host) {
		o, err := b.Must(Initiator, id)
		if err != nil {
			return nil, err
		}
		if InitiatorType.Get(o) == kind && InitiatorAddress.Get(o) == plain {
			if err := b.Tx.Delete(b.Key, Initiator, id); err != nil {
				return nil, err
			}
			return HostPort{HostID: host.ID(), Type: kind, Address: plain}, b.Save(host)
		}
	}
	return nil, apierr.New(apierr.PortNotFound, "host %d has no port %s %s", host.ID(), in.Vars["type"], in.Vars["address"])
}

// hostByAddress answers without a session (InfiniSDK 289.1.4).
func hostByAddress(b *Box, _ *schema.Object, in *Input) (any, error) {
	o, err := b.initiator(in.Vars["address"])
	if err != nil {
		return nil, err
	}
	return InitiatorHost.Get(o), nil
}
