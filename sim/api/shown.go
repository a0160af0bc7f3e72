package api

import (
	"encoding/json"
	"strings"

	"infinisim/sim/apierr"
)

// tokenVariable is the variable of a route that stands for a secret.
const tokenVariable = "{token}"

// shownPath is a path as logs and spans have it: with the name of the variable
// where a secret is.
func shownPath(path, route string) string {
	before, _, ok := strings.Cut(route, tokenVariable)
	if !ok {
		return path
	}
	part := strings.Count(root+"/"+before, "/")
	parts := strings.Split(path, "/")
	if part < len(parts) {
		parts[part] = tokenVariable
	}
	return strings.Join(parts, "/")
}

// notJSON refuses a body that is no JSON, and tells where: what stands there may
// be a secret.
func notJSON(raw []byte) error {
	if json.Valid(raw) {
		return nil
	}
	var v json.RawMessage
	at := int64(len(raw))
	bad := "ends too early"
	if err := json.Unmarshal(raw, &v); err != nil {
		bad = err.Error()
		if e, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // as Unmarshal returns it
			at = e.Offset
		}
	}
	return apierr.New(apierr.Malformed, "body: not JSON: byte %d: %s", at, bad)
}
