package replication

import "infinisim/sim/schema"

// PairState is what tests see of a pair.
type PairState struct {
	Local, Remote, Restore int64
	Initial, Mismatch      bool
}

// PairsOf are the pairs of a replica.
func PairsOf(o *schema.Object) []PairState {
	var out []PairState
	for _, p := range replicaPairs.Get(o) {
		out = append(out, PairState{Local: p.Local, Remote: p.Remote, Restore: p.Restore, Initial: p.Initial, Mismatch: p.Mismatch})
	}
	return out
}

// Turned reports whether a half's role changed and the two have not met since.
func Turned(o *schema.Object) bool { return replicaTurned.Get(o) }

// WordOf is the word of a half's condition.
func WordOf(o *schema.Object) string { return replicaState.Get(o) }
