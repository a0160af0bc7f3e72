package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown is what a command writes on a terminal of so many columns.
func shown(t *testing.T, columns uint16, errsOnly bool, args ...string) (string, error) {
	t.Helper()
	return shownUntil(t, columns, errsOnly, "", args...)
}

// shownUntil interrupts the command when it wrote some words.
func shownUntil(t *testing.T, columns uint16, errsOnly bool, words string, args ...string) (string, error) {
	t.Helper()
	if os.Getenv("TERM") == "dumb" || os.Getenv("NO_COLOR") != "" {
		t.Skip("the environment asks for less than a terminal has")
	}
	master, slave, err := pty.Open()
	require.NoError(t, err)
	require.NoError(t, pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: columns}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		var out io.Writer = slave
		if errsOnly {
			out = io.Discard
		}
		err := run(ctx, args, out, slave)
		_ = slave.Close()
		ended <- err
	}()
	var text bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		text.Write(buf[:n])
		if words != "" && strings.Count(text.String(), words) > 1 {
			cancel()
		}
		if err != nil { // nobody has the other side any more
			break
		}
	}
	require.NoError(t, master.Close())
	return text.String(), <-ended
}

// TestTerminal_bars watches what moves on a real terminal: the bar of a long
// move of the clock, and that of objects that are made.
func TestTerminal_bars(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--clock", "manual")
	text, err := shown(t, 70, true, "clock", "advance", "400d", "--control", line.Control)
	require.NoError(t, err)
	assert.Contains(t, text, clearLine+"[########################] 100.0%  2026-02-05 00:00:00  ")
	for part := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), clearLine) {
		assert.LessOrEqual(t, utf8.RuneCountInString(part), 70, part)
	}
	text, err = shown(t, 70, true, "generate", "--volumes", "300", "--pools", "1", "--out", t.TempDir()+"/lab.jsonl", "--arrays", "1", "--links", "none")
	require.NoError(t, err)
	assert.Contains(t, text, "[########################] 100.0%  301 of 301 objects")
	require.NoError(t, stop())
}

// TestTerminal_watch draws replicas again and again in one place, in colours,
// until it is interrupted.
func TestTerminal_watch(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--clock", "manual", "--estate", "../../fixtures/estates/linked.yaml")
	text, err := shownUntil(t, 120, false, "\x1b[5A\x1b[J", "replica", "watch", "--interval", "1ms", "--control", line.Control)
	require.NoError(t, err, "what was told to end ends well")
	assert.Contains(t, text, green+"SYNCHRONIZED"+plain)
	assert.Regexp(t, `\x1b\[5A\x1b\[JARRAY  ID `, text, "four replicas and their heads are drawn over")
	require.NoError(t, stop())
}

// TestTerminal_tablesFit has a narrow terminal cut names, and a wide one none;
// where no terminal is, nothing is cut and nothing coloured.
func TestTerminal_tablesFit(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--clock", "manual", "--arrays", "1", "--links", "none")
	long := "an-array-whose-name-is-longer-than-anybody-would-want-it-to-be"
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"array", "add", "--name", long, "--control", line.Control}, &out, io.Discard))
	narrow, err := shown(t, 110, false, "array", "list", "--control", line.Control)
	require.NoError(t, err)
	assert.Contains(t, narrow, "…")
	assert.Contains(t, narrow, green+"yes")
	colours := regexp.MustCompile(`\x1b\[\d*m`)
	for row := range strings.SplitSeq(colours.ReplaceAllString(narrow, ""), "\r\n") {
		assert.LessOrEqual(t, utf8.RuneCountInString(row), 110, row)
	}
	wide, err := shown(t, 200, false, "array", "list", "--control", line.Control)
	require.NoError(t, err)
	assert.Contains(t, wide, long)
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"array", "list", "--control", line.Control}, &out, io.Discard))
	assert.Contains(t, out.String(), long)
	assert.NotContains(t, out.String(), "\x1b")
	text, err := shown(t, 100, false, "clock", "show", "--control", line.Control)
	require.NoError(t, err)
	assert.Contains(t, text, "2025-01-01 00:00:00", "a person reads no JSON")
	require.NoError(t, stop())
}
