package state

import (
	"encoding/json"
	"encoding/pem"
	"regexp"
	"strings"
)

// hider takes the secret out of a value.
type hider func(raw json.RawMessage) json.RawMessage

// marked puts the mark in place of a text that is not empty.
func marked(raw json.RawMessage) json.RawMessage {
	if len(raw) < 2 || raw[0] != '"' || string(raw) == `""` {
		return raw
	}
	return json.RawMessage(`"` + Mark + `"`)
}

// Events have the tokens of users who forgot their passwords as a datum.
const (
	eventType = "event"
	eventData = "data"
)

var tokenDatum = regexp.MustCompile(`("name":"token","type":"[^"]*","value":)"[^"]*"`)

// withoutTokens puts the mark in place of the tokens of an event.
func withoutTokens(raw json.RawMessage) json.RawMessage {
	return tokenDatum.ReplaceAll(raw, []byte(`$1"`+Mark+`"`))
}

// emptied makes a text empty.
func emptied(raw json.RawMessage) json.RawMessage {
	if raw[0] != '"' {
		return raw
	}
	return json.RawMessage(`""`)
}

// withoutKeys takes the private keys out of a text of PEM blocks.
func withoutKeys(raw json.RawMessage) json.RawMessage {
	var all string
	if json.Unmarshal(raw, &all) != nil || all == "" {
		return raw
	}
	var out strings.Builder
	for rest := []byte(all); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		if !strings.Contains(b.Type, "PRIVATE KEY") {
			out.Write(pem.EncodeToMemory(b))
		}
	}
	kept, err := encode(out.String())
	if err != nil {
		return json.RawMessage(`""`)
	}
	return kept
}

// hideMembers takes the secrets out of members of an object.
func hideMembers(how map[string]hider) func(json.RawMessage) (json.RawMessage, error) {
	return func(raw json.RawMessage) (json.RawMessage, error) {
		keys, all, err := members(raw)
		if err != nil {
			return nil, err
		}
		out := []byte{'{'}
		for i, k := range keys {
			name, err := encode(k)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				out = append(out, ',')
			}
			v := all[k]
			if hide := how[k]; hide != nil {
				v = hide(v)
			}
			out = append(append(append(out, name...), ':'), v...)
		}
		return append(out, '}'), nil
	}
}
