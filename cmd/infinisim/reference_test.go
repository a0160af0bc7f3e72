package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//nolint:gochecknoglobals // as go test wants its flags
var update = flag.Bool("update", false, "write the pages of docs/ that follow from the flags")

const docs = "../../docs"

// TestReference_isCurrent holds docs/cli, docs/environment.md and
// docs/exit-codes.md against the program.
func TestReference_isCurrent(t *testing.T) {
	t.Parallel()
	if *update {
		require.NoError(t, os.RemoveAll(filepath.Join(docs, "cli")))
		require.NoError(t, run(t.Context(), []string{"reference", docs}, os.Stdout, os.Stderr))
	}
	pages := reference(rootCommand(func() {}))
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(docs, name))
		require.NoError(t, err, "make docs writes it")
		assert.Equal(t, want, string(got), "%s: make docs writes it anew", name)
	}
	there, err := filepath.Glob(filepath.Join(docs, "cli", "*"))
	require.NoError(t, err)
	for _, file := range there {
		assert.Contains(t, pages, "cli/"+filepath.Base(file), "of a command that is gone")
	}
	link := regexp.MustCompile(`\]\((infinisim[^)]*)\)`)
	for name, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			assert.Contains(t, pages, "cli/"+m[1], name)
		}
	}
}

// TestSettings_names asks that each variable and key stands for one flag, and
// that the examples of the manual are such as the flags take.
func TestSettings_names(t *testing.T) {
	t.Parallel()
	root := rootCommand(func() {})
	variables, commands := map[string]string{}, 0
	everyCommand(root, func(c *cobra.Command) {
		commands++
		visible(c, func(f *pflag.Flag) {
			s := settingOf(c, f)
			assert.Regexp(t, `^INFINISIM_[A-Z_]+$`, s.variable)
			if other, seen := variables[s.variable]; seen {
				assert.Equal(t, other, s.key)
			}
			variables[s.variable] = s.key
			assert.NotEmpty(t, f.Usage, "%s --%s", c.CommandPath(), f.Name)
			assert.NoError(t, f.Value.Set(example(s)), s.variable)
		})
		assert.NotEmpty(t, c.Short, c.CommandPath())
	})
	keys := map[string]bool{}
	for _, key := range variables {
		assert.False(t, keys[key], key)
		keys[key] = true
	}
	assert.Greater(t, commands, 40)
	assert.Greater(t, len(variables), 80)
	page := environmentPage(root)
	for name := range variables {
		assert.Contains(t, page, "`"+name+"=")
	}
}

// TestExitCodes_areNumbered asks that the table has each code once, in order.
func TestExitCodes_areNumbered(t *testing.T) {
	t.Parallel()
	for i, e := range exitCodes() {
		assert.Equal(t, i, e.code)
		assert.Contains(t, exitPage(), e.name)
		assert.Contains(t, strings.Join(strings.Fields(rootCommand(func() {}).Long), " "), e.name)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"arays": "arrays", "lsiten": "listen", "": "data", "controls": "control", "listen": "listen"} {
		assert.Equal(t, want, nearest(word, []string{"listen", "data", "arrays", "control"}), word)
	}
}
