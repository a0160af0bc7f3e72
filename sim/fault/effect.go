package fault

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"infinisim/sim/apierr"
)

// Type is what happens when a rule strikes.
type Type string

// The effects.
const (
	// Error answers with an error of the array: code and message in its
	// envelope, the status that goes with the code. Nothing is applied.
	Error Type = "error"
	// Status answers with a bare status and a body that is an envelope, empty,
	// cut in the middle or no JSON. Nothing is applied.
	Status Type = "status"
	// Garble applies the request and spoils the body of its answer.
	Garble Type = "garble"
	// Reset resets the connection. Nothing is applied.
	Reset Type = "reset"
	// Lost applies the request and drops the connection instead of the answer.
	Lost Type = "lost"
	// Duplicate applies the request twice, as if something on the way had sent it
	// again; the answer is that of the second time.
	Duplicate Type = "duplicate"
	// Expire ends the session that the request came with.
	Expire Type = "expire"
	// Delay has a request answered, or a job run, later.
	Delay Type = "delay"
	// Drip applies the request and sends the answer piece by piece.
	Drip Type = "drip"
	// Fail has a job not run now but after Retry.
	Fail Type = "fail"
	// Stall has a job not run until the rule is gone.
	Stall Type = "stall"
	// Down takes a link down.
	Down Type = "down"
	// Cut takes a link down in one direction: what Array sends does not arrive.
	Cut Type = "cut"
	// Loss is the share of a link's bytes that is sent twice.
	Loss Type = "loss"
	// Latency adds to a link's latency, one way.
	Latency Type = "latency"
	// Bandwidth limits a link's bandwidth, each way.
	Bandwidth Type = "bandwidth"
	// Component has a part of the hardware in a state that is not its own.
	Component Type = "component"
	// Full locks a pool as one that has no space left.
	Full Type = "full"
)

// Duration is a time.Duration that JSON writes like "1.5s".
type Duration time.Duration

// MarshalJSON writes the duration as Go does: "1m30s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads "1m30s", or a number of milliseconds.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var ms float64
	if json.Unmarshal(raw, &ms) == nil {
		*d = Duration(ms * float64(time.Millisecond))
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return apierr.New(apierr.InvalidValue, "%q is no duration like 1.5s", text)
	}
	*d = Duration(v)
	return nil
}

