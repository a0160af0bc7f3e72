package model_test

import (
	"flag"
	"testing"

	"infinisim/sim/simtest"
)

var update = flag.Bool("update", false, "write the golden scripts anew")

// TestScripts plays the golden script of each kind.
func TestScripts(t *testing.T) {
	t.Parallel()
	simtest.RunScripts(t, "testdata", *update)
}
