package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// role has this test's program play another part than the tests.
const role = "INFINISIM_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "server":
		main()
	case "parent":
		if err := parent(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		testscript.Main(m, map[string]func(){"infinisim": main})
	}
}

// played is this program in another part.
func played(t *testing.T, part string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // ourselves
	c.Env = append(os.Environ(), role+"="+part)
	return c
}

// serveWithStdin serves one array for as long as somebody holds its input.
func serveWithStdin() []string {
	return []string{"serve", "--arrays", "1", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", "-", "--exit-with-stdin"}
}

// parent starts a server that writes to this process's own output, and stays
// until it is killed.
func parent() error {
	c := exec.Command(os.Args[0], serveWithStdin()...) //nolint:gosec // ourselves, and nothing ends it but a signal
	c.Env = append(os.Environ(), role+"=server")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if _, err := c.StdinPipe(); err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// TestServe_endsWithItsParent kills a process that started a server: the pipe
// that both of them write to ends when both are gone.
func TestServe_endsWithItsParent(t *testing.T) {
	t.Parallel()
	c := played(t, "parent")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	c.Stdout, c.Stderr = w, w
	require.NoError(t, c.Start())
	require.NoError(t, w.Close())
	in := bufio.NewReader(r)
	raw, err := in.ReadBytes('\n')
	require.NoError(t, err)
	var line readyLine
	require.NoError(t, json.Unmarshal(raw, &line), string(raw))
	assert.NotEqual(t, c.Process.Pid, line.PID)
	require.NoError(t, c.Process.Kill())
	rest, err := io.ReadAll(in)
	require.NoError(t, err)
	assert.Empty(t, string(rest))
	require.ErrorContains(t, c.Wait(), "killed")
	require.NoError(t, r.Close())
}

// TestServe_endsWithItsInput closes a server's input.
func TestServe_endsWithItsInput(t *testing.T) {
	t.Parallel()
	c := played(t, "server")
	c.Args = append(c.Args, serveWithStdin()...)
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	_, err = bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.NoError(t, c.Wait())
}
