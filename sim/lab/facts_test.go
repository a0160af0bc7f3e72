package lab_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/schema"
)

// facts are the fields that a client declares for each kind.
type facts struct {
	Kinds map[string]struct {
		Path   string `json:"path"`
		Fields []struct {
			Name   string `json:"name"`
			Create bool   `json:"create"`
			Update bool   `json:"update"`
			Hidden bool   `json:"hidden"`
			Type   string `json:"type"`
		} `json:"fields"`
	} `json:"kinds"`
}

// differs names each flag that differs from the facts on purpose.
func differs(field string) string {
	for _, kind := range []string{"notification_target.", "notification_rule.", "ldap_config."} {
		if strings.HasPrefix(field, kind) {
			return "the SDK's documentation sends these without their being declared"
		}
	}
	return map[string]string{
		// The SDK sends these without declaring them for creation.
		"sharepermission.share_id":                  "InfiniSDK 206.1.2 sends it when it creates one; 289.1.4 has it in the path alone",
		"volume.parent_id":                          "the form of a snapshot names its parent",
		"filesystem.parent_id":                      "the form of a snapshot names its parent",
		"cons_group.parent_id":                      "the form of a snapshot group names its parent",
		"volume.remote_snapshot_retention":          "sent with a snapshot of a replicated volume",
		"filesystem.remote_snapshot_retention":      "sent with a snapshot of a replicated filesystem",
		"cons_group.remote_snapshot_retention":      "sent with a snapshot group",
		"volume.remote_snapshot_retention_lock":     "sent with a snapshot of a replicated volume",
		"filesystem.remote_snapshot_retention_lock": "sent with a snapshot of a replicated filesystem",
		"cons_group.remote_snapshot_retention_lock": "sent with a snapshot group",
		"user.type":                "sent for LDAP users and groups",
		"filesystem.atime_mode":    "the CSI driver sends it at creation",
		"replica.description":      "the CSI driver sends it",
		"pool.compression_enabled": "the Ansible collection sends it",
		"s3_user.status":           "the SDK's documentation makes users with it",
		"s3_user.uid":              "the SDK's documentation makes users with it",
		"s3_user.gid":              "the SDK's documentation makes users with it",
		// Taken by the kind's own form rather than by a flag.
		"s3_credential.secret_key":  "the form reads it",
		"replica.entity_pairs":      "the form reads it",
		"replica.local_entity_name": "the form reads it",
	}[field]
}

// TestFacts compares every declaration with what a public client declares:
// nothing is missing, and no flag differs without a reason.
func TestFacts(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../fixtures/facts/infinisdk-289.1.4.json")
	require.NoError(t, err)
	var all facts
	require.NoError(t, json.Unmarshal(raw, &all))
	require.Len(t, all.Kinds, 39)
	cat := newWorld(t).cat
	for name, fact := range all.Kinds {
		k := cat.Kind(name)
		assert.Equal(t, fact.Path, k.Path, name)
		for _, want := range fact.Fields {
			f := k.Type.Field(want.Name)
			if !assert.NotNil(t, f, "%s has no field %s", name, want.Name) {
				continue
			}
			assert.Equal(t, want.Hidden, !k.Type.Shows(f), "%s.%s is hidden", name, want.Name)
			if differs(name+"."+want.Name) != "" {
				continue
			}
			assert.Equal(t, want.Create, k.Type.May(f, schema.Create), "%s.%s can be created", name, want.Name)
			assert.Equal(t, want.Update, k.Type.May(f, schema.Update), "%s.%s can be updated", name, want.Name)
		}
	}
}
