package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServe_demo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  []string
		mode  string
		speed float64
	}{
		{nil, "system", 60},
		{[]string{"--speed", "7"}, "system", 7},
		{[]string{"--clock", "manual"}, "manual", 0},
	} {
		line, printed, stop := start(t, append(c.args, "--demo")...)
		require.Len(t, line.Arrays, 3)
		require.Len(t, line.Links, 3)
		assert.Equal(t, "frankfurt", line.Arrays[0].Name)
		assert.Contains(t, printed.String(), "dublin  http://")
		var clock struct {
			Mode  string
			Speed float64
		}
		require.NoError(t, json.Unmarshal([]byte(get(t, http.DefaultClient, line.Control+"/_sim/v1/clock")), &clock))
		assert.Equal(t, c.mode, clock.Mode)
		assert.InDelta(t, c.speed, clock.Speed, 0.001)
		assert.Contains(t, get(t, http.DefaultClient, line.Arrays[0].URL+"/api/rest/volumes?name=warehouse&fields=name"), "warehouse")
		require.NoError(t, stop())
	}
}
