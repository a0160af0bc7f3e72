package main

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func arrayColumns() []column {
	return []column{
		{"KEY", "key", asIs},
		{"NAME", "name", asName},
		{"SERIAL", "serial", asIs},
		{"ACTIVE", "active", asState},
		{"URL", "url", asIs},
		{"HTTPS", "https_url", asIs},
		{"USER", "username", asIs},
		{"PASSWORD", "password", asIs},
	}
}

// arrayCommand adds and removes arrays, and breaks their hardware.
func arrayCommand() *cobra.Command {
	var to remote
	one := func(use, short, method, rest string, columns []column) *cobra.Command {
		return &cobra.Command{
			Use: use + " KEY", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return to.show(c, method, to.in("arrays/"+url.PathEscape(args[0])+rest), nil, columns)
			},
		}
	}
	c := group(
		"array", "List, add and remove the arrays of a lab, and take them off the network",
		&cobra.Command{
			Use: "list", Short: "List the arrays and how they are reached", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return to.show(c, http.MethodGet, to.in("arrays"), nil, arrayColumns())
			},
		},
		addArrayCommand(&to),
		one("remove", "Take an array out of the lab", http.MethodDelete, "", []column{{"REMOVED", "removed", asName}}),
		one("deactivate", "Take an array off the network: connections are dropped, links are down", http.MethodPost, "/deactivate", arrayColumns()),
		one("activate", "Put an array back on the network", http.MethodPost, "/activate", arrayColumns()),
		componentCommand(&to),
	)
	to.labFlags(c)
	return c
}

func addArrayCommand(to *remote) *cobra.Command {
	var name, profile string
	var serial int64
	c := &cobra.Command{Use: "add", Short: "Add an array, on a port of its own", Args: cobra.NoArgs}
	c.Flags().StringVar(&name, "name", "", "its name (default: simulator-KEY)")
	c.Flags().Int64Var(&serial, "serial", 0, "its serial number (default: the next one)")
	c.Flags().StringVar(&profile, "profile", "", "its release (default: the lab's)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		body := map[string]any{}
		for flag, v := range map[string]any{"name": name, "serial": serial, "profile": profile} {
			if c.Flags().Changed(flag) {
				body[flag] = v
			}
		}
		return to.show(c, http.MethodPost, to.in("arrays"), body, arrayColumns())
	}
	return c
}

func componentCommand(to *remote) *cobra.Command {
	return &cobra.Command{
		Use: "component KEY PATH STATE", Short: "Have a part of the hardware change its state", Args: cobra.ExactArgs(3),
		Long: "Has a part of an array's hardware change its state. The path is the array's own:\nnodes/1, nodes/1/fc_ports/2, enclosures/1/drives/7, ups/1.",
		RunE: func(c *cobra.Command, args []string) error {
			path := "arrays/" + url.PathEscape(args[0]) + "/components/" + strings.Trim(args[1], "/")
			columns := []column{{"ID", "id", asIs}, {"NAME", "name", asName}, {"STATE", "state", asState}}
			return to.show(c, http.MethodPatch, to.in(path), map[string]any{"state": strings.ToUpper(args[2])}, columns)
		},
	}
}
