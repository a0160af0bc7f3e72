package apierr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/apierr"
)

func TestAll(t *testing.T) {
	t.Parallel()
	all := apierr.All()
	for _, code := range []apierr.Code{apierr.ApprovalRequired, apierr.PasswordDoesNotComply, apierr.Internal, apierr.FaultInjected} {
		assert.Contains(t, all, code)
	}
	for _, code := range []apierr.Code{apierr.LabNotFound, apierr.LabExists, apierr.LabSnapshotExists, apierr.LabSnapshotNotFound, apierr.FaultExists, apierr.FaultNotFound} {
		assert.NotContains(t, all, code, "the control plane's alone")
	}
	assert.Greater(t, len(all), 100)
}
