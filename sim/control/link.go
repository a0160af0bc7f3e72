package control

import (
	"math"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
)

// pathView is how the path of a link behaves. A negative number of slots
// leaves the array's own limit alone.
type pathView struct {
	Bandwidth int64   `json:"bandwidth"`
	Latency   string  `json:"latency"`
	Jitter    string  `json:"jitter"`
	Loss      float64 `json:"loss"`
	Slots     int     `json:"slots"`
	Cut       bool    `json:"cut"`
	CutFrom   string  `json:"cut_from"`
	Lost      int     `json:"addresses_down"`
}

func viewOf(m fabric.Model) pathView {
	return pathView{
		Bandwidth: m.Bandwidth, Latency: m.Latency.String(), Jitter: m.Jitter.String(), Loss: float64(m.Loss) / fabric.Million,
		Slots: m.Slots, Cut: m.Cut, CutFrom: m.CutFrom, Lost: m.Lost,
	}
}

// pathAsk is what a tester changes of a path; what is left out stays.
type pathAsk struct {
	Bandwidth *int64   `json:"bandwidth"`
	Latency   *string  `json:"latency"`
	Jitter    *string  `json:"jitter"`
	Loss      *float64 `json:"loss"`
	Slots     *int     `json:"slots"`
	Cut       *bool    `json:"cut"`
	CutFrom   *string  `json:"cut_from"`
	Lost      *int     `json:"addresses_down"`
}

func duration(name, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, apierr.New(apierr.InvalidValue, "%s: %q is no duration like 5ms", name, text).About(name)
	}
	return d, nil
}

// apply changes a model as asked.
func (a pathAsk) apply(m *fabric.Model, e fabric.Ends) (err error) {
	for name, d := range map[string]struct {
		text *string
		to   *time.Duration
	}{"latency": {a.Latency, &m.Latency}, "jitter": {a.Jitter, &m.Jitter}} {
		if d.text != nil {
			if *d.to, err = duration(name, *d.text); err != nil {
				return err
			}
		}
	}
	switch {
	case a.Bandwidth != nil && *a.Bandwidth <= 0:
		return apierr.New(apierr.InvalidValue, "bandwidth: %d is not above 0; to stop a link, cut it", *a.Bandwidth).About("bandwidth")
	case a.Loss != nil && (*a.Loss < 0 || *a.Loss >= 1):
		return apierr.New(apierr.InvalidValue, "loss: %v is not from 0 to below 1", *a.Loss).About("loss")
	case a.CutFrom != nil && *a.CutFrom != "" && *a.CutFrom != e.From && *a.CutFrom != e.To:
		return apierr.New(apierr.InvalidValue, "cut_from: %q is neither %s nor %s", *a.CutFrom, e.From, e.To).About("cut_from")
	case a.Lost != nil && *a.Lost < 0:
		return apierr.New(apierr.InvalidValue, "addresses_down: %d is below 0", *a.Lost).About("addresses_down")
	}
	set(a.Bandwidth, &m.Bandwidth)
	set(a.Slots, &m.Slots)
	set(a.Cut, &m.Cut)
	set(a.CutFrom, &m.CutFrom)
	set(a.Lost, &m.Lost)
	if a.Loss != nil {
		m.Loss = int64(math.Round(*a.Loss * fabric.Million))
	}
	return nil
}

func set[T any](from, to *T) {
	if from != nil {
		*to = *from
	}
}

func ends(r *request) (fabric.Ends, error) {
	id, err := r.id()
	if err != nil {
		return fabric.Ends{}, err
	}
	return r.lab.LinkEnds(r.Context(), r.key(), id)
}

func readModel(_ *Server, r *request) (any, error) {
	e, err := ends(r)
	if err != nil {
		return nil, err
	}
	m, err := r.lab.PathOf(r.Context(), e)
	return viewOf(m), err
}

func setModel(s *Server, r *request) (any, error) {
	var ask pathAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	return changePath(s, r, ask)
}

