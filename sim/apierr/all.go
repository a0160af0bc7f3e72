package apierr

import (
	_ "embed" // for the list of codes
	"regexp"
	"strings"
)

// codesSource is where the codes stand: a list beside them would be a second
// one.
//
//go:embed codes.go
var codesSource string

var codeLine = regexp.MustCompile(`(?m)^\t\w+\s+(?:Code\s+)?= "([A-Z0-9_]+)"(.*)$`)

// All lists the codes that an array can answer with, in the order of their
// declaration; those of the control plane alone are left out.
func All() []Code {
	var out []Code
	for _, m := range codeLine.FindAllStringSubmatch(codesSource, -1) {
		if !strings.Contains(m[2], "of the control plane alone") {
			out = append(out, Code(m[1]))
		}
	}
	return out
}
