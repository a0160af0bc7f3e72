package model

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// SSA Express keeps whole datasets in flash. Datasets that ask for it wait in a
// queue and are loaded one at a time (InfiniSDK tests, 8.6 era: of ten volumes
// of 10^9 bytes nine are in the queue after a second, and all ten are active
// after a hundred).
//
// unsourced: the words of ssa_express_status, how fast a dataset is loaded, how
// much flash there is, and that a dataset which does not fit waits.
const (
	expressOff     = "N/A"
	expressQueued  = "PENDING"
	expressLoading = "LOADING"
	expressActive  = "ACTIVE"

	expressRate  = 100_000_000 // bytes a second
	expressTotal = 20_000_000_000_000

	jobExpress = "ssa_express.load"
)

// The datasets in the queue, the first one loading, and those that are active,
// each by its turn.
const (
	spaceExpressQueue  = "ssa_express.queue"
	spaceExpressActive = "ssa_express.active"
)

func addExpress(c *Catalog) {
	c.OnDue(jobExpress, expressLoaded)
	for _, space := range []string{spaceExpressQueue, spaceExpressActive} {
		shown := anyDataset()
		c.AddRoutes(Route{
			Method: http.MethodGet, Path: "system/" + strings.Replace(space, ".", "/", 1), Reads: true, Filters: shown, Needs: gateSSAExpress,
			Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
				return b.listFrom(shown, in, func(take func(*schema.Object) error) error {
					return b.express(space, func(o *schema.Object) error {
						if DatasetExpressStatus.Get(o) == expressLoading {
							return nil
						}
						return take(o)
					})
				})
			},
		})
	}
}

// express visits the datasets of one of the spaces in their order.
func (b *Box) express(space string, visit func(o *schema.Object) error) (err error) {
	var rows []expressRow
	b.Tx.KV(b.Key, space).Scan(nil, func(_, raw []byte) bool {
		var row expressRow
		err = json.Unmarshal(raw, &row)
		rows = append(rows, row)
		return err == nil
	})
	for _, row := range rows {
		if err != nil {
			break
		}
		var o *schema.Object
		if o, err = b.Must(b.Eng.Catalog.Kind(row.Kind).Type, row.ID); err == nil {
			err = visit(o)
		}
	}
	return err
}

type expressRow struct {
	Kind string `json:"kind"`
	ID   int64  `json:"id"`
}

func (b *Box) putExpress(space string, o *schema.Object) error {
	raw, err := json.Marshal(expressRow{o.Type().Name(), o.ID()})
	if err != nil {
		return fmt.Errorf("%s: %w", space, err)
	}
	b.Tx.KV(b.Key, space).Put(imageKey(datasetExpressTurn.Get(o)), raw)
	return nil
}

// switchExpress follows a change of ssa_express_enabled; the caller has saved
// the object.
func (b *Box) switchExpress(old, o *schema.Object) error {
	switch {
	case DatasetExpress.Get(old) == DatasetExpress.Get(o):
		return nil
	case !DatasetExpress.Get(o):
		DatasetExpressStatus.Set(o, expressOff)
		if err := b.Tx.Put(b.Key, o); err != nil {
			return err
		}
		return b.dropExpress(o)
	}
	datasetExpressTurn.Set(o, b.Tx.Next(b.Key, "ssa_express"))
	DatasetExpressStatus.Set(o, expressQueued)
	if err := b.Tx.Put(b.Key, o); err != nil {
		return err
	}
	if err := b.putExpress(spaceExpressQueue, o); err != nil {
		return err
	}
	return b.loadExpress()
}

// dropExpress takes a dataset out of the queue or out of the flash.
func (b *Box) dropExpress(o *schema.Object) error {
	if datasetExpressTurn.IsNull(o) {
		return nil
	}
	job.Cancel(b.Tx, b.Owner(o), jobExpress)
	for _, space := range []string{spaceExpressQueue, spaceExpressActive} {
		b.Tx.KV(b.Key, space).Delete(imageKey(datasetExpressTurn.Get(o)))
	}
	return b.loadExpress()
}

// loadExpress begins to load the first of the queue, if none is being loaded
// and it fits.
func (b *Box) loadExpress() error {
	var first *schema.Object
	err := b.express(spaceExpressQueue, func(o *schema.Object) error {
		if first == nil {
			first = o
		}
		return nil
	})
	if err != nil || first == nil || DatasetExpressStatus.Get(first) == expressLoading {
		return err
	}
	used, err := b.expressUsed()
	if err != nil || used+DatasetSize.Get(first) > expressTotal {
		return err
	}
	DatasetExpressStatus.Set(first, expressLoading)
	b.After(time.Duration(DatasetSize.Get(first))*time.Second/expressRate, job.Settle, jobExpress, first)
	return b.Tx.Put(b.Key, first)
}

func expressLoaded(b *Box, o *schema.Object, _ job.Job) error {
	DatasetExpressStatus.Set(o, expressActive)
	if err := b.Tx.Put(b.Key, o); err != nil {
		return err
	}
	b.Tx.KV(b.Key, spaceExpressQueue).Delete(imageKey(datasetExpressTurn.Get(o)))
	if err := b.putExpress(spaceExpressActive, o); err != nil {
		return err
	}
	return b.loadExpress()
}

func (b *Box) expressUsed() (used int64, err error) {
	err = b.express(spaceExpressActive, func(o *schema.Object) error {
		used += DatasetSize.Get(o)
		return nil
	})
	return used, err
}

// expressInfo is the array's own ssa_express_info.
func expressInfo(b *Box, _ *schema.Object) (any, error) {
	if !gateSSAExpress.Open(b.Release()) {
		return map[string]any{
			"free_ssa_express_capacity": 0, "ssa_express_status": "NOT_AVAILABLE", "total_ssa_express_capacity": 0, "used_ssa_express_capacity": 0,
		}, nil
	}
	used, err := b.expressUsed()
	return map[string]any{
		"free_ssa_express_capacity": expressTotal - used, "ssa_express_status": expressActive,
		"total_ssa_express_capacity": int64(expressTotal), "used_ssa_express_capacity": used,
	}, err
}
