package replication_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/journal"
)

// journalOf is what a run of a seed leaves, with faults that have odds, jitter
// and loss on all paths.
func journalOf(t *testing.T, seed uint64) string {
	t.Helper()
	s := newStorm(t.Context(), t.TempDir())
	defer s.close()
	d := seededDice(seed)
	require.NoError(t, s.play(s.drawLab(d)))
	for _, line := range []string{
		`! path box-1 box-2 {"jitter_ns":700000,"loss_ppm":20000}`,
		`! fault {"id":"odd","site":"job","job":"replica.phase","odds":0.3,"effect":{"type":"delay","delay":"1ms","spread":"2s"}}`,
		`! fault {"id":"odder","site":"job","array":"box-1","job":"replica.phase","odds":0.1,"effect":{"type":"fail"}}`,
	} {
		require.NoError(t, s.play(line), "seed %d", seed)
	}
	keep := make([]*journal.Journal, 0, 8) // a fork begins an empty one
	for range 50 {
		line := s.draw(d)
		if last := s.lab.Journal; len(keep) == 0 || keep[len(keep)-1] != last {
			keep = append(keep, last)
		}
		require.NoError(t, s.play(line), "seed %d\n%s", seed, s.text())
	}
	for _, box := range []string{"box-1", "box-2"} {
		require.NoError(t, s.play(box+" > GET replicas?page_size=100"))
		require.NoError(t, s.play(box+" > GET events?page_size=1000"))
	}
	var out bytes.Buffer
	for _, j := range append(keep, s.lab.Journal) {
		require.NoError(t, j.WriteTo(&out, journal.Filter{Entry: journal.All}))
	}
	return out.String()
}

// TestStorm_sameSeedSameBytes plays seeds twice: the journals are byte-equal.
func TestStorm_sameSeedSameBytes(t *testing.T) {
	t.Parallel()
	last := ""
	for seed := range uint64(8) {
		first := journalOf(t, seed)
		require.NotEmpty(t, first)
		require.Equal(t, first, journalOf(t, seed), "seed %d", seed)
		require.NotEqual(t, last, first, "another seed is another run")
		last = first
	}
}
