package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/audit"
)

// pool is a client in shell that makes a pool, and tries once more if it hears
// nothing: by the same name, or by another one.
const pool = `post() {
  curl --silent -u "$INFINISIM_USERNAME:$INFINISIM_PASSWORD" -H 'Content-Type: application/json' -o /dev/null -w '%{http_code}' \
    -d "{\"name\":\"$1\",\"physical_capacity\":1000000000000,\"virtual_capacity\":1000000000000}" "$INFINISIM_ARRAY_URL/api/rest/pools"
}
case "$(post p1)" in 201) exit 0;; esac
case "$(post $SECOND)" in 201|409) exit 0;; *) exit 1;; esac
`

func TestAudit_commandLine(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	do := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"audit", "--arrays", "1", "--links", "none"}, args...), &out, io.Discard)
		return out.String(), err
	}
	out, err := do("--mode", "lost_before", "--mode", "lost_after", "--mode", "unavailable", "--", "sh", "-c", "SECOND=p1;"+pool)
	require.NoError(t, err, out)
	assert.Contains(t, out, "ok          lost_after  #1 box-1 POST pools")
	out, err = do("--format", "json", "--mode", "lost_after", "--", "sh", "-c", "SECOND=p2;"+pool)
	require.ErrorContains(t, err, "1 of 1 runs made a call twice")
	var r audit.Report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.Equal(t, audit.Double, r.Trials[0].Verdict)
	out, err = do("--mode", "lost_after", "--", "sh", "-c", "SECOND=p2;"+pool)
	require.Error(t, err)
	assert.Contains(t, out, "left     box-1 pool p2")
	_, err = do("--prepare", "SECOND=p1;"+pool, "--mode", "lost_before", "--", "sh", "-c", "SECOND=p1;"+pool)
	require.ErrorContains(t, err, "no writing call", "the pool is there")
	for _, args := range [][]string{{}, {"--mode", "evil", "--", "true"}, {"--format", "pdf", "--", "true"}, {"--prepare", "false", "--", "true"}, {"--", "false"}} {
		_, err := do(args...)
		require.Error(t, err, args)
	}
}
