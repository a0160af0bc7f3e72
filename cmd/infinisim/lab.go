package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/spf13/cobra"
)

// remote is the control plane of a server that runs.
type remote struct{ url, token string }

// flags say which server.
func (to *remote) flags(c *cobra.Command) {
	c.PersistentFlags().StringVar(&to.url, "control", "http://127.0.0.1:8079", "URL of the control plane")
	c.PersistentFlags().StringVar(&to.token, "control-token", os.Getenv("INFINISIM_CONTROL_TOKEN"), "its token (default from INFINISIM_CONTROL_TOKEN)")
}

// labCommand speaks to a running server; every answer is the control plane's
// JSON.
func labCommand() *cobra.Command {
	var to remote
	c := &cobra.Command{Use: "lab", Short: "List, create, fork, keep, restore, reset and delete the labs of a running server, and go back in their time"}
	to.flags(c)
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the labs", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return to.ask(c, http.MethodGet, "labs", nil) },
		},
		createCommand(&to),
		forkCommand(&to),
		snapshotCommand(&to),
		&cobra.Command{
			Use: "restore NAME SNAPSHOT", Short: "Make a lab what it was when a snapshot was taken", Args: cobra.ExactArgs(2),
			RunE: func(c *cobra.Command, args []string) error {
				return to.ask(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/restore", map[string]any{"snapshot": args[1]})
			},
		},
		travelCommand(&to),
		&cobra.Command{
			Use: "reset NAME", Short: "Make a lab fresh", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return to.ask(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/reset", nil)
			},
		},
		&cobra.Command{
			Use: "delete NAME", Short: "End a lab and remove what was kept of it", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return to.ask(c, http.MethodDelete, "labs/"+url.PathEscape(args[0]), nil)
			},
		},
	)
	return c
}

func travelCommand(to *remote) *cobra.Command {
	return &cobra.Command{
		Use: "travel NAME ENTRY NEW", Short: "Copy a lab as it was just before an entry of its journal", Args: cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			entry, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return fmt.Errorf("entry %q is no number", args[1])
			}
			return to.ask(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/travel", map[string]any{"entry": entry, "name": args[2]})
		},
	}
}

func forkCommand(to *remote) *cobra.Command {
	var snapshot string
	c := &cobra.Command{Use: "fork NAME NEW", Short: "Copy a lab as it is now, or as a snapshot holds it", Args: cobra.ExactArgs(2)}
	c.Flags().StringVar(&snapshot, "snapshot", "", "the snapshot (default: the lab as it is now)")
	c.RunE = func(c *cobra.Command, args []string) error {
		return to.ask(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/fork", map[string]any{"name": args[1], "snapshot": snapshot})
	}
	return c
}

func snapshotCommand(to *remote) *cobra.Command {
	return &cobra.Command{
		Use: "snapshot NAME SNAPSHOT", Short: "Keep a lab as it is now under a name", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return to.ask(c, http.MethodPost, "labs/"+url.PathEscape(args[0])+"/snapshots", map[string]any{"name": args[1]})
		},
	}
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
			raw, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("--estate: %w", err)
			}
			body = map[string]any{"name": args[0], "clock": clock, "estate": string(raw)}
			for _, flag := range []string{"arrays", "links", "profile"} {
				if c.Flags().Changed(flag) {
					return fmt.Errorf("--%s: the estate says it", flag)
				}
			}
		}
		if c.Flags().Changed("seed") {
			body["seed"] = seed
		}
		if c.Flags().Changed("check") {
			body["check"] = check
		}
		return to.ask(c, http.MethodPost, "labs", body)
	}
	return c
}

// ask sends a request to the control plane and prints its answer.
func (to *remote) ask(c *cobra.Command, method, path string, body any) error {
	answer, err := to.answer(c.Context(), method, path, body)
	if err == nil {
		_, err = c.OutOrStdout().Write(answer)
	}
	return err
}

// answer sends a request to the control plane.
func (to *remote) answer(ctx context.Context, method, path string, body any) ([]byte, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	return to.send(ctx, method, path, raw)
}

// send sends a request to the control plane and gives its answer.
func (to *remote) send(ctx context.Context, method, path string, raw []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, to.url+"/_sim/v1/"+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if to.token != "" {
		r.Header.Set("Authorization", "Bearer "+to.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}
