package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"infinisim/sim/clock"
	"infinisim/sim/generate"
	"infinisim/sim/lab"
)

// generating is where the objects go.
type generating struct {
	generate.Plan
	to             remote
	data, out      string
	arrays         int
	links, profile string
	limits         string
}

// generateCommand fills an array: of a running server, of a directory that no
// server has open, or of a new lab that becomes a file for import.
func generateCommand() *cobra.Command {
	var g generating
	c := &cobra.Command{
		Use: "generate", Short: "Fill an array with pools, volumes and hosts by the thousand: of a running server, or with --data or --out without one", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return g.run(c) },
	}
	g.to.labFlags(c)
	fs := c.Flags()
	fs.StringVar(&g.Array, "array", "", "key of the array (default: the lab's first)")
	fs.Uint64Var(&g.Seed, "seed", 1, "seed that everything follows from")
	fs.StringVar(&g.Prefix, "prefix", "", "what all names begin with")
	fs.IntVar(&g.Pools, "pools", 10, "number of pools")
	fs.IntVar(&g.Volumes, "volumes", 1000, "number of volumes")
	fs.IntVar(&g.Filesystems, "filesystems", 0, "number of filesystems")
	fs.IntVar(&g.Snapshots, "snapshots", 0, "number of snapshots, of volumes and filesystems in turn")
	fs.IntVar(&g.Hosts, "hosts", 0, "number of hosts")
	fs.IntVar(&g.Mappings, "mappings", 0, "number of volumes that are mapped, to the hosts in turn")
	fs.IntVar(&g.Used, "used", 30, "percent of the sizes that are used on average")
	fs.StringVar(&g.data, "data", "", "directory that keeps labs, as for serve: the lab there, or a new one")
	fs.StringVar(&g.out, "out", "", "file for import that a new lab is written to, - for standard output")
	fs.IntVar(&g.arrays, "arrays", 2, "number of arrays of a new lab")
	fs.StringVar(&g.links, "links", "ring", "which arrays of a new lab are linked: none, ring or mesh")
	fs.StringVar(&g.profile, "profile", "8.6", "release of the arrays of a new lab")
	fs.StringVar(&g.limits, "limits", "on", "off lifts the limits of the release for a new lab")
	return marked(c, jsonElsewhere)
}

func madeColumns() []column {
	return []column{{"ARRAY", "array", asIs}, {"OBJECTS", "objects", asIs}, {"SIZE", "size", asBytes}, {"USED", "used", asBytes}}
}

func (g *generating) run(c *cobra.Command) error {
	if g.data != "" && g.out != "" {
		return usage("--data and --out: one of them")
	}
	if g.limits != "on" && g.limits != "off" {
		return usage("--limits %q: on or off", g.limits)
	}
	if g.data == "" && g.out == "" {
		return screenOf(c.ErrOrStderr()).during(c.Context(), "makes objects", func() error {
			return g.to.show(c, http.MethodPost, g.to.in("generate"), g.Plan, madeColumns())
		})
	}
	labs := lab.NewLabs(lab.Options{Seed: g.Seed, Profile: g.profile, NoLimits: g.limits == "off", Clock: clock.NewManual(clock.Epoch)}, g.data)
	if g.data != "" {
		if err := os.MkdirAll(g.data, 0o700); err != nil {
			return err
		}
	}
	l, err := labs.Create(c.Context(), lab.Plan{Name: g.to.lab, Arrays: &g.arrays, Links: lab.Topology(g.links)})
	if err == nil {
		err = g.fill(c, l)
	}
	return errors.Join(err, labs.Close())
}

func (g *generating) fill(c *cobra.Command, l *lab.Lab) error {
	made, err := generate.Run(c.Context(), l, g.Plan, progressOn(c.ErrOrStderr()))
	if err != nil {
		return err
	}
	switch g.out {
	case "":
		return printerOf(c).value(made, madeColumns())
	case stdio:
		return l.Export(c.Context(), c.OutOrStdout())
	}
	return exportTo(c.Context(), l, g.out)
}

func exportTo(ctx context.Context, l *lab.Lab, file string) error {
	return wholeFile(file, func(to io.Writer) error { return l.Export(ctx, to) })
}

// progressOn tells a terminal how far it is; anything else is told nothing.
func progressOn(errs io.Writer) func(done, all int) {
	screen := screenOf(errs)
	if !screen.terminal {
		return nil
	}
	return func(done, all int) {
		screen.progress(float64(done)/float64(max(all, 1)), fmt.Sprintf("%d of %d objects", done, all), done == all)
	}
}
