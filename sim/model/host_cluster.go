package model

import (
	"encoding/json"
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a cluster of hosts.
var (
	ClusterName  = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	ClusterLUNs  = schema.Compute(schema.Tree[[]any](schema.Field{Name: "luns"}))
	ClusterHosts = schema.Compute(schema.Tree[[]any](schema.Field{Name: "hosts"}))
	ClusterType  = schema.String(schema.Field{Name: "host_type", Flags: schema.Create, Default: "DEFAULT", Gate: gateOpenVMS})
	ClusterKind  = schema.Enum(schema.Field{Name: "san_client_type", Enum: []string{"HOST", "CLUSTER"}, Default: "CLUSTER"})

	clusterPortType  = schema.String(schema.Field{Name: "port_type", Gate: resilient()})
	clusterHostCount = schema.Compute(schema.Int(schema.Field{Name: "hosts_count", Gate: resilient()}))

	// Cluster is a set of hosts that volumes are mapped to alike.
	Cluster = schema.NewType("host_cluster", ClusterName, CreatedAt, UpdatedAt, ClusterLUNs, ClusterHosts, ClusterType, ClusterKind,
		hostLUNCount, clusterPortType, clusterHostCount, hostLostPorts, hostPathHealth, hostResiliency, TenantID)
)

func clusterKind() *Kind {
	k := &Kind{
		Least: RoleAdmin,
		Type:  Cluster, Path: "clusters", NotFound: apierr.ClusterNotFound, Conflict: apierr.ClusterNameConflict,
		Forms: []Form{{Name: "a cluster", Required: []string{"name"}}},
		Hooks: Hooks{
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeDelete: beforeClusterDelete,
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: pathFields(map[*schema.Field]Compute{
			ClusterLUNs.Field():  func(b *Box, o *schema.Object) (any, error) { return b.clusterRecords(o.ID()) },
			ClusterHosts.Field(): func(b *Box, o *schema.Object) (any, error) { return b.clusterHosts(o) },
			hostLUNCount.Field(): func(b *Box, o *schema.Object) (any, error) {
				all, err := b.clusterRecords(o.ID())
				return len(all), err
			},
			clusterHostCount.Field(): func(b *Box, o *schema.Object) (any, error) { return len(b.hostIDs(o.ID())), nil },
		}),
		Sample: func(w World) Body { return NewBody(map[string]any{"name": w.Name()}) },
		Change: func(o *schema.Object) Body { return NewBody(map[string]any{"name": ClusterName.Get(o) + "-2"}) },
	}
	k.Routes = append([]Route{
		Post(k, "hosts", addHost),
		{Method: http.MethodDelete, Path: "clusters/{id}/hosts/{host}", Do: removeHost},
	}, lunRoutes(k, LUNCluster)...)
	return k
}

func (b *Box) hostIDs(cluster int64) []int64 {
	return b.Tx.IDsBy(b.Key, Host, HostCluster.Field(), schema.RefValue(cluster))
}

func (b *Box) clusterHosts(o *schema.Object) (any, error) {
	var hosts []*schema.Object
	for _, id := range b.hostIDs(o.ID()) {
		h, err := b.Must(Host, id)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	return b.renderAll(hosts)
}

// beforeClusterDelete lets the hosts of a cluster go; mapped volumes keep it.
func beforeClusterDelete(b *Box, o *schema.Object, _ *Input) error {
	if n := len(b.lunIDs(LUNCluster, o.ID())); n > 0 {
		return apierr.New(apierr.ClusterNotEmpty, "cluster %d has mapped volumes", o.ID())
	}
	for _, id := range b.hostIDs(o.ID()) {
		h, err := b.Must(Host, id)
		if err != nil {
			return err
		}
		HostCluster.SetNull(h)
		if err := b.Save(h); err != nil {
			return err
		}
	}
	return nil
}

// addHost takes a host into a cluster: it gets what is mapped to the cluster,
// under the same numbers.
func addHost(b *Box, o *schema.Object, in *Input) (any, error) {
	var ask struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil || ask.ID == 0 {
		return nil, apierr.New(apierr.MissingField, "id: %.80s names no host", in.Raw).About("id")
	}
	h, err := b.Load(b.Eng.Catalog.Kind(Host.Name()), ask.ID)
	if err != nil {
		return nil, err
	}
	if !HostCluster.IsNull(h) {
		return nil, apierr.New(apierr.HostInCluster, "id: host %d belongs to cluster %d", h.ID(), HostCluster.Get(h)).About("id")
	}
	all, err := b.clusterLUNs(o.ID())
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if err := b.freeLUN(LUNHost, h.ID(), LUNVolume.Get(l), LUNNumber.Get(l)); err != nil {
			return nil, err
		}
	}
	HostCluster.Set(h, o.ID())
	if err := b.Save(h); err != nil {
		return nil, err
	}
	for _, l := range all {
		if _, err := b.putLUN(LUNVolume.Get(l), LUNNumber.Get(l), h.ID(), o.ID()); err != nil {
			return nil, err
		}
	}
	return o, b.Save(o)
}

// removeHost takes a host out of a cluster; it loses what it had from it.
//
// unsourced: that a host that leaves a cluster loses the cluster's mappings.
func removeHost(b *Box, o *schema.Object, in *Input) (any, error) {
	id, err := strconv.ParseInt(in.Vars["host"], 10, 64)
	if err != nil {
		return nil, apierr.New(apierr.HostNotFound, "%q is no id", in.Vars["host"])
	}
	h, err := b.Load(b.Eng.Catalog.Kind(Host.Name()), id)
	if err != nil {
		return nil, err
	}
	if HostCluster.IsNull(h) || HostCluster.Get(h) != o.ID() {
		return nil, apierr.New(apierr.HostNotFound, "host %d is not in cluster %d", id, o.ID())
	}
	for _, lun := range b.lunIDs(LUNHost, id) {
		l, err := b.Must(LUN, lun)
		if err != nil {
			return nil, err
		}
		if LUNClustered.Get(l) {
			if err := b.Remove(l); err != nil {
				return nil, err
			}
		}
	}
	HostCluster.SetNull(h)
	if err := b.Save(h); err != nil {
		return nil, err
	}
	return o, b.Save(o)
}
