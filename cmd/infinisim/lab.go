package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/spf13/cobra"
)

func labColumns() []column {
	return []column{
		{"NAME", "name", asName},
		{"SEED", "seed", asIs},
		{"TIME", "now", asInstant},
		{"CLOCK", "mode", asState},
		{"DURABLE", "durable", asYes},
		{"ARRAYS", "arrays", asYes},
		{"LINKS", "links", asYes},
	}
}

// labCommand speaks to a running server about its labs.
func labCommand() *cobra.Command {
	var to remote
	one := func(use, short, method, rest string, columns []column) *cobra.Command {
		return &cobra.Command{
			Use: use + " NAME", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return to.show(c, method, "labs/"+url.PathEscape(args[0])+rest, nil, columns)
			},
		}
	}
	c := group(
		"lab", "List, create, fork, keep, restore, reset and delete the labs of a running server, and go back in their time",
		&cobra.Command{
			Use: "list", Short: "List the labs", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return to.show(c, http.MethodGet, "labs", nil, labColumns()) },
		},
		one("show", "Tell of a lab", http.MethodGet, "", labColumns()),
		createCommand(&to), forkCommand(&to), keepCommand(&to), restoreCommand(&to), travelCommand(&to),
		one("reset", "Make a lab fresh", http.MethodPost, "/reset", []column{{"RESET", "reset", asYes}}),
		one("delete", "End a lab and remove what was kept of it", http.MethodDelete, "", []column{{"DELETED", "deleted", asName}}),
	)
	to.flags(c)
	return marked(c, jsonElsewhere)
}

// marked gives a command and all below it an annotation.
func marked(c *cobra.Command, what string) *cobra.Command {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[what] = "yes"
	for _, sub := range c.Commands() {
		marked(sub, what)
	}
	return c
}

func snapshotColumns() []column {
	return []column{{"NAME", "name", asName}, {"TIME", "now", asInstant}, {"DURABLE", "durable", asYes}}
}

func keepCommand(to *remote) *cobra.Command {
	return &cobra.Command{
		Use: "snapshot NAME SNAPSHOT", Short: "Keep a lab as it is now under a name", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return to.show(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/snapshots", map[string]any{"name": args[1]}, snapshotColumns())
		},
	}
}

func restoreCommand(to *remote) *cobra.Command {
	return &cobra.Command{
		Use: "restore NAME SNAPSHOT", Short: "Make a lab what it was when a snapshot was taken", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return to.show(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/restore", map[string]any{"snapshot": args[1]}, labColumns())
		},
	}
}

func travelCommand(to *remote) *cobra.Command {
	return &cobra.Command{
		Use: "travel NAME ENTRY NEW", Short: "Copy a lab as it was just before an entry of its journal", Args: cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			entry, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return usage("entry %q is no number", args[1])
			}
			columns := []column{{"ENTRY", "entry", asIs}, {"ARRAY", "array", asIs}, {"METHOD", "method", asIs}, {"PATH", "path", asName}, {"STATUS", "status", asIs}, {"URL", "url", asIs}}
			return to.show(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/travel", map[string]any{"entry": entry, "name": args[2]}, columns)
		},
	}
}

func forkCommand(to *remote) *cobra.Command {
	var snapshot string
	c := &cobra.Command{Use: "fork NAME NEW", Short: "Copy a lab as it is now, or as a snapshot holds it", Args: cobra.ExactArgs(2)}
	c.Flags().StringVar(&snapshot, "snapshot", "", "the snapshot (default: the lab as it is now)")
	c.RunE = func(c *cobra.Command, args []string) error {
		return to.show(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/fork", map[string]any{"name": args[1], "snapshot": snapshot}, labColumns())
	}
	return c
}

func createCommand(to *remote) *cobra.Command {
	var arrays int
	var links, profile, clock, file string
	var seed uint64
	var check bool
	c := &cobra.Command{Use: "create NAME", Short: "Make a lab", Args: cobra.ExactArgs(1)}
	c.Flags().IntVar(&arrays, "arrays", 2, "number of arrays")
	c.Flags().StringVar(&links, "links", "ring", "which arrays are linked: none, ring or mesh")
	c.Flags().StringVar(&profile, "profile", "", "release of the arrays (default: the server's)")
	c.Flags().StringVar(&clock, "clock", "", "manual or system (default: as the server's)")
	c.Flags().Uint64Var(&seed, "seed", 0, "seed of everything that looks random (default: the server's)")
	c.Flags().BoolVar(&check, "check", false, "look after every change whether everything is as it must be (default: as the server does)")
	c.Flags().StringVar(&file, "estate", "", "file with the arrays and what they hold, in place of --arrays, --links and --profile")
	c.RunE = func(c *cobra.Command, args []string) error {
		body := map[string]any{"name": args[0], "arrays": arrays, "links": links, "profile": profile, "clock": clock}
		if file != "" {
			raw, err := os.ReadFile(file) //nolint:gosec // the file that the user names
			if err != nil {
				return exitError{fmt.Errorf("--estate: %w", err), exitUsage}
			}
			body = map[string]any{"name": args[0], "clock": clock, "estate": string(raw)}
			for _, flag := range []string{"arrays", "links", "profile"} {
				if c.Flags().Changed(flag) {
					return usage("--%s: the estate says it", flag)
				}
			}
		}
		if c.Flags().Changed("seed") {
			body["seed"] = seed
		}
		if c.Flags().Changed("check") {
			body["check"] = check
		}
		return to.show(c, http.MethodPost, "labs", body, labColumns())
	}
	return c
}
