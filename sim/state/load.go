package state

import (
	"encoding/json"
	"fmt"

	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/store"
)

// Load puts what was read into a store that holds nothing. The caller undoes
// what was written if it returns an error.
func (l *Lab) Load(tx *store.Tx, into *store.Loader) error {
	for _, c := range l.sections {
		for _, o := range c.objects {
			into.Put(c.Array, o)
		}
		for i, key := range c.keys {
			var err error
			switch value := c.values[i]; c.section {
			case section{Space: "job"}:
				err = loadJob(tx, value)
			case section{Space: "fabric.flow"}:
				err = loadFlow(tx, value)
			default:
				into.Set(c.Array, c.Space, "", key, value)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func loadJob(tx *store.Tx, raw []byte) error {
	var j job.Job
	if err := json.Unmarshal(raw, &j); err != nil {
		return fmt.Errorf("import: job: %w", err)
	}
	job.Load(tx, j)
	return nil
}

func loadFlow(tx *store.Tx, raw []byte) error {
	var fl fabric.Flow
	if err := json.Unmarshal(raw, &fl); err != nil {
		return fmt.Errorf("import: flow: %w", err)
	}
	return fabric.Load(tx, fl)
}
