package model

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

const spaceConfig = "config"

// mgmtDefaults are the keys of config/mgmt that public clients read, with the
// values of a fresh array.
func mgmtDefaults(p *Profile) map[string]any {
	return map[string]any{
		"system.model_short_name":            "infinisim",
		"system.model_long_name":             "infinisim-model",
		"environment.dns_servers":            "",
		"users.password_policy_enabled":      p.PasswordPolicy,
		"events.flooding_detector.enabled":   true,
		"pool.compression_enabled_default":   true,
		"mgmt.is_decimal_capacity_converter": true,
		sessionExpiry:                        1440,
		sessionIdle:                          60,
		qosEnabled:                           true,
		"ui-dataset-default-provisioning":    Thin,
	}
}

// The minutes that a session lasts at most, and without a request; the defaults
// are those of vendor KB 360002122838.
const (
	sessionExpiry = "mgmt.session_expiry"
	sessionIdle   = "mgmt.session_idle_timeout"
	// mostMinutes is the longest that either may be.
	//
	// unsourced: the number, a year.
	mostMinutes = 365 * 24 * 60
)

// SessionLimits are how long a session lasts; 0 is for ever.
type SessionLimits struct {
	// Active is since its login, Idle since its last request.
	Active, Idle time.Duration
}

// SessionLimits are those that somebody set.
//
// unsourced: those of a new array are told and do not hold, since a test lets
// hours pass in an instant, in which its client asks for nothing.
func (b *Box) SessionLimits() (SessionLimits, error) {
	return store.Memo(b.Tx, store.Name{Group: "session limits", Array: b.Key}, func() (SessionLimits, error) {
		set := func(key string) time.Duration {
			n, _ := strconv.Atoi(string(b.Tx.KV(b.Key, spaceConfig).Get([]byte(key)))) // none is 0
			return time.Duration(n) * time.Minute
		}
		return SessionLimits{Active: set(sessionExpiry), Idle: set(sessionIdle)}, nil
	})
}

// minutes reads a number of minutes, which comes as a text (vendor KB 360002122838).
func minutes(key string, v any) (json.RawMessage, error) {
	text, ok := v.(string)
	if f, number := v.(float64); number {
		text, ok = strconv.FormatFloat(f, 'f', -1, 64), true
	}
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 1 || n > mostMinutes {
		return nil, apierr.New(apierr.InvalidValue, "%s: %v is no number of minutes from 1 to %d", key, v, mostMinutes).About(key)
	}
	return strconv.AppendInt(nil, int64(n), 10), nil
}

// mgmt is the JSON of a key of config/mgmt, nil if there is no such key.
func (b *Box) mgmt(key string) json.RawMessage {
	if raw := b.Tx.KV(b.Key, spaceConfig).Get([]byte(key)); raw != nil {
		return raw
	}
	v, ok := mgmtDefaults(b.Profile())[key]
	if !ok {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}

func addConfig(c *Catalog) {
	c.AddRoutes(
		Route{Method: http.MethodGet, Path: "config/mgmt/{key}", Reads: true, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			raw := b.mgmt(in.Vars["key"])
			if raw == nil {
				return nil, apierr.New(apierr.ConfigNotFound, "config/mgmt has no %q", in.Vars["key"])
			}
			return raw, nil
		}},
		Route{Method: http.MethodPut, Path: "config/mgmt/{key}", Least: RoleAdmin, Do: setMgmt},
		Route{Method: http.MethodGet, Path: "config/limits", Reads: true, Params: []string{"fields"}, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return limits(b, in.Query.Get("fields")), nil
		}},
	)
}

// setMgmt keeps a value of the type that the key has.
func setMgmt(b *Box, _ *schema.Object, in *Input) (any, error) {
	key := in.Vars["key"]
	before := b.mgmt(key)
	if before == nil {
		return nil, apierr.New(apierr.ConfigNotFound, "config/mgmt has no %q", key)
	}
	var old, next any
	if err := json.Unmarshal(in.Raw, &next); err != nil {
		return nil, apierr.New(apierr.Malformed, "body: %v", err)
	}
	if key == sessionExpiry || key == sessionIdle {
		raw, err := minutes(key, next)
		if err == nil {
			b.Tx.KV(b.Key, spaceConfig).Put([]byte(key), raw)
		}
		return raw, err
	}
	if json.Unmarshal(before, &old) != nil || kindOf(old) != kindOf(next) {
		return nil, apierr.New(apierr.InvalidValue, "%s: %s is no %s", key, in.Raw, kindOf(old)).About(key)
	}
	b.Tx.KV(b.Key, spaceConfig).Put([]byte(key), append([]byte(nil), in.Raw...))
	if key == qosEnabled {
		return in.Raw, b.paceIn(0)
	}
	return in.Raw, nil
}

func kindOf(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		return "number"
	}
	return "value"
}

// mostTreeQs is how many tree queues a filesystem has.
const mostTreeQs = 4000

// limits are those of config/limits that public clients ask for.
//
// unsourced: the numbers of filesystems and tree queues.
func limits(b *Box, fields string) map[string]any {
	all := map[string]any{
		"nas.max_filesystems_in_system":      4000,
		"nas.treeq_max_count_per_filesystem": mostTreeQs,
		"replication.max_replicas":           b.Profile().Replicas,
		"replication.max_links":              b.Profile().Links,
	}
	if fields == "" {
		return all
	}
	some := map[string]any{}
	for name := range strings.SplitSeq(fields, ",") {
		if v, ok := all[name]; ok {
			some[name] = v
		}
	}
	return some
}
