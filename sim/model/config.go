package model

import (
	"encoding/json"
	"net/http"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
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
		qosEnabled:                           true,
		"ui-dataset-default-provisioning":    Thin,
	}
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
