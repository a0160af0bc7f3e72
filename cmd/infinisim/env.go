package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// exported are the variables that env prints besides those of flags, with what
// they hold.
func exported() [][2]string {
	return [][2]string{
		{"INFINISIM_ARRAY_URL", "the URL of the lab's first array"},
		{"INFINISIM_ARRAY_URLS", "those of all its arrays, separated by blanks"},
		{"INFINISIM_USERNAME", "a user of the arrays"},
		{"INFINISIM_PASSWORD", "that user's password"},
	}
}

// envCommand prints what a shell has to know of a server.
func envCommand() *cobra.Command {
	var to remote
	var file, shell string
	c := &cobra.Command{
		Use: "env", Short: `Print how a server is reached, for eval "$(infinisim env)"`, Args: cobra.NoArgs,
		Long: `Prints how a running server is reached, as commands of a shell that set variables.
After

  eval "$(infinisim env)"

the other commands speak to that server, and clients find the arrays.`,
	}
	to.labFlags(c)
	c.Flags().StringVar(&file, "ready-file", "", "the server is the one that wrote this file (serve --ready-file)")
	c.Flags().StringVar(&shell, "shell", "sh", "sh, fish or powershell")
	c.RunE = func(c *cobra.Command, _ []string) error {
		format, ok := map[string]string{"sh": "export %s='%s'\n", "fish": "set -gx %s '%s'\n", "powershell": "$Env:%s = '%s'\n"}[shell]
		if !ok {
			return usage("--shell %q: sh, fish or powershell", shell)
		}
		if file != "" {
			line, err := readReady(file)
			if err != nil {
				return err
			}
			to.url = line.Control
		}
		all, err := to.variables(c)
		if err != nil {
			return err
		}
		return printEnv(c, format, shell, all)
	}
	return c
}

// variables are the names and values.
func (to *remote) variables(c *cobra.Command) ([][2]string, error) {
	var arrays []arrayStatus
	if err := to.read(c.Context(), to.in("arrays"), &arrays); err != nil {
		return nil, err
	}
	out := [][2]string{{variablePrefix + "CONTROL", to.base()}}
	if to.token != "" {
		out = append(out, [2]string{variablePrefix + "CONTROL_TOKEN", to.token})
	}
	if c.Flags().Changed("lab") {
		out = append(out, [2]string{variablePrefix + "LAB", to.lab})
	}
	if len(arrays) == 0 {
		return out, nil
	}
	var urls []string
	for _, a := range arrays {
		urls = append(urls, a.URL)
	}
	for i, value := range []string{urls[0], strings.Join(urls, " "), arrays[0].Username, arrays[0].Password} {
		out = append(out, [2]string{exported()[i][0], value})
	}
	return out, nil
}

func printEnv(c *cobra.Command, format, shell string, all [][2]string) error {
	p := printerOf(c)
	if p.json {
		object := map[string]string{}
		for _, v := range all {
			object[v[0]] = v[1]
		}
		return p.value(object, nil)
	}
	var out strings.Builder
	for _, v := range all {
		value := v[1]
		switch shell {
		case "sh":
			value = strings.ReplaceAll(value, `'`, `'\''`)
		case "fish":
			value = strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), `'`, `\'`)
		default:
			value = strings.ReplaceAll(value, `'`, `''`)
		}
		fmt.Fprintf(&out, format, v[0], value)
	}
	_, err := io.WriteString(p.to, out.String())
	return err
}
