package model

import (
	"errors"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/deliver"
	"infinisim/sim/schema"
)

// The fields of a notification target.
var (
	TargetName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	TargetProtocol = schema.Enum(schema.Field{Name: "protocol", Flags: schema.Create, Enum: []string{"SMTP", "SNMP", "SYSLOG"}})
	TargetTLS      = schema.Bool(schema.Field{Name: "tls", Flags: schema.Editable})
	TargetHost     = schema.String(schema.Field{Name: "host", Flags: schema.Editable})
	TargetPort     = schema.Int(schema.Field{Name: "port", Flags: schema.Editable, Check: portNumber})
	TargetFrom     = schema.String(schema.Field{Name: "from_address", Flags: schema.Editable, Check: mailAddress})
	TargetUser     = schema.String(schema.Field{Name: "username", Flags: schema.Editable})
	TargetPassword = schema.String(schema.Field{Name: "password", Flags: schema.Editable | schema.Unsaid})
	TargetVisible  = schema.String(schema.Field{Name: "visibility", Flags: schema.Editable, Default: Customer, Check: anyOf(eventVisibilities()...)})
	TargetVersion  = schema.String(schema.Field{Name: "version", Flags: schema.Editable, Check: anyOf("SNMPv2c", "SNMPv3")})
	TargetAuth     = schema.String(schema.Field{Name: "auth_protocol", Flags: schema.Editable, Check: anyOf(deliver.AuthProtocols()...)})
	TargetAuthType = schema.String(schema.Field{Name: "auth_type", Flags: schema.Editable, Check: anyOf(deliver.AuthTypes()...)})
	TargetGroup    = schema.String(schema.Field{Name: "community", Flags: schema.Editable | schema.Secret})
	TargetEngine   = schema.String(schema.Field{Name: "engine", Flags: schema.Editable, Check: engineID})
	TargetKey      = schema.String(schema.Field{Name: "private_key", Flags: schema.Editable | schema.Unsaid})
	TargetCipher   = schema.String(schema.Field{Name: "private_protocol", Flags: schema.Editable, Check: anyOf(deliver.PrivateProtocols()...)})
	TargetCarrier  = schema.String(schema.Field{Name: "transport", Flags: schema.Editable, Check: anyOf("TCP", "UDP")})
	TargetFacility = schema.String(schema.Field{Name: "facility", Flags: schema.Editable, Check: facility})
	targetPassword = schema.String(schema.Field{Name: "_password", Flags: schema.Private | schema.Secret})
	targetKey      = schema.String(schema.Field{Name: "_private_key", Flags: schema.Private | schema.Secret})

	// NotificationTarget is where notifications of events go.
	NotificationTarget = schema.NewType("notification_target", targetPassword, targetKey, TargetName, TargetProtocol, TargetTLS, TargetHost, TargetPort, TargetFrom,
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

// keepSecrets puts the secrets that a client sent where no answer shows them;
// null and an empty text take one away.
//
// unsourced: that answers leave out the secrets of notification targets.
func keepSecrets(o *schema.Object, in *Input) {
	for _, a := range []struct{ shown, kept schema.Attr[string] }{{TargetPassword, targetPassword}, {TargetKey, targetKey}} {
		if _, sent := in.Body[a.shown.Name()]; !sent {
			continue
		}
		a.kept.SetNull(o)
		if secret := a.shown.Get(o); secret != "" {
			a.kept.Set(o, secret)
		}
		a.shown.SetNull(o)
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
			BeforeCreate: func(_ *Box, o *schema.Object, in *Input) error {
				if TargetPort.IsNull(o) {
					TargetPort.Set(o, targetPort(TargetProtocol.Get(o)))
				}
				keepSecrets(o, in)
				return nil
			},
			BeforeUpdate: func(_ *Box, _, o *schema.Object, in *Input) error { keepSecrets(o, in); return nil },
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
	k.Routes = []Route{Post(k, "test", testTarget)}
	return k
}

// The fields of a notification rule.
var (
	RuleName    = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	RuleCode    = schema.String(schema.Field{Name: "event_code", Flags: schema.Editable})
	RuleLevels  = schema.List[string](schema.Field{Name: "event_level", Flags: schema.Editable, Check: knownLevels})
	RuleParams  = schema.Tree[map[string]any](schema.Field{Name: "target_parameters", Flags: schema.Editable, Check: ruleParams})
	RuleTarget  = schema.Ref(schema.Field{Name: "target_id", Flags: schema.Editable | schema.Index}, "notification_target")
	RuleInclude = schema.List[string](schema.Field{Name: "include_events", Flags: schema.Editable})
	RuleExclude = schema.List[string](schema.Field{Name: "exclude_events", Flags: schema.Editable})
	RuleVisible = schema.List[string](schema.Field{Name: "event_visibility", Flags: schema.Create, Check: knownVisibilities, Default: []string{Customer}})

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

func knownVisibilities(v schema.Value) error {
	for _, word := range v.List() {
		if !slices.Contains(eventVisibilities(), word.Text()) {
			return errors.New("names a visibility that is none of " + strings.Join(eventVisibilities(), ", "))
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
