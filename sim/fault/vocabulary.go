package fault

// Vocabulary lists the effects of all sites, such as "http reset": what a suite
// of tests can have strike.
func Vocabulary() []string {
	var out []string
	for _, s := range []Site{HTTP, Link, Job, Array} {
		for _, t := range effectsOf(s) {
			out = append(out, string(s)+" "+string(t))
		}
	}
	return out
}
