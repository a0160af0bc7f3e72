package infinisim_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	tableBegin = "<!-- clients: make docs writes this -->\n"
	tableEnd   = "<!-- end of clients -->\n"
)

// TestClients_table holds the tables in README.md and docs/clients.md against
// the results that are kept in fixtures/conformance.json. make docs writes them.
func TestClients_table(t *testing.T) {
	t.Parallel()
	var kept map[string]map[string]string
	readJSON(t, "fixtures/conformance.json", &kept)
	for name, table := range map[string]string{"README.md": shortTable(t, kept), "docs/clients.md": clientTable(t, kept)} {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		before, rest, ok := strings.Cut(string(raw), tableBegin)
		require.True(t, ok, "%s has no line %q", name, tableBegin)
		_, after, ok := strings.Cut(rest, tableEnd)
		require.True(t, ok, "%s has no line %q", name, tableEnd)
		page := before + tableBegin + table + tableEnd + after
		if *update {
			require.NoError(t, os.WriteFile(name, []byte(page), 0o600))
			continue
		}
		if string(raw) != page { // without printing both
			assert.Fail(t, "the table of clients in "+name+" is out of date: make docs")
		}
	}
}

// shortTable is a line for each client, whatever its release and way.
func shortTable(t *testing.T, kept map[string]map[string]string) string {
	t.Helper()
	type sum struct {
		versions              []string
		passed, failed, tried int
	}
	sums := map[string]*sum{}
	for name, results := range kept {
		parts := strings.Split(clientOf(t, name), " | ")
		what, _, _ := strings.Cut(parts[0], " of release")
		if sums[what] == nil {
			sums[what] = &sum{}
		}
		s := sums[what]
		if !slices.Contains(s.versions, parts[1]) {
			s.versions = append(s.versions, parts[1])
		}
		for _, result := range results {
			switch {
			case result == "pass":
				s.passed++
			case strings.HasPrefix(result, "skip: "):
				s.tried++
			default:
				s.failed++
			}
		}
	}
	var b strings.Builder
	b.WriteString("| client | versions | passed | failed | beyond the client |\n|---|---|---|---|---|\n")
	for _, what := range slices.Sorted(maps.Keys(sums)) {
		s := sums[what]
		slices.Sort(s.versions)
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", what, strings.Join(s.versions, ", "), s.passed, s.failed, s.tried)
	}
	return b.String()
}

// clientTable is a line for each column of cases, then why some were skipped.
func clientTable(t *testing.T, kept map[string]map[string]string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| client | version | how | cases | passed | failed | skipped |\n|---|---|---|---|---|---|---|\n")
	var reasons []string
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		var passed, failed int
		var skips []string
		for _, of := range slices.Sorted(maps.Keys(kept[name])) {
			result := kept[name][of]
			switch why, skipped := strings.CutPrefix(result, "skip: "); {
			case skipped:
				n := slices.Index(reasons, why)
				if n < 0 {
					n, reasons = len(reasons), append(reasons, why)
				}
				skips = append(skips, fmt.Sprintf("`%s` (%d)", of, n+1))
			case result == "pass":
				passed++
			default:
				require.Equal(t, "fail", result, "%s %s", name, of)
				failed++
			}
		}
		skipped := fmt.Sprint(len(skips))
		if len(skips) > 0 {
			skipped += ": " + strings.Join(skips, ", ")
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %s |\n", clientOf(t, name), len(kept[name]), passed, failed, skipped)
	}
	for i, why := range reasons {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, why)
	}
	return b.String()
}

// clientOf is what the table says of a client: what it is, its version, and how
// it reached the arrays.
func clientOf(t *testing.T, name string) string {
	t.Helper()
	sdk := pinned(t, "requirements.txt", `infinisdk==(\S+)`)
	client, rest, _ := strings.Cut(name, "-")
	release, way, sign := "8.6", "HTTP", "session"
	if client == "ansible" {
		way = "TLS"
	}
	if before, older, found := strings.Cut("-"+rest, "-sdk-"); found {
		rest, sdk = before, older
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(rest, "-"), "-") {
		switch part {
		case "":
		case "tls", "http":
			way = strings.ToUpper(part)
		case "basic":
			sign = "Basic authentication"
		default:
			release = part
		}
	}
	what := map[string]string{
		"ansible": "Ansible collection `infinidat.infinibox`, playbooks", "cinder": "OpenStack Cinder's driver",
		"pages": "InfiniSDK, its documentation as doctests", "atlas": "InfiniSDK, the states of replicas",
		"sweep": "InfiniSDK, sweep of release " + release,
	}[client]
	require.NotEmpty(t, what, "fixtures/conformance.json has %s, which this table does not know", name)
	version := sdk
	switch client {
	case "ansible":
		version = pinned(t, "scripts/clients/ansible/run.py", `COLLECTION_VERSION = \S+ "(\S+)"`)
	case "cinder":
		version = pinned(t, "scripts/clients/cinder/requirements.txt", `\ncinder==(\S+)`)
	}
	return fmt.Sprintf("%s | %s | %s, %s", what, version, way, sign)
}

// pinned is what a pattern finds in a file: the version of a client.
func pinned(t *testing.T, path, pattern string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	found := regexp.MustCompile(pattern).FindSubmatch(raw)
	require.NotNil(t, found, "%s has no %s", path, pattern)
	return string(found[1])
}
