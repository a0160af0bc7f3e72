package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/audit"
	"infinisim/sim/simtest"
)

// provisioner is a client that makes a pool and a volume in it.
type provisioner struct {
	// tries is how often it makes a call before it gives up.
	tries int
	// renames has it take a new name for every try, which makes it twice.
	renames bool
	// trusts has it take an answer of 503 for a success.
	trusts bool

	http *http.Client
}

var errGone = errors.New("no answer")

func (p provisioner) run(_ context.Context, t *audit.Target) error {
	p.http = &http.Client{Transport: t.Transport(), Timeout: 30 * time.Second}
	pool, err := p.make("pools", "p", map[string]any{"physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
	if err != nil {
		return err
	}
	_, err = p.make("volumes", "v", map[string]any{"size": 1_000_000_000, "pool_id": pool})
	return err
}

// make makes an object, and looks for it first where a try may have made it.
func (p provisioner) make(path, name string, body map[string]any) (id float64, err error) {
	for try := range p.tries {
		body["name"] = name
		if p.renames {
			body["name"] = fmt.Sprint(name, try)
		} else if try > 0 {
			if id, err = p.find(path, name); err == nil && id != 0 {
				return id, nil
			}
		}
		var made struct {
			Result struct {
				ID float64 `json:"id"`
			} `json:"result"`
		}
		status, err := p.send(http.MethodPost, path, body, &made)
		if err == nil && (status < http.StatusBadRequest || p.trusts) {
			return made.Result.ID, nil
		}
	}
	return 0, errGone
}

func (p provisioner) find(path, name string) (float64, error) {
	var found struct {
		Result []struct {
			ID float64 `json:"id"`
		} `json:"result"`
	}
	if _, err := p.send(http.MethodGet, path+"?name=eq:"+name, nil, &found); err != nil || len(found.Result) == 0 {
		return 0, err
	}
	return found.Result[0].ID, nil
}

func (p provisioner) send(method, path string, body, into any) (int, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequest(method, "http://simulator-box-1/api/rest/"+path, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	r.SetBasicAuth(sim.Username, sim.Password)
	resp, err := p.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, json.Unmarshal(answer, into)
}

// run audits a client, and gives the verdicts by mode and path.
func run(t *testing.T, client audit.Client) (*audit.Report, map[string]audit.Verdict) {
	t.Helper()
	base := simtest.New(t)
	r, err := audit.Run(t.Context(), audit.Options{Base: base.Lab, Client: client, Delay: time.Minute})
	require.NoError(t, err)
	verdicts := map[string]audit.Verdict{}
	for _, trial := range r.Trials {
		verdicts[string(trial.Mode)+" "+trial.Call.Path] = trial.Verdict
	}
	require.Len(t, r.Trials, len(r.Calls)*len(audit.Modes()))
	return r, verdicts
}

func all(v audit.Verdict) map[string]audit.Verdict {
	out := map[string]audit.Verdict{}
	for _, mode := range audit.Modes() {
		for _, path := range []string{"pools", "volumes"} {
			out[string(mode)+" "+path] = v
		}
	}
	return out
}

// TestRun_correctClient passes a client that looks before it tries again.
func TestRun_correctClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, verdicts := run(t, provisioner{tries: 3}.run)
		assert.Equal(t, all(audit.OK), verdicts)
		assert.Empty(t, r.Bad())
	})
}

// TestRun_doubleCreate finds a client that takes a new name for every try.
func TestRun_doubleCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, verdicts := run(t, provisioner{tries: 3, renames: true}.run)
		want := all(audit.OK)
		for _, path := range []string{"pools", "volumes"} {
			want["lost_after "+path], want["late "+path] = audit.Double, audit.Double
		}
		assert.Equal(t, want, verdicts)
		bad := r.Bad()
		require.Len(t, bad, 4)
		assert.Equal(t, "pools", bad[0].Call.Path)
		assert.Equal(t, []audit.Object{{Array: "box-1", Kind: "pool", Name: "p1"}}, bad[0].Left)
		require.Len(t, bad[0].Twice, 1)
		assert.Contains(t, bad[0].Twice[0].Body, `"name":"p1"`)
	})
}

// TestRun_givesUp tells what a client that never tries again leaves behind.
func TestRun_givesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, verdicts := run(t, provisioner{tries: 1}.run)
		want := all(audit.Leftover)
		want["lost_before pools"], want["unavailable pools"] = audit.GaveUp, audit.GaveUp
		assert.Equal(t, want, verdicts)
		assert.Empty(t, r.Bad())
		for _, trial := range r.Trials {
			assert.Equal(t, errGone.Error(), trial.Failed)
		}
	})
}

// TestRun_trusts finds a client that takes a refusal for a success.
func TestRun_trusts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, verdicts := run(t, provisioner{tries: 3, trusts: true}.run)
		assert.Equal(t, audit.Incomplete, verdicts["unavailable volumes"])
		assert.Contains(t, r.Bad()[len(r.Bad())-1].Missing, audit.Object{Array: "box-1", Kind: "volume", Name: "v"})
	})
}

func TestRun_refuses(t *testing.T) {
	t.Parallel()
	base := simtest.New(t)
	_, err := audit.Run(t.Context(), audit.Options{Base: base.Lab, Client: func(context.Context, *audit.Target) error { return errGone }})
	require.ErrorIs(t, err, errGone)
	_, err = audit.Run(t.Context(), audit.Options{Base: base.Lab, Client: func(context.Context, *audit.Target) error { return nil }})
	require.ErrorContains(t, err, "no writing call")
}

func Example() {
	base, err := sim.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = base.Close() }()
	r, err := audit.Run(context.Background(), audit.Options{
		Base: base, Client: provisioner{tries: 2, renames: true}.run, Modes: []audit.Mode{audit.LostAfter},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range r.Bad() {
		fmt.Println(t.Mode, t.Call, t.Verdict, t.Left[0].Name)
	}
	// Output:
	// lost_after box-1 POST pools double p1
	// lost_after box-1 POST volumes double v1
}
