// Command infinisim serves simulated InfiniBox arrays.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "infinisim:", err)
		os.Exit(codeOf(err))
	}
}

// codeOf is the exit code that an error comes to.
func codeOf(err error) int {
	if e, ok := errors.AsType[exitError](err); ok {
		return e.code
	}
	return 1
}

// run is the whole command; it returns when it is done or ctx ends.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	root := &cobra.Command{
		Use:           "infinisim",
		Short:         "A simulator of InfiniBox storage arrays",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		serveCommand(), runCommand(), labCommand(), clockCommand(), exportCommand(), importCommand(), generateCommand(), healthCommand(),
		coverageCommand(), auditCommand(), versionCommand(),
	)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	return root.ExecuteContext(ctx)
}
