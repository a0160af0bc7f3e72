package model_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// emit has an event happen n times at once.
func (a *arrays) emit(code string, n int) {
	a.t.Helper()
	require.NoError(a.t, a.lab.On(a.t.Context(), boxA, func(b *model.Box) error {
		for range n {
			if err := b.Emit(model.Event{Code: code, Template: "x"}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (a *arrays) events(code string) int {
	a.t.Helper()
	_, out := a.call(boxA, http.MethodGet, "events?page_size=1&code=eq:"+code, nil)
	meta, _ := out["metadata"].(map[string]any)
	return int(object(meta).id("number_of_objects"))
}

func TestEvents_flood(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	a.emit("LINK_UP", 1000)
	assert.Equal(t, 1000, a.events("LINK_UP"))
	assert.Zero(t, a.events("EVENT_FLOOD"))
	a.emit("LINK_UP", 2)
	a.emit("LINK_DOWN", 1)
	assert.Equal(t, 1000, a.events("LINK_UP"), "the rest is left out")
	assert.Equal(t, 1, a.events("EVENT_FLOOD"), "and reported once")
	assert.Equal(t, 1, a.events("LINK_DOWN"), "another code is counted for itself")

	_, err := a.lab.AdvanceTo(t.Context(), a.lab.Clock.Now().Add(time.Minute))
	require.NoError(t, err)
	a.emit("LINK_UP", 1)
	assert.Equal(t, 1001, a.events("LINK_UP"), "the next window begins anew")

	a.do(boxA, http.MethodPut, "config/mgmt/events.flooding_detector.enabled", false)
	a.emit("LINK_UP", 1500)
	assert.Equal(t, 2501, a.events("LINK_UP"))
}

func TestEvents_retention(t *testing.T) {
	t.Parallel()
	l, err := lab.New(lab.Options{EventLog: 100})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	_, err = l.AddArray(t.Context(), lab.ArraySetup{})
	require.NoError(t, err)
	a := &arrays{t: t, lab: l}
	a.emit("LINK_UP", 100)
	log := a.list(boxA, "events?page_size=1000")
	assert.LessOrEqual(t, len(log), 100)
	assert.Greater(t, len(log), 80, "a fifth goes at a time")
	assert.Equal(t, int64(1020), log[0].id("id"), "the oldest go first")
}

func TestEvents_largest(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	long := strings.Repeat("x", 99_000)
	a.do(boxA, http.MethodPost, "events/custom", map[string]any{"description_template": long})
	status, out := a.call(boxA, http.MethodPost, "events/custom", map[string]any{"description_template": long + long})
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, fmt.Sprint(out["error"]), "may have 100000")
	assert.Equal(t, 1, a.events("CUSTOM_INFO_EVENT"))
}
