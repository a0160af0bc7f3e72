package model

import (
	"encoding/json"
	"fmt"
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The states of the connection to a key management server.
//
// unsourced: the words besides NOT_CONFIGURED, and when they are shown.
const (
	kmsNotConfigured = "NOT_CONFIGURED"
	kmsDisabled      = "DISABLED"
	kmsConnected     = "CONNECTED"
	kmsDisconnected  = "DISCONNECTED"
)

// spaceKMS keeps the configuration, whose password no request reads.
const spaceKMS = "kms"

// kms is how the array reaches its key management server over KMIP: a user's
// name and password (published requests of release 7.3), the authority that
// signed the server's certificate, and the array's own certificate and key.
type kms struct {
	Host     *string `json:"kms_hostname"`
	Port     *int64  `json:"kms_port"`
	User     *string `json:"kms_username"`
	Password *string `json:"kms_password"` // sealed
	CA       string  `json:"ca"`           // PEM
	Client   string  `json:"client"`       // PEM
	Enabled  bool    `json:"enabled"`
}

// kmipPort is where a key management server listens (OASIS KMIP 1.1, profiles).
const kmipPort = 5696

// addKMS adds the requests about the key management server (InfiniSDK 289.1.4,
// kms.py).
func addKMS(c *Catalog) {
	gate := schema.Gate{Feature: "kms"}
	add := func(method, path string, upload bool, do func(b *Box, in *Input, k *kms) (any, error)) {
		c.AddRoutes(Route{
			Method: method, Path: path, Reads: method == http.MethodGet, Least: RoleAdmin, Needs: gate, Upload: upload,
			Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
				k, err := b.kms()
				if err != nil {
					return nil, err
				}
				return do(b, in, k)
			},
		})
	}
	add(http.MethodGet, "system/kms", false, func(b *Box, _ *Input, k *kms) (any, error) { return k.show(b) })
	add(http.MethodGet, "config/security/is_kms_enabled", false, func(_ *Box, _ *Input, k *kms) (any, error) { return k.Enabled, nil })
	add(http.MethodPut, "system/kms/set_configuration", false, setKMS)
	add(http.MethodPost, "system/kms/upload_kms_ca_certificate", true, uploadAuthority)
	add(http.MethodPost, "system/kms/upload_infinibox_certificate_and_key", true, uploadOwn)
	add(http.MethodPost, "system/kms_enable", false, func(b *Box, _ *Input, k *kms) (any, error) { return k.turn(b, true) })
	add(http.MethodPost, "system/kms_disable", false, func(b *Box, _ *Input, k *kms) (any, error) { return k.turn(b, false) })
}

func (b *Box) kms() (*kms, error) {
	k := &kms{}
	raw := b.Tx.KV(b.Key, spaceKMS).Get([]byte(spaceKMS))
	if raw == nil {
		return k, nil
	}
	if err := json.Unmarshal(raw, k); err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	return k, nil
}

func (k *kms) save(b *Box) error {
	raw, err := json.Marshal(k) //nolint:gosec // the password is sealed
	if err != nil {
		return fmt.Errorf("kms: %w", err)
	}
	b.Tx.KV(b.Key, spaceKMS).Put([]byte(spaceKMS), raw)
	return nil
}

// state is the state of the connection now: it breaks when one of the
// certificates expires.
func (k *kms) state(b *Box) (string, error) {
	switch {
	case k.CA == "" || k.Client == "":
		return kmsNotConfigured, nil
	case !k.Enabled:
		return kmsDisabled, nil
	}
	for _, text := range []string{k.CA, k.Client} {
		c, err := readBundle([]byte(text), spaceKMS)
		if err != nil {
			return "", err
		}
		if certificateOf(c.chain[0], b.Tx.Now()).Expired {
			return kmsDisconnected, nil
		}
	}
	return kmsConnected, nil
}

