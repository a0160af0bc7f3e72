package model

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of an S3 credential.
var (
	S3CredentialUser        = schema.Ref(schema.Field{Name: "user_id", Flags: schema.Create | schema.Index}, "s3_user")
	S3CredentialUserName    = schema.Join(schema.Field{Name: "user_name"}, S3CredentialUser, S3UserName)
	S3CredentialAccountName = schema.Join(schema.Field{Name: "account_name"}, s3CredentialAccount, S3AccountName)
	S3CredentialKey         = schema.String(schema.Field{Name: "access_key", Flags: schema.Create | schema.Unique, Check: checkAccessKey})
	S3CredentialSecret      = schema.Compute(schema.String(schema.Field{Name: "secret_key"}))
	S3CredentialStatus      = s3Status(schema.Editable)
	S3CredentialText        = schema.String(schema.Field{Name: "description", Flags: schema.Editable})
	S3CredentialLastUsed    = schema.Int(schema.Field{Name: "last_used"})

	// The account of the user, for names and counts.
	s3CredentialAccount = schema.Ref(schema.Field{Name: "_account", Flags: schema.Private | schema.Index}, "s3_account")
	// The secret, sealed: nothing here signs with it.
	s3Digest = schema.String(schema.Field{Name: "_digest", Flags: schema.Private})
	// The secret itself, in the object of a creation's answer and in no row.
	s3Shown = schema.String(schema.Field{Name: "_shown", Flags: schema.Private})

	// S3Credential is a key and a secret with which a user's programs sign.
	S3Credential = schema.NewType("s3_credential", s3CredentialAccount, s3Digest, s3Shown, S3CredentialKey, S3CredentialSecret,
		S3CredentialStatus, S3CredentialText, S3CredentialLastUsed, CreatedAt, UpdatedAt, TenantID, S3CredentialUser,
		S3CredentialUserName, S3CredentialAccountName)
)

// The lengths of keys: what is drawn has that of the public protocol.
//
// unsourced: the form of an access key and of a secret that the array draws,
// but for the access key's first four letters (InfiniSDK tests, 8.6 era,
// mock_s3credential), and the longest ones that it takes.
const (
	firstLetters = "AKIA"
	drawnKey     = 16
	drawnSecret  = 40
	longestKey   = 128
)

func checkAccessKey(v schema.Value) error { return keyText(v.Text()) }

func keyText(key string) error {
	switch {
	case key == "":
		return errors.New("is empty")
	case len(key) > longestKey:
		return errors.New("is longer than 128 characters")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New("has other characters than letters, digits and signs")
	}
	return nil
}

// s3CredentialKind is the kind of credentials. An access key is unique in the
// array; key and secret are drawn if the client gives none (InfiniSDK 289.1.4,
// doc/s3_credential.rst).
//
// unsourced: that the secret is shown by the creation's answer alone, and is
// null from then on.
func s3CredentialKind() *Kind {
	return &Kind{
		Least: RoleAdmin, InPool: inPoolOf(S3Account, s3CredentialAccount), Gate: gateS3(),
		Type: S3Credential, Path: "s3_credentials", NotFound: apierr.S3CredentialNotFound, Conflict: apierr.S3AccessKeyConflict,
		Forms: []Form{{Name: "an S3 credential", Required: []string{"user_id"}, Extra: []string{"secret_key"}}},
		Hooks: Hooks{
			BeforeCreate: beforeS3CredentialCreate,
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.emitCredential(o, "CREATED") },
			AfterUpdate: func(b *Box, old, o *schema.Object, _ *Input) error {
				was, is := S3CredentialStatus.Get(old) == Enabled, S3CredentialStatus.Get(o) == Enabled
				return b.emitSwitch(was, is, func(verb string) error { return b.emitCredential(o, verb) })
			},
			AfterDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.emitCredential(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{
			S3CredentialSecret.Field(): func(_ *Box, o *schema.Object) (any, error) {
				if s3Shown.IsNull(o) {
					return nil, nil //nolint:nilnil // null on the wire
				}
				return s3Shown.Get(o), nil
			},
		},
		Made: func(b *Box, o *schema.Object, in *Input) (any, error) {
			shown := o.Clone()
			s3Shown.Set(shown, text(in.Body["secret_key"]))
			return b.Render(shown)
		},
		Sample: func(w World) Body { return NewBody(map[string]any{"user_id": w.Make("s3_user")}) },
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"status": Disabled, "description": "other"}) },
	}
}

// beforeS3CredentialCreate draws what the client did not give, and leaves the
// secret in the request's body for the answer.
func beforeS3CredentialCreate(b *Box, o *schema.Object, in *Input) error {
	user, err := b.Must(S3User, S3CredentialUser.Get(o))
	if err != nil {
		return err
	}
	s3CredentialAccount.Set(o, S3UserAccount.Get(user))
	for drawn := !in.Body.Has("access_key"); drawn && (S3CredentialKey.IsNull(o) || b.keyTaken(o)); {
		S3CredentialKey.Set(o, firstLetters+b.s3Draw("access_key", base32, drawnKey))
	}
	if !in.Body.Has("secret_key") {
		raw, err := json.Marshal(b.s3Draw("secret_key", base64, drawnSecret))
		if err != nil {
			return err //nolint:wrapcheck // a word of letters
		}
		in.Body["secret_key"] = raw
	}
	var secret string
	if json.Unmarshal(in.Body["secret_key"], &secret) != nil {
		return apierr.New(apierr.InvalidValue, "secret_key: is not a string").About("secret_key")
	}
	if err := keyText(secret); err != nil {
		return apierr.New(apierr.InvalidValue, "secret_key: %s", err.Error()).About("secret_key")
	}
	sealed, err := b.seal(secret)
	s3Digest.Set(o, sealed)
	return err
}

func (b *Box) keyTaken(o *schema.Object) bool {
	return b.Tx.CountBy(b.Key, S3CredentialKey.Field(), S3Credential, o.Value(S3CredentialKey.Field())) > 0
}

// emitCredential reports what happened to a credential: it has no name but
// its access key.
func (b *Box) emitCredential(o *schema.Object, verb string) error {
	return b.Emit(Event{
		Code: "S3_CREDENTIAL_" + verb, Entity: o.ID(),
		Template: "S3 credential {access_key} of user {user_id} was " + strings.ToLower(verb),
		Data: []Datum{
			{Name: "access_key", Type: "String", Value: S3CredentialKey.Get(o)},
			{Name: "user_id", Type: "Long", Value: strconv.FormatInt(S3CredentialUser.Get(o), 10)},
		},
	})
}
