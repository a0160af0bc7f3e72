package infinisim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const tourPage = "docs/python-tour.md"

// tourChapters are the scripts of the tour in the order in which they are read.
func tourChapters() []string {
	return strings.Fields(`pools volumes snapshots snapshot_policies consistency_groups hosts initiators qos metadata
		filesystems file_users replication active_active links vvols networking s3 users directories tenants events
		metrics components certificates plugins`)
}

// TestTour_page holds docs/python-tour.md against the scripts that it shows.
// make docs writes it.
func TestTour_page(t *testing.T) {
	t.Parallel()
	page := "# A tour in Python\n\n`make docs` writes this page from `scripts/tour/`, a script for each type of object or a few that belong\n" +
		"together; `scripts/tour.sh PYTHON` runs them. Each makes a lab of two arrays with the package `infinisim`\n" +
		"([python.md](python.md)), and logs in with InfiniSDK: all that is asked of `system` is what any array of the vendor's\n" +
		"is asked, and all that is asked of `lab` and of `box` is what a tester does.\n"
	var files []string
	for _, name := range tourChapters() {
		script := tourScript(t, name)
		files = append(files, filepath.Join("scripts", "tour", name+".py"))
		head, code, ok := strings.Cut(strings.TrimPrefix(script, `"""`), "\"\"\"\n")
		require.True(t, ok, "%s begins with no sentence", name)
		title, what, ok := strings.Cut(head, ": ")
		require.True(t, ok, "%s: its sentence has no title", name)
		page += fmt.Sprintf("\n## %s\n\n%s%s\n\n```python\n%s```\n", title, strings.ToUpper(what[:1]), what[1:], code)
	}
	there, err := filepath.Glob("scripts/tour/*.py")
	require.NoError(t, err)
	require.ElementsMatch(t, there, files, "the chapters of the tour")
	if *update {
		require.NoError(t, os.WriteFile(tourPage, []byte(page), 0o600))
		return
	}
	raw, err := os.ReadFile(tourPage)
	require.NoError(t, err)
	if string(raw) != page { // without printing both
		assert.Fail(t, tourPage+" is out of date: make docs")
	}
}

// TestTour_everyKind sees that each kind of object that InfiniSDK knows is in
// the tour.
func TestTour_everyKind(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, name := range tourChapters() {
		all.WriteString(tourScript(t, name))
	}
	var facts struct {
		Kinds []struct{ Name, Sort string }
	}
	readJSON(t, "fixtures/facts/catalogue-289.1.4.json", &facts)
	called := map[string]string{"sharepermission": "permission", "ssoidentityprovider": "sso_identity_provider"}
	for _, kind := range facts.Kinds {
		word := kind.Name
		if other, ok := called[word]; ok {
			word = other
		}
		if kind.Sort != "component" {
			found := regexp.MustCompile(`\.(add_)?` + strings.TrimSuffix(word, "y") + `(s|y|es|ies)?\b`)
			assert.Regexp(t, found, all.String(), "no script of the tour has a %s", kind.Name)
		}
	}
}

func tourScript(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("scripts", "tour", name+".py"))
	require.NoError(t, err)
	return string(raw)
}
