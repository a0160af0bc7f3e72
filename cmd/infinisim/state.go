package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"infinisim/sim/lab"
)

// stdio is the file that is standard input or output.
const stdio = "-"

// exportCommand writes a lab of a running server as text.
func exportCommand() *cobra.Command {
	var to remote
	var name string
	c := &cobra.Command{Use: "export FILE", Short: "Write everything that a lab of a running server holds to a file, - for standard output", Args: cobra.ExactArgs(1)}
	to.flags(c)
	c.Flags().StringVar(&name, "lab", lab.DefaultName, "the lab")
	c.RunE = func(c *cobra.Command, args []string) error {
		answer, err := to.send(c.Context(), http.MethodGet, "labs/"+url.PathEscape(name)+"/export", nil)
		if err != nil {
			return err
		}
		if args[0] == stdio {
			_, err = c.OutOrStdout().Write(answer)
			return err
		}
		return writeWhole(args[0], answer)
	}
	return c
}

// importCommand makes a lab of a running server from what export wrote.
func importCommand() *cobra.Command {
	var to remote
	var name, clock string
	c := &cobra.Command{Use: "import FILE", Short: "Make a lab of a running server from what export wrote, - for standard input", Args: cobra.ExactArgs(1)}
	to.flags(c)
	c.Flags().StringVar(&name, "lab", "", "name of the new lab (required)")
	c.Flags().StringVar(&clock, "clock", "", "manual or system (default: as the server's)")
	c.RunE = func(c *cobra.Command, args []string) error {
		if name == "" {
			return errors.New("--lab: name of the new lab, required")
		}
		text, err := readWhole(c, args[0])
		if err != nil {
			return err
		}
		q := url.Values{"name": {name}}
		if clock != "" {
			q.Set("clock", clock)
		}
		answer, err := to.send(c.Context(), http.MethodPost, "import?"+q.Encode(), text)
		if err != nil {
			return err
		}
		_, err = c.OutOrStdout().Write(answer)
		return err
	}
	return c
}

func readWhole(c *cobra.Command, file string) ([]byte, error) {
	if file == stdio {
		var in bytes.Buffer
		_, err := in.ReadFrom(c.InOrStdin())
		return in.Bytes(), err
	}
	return os.ReadFile(file) //nolint:gosec // the file that the user named
}

// writeWhole puts a file in place in one step.
func writeWhole(file string, text []byte) error {
	return wholeFile(file, func(to io.Writer) error {
		_, err := to.Write(text)
		return err
	})
}

func wholeFile(file string, write func(to io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".export-")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	err = write(tmp)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("export: %w", errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}

// imported makes the lab default of a file.
func (f flags) imported(ctx context.Context, all *lab.Labs) error {
	in, err := os.Open(f.from)
	if err != nil {
		return fmt.Errorf("--import: %w", err)
	}
	_, err = all.Import(ctx, lab.Plan{Name: lab.DefaultName}, in)
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("--import %s: %w", f.from, err)
	}
	return nil
}
