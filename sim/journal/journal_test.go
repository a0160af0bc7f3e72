package journal_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/journal"
)

func TestRecord_masksSecrets(t *testing.T) {
	t.Parallel()
	j := journal.New(0)
	j.Record(journal.Entry{Body: `{"name":"u","password":"s3cr\"et"}`, Headers: map[string]string{"Authorization": "Basic x", "Content-Type": "json"}})
	j.Record(journal.Entry{Answer: `{"password": "s3cr\"et","security_chap_inbound_secret":"other"}`})
	all := j.Entries(journal.Filter{})
	assert.Equal(t, `{"name":"u","password":"«secret:1»"}`, all[0].Body)
	assert.Equal(t, "«secret:2»", all[0].Headers["Authorization"])
	assert.Equal(t, "json", all[0].Headers["Content-Type"])
	assert.Equal(t, `{"password":"«secret:1»","security_chap_inbound_secret":"«secret:3»"}`, all[1].Answer)
}

func TestRing_filtersAndReset(t *testing.T) {
	t.Parallel()
	j := journal.New(3)
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
	assert.Equal(t, `{"seq":5,"time_ns":0,"array":"box-0","method":"GET","path":"/p4","status":0}`+"\n", out.String())
	j.Reset()
	assert.Empty(t, j.Entries(journal.Filter{}))
}

func Example() {
	j := journal.New(10)
	j.Record(journal.Entry{Method: "GET", Path: "/api/rest/pools", Status: 200})
	for _, e := range j.Entries(journal.Filter{}) {
		fmt.Println(e.Seq, e.Method, e.Path, e.Status)
	}
	// Output: 1 GET /api/rest/pools 200
}
