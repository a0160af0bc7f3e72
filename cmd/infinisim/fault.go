package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"infinisim/sim/document"
)

func faultColumns() []column {
	return []column{
		{"ID", "id", asName},
		{"SITE", "site", asIs},
		{"ARRAY", "array", asIs},
		{"METHOD", "method", asIs},
		{"PATH", "path", asName},
		{"STATE", "state", asIs},
		{"MATCHED", "matched", asIs},
		{"HITS", "hits", asIs},
		{"EFFECT", "effect", asName},
	}
}

// faultCommand puts faults in force and takes them away.
func faultCommand() *cobra.Command {
	var to remote
	c := group(
		"fault", "List, add and remove the faults of a lab",
		&cobra.Command{
			Use: "list", Short: "List the rules with their counts", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return to.show(c, http.MethodGet, to.in("faults"), nil, faultColumns())
			},
		},
		addFaultCommand(&to),
		removeFaultCommand(&to),
		&cobra.Command{
			Use: "presets", Short: "List the presets and what they need", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				columns := []column{{"NAME", "name", asIs}, {"NEEDS", "needs", asIs}, {"ABOUT", "about", asName}}
				return to.show(c, http.MethodGet, to.in("faults/presets"), nil, columns)
			},
		},
	)
	to.labFlags(c)
	return c
}

func addFaultCommand(to *remote) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "add [PRESET [NAME=VALUE...]]", Short: "Put a rule of a file in force, or a preset",
		Long: `Puts in force what a file says, a rule or a preset, in JSON or YAML; or a preset
by its name, with values for what it needs:

  infinisim fault add link_flap array=box-1 peer=box-2 count=3`,
	}
	c.Flags().StringVarP(&file, "file", "f", "", "file with a rule or a preset, in JSON or YAML; - is standard input")
	c.RunE = func(c *cobra.Command, args []string) error {
		body, err := faultOf(c, file, args)
		if err != nil {
			return err
		}
		columns := []column{{"ID", "id", asName}, {"PRESET", "preset", asIs}, {"SITE", "site", asIs}, {"RULES", "rules", asYes}, {"EFFECT", "effect", asIs}}
		return to.show(c, http.MethodPost, to.in("faults"), body, columns)
	}
	return c
}

// faultOf is the body that the arguments or a file come to.
func faultOf(c *cobra.Command, file string, args []string) (any, error) {
	switch {
	case file == "" && len(args) == 0:
		return nil, usage("fault add: a preset or --file; infinisim fault presets lists the presets")
	case file != "" && len(args) > 0:
		return nil, usage("fault add: a preset or --file, not both")
	case file != "":
		raw, err := readWhole(c, file)
		if err != nil {
			return nil, exitError{fmt.Errorf("--file: %w", err), exitUsage}
		}
		n, err := document.Parse(file, raw)
		if err != nil {
			return nil, exitError{err, exitUsage}
		}
		body, err := n.JSON()
		return body, err
	}
	body := map[string]any{"preset": args[0]}
	for _, pair := range args[1:] {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usage("fault add: %q: NAME=VALUE, such as array=box-1", pair)
		}
		body[name] = text
		var number json.Number
		if json.Unmarshal([]byte(text), &number) == nil && number != "" && !strings.HasPrefix(text, `"`) {
			body[name] = number
		}
	}
	return body, nil
}

func removeFaultCommand(to *remote) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "remove [ID]", Short: "Take a rule away, or all of them",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 == all {
				return errors.New("fault remove: the id of a rule, or --all")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all rules")
	c.RunE = func(c *cobra.Command, args []string) error {
		path := "faults"
		if !all {
			path += "/" + url.PathEscape(args[0])
		}
		return to.show(c, http.MethodDelete, to.in(path), nil, []column{{"REMOVED", "removed", asIs}})
	}
	return c
}

// query are the parameters of a path that have a value.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" { //nolint:gosec // pairs come in twos
			q.Set(pairs[i], pairs[i+1]) //nolint:gosec // pairs come in twos
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
