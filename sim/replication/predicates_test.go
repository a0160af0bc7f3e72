package replication_test

import (
	"slices"
	"strings"

	"infinisim/sim/simtest"
)

// predicates are those of InfiniSDK 289.1.4's Replica, in the order of the
// page.
func predicates() []string {
	return []string{
		"is_active", "is_initial_replication", "is_pending", "is_idle", "is_replicating", "is_stalled", "is_suspended", "is_user_suspended",
		"is_auto_suspended", "is_lagging", "is_synchronized", "is_sync_in_progress", "is_initializing", "is_initializing_pending", "is_out_of_sync",
	}
}

// verdict is what a predicate says of a replica.
type verdict string

const (
	yes    verdict = "yes"
	no     verdict = ""
	raises verdict = "raises"
)

// shown is a replica as the wire has it.
type shown struct{ simtest.Object }

func (s shown) is(field string, words ...string) bool {
	got, _ := s.Object[field].(string)
	return slices.Contains(words, got)
}

func (s shown) job(words ...string) bool {
	jobs, _ := s.Object["jobs"].([]any)
	return slices.ContainsFunc(jobs, func(j any) bool {
		one, _ := j.(map[string]any)
		word, _ := one["state"].(string)
		return slices.Contains(words, word)
	})
}

// says is what InfiniSDK's predicate says of the fields; scripts/clients/atlas
// asks InfiniSDK itself.
func (s shown) says(predicate string) verdict {
	peer := s.is("replication_type", "ACTIVE_ACTIVE")
	if sync, ok := map[string]string{
		"is_synchronized": "SYNCHRONIZED", "is_sync_in_progress": "SYNC_IN_PROGRESS", "is_initializing": "INITIALIZING",
		"is_initializing_pending": "INITIALIZING_PENDING", "is_out_of_sync": "OUT_OF_SYNC",
	}[predicate]; ok {
		return verdictOf(s.is("sync_state", sync))
	}
	if predicate == "is_lagging" {
		return verdictOf(peer && s.is("sync_state", "LAGGING"))
	}
	if !peer && !s.is("role", "SOURCE") {
		return raises
	}
	return verdictOf(s.holds(predicate, peer))
}

func (s shown) holds(predicate string, peer bool) bool {
	switch predicate {
	case "is_suspended":
		return s.is("state", "SUSPENDED", "AUTO_SUSPENDED")
	case "is_user_suspended", "is_auto_suspended":
		return s.is("state", map[string]string{"is_user_suspended": "SUSPENDED", "is_auto_suspended": "AUTO_SUSPENDED"}[predicate])
	case "is_active":
		if peer {
			return s.is("sync_state", "SYNCHRONIZED", "INITIALIZING", "INITIALIZING_PENDING", "SYNC_IN_PROGRESS")
		}
		return s.is("state", "ACTIVE")
	case "is_initial_replication":
		if peer {
			return s.is("sync_state", "INITIALIZING", "INITIALIZING_PENDING")
		}
		return s.Object["is_initial"] == true && s.job("INITIALIZING", "STALLED")
	case "is_stalled":
		if peer {
			return s.is("sync_state", "SYNC_STALLED")
		}
		return s.job("STALLED")
	case "is_pending", "is_replicating":
		return s.holds("is_active", peer) && s.job(strings.ToUpper(strings.TrimPrefix(predicate, "is_")))
	case "is_idle":
		return s.holds("is_active", peer) && !s.holds("is_replicating", peer) && !s.holds("is_initial_replication", peer) && !s.holds("is_stalled", peer)
	}
	return false
}

func verdictOf(is bool) verdict {
	if is {
		return yes
	}
	return no
}
