package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"infinisim/sim/document"
)

// A flag that is not given is looked for in the environment, then in the
// configuration file, each by a name that follows from the flag's own.

const (
	variablePrefix = "INFINISIM_"
	configFile     = "infinisim.yaml"
	serveName      = "serve"
	doctorName     = "doctor"
	// lenient commands go on where the environment or the file is not right.
	lenient = "lenient"
	// ownLab marks a flag --lab that is not the lab which is spoken of.
	ownLab = "own-lab"
)

// common are the flags that mean the same for all commands that have them.
func common() []string { return []string{"control", "control-token", "lab", "output", "config"} }

// setting is a flag of a command as the environment and the file know it.
type setting struct {
	command *cobra.Command
	flag    *pflag.Flag
	// variable is its name in the environment; key is its place in the file.
	variable, key string
}

// settingOf names a flag of a command. Flags of serve, of doctor, which looks at
// what serve would do, and common ones go by their own names, all others by the
// command's and their own.
func settingOf(c *cobra.Command, f *pflag.Flag) setting {
	path := strings.Fields(c.CommandPath())[1:]
	if len(path) == 1 && (path[0] == serveName || path[0] == doctorName) || slices.Contains(common(), f.Name) && f.Annotations[ownLab] == nil {
		path = nil
	}
	words := append(slices.Clone(path), f.Name)
	variable := variablePrefix + strings.ToUpper(strings.ReplaceAll(strings.Join(words, "_"), "-", "_"))
	return setting{command: c, flag: f, variable: variable, key: strings.Join(words, ".")}
}

// settings lists the flags of all commands, each variable once, serve's first.
func settings(root *cobra.Command) []setting {
	var out []setting
	seen := map[string]bool{}
	add := func(c *cobra.Command) {
		visible(c, func(f *pflag.Flag) {
			if s := settingOf(c, f); !seen[s.variable] {
				seen[s.variable] = true
				out = append(out, s)
			}
		})
	}
	for _, c := range root.Commands() {
		if c.Name() == serveName {
			add(c)
		}
	}
	everyCommand(root, add)
	return out
}

// visible visits the flags of a command that can be set, those of its parents
// too.
func visible(c *cobra.Command, visit func(f *pflag.Flag)) {
	one := func(f *pflag.Flag) {
		if f.Name != "help" {
			visit(f)
		}
	}
	c.LocalFlags().VisitAll(one)
	c.InheritedFlags().VisitAll(one)
}

// everyCommand visits a command and all below it that people use.
func everyCommand(c *cobra.Command, visit func(c *cobra.Command)) {
	for _, sub := range c.Commands() {
		if sub.Hidden || sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		visit(sub)
		everyCommand(sub, visit)
	}
}

// configured is what a file says of a setting, and where.
type configured struct {
	values []string
	place  string
}

// applySettings gives the flags that the command line leaves out the values of
// the environment, or of the file.
func applySettings(c *cobra.Command) error {
	file, err := readConfig(c)
	if err != nil {
		return err
	}
	var bad error
	visible(c, func(f *pflag.Flag) {
		s := settingOf(c, f)
		if bad != nil || f.Changed {
			return
		}
		values, place := []string{os.Getenv(s.variable)}, s.variable
		if values[0] == "" {
			found, ok := file[s.variable]
			if !ok {
				return
			}
			values, place = found.values, found.place
		} else if strings.HasSuffix(f.Value.Type(), "Array") {
			values = strings.Fields(values[0])
		}
		for _, v := range values {
			if err := c.Flags().Set(f.Name, v); err != nil {
				bad = usage("%s: %w", place, err)
			}
		}
	})
	return bad
}

// configPath is the file that holds: the one that is named, or the first that
// is there; empty for none.
func configPath(c *cobra.Command) string {
	if named, err := c.Flags().GetString("config"); err == nil && named != "" {
		return named
	}
	if named := os.Getenv(variablePrefix + "CONFIG"); named != "" {
		return named
	}
	places := []string{configFile}
	if dir, err := os.UserConfigDir(); err == nil {
		places = append(places, filepath.Join(dir, "infinisim", configFile))
	}
	for _, place := range places {
		if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) {
			return place
		}
	}
	return ""
}

// readConfig reads the file that holds, by the variables of its settings.
func readConfig(c *cobra.Command) (map[string]configured, error) {
	path := configPath(c)
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, usage("--config: %w", err)
	}
	if len(strings.TrimSpace(string(raw))) == 0 {
		return nil, nil
	}
	node, err := document.Parse(path, raw)
	if err != nil {
		return nil, exitError{err, exitUsage}
	}
	out := map[string]configured{}
	if err := section(c.Root(), node, out); err != nil {
		return nil, exitError{err, exitUsage}
	}
	return out, nil
}

// section reads what a mapping says of a command: its flags, and mappings for
// the commands below it. At the top stand the flags of serve, and the common
// ones.
func section(c *cobra.Command, n document.Node, out map[string]configured) error {
	if !n.IsMap() {
		return n.Expected("a mapping of flags")
	}
	flags, subs := map[string]setting{}, map[string]*cobra.Command{}
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != serveName {
			subs[sub.Name()] = sub
		}
	}
	for _, s := range settings(c.Root()) {
		if top := !strings.Contains(s.key, "."); top && c == c.Root() && s.flag.Name != "config" || !top && s.command == c {
			flags[s.flag.Name] = s
		}
	}
	for _, p := range n.Pairs() {
		sub, isCommand := subs[p.Key]
		s, isFlag := flags[p.Key]
		switch {
		case isCommand && p.Value.IsMap():
			if err := section(sub, p.Value, out); err != nil {
				return err
			}
		case isFlag && !p.Value.IsMap():
			v, err := valuesOf(p.Value)
			if err != nil {
				return err
			}
			out[s.variable] = configured{v, fmt.Sprintf("%s:%d: %s", n.File(), p.KeyNode.Line(), s.key)}
		default:
			known := make([]string, 0, len(flags)+len(subs))
			for name := range flags {
				known = append(known, name)
			}
			for name := range subs {
				known = append(known, name)
			}
			return p.KeyNode.Errorf("%q is no setting; the nearest one is %q", p.Key, nearest(p.Key, known))
		}
	}
	return nil
}

// valuesOf are the values of a setting: one, or those of a list.
func valuesOf(n document.Node) ([]string, error) {
	items := []document.Node{n}
	if n.IsList() {
		items = n.Items()
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		raw, err := item.JSON()
		if err != nil {
			return nil, err
		}
		text := string(raw)
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, err
			}
		}
		out = append(out, text)
	}
	return out, nil
}

// nearest is the word that takes the fewest changes of a letter; of equals the
// first in the alphabet.
func nearest(word string, known []string) string {
	slices.Sort(known)
	best, least := "", -1
	for _, k := range known {
		if d := distance(word, k); least < 0 || d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters have to be put in, left out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
