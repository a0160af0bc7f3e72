package schema

import (
	"strconv"
	"strings"
)

// Gate says on which arrays a field, an action or a kind exists. The zero
// Gate is open everywhere. It is asked at run time: version and features of a
// running array can change.
type Gate struct {
	// Feature must be listed and enabled, empty for none.
	Feature string
	// AtLeast is the lowest version of the feature.
	AtLeast int
	// From is the first release that has it, empty for all.
	From string
	// Since is the first release that has it even where the feature is not
	// listed, empty for none.
	Since string
	// Before is the first release that has it no more, empty for none.
	Before string
}

// Release is what a gate looks at: an array's version and its features.
type Release struct {
	// Version is the dotted version, such as "8.6.0.0".
	Version string
	// Features maps each enabled feature to its version.
	Features map[string]int
}

// Open reports whether an array of the release has what the gate guards.
func (g Gate) Open(r Release) bool {
	if g == (Gate{}) {
		return true
	}
	if g.Feature != "" {
		v, listed := r.Features[g.Feature]
		if !listed {
			return g.Since != "" && CompareVersions(r.Version, g.Since) >= 0
		}
		if v < g.AtLeast {
			return false
		}
	}
	if g.From != "" && CompareVersions(r.Version, g.From) < 0 {
		return false
	}
	return g.Before == "" || CompareVersions(r.Version, g.Before) < 0
}

// CompareVersions orders two dotted versions by their numbers; what follows a
// dash is left out, and missing numbers are zeros.
func CompareVersions(a, b string) int {
	x, y := numbers(a), numbers(b)
	for i := range max(len(x), len(y)) {
		var m, n int
		if i < len(x) {
			m = x[i]
		}
		if i < len(y) {
			n = y[i]
		}
		if m != n {
			return m - n
		}
	}
	return 0
}

func numbers(version string) []int {
	plain, _, _ := strings.Cut(version, "-")
	var out []int
	for part := range strings.SplitSeq(plain, ".") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}
