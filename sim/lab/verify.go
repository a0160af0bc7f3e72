package lab

import (
	"context"
	"time"

	"infinisim/sim/journal"
)

// Verify holds the requests that were made against what is expected of them. It
// returns INVALID_VALUE for an expectation that says nothing or cannot be.
func (l *Lab) Verify(v journal.Verification) (*journal.Verdict, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	return l.Journal.Verify(v), nil
}

// WaitVerified is Verify once it is satisfied, or can be so no more, or when
// that much of the wall clock's time is over.
func (l *Lab) WaitVerified(ctx context.Context, v journal.Verification, atMost time.Duration) (*journal.Verdict, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	return l.Journal.Wait(ctx, v, atMost)
}
