package model

import (
	"errors"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a notification target.
var (
	TargetName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName})
	TargetProtocol = schema.Enum(schema.Field{Name: "protocol", Flags: schema.Create, Enum: []string{"SMTP", "SNMP", "SYSLOG"}})
	TargetTLS      = schema.Bool(schema.Field{Name: "tls", Flags: schema.Editable})
	TargetHost     = schema.String(schema.Field{Name: "host", Flags: schema.Editable})
	TargetPort     = schema.Int(schema.Field{Name: "port", Flags: schema.Editable, Check: portNumber})
	TargetFrom     = schema.String(schema.Field{Name: "from_address", Flags: schema.Editable})
	TargetUser     = schema.String(schema.Field{Name: "username", Flags: schema.Editable})
	TargetPassword = schema.String(schema.Field{Name: "password", Flags: schema.Editable})
	TargetVisible  = schema.String(schema.Field{Name: "visibility", Flags: schema.Editable, Default: "CUSTOMER"})
	TargetVersion  = schema.String(schema.Field{Name: "version", Flags: schema.Editable})
	TargetAuth     = schema.String(schema.Field{Name: "auth_protocol", Flags: schema.Editable})
	TargetAuthType = schema.String(schema.Field{Name: "auth_type", Flags: schema.Editable})
	TargetGroup    = schema.String(schema.Field{Name: "community", Flags: schema.Editable})
	TargetEngine   = schema.String(schema.Field{Name: "engine", Flags: schema.Editable})
	TargetKey      = schema.String(schema.Field{Name: "private_key", Flags: schema.Editable})
	TargetCipher   = schema.String(schema.Field{Name: "private_protocol", Flags: schema.Editable})
	TargetCarrier  = schema.String(schema.Field{Name: "transport", Flags: schema.Editable})
	TargetFacility = schema.String(schema.Field{Name: "facility", Flags: schema.Editable})

	// NotificationTarget is where notifications of events go.
	NotificationTarget = schema.NewType("notification_target", TargetName, TargetProtocol, TargetTLS, TargetHost, TargetPort, TargetFrom,
		TargetUser, TargetPassword, TargetVisible, TargetVersion, TargetAuth, TargetAuthType, TargetGroup, TargetEngine, TargetKey,
		TargetCipher, TargetCarrier, TargetFacility)
)

func portNumber(v schema.Value) error {
	if !v.IsNull() && (v.Int() < 1 || v.Int() > 65535) {
		return errors.New("is no port")
	}
	return nil
}

// targetPort is the usual port of a protocol.
func targetPort(protocol string) int64 {
	return map[string]int64{"SMTP": 25, "SNMP": 162, "SYSLOG": 514}[protocol]
}

// masked is what an answer shows of a secret that is set.
//
// unsourced: that answers leave out the secrets of notification targets.
func masked(o *schema.Object) {
	for _, a := range []schema.Attr[string]{TargetPassword, TargetKey} {
		if !a.IsNull(o) {
			a.SetNull(o)
		}
	}
}

// customerTarget is the target that every array has (InfiniSDK 289.1.4,
// doc/system_configuration.rst; its name: Ansible collection 1.6.3).
const customerTarget = "customer-smtp"

func targetKind() *Kind {
	k := &Kind{
		Least: RoleAdmin,
		Type:  NotificationTarget, Path: "notifications/targets", NotFound: apierr.TargetNotFound, Conflict: apierr.TargetNameConflict,
		Forms: []Form{{Name: "a notification target", Required: []string{"name", "protocol", "host"}}},
		Hooks: Hooks{
			BeforeCreate: func(_ *Box, o *schema.Object, _ *Input) error {
				if TargetPort.IsNull(o) {
					TargetPort.Set(o, targetPort(TargetProtocol.Get(o)))
				}
				masked(o)
				return nil
			},
			BeforeUpdate: func(_ *Box, _, o *schema.Object, _ *Input) error { masked(o); return nil },
			BeforeDelete: func(b *Box, o *schema.Object, _ *Input) error {
				ids := b.Tx.IDsBy(b.Key, NotificationRule, RuleTarget.Field(), schema.RefValue(o.ID()))
				if len(ids) > 0 {
					return apierr.New(apierr.TargetInUse, "notification target %d is used by rule %d", o.ID(), ids[0])
				}
				return nil
			},
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "protocol": "SYSLOG", "host": "syslog.example.com", "transport": "UDP", "facility": "local0"})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"host": "other.example.com"}) },
	}
	k.Routes = []Route{Post(k, "test", func(*Box, *schema.Object, *Input) (any, error) { return true, nil })}
	return k
}

// The fields of a notification rule.
var (
	RuleName    = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName})
	RuleCode    = schema.String(schema.Field{Name: "event_code", Flags: schema.Editable})
	RuleLevels  = schema.List[string](schema.Field{Name: "event_level", Flags: schema.Editable, Check: knownLevels})
	RuleParams  = schema.Tree[map[string]any](schema.Field{Name: "target_parameters", Flags: schema.Editable})
	RuleTarget  = schema.Ref(schema.Field{Name: "target_id", Flags: schema.Editable | schema.Index}, "notification_target")
	RuleInclude = schema.List[string](schema.Field{Name: "include_events", Flags: schema.Editable})
	RuleExclude = schema.List[string](schema.Field{Name: "exclude_events", Flags: schema.Editable})
	RuleVisible = schema.List[string](schema.Field{Name: "event_visibility", Flags: schema.Create, Default: []string{"CUSTOMER"}})

	// NotificationRule says which events are told to a target.
	NotificationRule = schema.NewType("notification_rule", RuleName, RuleCode, RuleLevels, RuleParams, RuleTarget, RuleInclude, RuleExclude, RuleVisible)
)

func knownLevels(v schema.Value) error {
	for _, level := range v.List() {
		if !slices.Contains(eventLevels(), level.Text()) {
			return errors.New("names a level that is none of " + strings.Join(eventLevels(), ", "))
		}
	}
	return nil
}

func ruleKind() *Kind {
	exists := func(b *Box, o *schema.Object) error {
		_, err := b.Load(b.Eng.Catalog.Kind(NotificationTarget.Name()), RuleTarget.Get(o))
		return err
	}
	return &Kind{
		Least: RoleAdmin,
		Type:  NotificationRule, Path: "notifications/rules", NotFound: apierr.RuleNotFound, Conflict: apierr.RuleNameConflict,
		Forms: []Form{{Name: "a notification rule", Required: []string{"name", "target_id"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, _ *Input) error { return exists(b, o) },
			BeforeUpdate: func(b *Box, _, o *schema.Object, _ *Input) error { return exists(b, o) },
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "target_id": w.Make("notification_target"), "event_level": []string{"ERROR"}})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"event_level": []string{"CRITICAL"}}) },
	}
}

func addNotifications(c *Catalog) {
	c.Add(targetKind(), ruleKind())
	c.OnFormat(func(b *Box) error {
		o := schema.New(NotificationTarget, customerTargetID)
		TargetName.Set(o, customerTarget)
		TargetProtocol.Set(o, "SMTP")
		TargetHost.Set(o, "localhost")
		TargetPort.Set(o, targetPort("SMTP"))
		return b.Insert(o)
	})
}

// customerTargetID stays out of the array's one sequence.
const customerTargetID = 1
