package lab_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/model"
)

// unlisted are features that the SDK asks for and a release does not list, with
// the reason.
func unlisted(profile string) map[string]string {
	out := map[string]string{
		"api/auth_sessions":              "the older spelling of api_auth_sessions",
		"fc/soft_targets":                "the older spelling of fc_soft_targets",
		"filesystem_capacity_alert":      "goes by the version",
		"host_resiliency":                "goes by the version",
		"local_users_password_policy":    "goes by the version; the list of an 8.6 array has local_user_password_policy",
		"multi_target_async_replication": "goes by the version",
		"native_s3":                      "goes by the version",
		"smb_home_shares":                "goes by the version",
	}
	if profile == "7.2" {
		for _, name := range []string{"data_reduction_ratio", "effective_capacity", "event_retention", "nfsv4", "promote_snapshot", "sso_authentication"} {
			out[name] = "came after release 7.2"
		}
	}
	return out
}

// TestCatalogue_features looks each of the SDK's features up in the list of each
// release, and has an array of release 8.6 show the fields that the SDK expects
// while any one of them is switched off.
func TestCatalogue_features(t *testing.T) {
	t.Parallel()
	c := theCatalogue(t)
	require.Len(t, c.Features, 42)
	for _, profile := range []string{"8.6", "7.2"} {
		w := newWorldAs(t, profile)
		r := w.release(c)
		var names []string
		_, out := w.request("box-1", http.MethodGet, "_features", nil)
		for _, f := range out["result"].([]any) {
			names = append(names, f.(map[string]any)["name"].(string))
		}
		for _, name := range c.Features {
			why := unlisted(profile)[name]
			assert.Equal(t, why == "", slices.Contains(names, name), "release %s: %s: %s", profile, name, why)
		}
		t.Logf("release %s: %d features, %d of the SDK's 42 listed, %d enabled", profile, len(names), 42-len(unlisted(profile)), len(r.features))
	}

	w := newWorldAs(t, "8.6")
	var kinds []*declaredKind
	for _, k := range c.Kinds {
		if k.Sort != "component" {
			w.offer(k)
			d := &declaredKind{world: w, fact: k, release: w.release(c), profile: "8.6"}
			d.prepare()
			kinds = append(kinds, d)
		}
	}
	looked := 0
	for _, name := range c.Features {
		if _, on := w.release(c).features[name]; !on {
			continue
		}
		w.feature(name, false)
		r := w.release(c)
		for _, k := range kinds {
			looked += k.without(name, r)
		}
		w.feature(name, true)
	}
	t.Logf("%d fields looked at with a feature off", looked)
}

// feature switches a feature of the first array.
func (w *world) feature(name string, on bool) {
	w.t.Helper()
	require.NoError(w.t, w.lab.On(w.t.Context(), "box-1", func(b *model.Box) error { return b.SetFeature(name, on) }))
}

// without holds the fields that are shown while a feature is off against those
// that the SDK expects then.
func (k *declaredKind) without(feature string, r release) (looked int) {
	k.t.Helper()
	status, out := k.request("box-1", http.MethodGet, k.item, nil)
	if !r.open(k.fact.Gate, "") {
		assert.Equal(k.t, http.StatusNotFound, status, "%s is there without %s", k.fact.Name, feature)
		return len(k.fact.Fields)
	}
	if !assert.Equal(k.t, http.StatusOK, status, "%s without %s: %v", k.fact.Name, feature, out["error"]) {
		return 0
	}
	o, _ := out["result"].(map[string]any)
	for _, f := range k.fact.Fields {
		if f.Hidden || shownAnyway()[f.wire()] != "" {
			continue
		}
		_, there := o[f.wire()]
		assert.Equal(k.t, r.open(f.Gate, f.From), there, "%s.%s without %s (%s)", k.fact.Name, f.wire(), feature, f.Gate)
	}
	return len(k.fact.Fields)
}

// TestCatalogue_collections holds the collections of several kinds against those
// of each kind alone.
func TestCatalogue_collections(t *testing.T) {
	t.Parallel()
	c, w := theCatalogue(t), newWorld(t)
	require.Len(t, c.Collections, 2)
	list := func(path string) []any {
		status, out := w.request("box-1", http.MethodGet, path, nil)
		require.Equal(t, http.StatusOK, status, "%s: %v", path, out["error"])
		return out["result"].([]any)
	}
	for _, many := range c.Collections {
		sum := 0
		for word, name := range many.Kinds {
			k := w.cat.Kind(name)
			w.Make(name)
			one := list(k.Path)
			assert.NotEmpty(t, one)
			assert.Equal(t, one, list(many.Path+query(many.By, "eq:"+word)), "%s of %s", many.Path, word)
			sum += len(one)
		}
		all := list(many.Path)
		assert.Len(t, all, sum, many.Path)
		for _, f := range []string{"name", "created_at", many.By} {
			assert.Len(t, list(many.Path+query("sort", "-"+f, f, "isnot:null")), sum, "%s by %s", many.Path, f)
		}
	}
}
