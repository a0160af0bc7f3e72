package apierr_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/apierr"
)

func TestError(t *testing.T) {
	t.Parallel()
	e := apierr.New(apierr.PoolNotFound, "pool %d", 7)
	wrapped := fmt.Errorf("outer: %w", e)
	assert.Equal(t, apierr.PoolNotFound, apierr.CodeOf(wrapped))
	assert.Equal(t, apierr.Internal, apierr.CodeOf(errors.New("x")))
	assert.Empty(t, apierr.CodeOf(nil))
	more := e.About("pool_id").WithReason("why").WithReason("and", 5).FromPeer()
	assert.Empty(t, e.Subject, "the first error stays as it is")
	assert.Empty(t, e.Reasons)
	assert.False(t, e.Remote)
	assert.True(t, more.Remote)
	assert.Equal(t, "pool_id", more.Subject)
	assert.Equal(t, []apierr.Reason{{Message: "why", Affected: []int64{}}, {Message: "and", Affected: []int64{5}}}, more.Reasons)
}

func Example() {
	err := apierr.New(apierr.VolumeNotFound, "volume %d does not exist", 5)
	fmt.Println(err)
	// Output: VOLUME_NOT_FOUND: volume 5 does not exist
}
