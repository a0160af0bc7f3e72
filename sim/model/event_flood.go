package model

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"infinisim/sim/clock"
)

// The array keeps so many events, and then drops a fifth of them, the oldest
// (vendor KB 6211226431389).
const mostEvents = 500_000

// More events of one code in one window than these are a flood: one EVENT_FLOOD
// reports it, and the rest of the window's are left out. The switch is
// config/mgmt/events.flooding_detector.enabled (InfiniSDK 289.1.4).
//
// unsourced: how many events in how long a time are a flood.
const (
	floodAfter  = 1000
	floodWindow = time.Minute
	floodCode   = "EVENT_FLOOD"
	spaceFlood  = "event.flood"
)

type floodCount struct {
	Since clock.Time `json:"since"`
	N     int        `json:"n"`
}

// flooded counts an event that is about to happen, and reports whether it is
// left out.
func (b *Box) flooded(code string) (bool, error) {
	if code == floodCode {
		return false, nil
	}
	kv, now := b.Tx.KV(b.Key, spaceFlood), b.Tx.Now()
	var c floodCount
	if raw := kv.Get([]byte(code)); raw != nil {
		if err := json.Unmarshal(raw, &c); err != nil {
			return false, fmt.Errorf("count of event %s: %w", code, err)
		}
	}
	if c.N == 0 || now.Sub(c.Since) >= floodWindow {
		c = floodCount{Since: now}
	}
	c.N++
	raw, err := json.Marshal(c)
	if err != nil {
		return false, fmt.Errorf("count of event %s: %w", code, err)
	}
	kv.Put([]byte(code), raw)
	if c.N <= floodAfter || string(b.mgmt("events.flooding_detector.enabled")) != "true" {
		return false, nil
	}
	if c.N > floodAfter+1 {
		return true, nil
	}
	return true, b.Emit(Event{
		Code: floodCode, Level: "WARNING", Template: "more than {n} events {code} in {seconds} seconds",
		Data: []Datum{
			{Name: "n", Type: "Int", Value: floodAfter},
			{Name: "code", Type: "String", Value: code},
			{Name: "seconds", Type: "Int", Value: int(floodWindow.Seconds())},
		},
	})
}

// dropOldEvents makes room when the log is full.
func (b *Box) dropOldEvents() error {
	most := b.Eng.EventLog
	if most == 0 {
		most = mostEvents
	}
	if b.Tx.Count(b.Key, EventType) <= int64(most) {
		return nil
	}
	for _, id := range b.Tx.IDs(b.Key, EventType, math.MinInt64, max(most/5, 1)) {
		if err := b.Tx.Delete(b.Key, EventType, id); err != nil {
			return err
		}
	}
	return nil
}
