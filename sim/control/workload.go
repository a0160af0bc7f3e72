package control

import (
	"math"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/model"
)

// workloadView is what hosts do to a dataset as the control plane shows it.
type workloadView struct {
	Reads      int64   `json:"reads"`
	Writes     int64   `json:"writes"`
	BlockSize  int64   `json:"block_size"`
	Latency    string  `json:"latency"`
	Protocol   string  `json:"protocol"`
	Host       int64   `json:"host_id"`
	WorkingSet int64   `json:"working_set"`
	HotSet     int64   `json:"hot_set"`
	Overwrites float64 `json:"overwrites"`
	Seed       uint64  `json:"seed"`
}

// setWorkload has hosts work on a dataset from now on, in place of what they
// did before: 8 KiB an operation, a millisecond each, unless it says otherwise.
func setWorkload(_ *Server, r *request) (any, error) {
	ask := workloadView{BlockSize: 8 << 10, Latency: "1ms"}
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	latency, err := time.ParseDuration(ask.Latency)
	if err != nil {
		return nil, apierr.New(apierr.InvalidValue, "latency: %q is no duration like 500us", ask.Latency).About("latency")
	}
	err = r.lab.On(r.Context(), r.key(), func(b *model.Box) error {
		return b.SetWorkload(id, model.Workload{
			Reads: ask.Reads, Writes: ask.Writes, BlockSize: ask.BlockSize, Latency: latency, Protocol: ask.Protocol, Host: ask.Host,
			WorkingSet: ask.WorkingSet, HotSet: ask.HotSet, Overwrites: int64(math.Round(ask.Overwrites * data.Million)), Seed: ask.Seed,
		})
	})
	if err != nil {
		return nil, err
	}
	return readWorkload(nil, r)
}

func readWorkload(_ *Server, r *request) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	var w model.Workload
	err = r.lab.View(r.Context(), r.key(), func(b *model.Box) error {
		w, err = b.WorkloadOf(id)
		return err
	})
	return workloadView{
		Reads: w.Reads, Writes: w.Writes, BlockSize: w.BlockSize, Latency: w.Latency.String(), Protocol: w.Protocol, Host: w.Host,
		WorkingSet: w.WorkingSet, HotSet: w.HotSet, Overwrites: float64(w.Overwrites) / data.Million, Seed: w.Seed,
	}, err
}
