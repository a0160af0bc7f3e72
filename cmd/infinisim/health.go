package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// healthCommand asks a server whether all its listeners serve: the health check
// of a container.
func healthCommand() *cobra.Command {
	var to remote
	c := &cobra.Command{
		Use: "health", Short: "Ask a running server whether it serves; exit 1 if not", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			resp, err := to.do(c.Context(), http.MethodGet, "health", http.NoBody)
			if err != nil {
				return exitError{err, exitFailed} // a container's check knows two codes
			}
			if err := resp.Body.Close(); err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("not healthy: %s", resp.Status)
			}
			if p := printerOf(c); p.json {
				return p.value(map[string]string{"status": "ok"}, nil)
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "ok")
			return err
		},
	}
	c.Flags().StringVar(&to.url, "control", defaultControl, "URL of the control plane")
	return c
}
