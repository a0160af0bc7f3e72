package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"infinisim/sim/scenario"
)

// runCommand plays scenarios, each in a lab of its own.
func runCommand() *cobra.Command {
	var seed uint64
	c := &cobra.Command{
		Use: "run FILE...", Short: "Play scenarios without a client and tell whether all came as expected",
		Long: "Plays scenarios, each in a lab of its own, and tells of each whether all came as expected, or where not.\n\n" +
			"Exit code 0: all passed; 1: one failed; 2: one is no scenario, or could not be played.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("run: a file is needed")
			}
			return nil
		},
	}
	c.Flags().Uint64Var(&seed, "seed", 0, "seed of everything that looks random, in place of the scenarios' own")
	c.RunE = func(c *cobra.Command, args []string) error {
		var o scenario.Options
		if c.Flags().Changed("seed") {
			o.Seed = &seed
		}
		r := scenario.Run(c.Context(), args, o)
		if !printerOf(c).json {
			return errors.Join(r.Text(c.OutOrStdout()), outcome(r))
		}
		e := json.NewEncoder(c.OutOrStdout())
		e.SetEscapeHTML(false)
		return errors.Join(e.Encode(r), outcome(r))
	}
	return c
}

// outcome is the error that a report comes to.
func outcome(r *scenario.Report) error {
	switch {
	case r.Refused > 0:
		return exitError{fmt.Errorf("run: %d of %d files could not be played", r.Refused, len(r.Results)), exitUsage}
	case r.Failed > 0:
		return fmt.Errorf("run: %d of %d scenarios failed", r.Failed, len(r.Results))
	}
	return nil
}
