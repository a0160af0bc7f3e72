package journal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
	"infinisim/sim/journal"
	"infinisim/sim/store"
)

func TestRecord_masksSecrets(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{})
	j.Record(journal.Entry{Body: `{"name":"u","password":"s3cr\"et"}`, Headers: map[string]string{"Authorization": "Basic x", "Content-Type": "json"}})
	j.Record(journal.Entry{Answer: `{"password": "s3cr\"et","security_chap_inbound_secret":"other"}`})
	all := j.Entries(journal.Filter{})
	assert.Equal(t, `{"name":"u","password":"«secret:1»"}`, all[0].Body)
	assert.Equal(t, "«secret:2»", all[0].Headers["Authorization"])
	assert.Equal(t, "json", all[0].Headers["Content-Type"])
	assert.Equal(t, `{"password": "«secret:1»","security_chap_inbound_secret":"«secret:3»"}`, all[1].Answer)
}

// TestRecord_canaries plants secrets where a client can put them, and looks for
// them in every export.
func TestRecord_canaries(t *testing.T) {
	t.Parallel()
	const canary = `ca"nary-7`
	quoted := `ca\"nary-7`
	j := journal.New(journal.Limits{})
	for _, e := range []journal.Entry{
		{Body: `{"password":"` + quoted + `"}`},
		{Body: `{"p\u0061ssword" : "` + quoted + `"}`},
		{Body: `{"PASSWORD":"` + quoted + `"}`},
		{Body: `{"a":[{"b":{"secret_key":"` + quoted + `"}}]}`},
		{Body: `{"secret":["` + quoted + `"]}`},
		{Body: `{"password":"` + quoted + `"`},
		{Answer: `{"result":{"token":"` + quoted + `"}}`},
		{Body: `{"password":"` + quoted + `"}`, Answer: `{"error":{"message":"password: \"` + quoted + `\" is too short"}}`},
		{Query: "password=ca%22nary-7&x=1"},
		{Headers: map[string]string{"Authorization": "Basic " + "YWRtaW46Y2EibmFyeS03"}, Answer: `{"error":{"message":"no user has ` + quoted + `"}}`},
		{Headers: map[string]string{"X-Remote-Authorization": canary, "Cookie": canary}},
		{Body: "-----BEGIN RSA PRIVATE KEY-----\n" + canary + "\n-----END RSA PRIVATE KEY-----"},
		{Body: `{"k":"-----BEGIN PRIVATE KEY-----\n` + quoted + `\n-----END PRIVATE KEY-----"}`},
	} {
		e.Array = "box-1"
		j.Record(e)
	}
	var lines bytes.Buffer
	require.NoError(t, j.WriteTo(&lines, journal.Filter{Entry: journal.All}))
	har, err := json.Marshal(j.HAR(journal.Filter{}, func(array string) string { return array }))
	require.NoError(t, err)
	for _, out := range []string{lines.String(), string(har)} {
		assert.NotContains(t, out, "nary-7")
		assert.NotContains(t, out, "Y2EibmFyeS03")
		assert.NotContains(t, out, "nary%22")
	}
	assert.Contains(t, lines.String(), `"query":"password=%C2%ABsecret%3A`)
}

func TestRecord_leavesTheRest(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{})
	body := `{ "has_secret" : true, "password":null, "a":1.50,"n":"password","ünicode":"\u00e4", "password":"1234" , "x":12345}`
	j.Record(journal.Entry{Body: body, Answer: `12345 "1234" 1234.`})
	e := j.Entries(journal.Filter{})[0]
	assert.Equal(t, `{ "has_secret" : true, "password":null, "a":1.50,"n":"password","ünicode":"\u00e4", "password":"«secret:1»" , "x":12345}`, e.Body)
	assert.Equal(t, `12345 "«secret:1»" «secret:1».`, e.Answer)
}

func TestRing_filtersAndReset(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{Entries: 3})
	for i := range 5 {
		j.Record(journal.Entry{Array: fmt.Sprint("box-", i%2), Method: "GET", Path: fmt.Sprint("/p", i)})
	}
	assert.Empty(t, j.Gaps())
	all := j.Entries(journal.Filter{})
	require.Len(t, all, 3)
	assert.Equal(t, int64(3), all[0].Seq)
	assert.Len(t, j.Entries(journal.Filter{Array: "box-0"}), 2)
	assert.Len(t, j.Entries(journal.Filter{Since: 4}), 1)
	assert.Len(t, j.Entries(journal.Filter{Path: "/p3"}), 1)
	assert.Empty(t, j.Entries(journal.Filter{Method: "PUT"}))
	var out bytes.Buffer
	require.NoError(t, j.WriteTo(&out, journal.Filter{Since: 4}))
	assert.Equal(t, `{"seq":5,"time_ns":0,"entry":"request","array":"box-0","method":"GET","path":"/p4","status":0}`+"\n", out.String())
	j.Reset()
	assert.Empty(t, j.Entries(journal.Filter{}))
}

