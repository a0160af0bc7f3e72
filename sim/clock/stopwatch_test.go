package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
)

func TestStopwatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := clock.StartStopwatch()
		require.NoError(t, clock.Pause(t.Context(), time.Minute))
		assert.Equal(t, time.Minute, w.Took())
		assert.Equal(t, w.Begun().Add(w.Took()), clock.StartStopwatch().Begun())
	})
}
