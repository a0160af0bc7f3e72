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
	c := &cobra.Command{Use: "export FILE", Short: "Write everything that a lab of a running server holds to a file, - for standard output", Args: cobra.ExactArgs(1)}
	to.labFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		var answer []byte
		err := screenOf(c.ErrOrStderr()).during(c.Context(), "writes the lab", func() (err error) {
			answer, err = to.answer(c.Context(), http.MethodGet, to.in("export"), nil)
			return err
		})
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
	c.Flag("lab").Annotations = map[string][]string{ownLab: {}}
	c.Flags().StringVar(&clock, "clock", "", "manual or system (default: as the server's)")
	c.RunE = func(c *cobra.Command, args []string) error {
		if name == "" {
			return usage("--lab: name of the new lab, required")
		}
		text, err := readWhole(c, args[0])
		if err != nil {
			return err
		}
		q := url.Values{"name": {name}}
		if clock != "" {
			q.Set("clock", clock)
		}
		answer, err := to.upload(c, "import?"+q.Encode(), text)
		if err != nil {
			return err
		}
		return printerOf(c).print(answer, labColumns())
	}
	return marked(c, jsonElsewhere)
}

// upload sends a text and shows how much of it is sent.
func (to *remote) upload(c *cobra.Command, path string, text []byte) (answer []byte, err error) {
	screen := screenOf(c.ErrOrStderr())
	body := &counted{Reader: bytes.NewReader(text), all: len(text), told: func(sent, all int) {
		screen.progress(float64(sent)/float64(max(all, 1)), size(float64(sent))+" of "+size(float64(all)), sent == all)
	}}
	err = screen.during(c.Context(), "reads the lab", func() error {
		answer, err = to.send(c.Context(), http.MethodPost, path, body)
		return err
	})
	return answer, err
}

// counted is a reader that tells how much was read of it, for each percent.
type counted struct {
	io.Reader
	done, all, shown int
	told             func(done, all int)
}

// Read reads and tells.
func (r *counted) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.done += n
	if percent := 100 * r.done / max(r.all, 1); n > 0 && percent > r.shown {
		r.shown = percent
		r.told(r.done, r.all)
	}
	return n, err
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
