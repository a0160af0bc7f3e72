package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// healthCommand asks a server whether all its listeners serve: the health check
// of a container.
func healthCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use: "health", Short: "Ask a running server whether it serves; exit 1 if not", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, url+"/_sim/v1/health", http.NoBody)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				return err
			}
			if err := resp.Body.Close(); err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("not healthy: %s", resp.Status)
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "ok")
			return err
		},
	}
	c.Flags().StringVar(&url, "control", "http://127.0.0.1:8079", "URL of the control plane")
	return c
}
