package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// PoolView is a pool as whoever watches a lab sees it: the array's own fields,
// whatever its release shows of them, and how full the pool is.
type PoolView struct {
	Array             string  `json:"array"`
	ID                int64   `json:"id"`
	Name              string  `json:"name"`
	Type              string  `json:"type"`
	State             string  `json:"state"`
	PhysicalCapacity  int64   `json:"physical_capacity"`
	VirtualCapacity   int64   `json:"virtual_capacity"`
	AllocatedPhysical int64   `json:"allocated_physical_space"`
	FreePhysical      int64   `json:"free_physical_space"`
	FreeVirtual       int64   `json:"free_virtual_space"`
	Warning           *int64  `json:"physical_capacity_warning"`
	Critical          *int64  `json:"physical_capacity_critical"`
	Savings           int64   `json:"capacity_savings"`
	Volumes           int64   `json:"volumes_count"`
	Filesystems       int64   `json:"filesystems_count"`
	Snapshots         int64   `json:"snapshots_count"`
	FSSnapshots       int64   `json:"filesystem_snapshots_count"`
	Fill              float64 `json:"fill"`
}

func poolFields() []*schema.Field {
	out := []*schema.Field{model.Pool.Field("id")}
	for _, a := range []schema.Holder{
		model.PoolName, model.PoolKind, model.PoolState, model.PoolPhysical, model.PoolVirtual, model.PoolAllocated, model.PoolFree,
		model.PoolFreeVirt, model.PoolWarning, model.PoolCritical, model.PoolSavings, model.PoolVolumes, model.PoolFilesystems,
		model.PoolSnapshots, model.PoolFSSnapshots,
	} {
		out = append(out, a.Field())
	}
	return out
}

// Pools shows the pools of an array, or those of all if key is empty. It
// returns OBJECT_NOT_FOUND for an array that is not there.
func (l *Lab) Pools(ctx context.Context, key string) ([]PoolView, error) {
	fields := poolFields()
	return viewsOf(ctx, l, key, func(b *model.Box, o *schema.Object) (v PoolView, err error) {
		raw, err := b.RenderFields(b.Kind(o), o, fields)
		if err == nil {
			err = json.Unmarshal(raw, &v)
		}
		if err != nil {
			return v, fmt.Errorf("pool %d of %s: %w", o.ID(), b.Key, err)
		}
		v.Array = b.Key
		if v.PhysicalCapacity > 0 {
			v.Fill = float64(v.AllocatedPhysical) / float64(v.PhysicalCapacity)
		}
		return v, nil
	}, model.Pool)
}

// LinkView is an array's half of a link, and how the path behind it behaves
// now, faults included.
type LinkView struct {
	Array string `json:"array"`
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
	Mode  string `json:"mode"`
	// RemoteArray is the key of the array on the other side.
	RemoteArray  string `json:"remote_array"`
	RemoteName   string `json:"remote_name"`
	RemoteSerial int64  `json:"remote_serial"`
	RemoteID     int64  `json:"remote_id"`
	// Attached says that the half has a replication space, so that it can be up.
	Attached  bool `json:"attached"`
	AsyncOnly bool `json:"async_only"`
	// Witness is its address, empty for none.
	Witness      string `json:"witness"`
	WitnessState string `json:"witness_state"`
	// Cut is the path down in both directions; CutFrom is the array whose
	// messages do not arrive, empty for none.
	Cut     bool   `json:"cut"`
	CutFrom string `json:"cut_from"`
	// Degraded says that some addresses of the link are down.
	Degraded      bool    `json:"degraded"`
	AddressesDown int     `json:"addresses_down"`
	Bandwidth     int64   `json:"bandwidth"`
	LatencyMS     float64 `json:"latency_ms"`
	JitterMS      float64 `json:"jitter_ms"`
	Loss          float64 `json:"loss"`
}

// LinkViews shows the halves of links that an array has, or those of all if
// key is empty. It returns OBJECT_NOT_FOUND for an array that is not there.
func (l *Lab) LinkViews(ctx context.Context, key string) ([]LinkView, error) {
	return viewsOf(ctx, l, key, func(b *model.Box, o *schema.Object) (LinkView, error) {
		peer, state := replication.Peer(o), replication.LinkStateOf(b, o)
		m := fabric.ModelOf(b.Tx, fabric.Ends{From: b.Key, To: peer})
		return LinkView{
			Array: b.Key, ID: o.ID(), Name: replication.LinkName.Get(o), State: state, Mode: replication.LinkMode.Get(o),
			RemoteArray: peer, RemoteName: replication.LinkRemoteName.Get(o), RemoteSerial: replication.LinkRemoteSerial.Get(o),
			RemoteID: replication.LinkRemoteID.Get(o), Attached: !replication.LinkSpace.IsNull(o), AsyncOnly: replication.LinkAsyncOnly.Get(o),
			Witness: replication.LinkWitness.Get(o), WitnessState: replication.WitnessStateOf(b, o), Cut: m.Cut, CutFrom: m.CutFrom,
			Degraded: state == "DEGRADED", AddressesDown: m.Lost, Bandwidth: m.Bandwidth, LatencyMS: inMS(m.Latency), JitterMS: inMS(m.Jitter),
			Loss: float64(m.Loss) / fabric.Million,
		}, nil
	}, replication.Link)
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// viewsOf reads the objects of some types of one array, or of all in their order,
// in one transaction.
func viewsOf[V any](
	ctx context.Context, l *Lab, key string, view func(b *model.Box, o *schema.Object) (V, error), types ...*schema.Type,
) ([]V, error) {
	if key != "" {
		if _, err := l.Array(key); err != nil {
			return nil, err
		}
	}
	out := []V{}
	err := l.runner.View(ctx, max(l.Clock.Now(), l.db.Now()), func(tx *store.Tx) error {
		out = out[:0] // it may run again
		for _, a := range l.Arrays() {
			if key != "" && a.Key != key {
				continue
			}
			b := l.engine.Box(tx, a.Key, system())
			for _, t := range types {
				err := tx.Each(a.Key, t, func(o *schema.Object) (bool, error) {
					v, err := view(b, o)
					out = append(out, v)
					return true, err
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	return out, err
}