// cut takes the path behind a link down: in both directions, or, with from, for
// the messages of one array alone.
func cut(s *Server, r *request) (any, error) {
	var ask cutAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	whole := ask.From == ""
	return changePath(s, r, pathAsk{Cut: &whole, CutFrom: &ask.From})
}

func restore(s *Server, r *request) (any, error) {
	return changePath(s, r, pathAsk{Cut: new(bool), CutFrom: new(string)})
}

func changePath(s *Server, r *request, ask pathAsk) (any, error) {
	e, err := ends(r)
	if err != nil {
		return nil, err
	}
	m, err := r.lab.PathOf(r.Context(), e)
	if err != nil {
		return nil, err
	}
	if err := ask.apply(&m, e); err != nil {
		return nil, err
	}
	if err := r.lab.SetPath(r.Context(), e, func(to *fabric.Model) { *to = m }); err != nil {
		return nil, err
	}
	return readModel(s, r)
}

// cutAsk is the array whose messages do not arrive, empty for both.
type cutAsk struct {
	From string `json:"from"`
}

// witnessView is the array's way to the witness.
type witnessView struct {
	Cut bool `json:"cut"`
}

// scheduleAsk is how a path is to change by the lab's clock.
type scheduleAsk struct {
	Every string    `json:"every"`
	Steps []stepAsk `json:"steps"`
}

// stepAsk is one change, so long after the beginning.
type stepAsk struct {
	After string `json:"after"`
	pathAsk
}

// scheduleView is how a path changes by the lab's clock.
type scheduleView struct {
	Steps []stepView `json:"steps"`
	Every string     `json:"every"`
	Done  int        `json:"done"`
}

// stepView is one change: what the path is like from then on.
type stepView struct {
	After string `json:"after"`
	pathView
}

func readSchedule(_ *Server, r *request) (any, error) {
	e, err := ends(r)
	if err != nil {
		return nil, err
	}
	plan, done, err := r.lab.ScheduleOf(r.Context(), e)
	out := scheduleView{Steps: []stepView{}, Every: plan.Every.String(), Done: done}
	for _, s := range plan.Steps {
		out.Steps = append(out.Steps, stepView{s.After.String(), viewOf(s.Model)})
	}
	return out, err
}

// setSchedule has a path change by the lab's clock from now on. Each step
// changes what the one before left.
func setSchedule(s *Server, r *request) (any, error) {
	var ask scheduleAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	e, err := ends(r)
	if err != nil {
		return nil, err
	}
	var plan fabric.Schedule
	if ask.Every != "" {
		if plan.Every, err = duration("every", ask.Every); err != nil {
			return nil, err
		}
	}
	m, err := r.lab.PathOf(r.Context(), e)
	if err != nil {
		return nil, err
	}
	for _, step := range ask.Steps {
		after, err := duration("after", step.After)
		if err != nil {
			return nil, err
		}
		if n := len(plan.Steps); n > 0 && after <= plan.Steps[n-1].After {
			return nil, apierr.New(apierr.InvalidValue, "after: %s is not later than the step before", step.After).About("after")
		}
		if err := step.apply(&m, e); err != nil {
			return nil, err
		}
		plan.Steps = append(plan.Steps, fabric.Step{After: after, Model: m})
	}
	if n := len(plan.Steps); n > 0 && plan.Every != 0 && plan.Every <= plan.Steps[n-1].After-plan.Steps[0].After {
		return nil, apierr.New(apierr.InvalidValue, "every: %s is over before the last step", ask.Every).About("every")
	}
	if err := r.lab.SetSchedule(r.Context(), e, plan); err != nil {
		return nil, err
	}
	return readSchedule(s, r)
}

// witness cuts an array's way to the witness of a link, or mends it.
func witness(down bool) handler {
	return func(_ *Server, r *request) (any, error) {
		id, err := r.id()
		if err != nil {
			return nil, err
		}
		return witnessView{down}, r.lab.SetWitness(r.Context(), r.key(), id, down)
	}
}
