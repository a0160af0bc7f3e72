package model

import (
	"errors"
	"net/url"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an identity provider.
var (
	IDPName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName})
	IDPIssuer   = schema.String(schema.Field{Name: "issuer", Flags: schema.Create})
	IDPURL      = schema.String(schema.Field{Name: "sign_on_url", Flags: schema.Editable, Check: checkURL})
	IDPOn       = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Update, Default: true})
	IDPResponse = schema.Bool(schema.Field{Name: "signed_response", Flags: schema.Update})
	IDPAsserted = schema.Bool(schema.Field{Name: "signed_assertion", Flags: schema.Update})
	IDPCert     = schema.String(schema.Field{Name: "signing_certificate", Flags: schema.Update})
	IDPSerial   = schema.String(schema.Field{Name: "signing_certificate_serial"})
	IDPExpiry   = schema.Int(schema.Field{Name: "signing_certificate_expiry"})

	// IDP is an identity provider that users sign on at.
	IDP = schema.NewType("sso_identity_provider", IDPName, IDPIssuer, IDPURL, IDPOn, IDPResponse, IDPAsserted, IDPCert, IDPSerial, IDPExpiry)
)

// checkURL wants an address with scheme and host.
func checkURL(v schema.Value) error {
	if u, err := url.Parse(v.Text()); err != nil || u.Scheme == "" || u.Host == "" {
		return errors.New("is no address like https://host/path")
	}
	return nil
}

func idpKind() *Kind {
	return &Kind{
		Least: RoleAdmin,
		Type:  IDP, Path: "config/sso/idps", NotFound: apierr.IDPNotFound, Conflict: apierr.IDPNameConflict,
		Gate:  schema.Gate{Feature: "sso_authentication", AtLeast: 1},
		Forms: []Form{{Name: "an identity provider", Required: []string{"name", "issuer", "sign_on_url"}}},
		Hooks: Hooks{
			AfterCreate: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			AfterDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "issuer": "https://sso.example.com", "sign_on_url": "https://sso.example.com/on"})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"enabled": false}) },
	}
}
