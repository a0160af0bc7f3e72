package fault

import (
	"slices"
	"time"

	"infinisim/sim/clock"
)

// mostRepeats is how often a preset repeats itself at most, mostTime how long
// it lasts, some hundred days.
const (
	mostRepeats = 60
	mostTime    = Duration(100 * 24 * time.Hour)
)

// Expand is what a preset comes to at a time. It returns INVALID_VALUE for a
// name that no preset has, and for members that the preset does not have or
// needs.
func (a Ask) Expand(now clock.Time) (Plan, error) {
	all := Presets()
	i := slices.IndexFunc(all, func(p Preset) bool { return p.Name == a.Preset })
	if i < 0 {
		names := make([]string, 0, len(all))
		for _, p := range all {
			names = append(names, p.Name)
		}
		return Plan{}, refuse("preset", "%q is none of %v", a.Preset, names)
	}
	p, given := all[i], a.given()
	takes := append(slices.Clone(p.Needs), p.takes...)
	if p.Name != "clock_jump" {
		takes = append(takes, "after")
	}
	for _, name := range given {
		if !slices.Contains(takes, name) {
			return Plan{}, refuse(name, "the preset %s has none, it has %v", p.Name, takes)
		}
	}
	for _, name := range p.Needs {
		if !slices.Contains(given, name) {
			return Plan{}, refuse(name, "the preset %s needs it", p.Name)
		}
	}
	for _, m := range []struct {
		name string
		d    Duration
	}{{"after", a.After}, {"for", a.For}, {"every", a.Every}, {"refuse", a.Refuse}, {"by", a.By}} {
		if m.d < 0 || m.d > mostTime {
			return Plan{}, refuse(m.name, "%v is no time from now on", time.Duration(m.d))
		}
	}
	if a.Count < 0 || a.Count > mostRepeats {
		return Plan{}, refuse("count", "%d is not from 1 to %d", a.Count, mostRepeats)
	}
	return p.plan(a, now), nil
}