// Effect is what happens.
type Effect struct {
	// Type says what.
	Type Type `json:"type"`
	// Code and Message are the array's own, for Error; an empty message is one
	// that names the rule.
	Code    apierr.Code `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
	// Status is the HTTP status, for Status, and for Error in place of the
	// code's own.
	Status int `json:"status,omitempty"`
	// Body is what a bare status comes with: envelope (the default), empty,
	// truncated or malformed; for Garble it is one of the last three.
	Body string `json:"body,omitempty"`
	// Delay is how long, for Delay and Latency, and before each piece for Drip.
	// With Spread it is anything from Delay to Delay plus Spread; with Sigma it is
	// lognormal with Delay as its median. Both are drawn from the rule's dice.
	Delay  Duration `json:"delay,omitempty"`
	Spread Duration `json:"spread,omitempty"`
	Sigma  float64  `json:"sigma,omitempty"`
	// Clock is the clock of a request's delay: lab (the default) or real.
	Clock string `json:"clock,omitempty"`
	// Bytes is the length of a piece, for Drip, 0 for 16.
	Bytes int `json:"bytes,omitempty"`
	// Retry is when a failed job runs again, 0 for a minute.
	Retry Duration `json:"retry,omitempty"`
	// Loss is the share of the bytes that is sent twice, for Loss.
	Loss float64 `json:"loss,omitempty"`
	// Bandwidth is in bytes a second, for Bandwidth.
	Bandwidth int64 `json:"bandwidth,omitempty"`
	// Component is a path like nodes/1/fc_ports/2, State the state that it is in;
	// an empty one is that of a part that has failed.
	Component string `json:"component,omitempty"`
	State     string `json:"state,omitempty"`
}

// UnmarshalJSON refuses members that no effect has.
func (e *Effect) UnmarshalJSON(raw []byte) error {
	type plain Effect
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(e))
}

// After is when a failed job runs again.
func (e Effect) After() time.Duration {
	if e.Retry == 0 {
		return time.Minute
	}
	return time.Duration(e.Retry)
}

// usualPiece is how many bytes of an answer drip at a time.
const usualPiece = 16

// Piece is how many bytes of an answer drip at a time.
func (e Effect) Piece() int {
	if e.Bytes == 0 {
		return usualPiece
	}
	return e.Bytes
}

// effectsOf are the effects of a site.
func effectsOf(s Site) []Type {
	return map[Site][]Type{
		HTTP:  {Error, Status, Garble, Reset, Lost, Duplicate, Expire, Delay, Drip},
		Link:  {Down, Cut, Loss, Latency, Bandwidth},
		Job:   {Fail, Delay, Stall},
		Array: {Component, Full},
	}[s]
}

// members are those that an effect has.
func (e Effect) members() []string {
	return map[Type][]string{
		Error: {"code", "message", "status"}, Status: {"status", "body"}, Garble: {"body"},
		Delay: {"delay", "spread", "sigma", "clock"}, Drip: {"delay", "bytes", "clock"}, Fail: {"retry"},
		Loss: {"loss"}, Latency: {"delay", "spread"}, Bandwidth: {"bandwidth"}, Component: {"component", "state"},
	}[e.Type]
}

// stray is a member that the effect does not have, empty for none.
func (e Effect) stray(site Site) string {
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"code", e.Code != ""},
		{"message", e.Message != ""},
		{"status", e.Status != 0},
		{"body", e.Body != ""},
		{"delay", e.Delay != 0},
		{"spread", e.Spread != 0},
		{"sigma", e.Sigma != 0},
		{"clock", e.Clock != ""},
		{"bytes", e.Bytes != 0},
		{"retry", e.Retry != 0},
		{"loss", e.Loss != 0},
		{"bandwidth", e.Bandwidth != 0},
		{"component", e.Component != ""},
		{"state", e.State != ""},
	} {
		if m.set && (!slices.Contains(e.members(), m.name) || m.name == "clock" && site != HTTP) {
			return m.name
		}
	}
	return ""
}

const (
	maxSigma = 5
	maxDelay = Duration(24 * time.Hour)
)

func (e Effect) validate(site Site) error {
	bodies := []string{"", "envelope", "empty", "truncated", "malformed"}
	if stray := e.stray(site); stray != "" {
		return refuse("effect."+stray, "the effect %s of the site %s has none, it has %v", e.Type, site, e.members())
	}
	switch {
	case e.Type == Error && !wellFormed(string(e.Code)):
		return refuse("effect.code", "%q is no code like VOLUME_NOT_FOUND, which an error needs", e.Code)
	case (e.Type == Status || e.Status != 0) && (e.Status < 200 || e.Status > 599):
		return refuse("effect.status", "%d is no status of an answer", e.Status)
	case e.Type == Status && !slices.Contains(bodies, e.Body):
		return refuse("effect.body", "%q is none of envelope, empty, truncated, malformed", e.Body)
	case e.Type == Garble && !slices.Contains(bodies[2:], e.Body):
		return refuse("effect.body", "%q is none of empty, truncated, malformed", e.Body)
	case e.Bytes < 0:
		return refuse("effect.bytes", "%d is no length of a piece", e.Bytes)
	case !slices.Contains([]string{"", "lab", "real"}, e.Clock):
		return refuse("effect.clock", "%q is neither lab nor real", e.Clock)
	case e.Type == Loss && (e.Loss <= 0 || e.Loss >= 1):
		return refuse("effect.loss", "%v is not between 0 and 1", e.Loss)
	case e.Type == Bandwidth && e.Bandwidth <= 0:
		return refuse("effect.bandwidth", "%d is not above 0; to stop a link, take it down", e.Bandwidth)
	case e.Type == Component && e.Component == "":
		return refuse("effect.component", "the path of a part is needed, such as nodes/1")
	}
	return e.validateDelay()
}

func (e Effect) validateDelay() error {
	later := e.Type == Delay || e.Type == Latency || e.Type == Drip
	switch {
	case later && e.Delay+e.Spread <= 0 || e.Delay < 0 || e.Spread < 0 || e.Retry < 0 || e.Delay > maxDelay || e.Spread > maxDelay:
		return refuse("effect.delay", "%v: a delay is longer than nothing and at most a day", time.Duration(e.Delay))
	case e.Sigma < 0 || e.Sigma > maxSigma:
		return refuse("effect.sigma", "%v is not from 0 to %d", e.Sigma, maxSigma)
	case e.Sigma > 0 && (e.Spread > 0 || e.Delay == 0):
		return refuse("effect.sigma", "a lognormal delay has a median, delay, and no spread")
	}
	return nil
}

// wellFormed reports whether a word is spelt as the array's codes are. Those
// that the array knows are more than what this simulator answers.
func wellFormed(code string) bool {
	return code != "" && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}