// show is the configuration without its secrets.
//
// unsourced: the members, but for kms_username.
func (k *kms) show(b *Box) (any, error) {
	state, err := k.state(b)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"kms_hostname": k.Host, "kms_port": k.Port, "kms_username": k.User, "is_kms_enabled": k.Enabled, "kmip_connectivity_state": state,
	}
	for name, text := range map[string]string{"kms_ca_certificate": k.CA, "infinibox_certificate": k.Client} {
		out[name] = nil
		if text == "" {
			continue
		}
		c, err := readBundle([]byte(text), name)
		if err != nil {
			return nil, err
		}
		out[name] = certificateOf(c.chain[0], b.Tx.Now())
	}
	return out, nil
}

// setKMS changes the members that the body names; null takes one away.
//
// unsourced: that the server is named here, and how.
func setKMS(b *Box, in *Input, k *kms) (any, error) {
	for _, name := range sortedKeys(in.Body) {
		var into any
		switch name {
		case "kms_hostname":
			into = &k.Host
		case "kms_port":
			into = &k.Port
		case "kms_username":
			into = &k.User
		case "kms_password":
			into = &k.Password
		default:
			return nil, apierr.New(apierr.UnknownField, "%s: unknown field of the key management", name).About(name)
		}
		if err := json.Unmarshal(in.Body[name], into); err != nil {
			return nil, apierr.New(apierr.InvalidValue, "%s: a value of the wrong type", name).About(name)
		}
	}
	if k.Password != nil && in.Body.Has("kms_password") {
		text, err := b.seal(*k.Password)
		if err != nil {
			return nil, err
		}
		k.Password = &text
	}
	if k.Host != nil && k.Port == nil {
		port := int64(kmipPort)
		k.Port = &port
	}
	if k.Port != nil && (*k.Port < 1 || *k.Port > 65535) {
		return nil, apierr.New(apierr.InvalidValue, "kms_port: %d is no port", *k.Port).About("kms_port")
	}
	if err := k.save(b); err != nil {
		return nil, err
	}
	return k.show(b)
}

func uploadAuthority(b *Box, in *Input, k *kms) (any, error) {
	if err := needFile(in); err != nil {
		return nil, err
	}
	sent, err := readBundle(in.File, "upload_file")
	if err != nil {
		return nil, err
	}
	if sent.key != nil {
		return nil, apierr.New(apierr.InvalidValue, "upload_file: holds a private key, which no authority gives away").About("upload_file")
	}
	k.CA = string(in.File)
	if err := k.save(b); err != nil {
		return nil, err
	}
	return k.show(b)
}

func uploadOwn(b *Box, in *Input, k *kms) (any, error) {
	if err := needFile(in); err != nil {
		return nil, err
	}
	sent, err := readBundle(in.File, "upload_file")
	if err != nil {
		return nil, err
	}
	if sent.key == nil {
		return nil, apierr.New(apierr.InvalidValue, "upload_file: holds no private key").About("upload_file")
	}
	k.Client = ""
	for _, c := range sent.chain { // nothing here signs with the key: it is checked and not kept
		k.Client += block("CERTIFICATE", c.Raw)
	}
	if err := k.save(b); err != nil {
		return nil, err
	}
	return k.show(b)
}

// turn has the array take its keys from the server, or from itself again.
//
// unsourced: that both certificates must be there first, that a second enabling
// is refused, and the codes of the events.
func (k *kms) turn(b *Box, on bool) (any, error) {
	switch {
	case on && (k.CA == "" || k.Client == ""):
		return nil, apierr.New(apierr.KMSNotConfigured, "the key management server's authority and the array's certificate must be uploaded first")
	case on && k.Enabled:
		return nil, apierr.New(apierr.KMSAlreadyEnabled, "the key management server is in use")
	case !on && !k.Enabled:
		return nil, apierr.New(apierr.KMSNotEnabled, "the key management server is not in use")
	}
	k.Enabled = on
	if err := k.save(b); err != nil {
		return nil, err
	}
	code, verb := "KMS_DISABLED", "disabled"
	if on {
		code, verb = "KMS_ENABLED", "enabled"
	}
	return k.Enabled, b.Emit(Event{Code: code, Template: "the key management server was " + verb})
}
