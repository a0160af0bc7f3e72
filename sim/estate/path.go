package estate

import (
	"context"
	"math"
	"time"

	"infinisim/sim/data"
	"infinisim/sim/document"
	"infinisim/sim/fabric"
	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// Workload is what hosts do to a dataset, as it is written.
type Workload struct {
	Reads      int64          `yaml:"reads"`
	Writes     int64          `yaml:"writes"`
	BlockSize  document.Size  `yaml:"block_size"`
	Latency    *time.Duration `yaml:"latency"`
	Protocol   string         `yaml:"protocol"`
	WorkingSet document.Size  `yaml:"working_set"`
	HotSet     document.Size  `yaml:"hot_set"`
	Overwrites float64        `yaml:"overwrites"`
	Seed       uint64         `yaml:"seed"`
}

// usualBlock and usualLatency are those of operations of which nothing is
// said, as in the control plane.
const (
	usualBlock   = 8 << 10
	usualLatency = time.Millisecond
)

// Model is the workload that is meant.
func (w Workload) Model() model.Workload {
	m := model.Workload{
		Reads: w.Reads, Writes: w.Writes, BlockSize: int64(w.BlockSize), Latency: usualLatency, Protocol: w.Protocol, WorkingSet: int64(w.WorkingSet),
		HotSet: int64(w.HotSet), Overwrites: int64(math.Round(w.Overwrites * data.Million)), Seed: w.Seed,
	}
	if m.BlockSize == 0 {
		m.BlockSize = usualBlock
	}
	if w.Latency != nil {
		m.Latency = *w.Latency
	}
	return m
}

// Path is how the path of a link behaves, as it is written: what is left out
// stays.
type Path struct {
	Bandwidth *document.Size `yaml:"bandwidth"`
	Latency   *time.Duration `yaml:"latency"`
	Jitter    *time.Duration `yaml:"jitter"`
	Loss      *float64       `yaml:"loss"`
	Slots     *int           `yaml:"slots"`
	Cut       *bool          `yaml:"cut"`
	Lost      *int           `yaml:"addresses_down"`
}

// PathKeys are the members of a Path.
func PathKeys() []string {
	return []string{"bandwidth", "latency", "jitter", "loss", "slots", "cut", "addresses_down"}
}

// ReadPath reads a Path from those members of a node that are its own, and
// refuses values that no path has.
func ReadPath(n document.Node) (p Path, err error) {
	for key, to := range map[string]any{
		"bandwidth": &p.Bandwidth, "latency": &p.Latency, "jitter": &p.Jitter, "loss": &p.Loss, "slots": &p.Slots, "cut": &p.Cut,
		"addresses_down": &p.Lost,
	} {
		if v := n.Get(key); v.There() {
			if err := v.Into(to); err != nil {
				return p, err
			}
		}
	}
	switch {
	case p.Bandwidth != nil && *p.Bandwidth <= 0:
		return p, n.Get("bandwidth").Errorf("a bandwidth is above 0; to stop a link, cut it")
	case p.Latency != nil && *p.Latency < 0:
		return p, n.Get("latency").Errorf("a latency is not negative")
	case p.Jitter != nil && *p.Jitter < 0:
		return p, n.Get("jitter").Errorf("a jitter is not negative")
	case p.Loss != nil && (*p.Loss < 0 || *p.Loss >= 1):
		return p, n.Get("loss").Errorf("a loss is from 0 to below 1")
	case p.Lost != nil && *p.Lost < 0:
		return p, n.Get("addresses_down").Errorf("a number of addresses is not negative")
	}
	return p, nil
}

// Apply changes a path as the Path says.
func (p Path) Apply(m *fabric.Model) {
	if p.Bandwidth != nil {
		m.Bandwidth = int64(*p.Bandwidth)
	}
	set(p.Latency, &m.Latency)
	set(p.Jitter, &m.Jitter)
	set(p.Slots, &m.Slots)
	set(p.Cut, &m.Cut)
	set(p.Lost, &m.Lost)
	if p.Loss != nil {
		m.Loss = int64(math.Round(*p.Loss * fabric.Million))
	}
}

func set[T any](from, to *T) {
	if from != nil {
		*to = *from
	}
}

// stepPlan is one change of a schedule.
type stepPlan struct {
	node  document.Node
	after time.Duration
	path  Path
}

// readSchedule reads the changes of a path by the clock.
func readSchedule(n document.Node) (every time.Duration, steps []stepPlan, err error) {
	if err := n.Only("every", "steps"); err != nil {
		return 0, nil, err
	}
	if v := n.Get("every"); v.There() {
		if every, err = v.Duration(); err != nil {
			return 0, nil, err
		}
	}
	if list := n.Get("steps"); !list.IsList() || len(list.Items()) == 0 {
		return 0, nil, n.Near("steps").Errorf("steps: a list of changes, each with after, is needed")
	}
	for _, item := range n.Get("steps").Items() {
		if err := item.Only(append([]string{"after"}, PathKeys()...)...); err != nil {
			return 0, nil, err
		}
		s := stepPlan{node: item}
		if s.after, err = item.Get("after").Duration(); err != nil {
			return 0, nil, item.Near("after").Errorf("after: %s", "a duration like 30s is needed")
		}
		if s.path, err = ReadPath(item); err != nil {
			return 0, nil, err
		}
		if len(steps) > 0 && s.after <= steps[len(steps)-1].after {
			return 0, nil, item.Get("after").Errorf("%v is not later than the step before", s.after)
		}
		steps = append(steps, s)
	}
	if every != 0 && every <= steps[len(steps)-1].after-steps[0].after {
		return 0, nil, n.Get("every").Errorf("%v is over before the last step", every)
	}
	return every, steps, nil
}

// behave has the path of a link behave as its plan says.
func (l linkPlan) behave(ctx context.Context, to *lab.Lab, ends fabric.Ends) error {
	var m fabric.Model
	err := to.SetPath(ctx, ends, func(path *fabric.Model) {
		l.path.Apply(path)
		m = *path
	})
	if err != nil || len(l.steps) == 0 {
		return err
	}
	plan := fabric.Schedule{Every: l.every}
	for _, s := range l.steps {
		s.path.Apply(&m)
		plan.Steps = append(plan.Steps, fabric.Step{After: s.after, Model: m})
	}
	return to.SetSchedule(ctx, ends, plan)
}
