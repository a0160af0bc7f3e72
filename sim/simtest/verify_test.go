package simtest_test

import (
	"net/http"
	"testing"

	"infinisim/sim"
	"infinisim/sim/simtest"
)

func TestMustVerify(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	l.Client("box-1").Get("system")
	l.MustVerify(sim.Verification{
		Expect:      []sim.Expectation{{Request: sim.Asked{Method: http.MethodGet, Path: "system"}, Exactly: new(1)}},
		NothingElse: true,
	})
}
