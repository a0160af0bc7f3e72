package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"infinisim/sim/coverage"
)

// coverageCommand shows what a suite reached, and fails where that is too
// little.
func coverageCommand() *cobra.Command {
	var to remote
	var lab, format string
	var files, least []string
	var never bool
	c := &cobra.Command{
		Use: "coverage", Short: "Show what a suite of tests reached of a running server, or of reports; fail below a threshold", Args: cobra.NoArgs,
	}
	fs := c.Flags()
	to.flags(c)
	fs.StringVar(&lab, "lab", "", "one lab alone; without it all labs of the server, also those that are deleted")
	fs.StringArrayVar(&files, "file", nil, "report to show instead of asking a server; may be given again")
	fs.StringVar(&format, "format", "", "text, json or html (default: as --output says)")
	fs.BoolVar(&never, "never", false, "name in the text what was never reached")
	fs.StringArrayVar(&least, "threshold", nil, "least percentage, of the total or of a section: 40 or endpoints=60; may be given again")
	c.RunE = func(c *cobra.Command, _ []string) error {
		bounds, err := thresholds(least)
		if err != nil {
			return exitError{err, exitUsage}
		}
		if format = cmp.Or(format, c.Flag("output").Value.String(), asText); !slices.Contains([]string{asText, asJSON, "html"}, format) {
			return usage("--format %q: text, json or html", format)
		}
		r, err := report(c, to, lab, files)
		if err != nil {
			return err
		}
		if err := show(c.OutOrStdout(), r, format, never); err != nil {
			return err
		}
		return enough(r, bounds)
	}
	c.AddCommand(mergeCommand())
	return c
}

func mergeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "merge FILE...", Short: "Add reports up", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := merged(args)
			if err != nil {
				return err
			}
			return show(c.OutOrStdout(), r, "json", false)
		},
	}
}

// threshold is the least that a section has to reach.
type threshold struct {
	section string
	least   float64
}

func thresholds(given []string) ([]threshold, error) {
	var out []threshold
	for _, text := range given {
		section, number, named := strings.Cut(text, "=")
		if !named {
			section, number = "total", text
		}
		least, err := strconv.ParseFloat(number, 64)
		if err != nil || least < 0 || least > 100 {
			return nil, fmt.Errorf("--threshold %q: %q is no percentage", text, number)
		}
		if _, err := new(coverage.Report).Percent(section); err != nil {
			return nil, fmt.Errorf("--threshold %q: %w", text, err)
		}
		out = append(out, threshold{section, least})
	}
	return out, nil
}

// enough returns an error for each threshold that is not reached.
func enough(r *coverage.Report, bounds []threshold) error {
	var short error
	for _, b := range bounds {
		got, err := r.Percent(b.section)
		if err == nil && got < b.least {
			err = fmt.Errorf("coverage: %s is %.1f %%, less than %.1f %%", b.section, got, b.least)
		}
		short = errors.Join(short, err)
	}
	return short
}

func show(to io.Writer, r *coverage.Report, format string, never bool) error {
	switch format {
	case "text":
		return r.Text(to, never)
	case "json":
		return json.NewEncoder(to).Encode(r)
	case "html":
		return r.HTML(to)
	}
	return fmt.Errorf("--format %q: text, json or html", format)
}

// report is that of the files, or of the server if there are none.
func report(c *cobra.Command, to remote, lab string, files []string) (*coverage.Report, error) {
	if len(files) > 0 {
		return merged(files)
	}
	path := "coverage?labs=all"
	if lab != "" {
		path = "labs/" + url.PathEscape(lab) + "/coverage"
	}
	answer, err := to.answer(c.Context(), http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	return coverage.Read(bytes.NewReader(answer))
}

func merged(files []string) (*coverage.Report, error) {
	all := new(coverage.Report)
	for _, name := range files {
		f, err := os.Open(name) //nolint:gosec // the file that the user names
		if err != nil {
			return nil, err
		}
		r, err := coverage.Read(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all.Merge(r)
	}
	return all, nil
}
