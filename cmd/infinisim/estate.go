package main

import (
	"fmt"

	"infinisim/sim/estate"
	"infinisim/sim/lab"
)

// plan is that of the lab default.
func (f flags) plan() (lab.Plan, error) {
	p := lab.Plan{Name: lab.DefaultName, Arrays: &f.arrays, Links: lab.Topology(f.links)}
	if f.estate == "" && !f.demo {
		return p, nil
	}
	for _, flag := range []string{"arrays", "links", "profile", "first"} {
		if f.given(flag) {
			return p, fmt.Errorf("--%s: the estate says it", flag)
		}
	}
	e, err := f.read()
	if err != nil {
		return p, err
	}
	p = e.Plan(lab.DefaultName)
	if f.given("seed") {
		p.Seed = &f.seed
	}
	if _, leads := f.leader(); f.given("clock") && !leads {
		p.Clock = f.clock
	}
	if f.given("speed") && f.clock == "system" {
		p.Clock, p.Set = "", func(o *lab.Options) {
			e.Set(o)
			o.Clock.SetSpeed(f.speed)
		}
	}
	return p, nil
}

// read reads the estate that is asked for.
func (f flags) read() (*estate.Estate, error) {
	if f.demo {
		return f.demonstration()
	}
	e, err := estate.Read(f.estate)
	if err != nil {
		return nil, fmt.Errorf("--estate: %w", err)
	}
	return e, nil
}
