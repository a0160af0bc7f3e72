package simtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
)

// vasa plays a line of what a tester has a hypervisor do on box-1, or on the
// array that the line names:
//
//	% feature vvol_replication     switches a feature on
//	% vm {"name":"m"}              makes a virtual machine, $n like any object
//	% vvol {"name":"v"}            makes a vvol
//	% change $2 {"vm_id":0}        changes a vvol
//	% revert $2 $3                 takes a vvol back to a snapshot
//	% member $4 $2                 puts a vvol in a replication group
func (s *script) vasa(text string) {
	s.tb.Helper()
	key := "box-1"
	if first, rest, ok := strings.Cut(text, " "); ok && strings.HasPrefix(first, "box-") {
		key, text = first, rest
	}
	verb, rest, _ := strings.Cut(s.fill(text), " ")
	var id int64
	err := s.lab.On(s.tb.Context(), key, func(b *model.Box) (err error) {
		id, err = s.hypervisor(b, verb, rest)
		return err
	})
	if e, ok := apierr.As(err); ok {
		fmt.Fprintf(&s.out, "< %s: %s\n", e.Code, e.Message)
		return
	}
	if err != nil {
		s.tb.Fatalf("script: %% %s: %v", text, err)
	}
	if id == 0 {
		fmt.Fprintln(&s.out, "< done")
		return
	}
	s.ids = append(s.ids, id)
	fmt.Fprintf(&s.out, "< %d\n", id)
}

// hypervisor does what a verb names, and gives the id of what it made.
func (s *script) hypervisor(b *model.Box, verb, rest string) (made int64, err error) {
	var one, two int64
	_, _ = fmt.Sscan(rest, &one, &two) // the verbs that need them refuse 0
	switch verb {
	case "feature":
		return 0, b.SetFeature(rest, true)
	case "vm":
		var spec model.VMSpec
		if err := json.Unmarshal([]byte(rest), &spec); err != nil {
			return 0, err
		}
		return b.AddVM(spec)
	case "vvol":
		var spec model.VVolSpec
		if err := json.Unmarshal([]byte(rest), &spec); err != nil {
			return 0, err
		}
		return b.AddVVol(spec)
	case "change":
		var change model.VVolChange
		_, body, _ := strings.Cut(rest, " ")
		if err := json.Unmarshal([]byte(body), &change); err != nil {
			return 0, err
		}
		return 0, b.ChangeVVol(one, change)
	case "revert":
		return 0, b.RevertVVol(one, two)
	case "member":
		return 0, b.AddToGroup(one, two)
	}
	return 0, fmt.Errorf("no verb %q", verb)
}
