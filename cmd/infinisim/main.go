// Command infinisim serves simulated InfiniBox arrays.
package main

import (
	"context"
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
		os.Exit(1)
	}
}

// run is the whole command; it returns when it is done or ctx ends.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	root := &cobra.Command{
		Use:           "infinisim",
		Short:         "A simulator of InfiniBox storage arrays",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), labCommand(), healthCommand(), coverageCommand(), auditCommand(), exportCommand(), importCommand(), generateCommand())
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	return root.ExecuteContext(ctx)
}