func TestFilter_everyMember(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{})
	j.Record(journal.Entry{
		Array: "box-1", Method: "POST", Path: "/api/rest/volumes", User: "admin", Status: 409, Code: "VOLUME_NAME_CONFLICT", Time: 10,
		Objects: []journal.Object{{Did: store.Created, Kind: "volume", ID: 1007}},
	})
	j.Record(journal.Entry{Kind: journal.Job, Array: "box-1", Time: 20, Ran: &journal.Ran{Name: "replica.phase", Kind: "replica", ID: 5}})
	j.Record(journal.Entry{Kind: journal.Move, Array: "box-1", Time: 30, Moved: &journal.Moved{Replica: 5, From: "ASYNC_IDLE", On: "start", To: "ASYNC_RUNNING"}})
	for _, c := range []struct {
		want int
		f    journal.Filter
	}{
		{1, journal.Filter{}},
		{3, journal.Filter{Entry: journal.All}},
		{1, journal.Filter{Entry: journal.Move}},
		{1, journal.Filter{Entry: journal.All, From: 20, To: 30}},
		{1, journal.Filter{Entry: journal.All, Since: 1, Until: 3}},
		{2, journal.Filter{Entry: journal.All, Kind: "replica", Object: 5}},
		{1, journal.Filter{Kind: "volume", Object: 1007}},
		{0, journal.Filter{Kind: "volume", Object: 1008}},
		{1, journal.Filter{User: "admin", Status: 409, Code: "VOLUME_NAME_CONFLICT"}},
		{0, journal.Filter{User: "other"}},
		{0, journal.Filter{Status: 200}},
		{0, journal.Filter{Code: "OTHER"}},
		{1, journal.Filter{Path: "volumes"}},
		{1, journal.Filter{Path: "/api/rest/vol"}},
		{1, journal.Filter{Path: "*"}},
		{1, journal.Filter{Path: "volumes/**"}},
		{0, journal.Filter{Path: "volumes/*"}},
	} {
		assert.Len(t, j.Entries(c.f), c.want, "%+v", c.f)
	}
	var out bytes.Buffer
	require.NoError(t, j.WriteTo(&out, journal.Filter{Entry: journal.All, Since: 1}))
	assert.Equal(t, `{"seq":2,"time_ns":20,"entry":"job","array":"box-1","job":{"name":"replica.phase","class":"","kind":"replica","id":5}}
{"seq":3,"time_ns":30,"entry":"move","array":"box-1","move":{"replica":5,"from":"ASYNC_IDLE","on":"start","rule":0,"to":"ASYNC_RUNNING"}}
`, out.String())
}

func TestRing_bytes(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{Bytes: 10_000})
	for range 100 {
		j.Record(journal.Entry{Body: string(make([]byte, 1000))})
		j.Record(journal.Entry{Kind: journal.Job, Ran: &journal.Ran{Name: "tick"}})
	}
	assert.Empty(t, j.Gaps())
	assert.Len(t, j.Entries(journal.Filter{}), 7)
	assert.Len(t, j.Entries(journal.Filter{Entry: journal.Job}), 25, "jobs push out no request")
	j.Record(journal.Entry{Body: string(make([]byte, 20_000))})
	assert.Len(t, j.Entries(journal.Filter{}), 1, "the last one stays, however long")
}

func TestHAR(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{})
	j.Record(journal.Entry{
		Array: "box-1", Method: "POST", Path: "/api/rest/pools", Query: "approved=true", Body: `{"name":"p"}`, Status: 201, Answer: `{}`,
		Time: clock.Epoch.Add(1_500_000), Received: clock.Epoch,
	})
	j.Record(journal.Entry{Array: "box-1", Method: "GET", Path: "/api/rest/pools"})
	h := j.HAR(journal.Filter{Entry: journal.All}, func(array string) string { return "simulator-" + array })
	require.Len(t, h.Log.Entries, 2)
	e := h.Log.Entries[0]
	assert.Equal(t, "2025-01-01T00:00:00Z", e.Started)
	assert.InEpsilon(t, 1.5, e.Time, 0)
	assert.Equal(t, "http://simulator-box-1/api/rest/pools?approved=true", e.Request.URL)
	assert.Equal(t, `{"name":"p"}`, e.Request.Post.Text)
	assert.Equal(t, 201, e.Response.Status)
	assert.Contains(t, h.Log.Entries[1].Error, "dropped")
}

func Example() {
	j := journal.New(journal.Limits{Entries: 10})
	j.Record(journal.Entry{Method: "GET", Path: "/api/rest/pools", Status: 200})
	for _, e := range j.Entries(journal.Filter{}) {
		fmt.Println(e.Seq, e.Method, e.Path, e.Status)
	}
	// Output: 1 GET /api/rest/pools 200
}
