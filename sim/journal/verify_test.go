package journal_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/journal"
)

func filled() *journal.Journal {
	j := journal.New(journal.Limits{})
	for _, e := range []journal.Entry{
		{Array: "box-1", Method: "POST", Path: "/api/rest/pools", Route: "pools", User: "admin", Body: `{"name":"p"}`, Status: 201},
		{Array: "box-1", Method: "POST", Path: "/api/rest/volumes", Route: "volumes", User: "admin", Body: `{"name":"v","size":1e9,"qos":{"a":1,"b":2}}`, Status: 201},
		{Array: "box-2", Method: "GET", Path: "/api/rest/volumes/7", Route: "volumes/{id}", Status: 404, Code: "VOLUME_NOT_FOUND"},
	} {
		j.Record(e)
		j.Record(journal.Entry{Kind: journal.Job, Ran: &journal.Ran{Name: "tick"}})
	}
	return j
}

func TestVerify(t *testing.T) {
	t.Parallel()
	j := filled()
	for _, c := range []struct{ text, failure string }{
		{`{"expect":[{"request":{"method":"POST","path":"volumes"},"exactly":1}]}`, ``},
		{`{"expect":[{"request":{"path":"volumes/**"},"exactly":2}]}`, ``},
		{`{"expect":[{"request":{"path":"volumes/*"},"exactly":1},{"request":{"path":"/api/rest/volumes/{id}"},"exactly":1}]}`, ``},
		{`{"expect":[{"request":{"array":"box-1"},"at_least":1,"at_most":2}]}`, ``},
		{`{"expect":[{"request":{"fields":{"size":1000000000,"qos":{"b":2},"name":null}},"exactly":1}]}`, ``},
		{`{"expect":[{"request":{"status":404,"code":"VOLUME_NOT_FOUND"},"exactly":1},{"request":{"user":"admin"},"exactly":2}]}`, ``},
		{`{"since":2,"expect":[{"request":{"path":"pools"},"never":true}]}`, ``},
		{`{"in_order":[{"path":"pools"},{"method":"GET"}]}`, ``},
		{`{"expect":[{"request":{"path":"pools"},"exactly":1}],"nothing_else":true,"ignoring":[{"path":"volumes/**"}]}`, ``},
		{`{"expect":[{"request":{"path":"pools"},"never":true}]}`, `* pools was asked once, not never`},
		{`{"expect":[{"request":{"path":"pools"},"exactly":2}]}`, `* pools was asked once, not 2 times`},
		{`{"expect":[{"request":{"path":"pools"},"at_least":2}]}`, `* pools was asked once, not 2 times or more`},
		{`{"expect":[{"request":{"path":"**"},"at_most":1}]}`, `* ** was asked 3 times, not once or less`},
		{`{"expect":[{"request":{"path":"**"},"at_least":5,"at_most":9}]}`, `* ** was asked 3 times, not 5 to 9 times`},
		{`{"in_order":[{"method":"GET"},{"path":"pools"}]}`, `* pools was not asked after GET *`},
		{`{"expect":[{"request":{"path":"pools"},"exactly":1}],"nothing_else":true}`, `2 requests were not expected`},
	} {
		var v journal.Verification
		require.NoError(t, json.Unmarshal([]byte(c.text), &v), c.text)
		require.NoError(t, v.Validate(), c.text)
		got := j.Verify(v)
		assert.Equal(t, c.failure == "", got.Satisfied, c.text)
		if c.failure != "" && assert.Len(t, got.Failures, 1, c.text) {
			assert.Equal(t, c.failure, got.Failures[0].Message)
		}
	}
}

func TestVerify_nearMisses(t *testing.T) {
	t.Parallel()
	v := filled().Verify(journal.Verification{Expect: []journal.Expectation{{
		Request: journal.Asked{Method: "POST", Path: "volumes", User: "root", Fields: map[string]json.RawMessage{
			"name": json.RawMessage(`"w"`), "qos": json.RawMessage(`{"a":2}`), "pool_id": json.RawMessage(`3`),
		}},
		AtLeast: new(1),
	}}})
	require.Len(t, v.Failures, 1)
	require.Len(t, v.Failures[0].Nearest, 3)
	near := v.Failures[0].Nearest[0]
	assert.Equal(t, int64(3), near.Seq)
	var misses []string
	for _, m := range near.Misses {
		misses = append(misses, m.String())
	}
	assert.Equal(t, []string{
		`user is "admin", not "root"`, `fields.name is "v", not "w"`, `fields.pool_id is null, not 3`, `fields.qos.a is 1, not 2`,
	}, misses)
	assert.Contains(t, v.String(), `near: #3 box-1 POST volumes {"name":"v"`)
}

func TestVerify_forgotten(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{Entries: 1})
	j.Record(journal.Entry{Path: "a"})
	j.Record(journal.Entry{Path: "b"})
	never := journal.Verification{Expect: []journal.Expectation{{Request: journal.Asked{Path: "a"}, Never: true}}}
	assert.Contains(t, j.Verify(never).String(), "forgotten requests up to #1")
	never.Since = 1
	assert.True(t, j.Verify(never).Satisfied)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{`{}`, "expect"},
		{`{"ignoring":[{}]}`, "expect"},
		{`{"in_order":[{}],"ignoring":[{}]}`, "ignoring"},
		{`{"expect":[{"request":{}}]}`, "expect[0]"},
		{`{"expect":[{"exactly":1,"never":true}]}`, "expect[0]"},
		{`{"expect":[{"exactly":-1}]}`, "expect[0]"},
		{`{"expect":[{"never":true},{"at_least":2,"at_most":1}]}`, "expect[1]"},
	} {
		text, member := c[0], c[1]
		var v journal.Verification
		require.NoError(t, json.Unmarshal([]byte(text), &v), text)
		e, ok := apierr.As(v.Validate())
		require.True(t, ok, text)
		assert.Equal(t, apierr.InvalidValue, e.Code)
		assert.Equal(t, member, e.Subject, text)
	}
	var v journal.Verification
	require.ErrorContains(t, json.Unmarshal([]byte(`{"expect":[{"request":{"evil":1}}]}`), &v), "evil")
	require.ErrorContains(t, json.Unmarshal([]byte(`{"expect":[{"evil":1}]}`), &v), "evil")
}

func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := filled()
		twice := journal.Verification{Expect: []journal.Expectation{{Request: journal.Asked{Path: "pools"}, Exactly: new(2)}}}
		done := make(chan *journal.Verdict, 1)
		wait := func(ctx context.Context) {
			v, err := j.Wait(ctx, twice, time.Minute)
			assert.NoError(t, err)
			done <- v
		}
		go wait(t.Context())
		synctest.Wait()
		j.Record(journal.Entry{Path: "/api/rest/volumes"})
		synctest.Wait()
		assert.Empty(t, done, "it waits on")
		j.Record(journal.Entry{Path: "/api/rest/pools"})
		assert.True(t, (<-done).Satisfied)
		j.Record(journal.Entry{Path: "/api/rest/pools"})
		wait(t.Context())
		assert.False(t, (<-done).Satisfied, "a third one: it can never be satisfied")
		twice.Expect[0].Exactly = new(4)
		wall := clock.NewSystem(0, 1)
		start := wall.Now()
		wait(t.Context())
		assert.False(t, (<-done).Satisfied)
		assert.Equal(t, time.Minute, wall.Now().Sub(start))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := j.Wait(ctx, twice, time.Minute)
		require.ErrorIs(t, err, context.Canceled)
	})
}
