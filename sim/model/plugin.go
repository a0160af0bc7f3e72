package model

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// The fields of a plugin (InfiniSDK 289.1.4, plugin.py; the times of creation
// and change: the vendor's Go client, plugins).
var (
	PluginType      = schema.String(schema.Field{Name: "type", Flags: schema.Create | schema.NotNull, Check: checkName, Pattern: namePattern})
	PluginName      = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	PluginVersion   = schema.String(schema.Field{Name: "version", Flags: schema.Editable | schema.NotNull, Check: checkName, Pattern: namePattern})
	PluginSuffix    = schema.String(schema.Field{Name: "api_redirect_suffix", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	PluginURL       = schema.String(schema.Field{Name: "management_url", Flags: schema.Editable | schema.NotNull, Check: checkURL})
	PluginSilence   = schema.Int(schema.Field{Name: "max_sec_without_heartbeat", Flags: schema.Editable | schema.NotNull, Check: checkSilence})
	PluginBeat      = schema.Int(schema.Field{Name: "last_heartbeat", Flags: schema.Update, Check: notNegative})
	PluginAlive     = schema.Compute(schema.Bool(schema.Field{Name: "heartbeat_valid"}))
	PluginHeartbeat = schema.Tree[any](schema.Field{Name: "heartbeat", Flags: schema.Update})

	// Plugin is a program beside the array that tells it that it is alive.
	Plugin = schema.NewType("plugin", PluginType, PluginName, PluginVersion, PluginSuffix, PluginURL, PluginSilence, CreatedAt, UpdatedAt,
		PluginBeat, PluginAlive, PluginHeartbeat, TenantID)
)

func checkSilence(v schema.Value) error {
	if v.Int() <= 0 {
		return errors.New("is not above 0")
	}
	return nil
}

// pluginKind is the kind of plugins.
//
// unsourced: that all that InfiniSDK sends is required, that names and suffixes
// are unique, what is refused as a URL and as a number of seconds; that a
// plugin's silence emits no event.
func pluginKind() *Kind {
	k := &Kind{
		Least: RoleAdmin, Gate: gateTenants(),
		Type: Plugin, Path: "plugins", NotFound: apierr.PluginNotFound, Conflict: apierr.PluginConflict,
		Forms: []Form{{Name: "a plugin", Required: []string{
			"name", "type", "version", "api_redirect_suffix", "management_url", "max_sec_without_heartbeat",
		}}},
		Hooks: Hooks{
			AfterCreate: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeUpdate: func(_ *Box, _, _ *schema.Object, in *Input) error {
				if !in.Body.Has("heartbeat") {
					return nil
				}
				return checkHeartbeat(in.Body["heartbeat"])
			},
			AfterDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{PluginAlive.Field(): heartbeatValid},
		Sample: func(w World) Body {
			return NewBody(map[string]any{
				"name": w.Name(), "type": "VASA", "version": "1", "api_redirect_suffix": w.Name(),
				"management_url": "https://plugin.example.com", "max_sec_without_heartbeat": 60,
			})
		},
		Change: func(*schema.Object) Body {
			return NewBody(map[string]any{"version": "2", "max_sec_without_heartbeat": 30})
		},
	}
	k.Routes = []Route{{Name: "heartbeat", Method: http.MethodPut, Path: "plugins/{id}/heartbeat", Do: heartbeat}}
	return k
}

func checkHeartbeat(raw json.RawMessage) error {
	if len(raw) == 0 || raw[0] != '{' {
		return apierr.New(apierr.InvalidValue, "heartbeat: %.80s is no object", raw).About("heartbeat")
	}
	return nil
}

// heartbeat keeps what a plugin tells of itself, now, and answers with it (the
// vendor's Go client reads it so).
func heartbeat(b *Box, o *schema.Object, in *Input) (any, error) {
	if err := checkHeartbeat(in.Raw); err != nil {
		return nil, err
	}
	raw, err := PluginHeartbeat.Field().Accept(in.Raw)
	if err != nil {
		return nil, Wire(err)
	}
	o.SetRaw(PluginHeartbeat.Field(), raw)
	PluginBeat.Set(o, b.Tx.Now().MS())
	return raw, b.Tx.Put(b.Key, o)
}

// heartbeatValid is whether the last heartbeat is not older than the plugin may
// be silent.
func heartbeatValid(b *Box, o *schema.Object) (any, error) {
	silence := clock.Span(PluginSilence.Get(o), time.Second)
	return !PluginBeat.IsNull(o) && b.Tx.Now().Sub(clock.FromMS(PluginBeat.Get(o))) <= silence, nil
}
