package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// snapshotCommand keeps the states of a lab and brings them back.
func snapshotCommand() *cobra.Command {
	var to remote
	c := group(
		"snapshot", "Keep the state of a lab under a name, and bring it back",
		&cobra.Command{
			Use: "list", Short: "List the states that are kept", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return to.show(c, http.MethodGet, to.in("snapshots"), nil, snapshotColumns())
			},
		},
		&cobra.Command{
			Use: "save NAME", Short: "Keep the lab as it is now", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return to.show(c, http.MethodPost, to.in("snapshots"), map[string]any{"name": args[0]}, snapshotColumns())
			},
		},
		&cobra.Command{
			Use: "restore NAME", Short: "Make the lab what it was", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return to.show(c, http.MethodPost, to.in("restore"), map[string]any{"snapshot": args[0]}, labColumns())
			},
		},
		&cobra.Command{
			Use: "delete NAME", Short: "Take a kept state away", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return to.show(c, http.MethodDelete, to.in("snapshots/"+url.PathEscape(args[0])), nil, []column{{"DELETED", "deleted", asName}})
			},
		},
	)
	to.labFlags(c)
	return c
}
