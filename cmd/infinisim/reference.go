package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"infinisim/sim/clock"
)

// manCommand writes manual pages, for packages.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // everybody may read the manual
				return err
			}
			b := thisBuild()
			date, err := time.Parse(time.RFC3339, b.Time)
			if err != nil {
				date = time.Unix(0, int64(clock.Epoch)).UTC() // a build that knows no time is made alike every day
			}
			return doc.GenManTree(c.Root(), &doc.GenManHeader{Section: "1", Source: "infinisim " + b.Version, Manual: "infinisim", Date: &date}, args[0])
		},
	}
}

// referenceCommand writes the part of the manual that follows from the flags.
func referenceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reference DIR", Short: "Write cli/, environment.md and exit-codes.md", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			for name, text := range reference(c.Root()) {
				path := filepath.Join(args[0], name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // everybody may read the manual
					return err
				}
				if err := os.WriteFile(path, []byte(text), fs.FileMode(0o644)); err != nil { //nolint:gosec // everybody may read the manual
					return err
				}
			}
			return nil
		},
	}
}

// reference is the pages by their names.
func reference(root *cobra.Command) map[string]string {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	out := map[string]string{"environment.md": environmentPage(root), "exit-codes.md": exitPage()}
	page := func(c *cobra.Command) {
		var text strings.Builder
		if err := doc.GenMarkdownCustom(c, &text, func(link string) string { return link }); err != nil {
			panic("reference: " + err.Error()) // a builder takes everything
		}
		out["cli/"+strings.ReplaceAll(c.CommandPath(), " ", "_")+".md"] = tidied(text.String())
	}
	page(root)
	everyCommand(root, page)
	return out
}

// tidied makes what cobra writes fit for a manual: one heading of the first
// rank, no trailing blanks, one line feed at the end. Commands that are left
// out are not linked to.
func tidied(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if strings.Contains(line, "(infinisim_completion") || strings.Contains(line, "(infinisim_help") {
			continue
		}
		if strings.HasPrefix(line, "##") {
			line = line[1:]
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// exitPage is the table of exit codes.
func exitPage() string {
	var out strings.Builder
	out.WriteString("# Exit codes\n\nThey are the same for all commands, and what one means does not change. `infinisim reference` writes this page.\n\n| code | name | meaning |\n|---|---|---|\n")
	for _, e := range exitCodes() {
		fmt.Fprintf(&out, "| %d | %s | %s |\n", e.code, e.name, e.meaning)
	}
	out.WriteString("\n`health` knows two alone: 0, and 1 for everything else, as the checks of containers do.\n")
	return out.String()
}

// environmentPage is the table of variables and of the keys of the file.
func environmentPage(root *cobra.Command) string {
	var out strings.Builder
	out.WriteString(environmentHead)
	for _, s := range settings(root) {
		key := "`" + s.key + "`"
		if s.key == "config" {
			key = ""
		}
		flag := "`--" + s.flag.Name + "`"
		if strings.Contains(s.key, ".") {
			flag = "`" + strings.TrimPrefix(s.command.CommandPath(), "infinisim ") + " --" + s.flag.Name + "`"
		}
		fmt.Fprintf(&out, "| `%s=%s` | %s | %s | %s |\n", s.variable, example(s), flag, key, strings.ReplaceAll(s.flag.Usage, "|", `\|`))
	}
	out.WriteString("\n`infinisim env` prints these besides, for clients; no flag reads them:\n\n| variable | holds |\n|---|---|\n")
	for _, v := range exported() {
		fmt.Fprintf(&out, "| `%s` | %s |\n", v[0], v[1])
	}
	out.WriteString("\n`NO_COLOR` set to anything, or `TERM=dumb`, has output without colours.\n")
	return out.String()
}

const environmentHead = "# Environment and configuration file\n\n" +
	"Every flag can be given by a variable of the environment, or by a key of a configuration file. The flag wins over the variable, the variable\n" +
	"over the file, the file over the default. An empty variable counts as none. Flags that may be given again take values separated by blanks,\n" +
	"in the file a list. `infinisim reference` writes this page.\n\n" +
	"The file is the one that `--config` or `INFINISIM_CONFIG` names, else `infinisim.yaml` in the working directory, else\n" +
	"`infinisim/infinisim.yaml` in the user's configuration directory (`~/.config`). The flags of `serve`, and those that many commands have,\n" +
	"stand at its top; those of another command in a mapping of its name. A key that is none is refused, with the nearest one.\n\n" +
	"    arrays: 3\n    clock: manual\n    peer: [box-9=http://127.0.0.1:8070]\n    lab: {create: {links: mesh}}\n    wait: {timeout: 5m}\n\n" +
	"| variable | flag | key | meaning |\n|---|---|---|---|\n"

// example is a value that a variable may have.
func example(s setting) string {
	known := map[string]string{
		"control": "http://127.0.0.1:8079", "control-token": "secret", "lab": "test-1", "output": asJSON, "config": "ci/infinisim.yaml",
		"links": "mesh", "listen": "127.0.0.1:0", "profile": "8.6", "clock": "manual", "limits": "off", "data": "/var/lib/infinisim",
		"ready-file": "/tmp/ready", "tls-cert": "cert.pem", "tls-key": "key.pem", "fabric": "127.0.0.1:8070", "fabric-secret": "secret",
		"peer": "box-2=http://127.0.0.1:8070", "estate": "estate.yaml", "import": "lab.jsonl", "array": "box-1", "state": "SUSPENDED",
		"from": "box-1", "latency": "20ms", "jitter": "1ms", "snapshot": "before", "file": "fault.yaml", "name": "third", "method": "POST",
		"path": "volumes/*", "user": "admin", "status": "404", "code": "POOL_NOT_FOUND", "kind": "volume", "entry": "job", "since": "100",
		"until": "200", "object": "1007", "mode": "late", "prepare": "./prepare.sh", "format": asJSON, "threshold": "endpoints=60", "prefix": "big-",
		"log-format": asJSON, "log-level": "info", "cpuprofile": "cpu.out", "otlp-endpoint": "http://127.0.0.1:4318", "out": "lab.jsonl", "shell": "fish", "for": "settled",
	}
	if text, ok := known[s.flag.Name]; ok {
		return text
	}
	switch s.flag.Value.Type() {
	case "bool":
		return "true"
	case "float64":
		return "0.5"
	case "duration":
		return "30s"
	case "string", "stringArray":
		return "TEXT"
	}
	return "7"
}
