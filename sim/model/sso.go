package model

import (
	"crypto/x509"
	"errors"
	"net/url"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an identity provider.
var (
	IDPName     = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	IDPIssuer   = schema.String(schema.Field{Name: "issuer", Flags: schema.Create})
	IDPURL      = schema.String(schema.Field{Name: "sign_on_url", Flags: schema.Editable, Check: checkURL})
	IDPOn       = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Update, Default: true})
	IDPResponse = schema.Bool(schema.Field{Name: "signed_response", Flags: schema.Update})
	IDPAsserted = schema.Bool(schema.Field{Name: "signed_assertion", Flags: schema.Update})
	IDPCert     = schema.String(schema.Field{Name: "signing_certificate", Flags: schema.Update, Check: checkCertificate})
	IDPSerial   = schema.Compute(schema.String(schema.Field{Name: "signing_certificate_serial"}))
	IDPExpiry   = schema.Compute(schema.Int(schema.Field{Name: "signing_certificate_expiry"}))

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

// checkCertificate wants one certificate in PEM, and no key.
func checkCertificate(v schema.Value) error {
	if v.IsNull() {
		return nil
	}
	sent, err := readBundle([]byte(v.Text()), "certificate")
	switch e, ok := apierr.As(err); {
	case ok:
		return errors.New(strings.TrimPrefix(e.Message, "certificate: "))
	case sent.key != nil || len(sent.chain) != 1:
		return errors.New("is not one certificate alone")
	}
	return nil
}

// ofCertificate computes what a signing certificate says of itself, null
// without one.
func ofCertificate(show func(c *x509.Certificate) any) Compute {
	return func(_ *Box, o *schema.Object) (any, error) {
		if IDPCert.IsNull(o) {
			return nil, nil
		}
		kept, err := readBundle([]byte(IDPCert.Get(o)), IDPCert.Name())
		if err != nil {
			return nil, err
		}
		return show(kept.chain[0]), nil
	}
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
		Computed: map[*schema.Field]Compute{
			IDPSerial.Field(): ofCertificate(func(c *x509.Certificate) any { return serialText(c.SerialNumber) }),
			IDPExpiry.Field(): ofCertificate(func(c *x509.Certificate) any { return c.NotAfter.UnixMilli() }),
		},
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "issuer": "https://sso.example.com", "sign_on_url": "https://sso.example.com/on"})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"enabled": false}) },
	}
}
