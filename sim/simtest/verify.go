package simtest

import (
	"time"

	"infinisim/sim"
)

// MustVerify fails the test if the requests that were made are not what is
// expected, and tells which came nearest.
func (l *Lab) MustVerify(v sim.Verification) {
	l.tb.Helper()
	l.MustVerifyWithin(v, 0)
}

// MustVerifyWithin waits until the journal satisfies a verification, for
// clients that work in the background, and fails the test if that takes longer.
func (l *Lab) MustVerifyWithin(v sim.Verification, atMost time.Duration) {
	l.tb.Helper()
	verdict, err := l.WaitVerified(l.tb.Context(), v, atMost)
	if err != nil {
		l.tb.Fatalf("verify: %v", err)
	}
	if !verdict.Satisfied {
		l.tb.Fatalf("verify:\n%s", verdict)
	}
}
