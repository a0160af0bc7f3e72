// Command infinisim serves simulated InfiniBox arrays, and speaks to a server
// that runs.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "infinisim:", err)
	}
	os.Exit(codeOf(err))
}

// run is the whole command; it returns when it is done or ctx ends.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	begun := false
	root := rootCommand(func() { begun = true })
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err != nil && !begun && codeOf(err) == exitFailed {
		return exitError{err, exitUsage} // it was not even a command
	}
	return err
}

// rootCommand is all commands; begins is called when one has all its settings.
func rootCommand(begins func()) *cobra.Command {
	root := &cobra.Command{
		Use:   "infinisim",
		Short: "A simulator of InfiniBox storage arrays",
		Long: `A simulator of InfiniBox storage arrays: serve serves some, run plays scenarios,
and the other commands speak to a server that runs.

Every flag can be given by a variable of the environment or by a configuration
file, infinisim.yaml, too; the flag wins over the variable, and that over the
file. Exit codes: 0 done, 1 failed, 2 usage, 3 unreachable, 4 denied, 5 absent,
6 taken, 7 late.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			err := applySettings(c)
			if err == nil {
				err = checkOutput(c)
			}
			if err != nil && c.Annotations[lenient] == "" {
				return err
			}
			begins()
			return nil
		},
	}
	outputFlag(root)
	root.PersistentFlags().String("config", "", "configuration file (default: infinisim.yaml here, then in the user's configuration directory)")
	root.AddCommand(
		serveCommand(), runCommand(), statusCommand(), waitCommand(), envCommand(), arrayCommand(), linkCommand(), replicaCommand(), clockCommand(),
		faultCommand(), labCommand(), snapshotCommand(), exportCommand(), importCommand(), generateCommand(), journalCommand(), coverageCommand(),
		auditCommand(), healthCommand(), doctorCommand(), versionCommand(), manCommand(), referenceCommand(),
	)
	return root
}

// group is a command that has commands below it, and does nothing by itself.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var known []string
			for _, sub := range c.Commands() {
				known = append(known, sub.Name())
			}
			return usage("%s %s: unknown; the nearest is %q of %s", c.CommandPath(), args[0], nearest(args[0], slices.Clone(known)), strings.Join(known, ", "))
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(subs...)
	return c
}
