package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"infinisim/fixtures/estates"
	"infinisim/sim/estate"
)

func (f *flags) addDemo(fs *pflag.FlagSet) {
	fs.BoolVar(&f.demo, "demo", false, "serve three sites that live by themselves, on a clock that runs a minute a second")
}

// demonstration is the estate that the program brings along.
func (f flags) demonstration() (*estate.Estate, error) {
	for _, flag := range []string{"estate", "import"} {
		if f.given(flag) {
			return nil, fmt.Errorf("--demo and --%s: one of them says what there is", flag)
		}
	}
	e, err := estate.Parse("demo.yaml", estates.Demo())
	if err != nil {
		return nil, fmt.Errorf("--demo: %w", err)
	}
	return e, nil
}
