package model

import (
	"net/http"

	"infinisim/sim/schema"
)

// anySANClient has the fields of hosts and of clusters: what the query language
// of /san_clients speaks.
func anySANClient() *schema.Type {
	return schema.NewType("san_client", HostName, CreatedAt, UpdatedAt, HostLUNs, HostPorts, ClusterHosts, HostCluster, HostType,
		HostClient, HostTuned, HostNQN, HostSecurity, HostInUser, HostOutUser, HostHasIn, HostHasOut, hostLUNCount, hostPortCount,
		clusterHostCount, hostPortType, hostLostPorts, hostPaths, hostLeastPaths, hostPathsSet, hostPathHealth, hostResiliency, TenantID)
}

// addSANClients lists hosts and clusters together, from release 3.0 on
// (InfiniSDK 289.1.4).
func addSANClients(c *Catalog) {
	shown := anySANClient()
	c.AddRoutes(Route{
		Method: http.MethodGet, Path: "san_clients", Reads: true, Filters: shown, Needs: schema.Gate{From: "3.0"},
		Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.listAcross(shown, []*schema.Type{Host, Cluster}, in, func(*schema.Object) bool { return true })
		},
	})
}
