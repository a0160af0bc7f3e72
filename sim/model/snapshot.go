package model

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The moments of the routes that change a dataset's content.
const (
	OnRestore Moment = "restore"
	OnRefresh Moment = "refresh"
)

// snapshotRoutes are the requests about a dataset and its snapshots.
func snapshotRoutes(k *Kind) []Route {
	refresh := Post(k, string(OnRefresh), refreshSnapshot)
	refresh.Params = []string{"force_if_replicated_on_target"}
	return []Route{
		Post(k, string(OnRestore), restoreDataset),
		Post(k, "move", moveDataset),
		refresh,
		{
			Method: http.MethodPost, Path: k.Path + "/delete_simulation",
			Do: func(b *Box, _ *schema.Object, in *Input) (any, error) { return b.deleteSimulation(k, in) },
		},
		{
			Method: http.MethodPost, Path: k.Path + "/group_snapshot",
			Do: func(b *Box, _ *schema.Object, in *Input) (any, error) { return b.groupSnapshot(k, in) },
		},
	}
}

// sourceID reads the body of a restore: a bare number (InfiniSDK 289.1.4), or
// an object with source_id (groups, newer clients).
func sourceID(in *Input) (int64, error) {
	raw := bytes.TrimSpace(in.Raw)
	if id, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return id, nil
	}
	var body struct {
		SourceID *int64 `json:"source_id"`
	}
	if err := json.Unmarshal(raw, &body); err != nil || body.SourceID == nil {
		return 0, apierr.New(apierr.MissingField, "source_id: no snapshot id in %q", raw).About("source_id")
	}
	return *body.SourceID, nil
}

func (b *Box) loadSource(o *schema.Object, in *Input) (*schema.Object, error) {
	id, err := sourceID(in)
	if err != nil {
		return nil, err
	}
	source, err := b.Load(b.Kind(o), id)
	if err != nil {
		return nil, err
	}
	if DatasetFamily.Get(source) != DatasetFamily.Get(o) {
		return nil, apierr.New(apierr.DatasetNotInFamily, "source_id: %d is no relative of %s %d", id, words(o.Type()), o.ID()).About("source_id")
	}
	return source, nil
}

// restoreDataset makes a dataset what a snapshot below it holds.
func restoreDataset(b *Box, o *schema.Object, in *Input) (any, error) {
	source, err := b.loadSource(o, in)
	if err != nil {
		return nil, err
	}
	if !b.below(source, o.ID()) {
		return nil, apierr.New(apierr.DatasetNotInFamily, "source_id: %d is no snapshot of %s %d", source.ID(), words(o.Type()), o.ID()).About("source_id")
	}
	if err := b.replaceContent(o, source); err != nil {
		return nil, err
	}
	return o, b.EmitFor(o, "RESTORED")
}

// below reports whether o stands under the dataset with the id.
func (b *Box) below(o *schema.Object, id int64) bool {
	for !DatasetParent.IsNull(o) {
		if DatasetParent.Get(o) == id {
			return true
		}
		parent, err := b.Must(o.Type(), DatasetParent.Get(o))
		if err != nil {
			return false
		}
		o = parent
	}
	return false
}

// refreshSnapshot makes a snapshot what its parent holds now.
func refreshSnapshot(b *Box, o *schema.Object, in *Input) (any, error) {
	if DatasetKind.Get(o) != Snapshot {
		return nil, apierr.New(apierr.DatasetNotSnapshot, "%s %d is no snapshot", words(o.Type()), o.ID())
	}
	source, err := b.loadSource(o, in)
	if err != nil {
		return nil, err
	}
	return o, b.replaceContent(o, source)
}

func (b *Box) replaceContent(o, source *schema.Object) error {
	if b.lockedNow(o) {
		return apierr.New(apierr.DatasetIsLocked, "%s %d is locked until %d", words(o.Type()), o.ID(), DatasetLockExpires.Get(o))
	}
	if err := b.checkRetained(o); err != nil {
		return err
	}
	pool, err := b.Must(Pool, DatasetPool.Get(o))
	if err != nil {
		return err
	}
	if PoolState.Get(pool) == Locked {
		return apierr.New(apierr.PoolIsLocked, "pool %d is locked", pool.ID())
	}
	im, err := b.Content(source)
	if err != nil {
		return err
	}
	if err := b.copyTreeQs(source, o); err != nil {
		return err
	}
	return b.Copy(o, im)
}

// deleteSimulation tells what deleting the named datasets would give back.
func (b *Box) deleteSimulation(k *Kind, in *Input) (any, error) {
	var ids []int64
	if raw, ok := in.Body["entities"]; !ok || json.Unmarshal(raw, &ids) != nil || ids == nil {
		return nil, apierr.New(apierr.InvalidValue, "entities: %s is no list of ids", in.Body["entities"]).About("entities")
	}
	var n int64
	for _, id := range ids {
		o, err := b.Load(k, id)
		if err != nil {
			return nil, err
		}
		own, err := b.allocated(o)
		if err != nil {
			return nil, err
		}
		if DatasetKind.Get(o) == Master {
			if own, err = b.treeOf(o); err != nil {
				return nil, err
			}
		}
		n += own
	}
	return map[string]int64{"space_reclaimable": n}, nil
}

// groupSnapshot makes a snapshot of each named dataset at one instant.
func (b *Box) groupSnapshot(k *Kind, in *Input) (any, error) {
	var ask struct {
		Prefix   string `json:"snap_prefix"`
		Suffix   string `json:"snap_suffix"`
		Entities []struct {
			ID int64 `json:"id"`
		} `json:"entities"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil || len(ask.Entities) == 0 {
		return nil, apierr.New(apierr.InvalidValue, "entities: %s is no list of objects with an id", in.Body["entities"]).About("entities")
	}
	var out []json.RawMessage
	for _, e := range ask.Entities {
		parent, err := b.Load(k, e.ID)
		if err != nil {
			return nil, err
		}
		body := NewBody(map[string]any{"name": ask.Prefix + DatasetName.Get(parent) + ask.Suffix, "parent_id": e.ID})
		snap, err := b.Create(k, &Input{Request: in.Request, Body: body})
		if err != nil {
			return nil, err
		}
		raw, err := b.Render(snap)
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}
