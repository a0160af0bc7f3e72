package journal_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/journal"
)

// TestJournal_manySecrets has more secrets come than a journal knows: each still
// has a number of its own, and none is shown.
func TestJournal_manySecrets(t *testing.T) {
	t.Parallel()
	j := journal.New(journal.Limits{Entries: 3})
	const many = 10_001 // one more than it remembers
	for i := range many {
		j.Record(journal.Entry{Body: fmt.Sprintf(`{"password":"secret number %d"}`, i)})
	}
	j.Record(journal.Entry{Body: `{"password":"secret number 10000"}`})
	j.Record(journal.Entry{Body: `{"password":"secret number 0"}`})
	var bodies []string
	for _, e := range j.Entries(journal.Filter{}) {
		bodies = append(bodies, e.Body)
	}
	assert.Equal(t, []string{`{"password":"«secret:10001»"}`, `{"password":"«secret:10001»"}`, `{"password":"«secret:10002»"}`}, bodies)
}
