// Command bench measures infinisim against floors in one run: a bare chi
// handler that sends the same bytes, encoding/json for the same value, raw
// bbolt doing the same key writes. It prints case, ours, floor, ratio and
// target; what counts are the ratios, the times are this machine's.
//
//	bench [-short] [-run REGEXP] [-json FILE] [-cpuprofile FILE] [-serverprofile FILE] [-moto PYTHON]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/pprof"
)

var (
	short         = flag.Bool("short", false, "a tenth of the repetitions, and of what is large")
	only          = flag.String("run", "", "the groups to run, a regular expression; all without it")
	jsonFile      = flag.String("json", "", "file that gets the rows as JSON")
	cpuProfile    = flag.String("cpuprofile", "", "file that gets a CPU profile of what runs in this process")
	serverProfile = flag.String("serverprofile", "", "file that gets a CPU profile of the last server that was started")
	moto          = flag.String("moto", "", "a Python with moto[server], measured beside; without it, it is not")
)

// groups are the measurements, by the name that -run picks.
func groups() []struct {
	name string
	run  func() ([]row, error)
} {
	return []struct {
		name string
		run  func() ([]row, error)
	}{
		{"reads", reads},
		{"queries", queries},
		{"creates", creates},
		{"mixed", mixed},
		{"start", starts},
		{"labs", labs},
		{"generate", generated},
		{"million", million},
		{"steps", steps},
		{"replicas", replicas},
		{"idle", idleDays},
		{"peer", peer},
		{"forks", told(forks)},
		{"idlelabs", told(idle)},
		{"recipes", told(states)},
	}
}

// told is a measurement that prints what it finds itself.
func told(tell func() error) func() ([]row, error) {
	return func() ([]row, error) { return nil, tell() }
}

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	pick, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	if *cpuProfile != "" {
		f, err := os.Create(*cpuProfile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	defer stopServers()
	all := []row{}
	fmt.Printf("%-66s %12s %12s %8s  %-8s %s\n", "case", "ours", "floor", "ratio", "target", "the floor is")
	for _, g := range groups() {
		if !pick.MatchString(g.name) {
			continue
		}
		rows, err := g.run()
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		for _, r := range rows {
			met := ""
			if r.Target != "" && !r.Met {
				met = " (missed)"
			}
			fmt.Printf("%-66s %12s %12s %8.2f  %-8s %s%s\n", r.Case, r.Ours, r.Floor, r.Ratio, r.Target, r.FloorIs, met)
		}
		all = append(all, rows...)
	}
	if *jsonFile == "" {
		return nil
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*jsonFile, append(raw, '\n'), 0o600)
}
