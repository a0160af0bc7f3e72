// Package replication copies datasets from one array to another: links,
// replicas, their states and what they refuse.
//
// A replica's condition is one word of a small table (table.go): which states
// there are, what moves a replica from one to another, and what happens then.
// The wire's fields are computed from that word (views.go) and never kept
// beside it. All that crosses to the peer is a message of the fabric
// (messages.go); no code here reads a peer's objects.
package replication

import (
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// engine is what the handlers of messages and jobs need.
type engine struct{ *model.Engine }

// Install adds the kinds, guards, jobs and messages of replication to a lab's
// engine.
func Install(e *model.Engine) {
	r := &engine{e}
	c := e.Catalog
	c.Add(linkKind(), replicaKind(), rgReplicaKind())
	c.AddRoutes(remoteRoutes()...)
	for _, t := range []*schema.Type{model.Volume, model.Filesystem, model.VVol} {
		c.Guard(t.Name(), guardDataset)
	}
	c.Guard(model.ConsGroup.Name(), guardGroup)
	c.Guard(model.ReplicationGroup.Name(), guardReplicationGroup)
	c.Guard(model.NetworkSpace.Name(), guardSpace)
	c.Guard(model.Pool.Name(), guardPool)
	c.OnContent(mirror)
	c.OnStream(moved)
	c.OnMembership(joinGroup, leaveGroup)
	c.OnBlocked(blocked)
	e.Fabric.OnChange(r.pathChanged)
	e.Fabric.OnRetimed(r.pathRetimed)
	r.handleLinks()
	r.handleReplicas()
	r.handleJobs()
	r.handleAborts()
}
