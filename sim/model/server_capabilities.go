package model

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// A capability is one setting of the NAS servers of the default tenant.
type capability struct {
	name  string
	words []string // the values of a word
	first any      // the value on a new array: a word, a bool or an int
}

// addServerCapabilities adds the settings of the NFS and SMB servers
// (InfiniSDK 289.1.4, doc/nfs_server_capabilities.rst and
// doc/smb_server_capabilities.rst).
//
// unsourced: the words of the SMB server's settings and their first values.
func addServerCapabilities(c *Catalog) {
	c.capabilities("nfs/server_capabilities", schema.Gate{Feature: "nfsv4"}, []capability{
		{"nfsv4_support", []string{"DISABLED", "ENABLED", "REQUIRED"}, "DISABLED"},
	})
	protocols := []string{"SMB2_02", "SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"}
	c.capabilities("smb/server_capabilities", schema.Gate{Feature: "native_smb", From: "7.3.10"}, []capability{
		{"min_smb_protocol", protocols, "SMB2_10"},
		{"max_smb_protocol", protocols, "SMB3_11"},
		{"smb_signing", []string{"DISABLED", "ENABLED", "REQUIRED"}, "ENABLED"},
		{"smb_encryption", []string{"DISABLED", "ENABLED", "REQUIRED"}, "ENABLED"},
		{"smb_leases_enabled", nil, true},
		{"smb_lease_break_timeout", nil, 35},
	})
}

func (c *Catalog) capabilities(path string, gate schema.Gate, all []capability) {
	show := func(b *Box) (any, error) { return b.capabilities(path, all) }
	c.AddRoutes(
		Route{Method: http.MethodGet, Path: path, Reads: true, Needs: gate, Do: func(b *Box, _ *schema.Object, _ *Input) (any, error) {
			return show(b)
		}},
		Route{Method: http.MethodPut, Path: path, Least: RoleAdmin, Needs: gate, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			for _, name := range sortedKeys(in.Body) {
				i := slices.IndexFunc(all, func(c capability) bool { return c.name == name })
				if i < 0 {
					return nil, apierr.New(apierr.UnknownField, "%s: unknown field of %s", name, path).About(name)
				}
				raw, err := all[i].accept(in.Body[name])
				if err != nil {
					return nil, err
				}
				b.Tx.KV(b.Key, spaceConfig).Put([]byte(path+"/"+name), raw)
			}
			return show(b)
		}},
	)
}

// accept checks a value and gives it as the array keeps it.
func (c capability) accept(raw json.RawMessage) (json.RawMessage, error) {
	bad := func(want string) error {
		return apierr.New(apierr.InvalidValue, "%s: %s is %s", c.name, raw, want).About(c.name)
	}
	switch c.first.(type) {
	case bool:
		if v := string(raw); v != "true" && v != "false" {
			return nil, bad("neither true nor false")
		}
	case int:
		if n, err := strconv.Atoi(string(raw)); err != nil || n < 0 {
			return nil, bad("no number")
		}
	default:
		word := strings.ToUpper(text(raw))
		if !slices.Contains(c.words, word) {
			return nil, bad("none of " + strings.Join(c.words, ", "))
		}
		return json.RawMessage(strconv.Quote(word)), nil
	}
	return raw, nil
}

// capabilities is a list with the default tenant's settings, in their order.
func (b *Box) capabilities(path string, all []capability) (any, error) {
	out := bytes.NewBufferString(`[{"tenant_id":1`)
	for _, c := range all {
		raw := json.RawMessage(b.Tx.KV(b.Key, spaceConfig).Get([]byte(path + "/" + c.name)))
		if raw == nil {
			var err error
			if raw, err = json.Marshal(c.first); err != nil {
				return nil, err //nolint:wrapcheck // our own constant
			}
		}
		out.WriteString(`,"` + c.name + `":`)
		out.Write(raw)
	}
	out.WriteString("}]")
	return json.RawMessage(out.Bytes()), nil
}
