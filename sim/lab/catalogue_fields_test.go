package lab_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/model"
)

// tally counts the definitions that a run looked at.
type tally struct {
	fields, shown, closed, hidden, client, created, updated, fixed, filtered, sorted int
}

// TestCatalogue_fields holds each kind's rendered objects, and what the array
// lets a client do with each field, against what the vendor's SDK declares.
func TestCatalogue_fields(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"8.6", "7.2"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			c := theCatalogue(t)
			var n tally
			for _, k := range c.Kinds {
				n.fields += len(k.Fields)
				if k.Sort == "component" {
					n.components(newWorldAs(t, profile), c, k)
					continue
				}
				w := newWorldAs(t, profile)
				w.offer(k)
				n.kind(&declaredKind{world: w, fact: k, release: w.release(c), profile: profile})
			}
			require.Equal(t, 849, n.fields)
			assert.Equal(t, n.fields, n.shown+n.closed+n.hidden+n.client)
			t.Logf("%d fields of InfiniSDK: %d shown, %d behind closed gates, %d write-only, %d the SDK's own; "+
				"%d accepted at creation, %d updated, %d refused to be updated, %d filtered by, %d sorted by",
				n.fields, n.shown, n.closed, n.hidden, n.client, n.created, n.updated, n.fixed, n.filtered, n.sorted)
		})
	}
}

// declaredKind is a kind of the SDK in a world of its own.
type declaredKind struct {
	*world
	fact    kindFact
	release release
	profile string
	path    string // the collection, without variables
	item    string
	object  object
}

// typeName is what the array's own declaration calls the kind.
func (k *declaredKind) typeName() string {
	if k.fact.Name == "ssoidentityprovider" {
		return "sso_identity_provider" // the SDK forms the name from its class
	}
	return k.fact.Name
}

// offer switches the feature of a kind on, if the release has it.
func (w *world) offer(fact kindFact) {
	w.t.Helper()
	for _, have := range w.cat.Kinds() {
		if have.Path != fact.Path || have.Gate.Feature == "" {
			continue
		}
		for _, box := range []string{"box-1", "box-2"} {
			err := w.lab.On(w.t.Context(), box, func(b *model.Box) error { return b.SetFeature(have.Gate.Feature, true) })
			if err != nil {
				require.ErrorContains(w.t, err, "has no", fact.Name)
			}
		}
	}
}

// vasaIfOpen has a hypervisor make what it makes, for a kind that only it does.
func (k *declaredKind) vasaIfOpen() {
	k.t.Helper()
	if k.fact.Name == "vm" || k.fact.Name == "vvol" {
		k.vasa()
	}
}

func (n *tally) kind(k *declaredKind) {
	k.t.Helper()
	if !k.release.open(k.fact.Gate, "") {
		path := variable.ReplaceAllString(k.fact.Path, "1")
		k.refused(http.StatusNotFound, "PATH_NOT_FOUND", http.MethodGet, path, nil)
		n.closed += len(k.fact.Fields)
		return
	}
	k.prepare()
	for _, f := range k.fact.Fields {
		n.field(k, f)
	}
}

func (n *tally) field(k *declaredKind, f fieldFact) {
	k.t.Helper()
	name := f.wire()
	_, there := k.object[name]
	what := k.fact.Name + "." + name
	if !k.release.open(f.Gate, f.From) {
		n.closed++
		if shownAnyway()[name] != "" {
			assert.True(k.t, there, "%s is missing", what)
			return
		}
		assert.False(k.t, there, "%s is shown, though its gate %s is closed", what, f.Gate)
		_, out := k.request("box-1", http.MethodGet, k.path+query(name, "is:null"), nil)
		e, _ := out["error"].(map[string]any)
		assert.Equal(k.t, "UNKNOWN_PARAMETER", e["code"], "%s is filtered by, though its gate %s is closed", what, f.Gate)
		return
	}
	switch {
	case f.Hidden:
		n.hidden++
		assert.False(k.t, there, "%s is write-only, and shown", what)
	default:
		n.shown++
		assert.True(k.t, there, "%s is missing", what)
	}
	if f.Create && k.cat.Kind(k.typeName()).Sample != nil { // what clients cannot create takes nothing at creation
		n.created++
		k.creates(f, what)
	}
	if slices.Contains(k.fact.Does, "update") {
		k.updates(f, what)
		if f.Update {
			n.updated++
		} else {
			n.fixed++
		}
	}
	if f.Filter {
		n.filtered++
		status, out := k.request("box-1", http.MethodGet, k.path+query(name, "eq:"+k.text(name)), nil)
		assert.Equal(k.t, http.StatusOK, status, "filter by %s: %v", what, out["error"])
	}
	if f.Sort {
		n.sorted++
		for _, order := range []string{name, "-" + name} {
			status, out := k.request("box-1", http.MethodGet, k.path+query("sort", order), nil)
			assert.Equal(k.t, http.StatusOK, status, "sort by %s: %v", what, out["error"])
		}
	}
}

// shownAnyway are fields that real arrays show though the SDK does not ask for
// them, with the reason.
func shownAnyway() map[string]string {
	return map[string]string{"tenant_id": "published payloads have it on arrays whose feature tenants is off"}
}

// text is the object's value of a field as a filter has it.
func (k *declaredKind) text(name string) string {
	switch v := k.object[name].(type) {
	case nil:
		return "null"
	case float64:
		return fmt.Sprintf("%.0f", v)
	case []any, map[string]any:
		return "null"
	default:
		return fmt.Sprint(v)
	}
}

// creates sends the field with a creation.
func (k *declaredKind) creates(f fieldFact, what string) {
	k.t.Helper()
	body := k.sample()
	if _, there := body[f.wire()]; there {
		return // the object at hand was made with it
	}
	if k.typeName() == "link" { // there is one between two arrays
		k = &declaredKind{world: newWorldAs(k.t, k.profile), fact: k.fact, release: k.release, profile: k.profile, object: k.object, path: k.path}
		body = k.sample()
	}
	if other, ok := k.other(f.wire()); ok {
		body = model.NewBody(other)
	} else {
		maps.Copy(body, model.NewBody(k.values(f)))
	}
	status, out := k.request("box-1", http.MethodPost, k.path+"?approved=true", body)
	assert.Equal(k.t, http.StatusCreated, status, "%s is not taken at creation: %v", what, out["error"])
}

// updates sends the field with a PUT.
func (k *declaredKind) updates(f fieldFact, what string) {
	k.t.Helper()
	name := f.wire()
	status, out := k.request("box-1", http.MethodPut, k.item+"?approved=true", k.values(f))
	if f.Update {
		assert.Equal(k.t, http.StatusOK, status, "%s is not updated: %v", what, out["error"])
		return
	}
	e, _ := out["error"].(map[string]any)
	want := "IMMUTABLE_FIELD"
	if f.Hidden {
		want = "UNKNOWN_FIELD" // it is none of the object's, but of its creation's
	}
	assert.Equal(k.t, want, e["code"], "%s can be updated: %v", what, e["message"])
	assert.Contains(k.t, e["message"], name)
}

// values is a body with the field as the object has it.
func (k *declaredKind) values(f fieldFact) object {
	if f.Hidden {
		return object{f.wire(): "Aa1!aaa123456"}
	}
	return object{f.wire(): k.object[f.wire()]}
}

// other is the creation that a field belongs to, where the usual one rightly
// refuses it.
func (k *declaredKind) other(name string) (object, bool) {
	snapshot := object{"name": k.Name(), "parent_id": k.object.id()}
	switch k.fact.Name + "." + name {
	case "volume.lock_expires_at", "filesystem.lock_expires_at":
		snapshot[name] = 1767225600000 // 2026, by the lab's clock a year ahead
		return snapshot, true
	case "volume.snapshot_retention", "filesystem.snapshot_retention":
		snapshot[name] = 86400
		return snapshot, true
	case "schedule.day_of_week", "schedule.time_of_day":
		return object{"name": k.Name(), "type": "CLOCK", "day_of_week": "MONDAY", "time_of_day": 3600, "retention": 86400}, true
	case "filesystem.root_mode":
		return object{"name": k.Name(), "size": 2_000_000_000 / 512 * 512, "pool_id": k.Make("pool"), name: "0750"}, true
	case "s3_account.canonical_id":
		return object{"name": k.Name(), "pool_id": k.Make("s3_pool"), name: strings.Repeat("0123456789abcdef", 4)}, true
	case "s3_credential.access_key":
		return object{"user_id": k.Make("s3_user"), name: k.Name()}, true
	}
	return nil, false
}

// sample is a valid creation.
func (k *declaredKind) sample() model.Body {
	k.t.Helper()
	if body, ok := k.below(); ok {
		return model.NewBody(body)
	}
	return k.cat.Kind(k.typeName()).Sample(k)
}

// below is a valid creation of a kind that stands below another.
func (k *declaredKind) below() (object, bool) {
	switch k.fact.Name {
	case "treeq":
		return object{"name": k.Name(), "path": "/" + k.Name()}, true
	case "sharepermission":
		return object{"sid": fmt.Sprintf("S-1-5-21-1-2-3-%d", 1000+len(k.Name())), "access": "READ"}, true
	case "schedule":
		return object{"name": k.Name(), "interval": 3600, "retention": 86400, "type": "PERIODIC"}, true
	}
	return nil, false
}

// prepare makes an object of the kind, or finds one.
func (k *declaredKind) prepare() {
	k.t.Helper()
	k.path = k.fact.Path
	parents := map[string]string{"treeq": "filesystem", "sharepermission": "share", "schedule": "snapshot_policy"}
	if parent := parents[k.fact.Name]; parent != "" {
		k.path = variable.ReplaceAllString(k.path, fmt.Sprint(k.Make(parent)))
	}
	switch {
	case k.fact.Name == "initiator":
		host := k.Make("host")
		k.ok(http.MethodPost, fmt.Sprintf("hosts/%d/ports", host), object{"type": "fc", "address": "0000000000000001"})
		k.item = k.path + "/0000000000000001"
	case k.fact.Name == "nlm_lock":
		fs := k.Make("filesystem")
		require.NoError(k.t, k.lab.On(k.t.Context(), "box-1", func(b *model.Box) error {
			_, err := b.AddLock(model.Lock{Filesystem: fs, Path: "/a", Client: "c"})
			return err
		}))
		k.item = k.path + "/1"
	case parents[k.fact.Name] != "":
		k.item = fmt.Sprintf("%s/%d", k.path, k.ok(http.MethodPost, k.path, k.sample()).id())
	case slices.Contains(k.fact.Does, "create") && k.cat.Kind(k.typeName()).Sample != nil:
		k.item = fmt.Sprintf("%s/%d", k.path, k.Make(k.typeName()))
	default:
		k.Make("volume") // leaves an event
		k.vasaIfOpen()
		_, out := k.request("box-1", http.MethodGet, k.path, nil)
		list := out["result"].([]any)
		require.NotEmpty(k.t, list, k.fact.Name)
		k.item = fmt.Sprintf("%s/%d", k.path, object(list[0].(map[string]any)).id())
	}
	k.object = k.ok(http.MethodGet, k.item, nil)
}

// components looks for each field in every part of a kind.
func (n *tally) components(w *world, c catalogue, k kindFact) {
	w.t.Helper()
	r := w.release(c)
	all := w.parts(k.Name)
	if !r.open(k.Gate, "") {
		n.closed += len(k.Fields)
		return
	}
	require.NotEmpty(w.t, all, k.Name)
	for _, f := range k.Fields {
		open := r.open(f.Gate, f.From)
		switch {
		case f.Client:
			n.client++
			continue
		case open:
			n.shown++
		default:
			n.closed++
		}
		for _, part := range all {
			_, there := part[f.wire()]
			assert.Equal(w.t, open, there, "%s.%s of %v is shown", k.Name, f.wire(), part["id"])
		}
	}
}

// parts are all components of a kind.
func (w *world) parts(name string) []object {
	w.t.Helper()
	read := func(path string) any {
		_, out := w.request("box-1", http.MethodGet, path, nil)
		return out["result"]
	}
	in := func(list string, of ...object) []object {
		var out []object
		for _, o := range of {
			raw, err := json.Marshal(o[list])
			require.NoError(w.t, err)
			var some []object
			require.NoError(w.t, json.Unmarshal(raw, &some))
			out = append(out, some...)
		}
		return out
	}
	rack := object(read("components").(map[string]any))
	switch name {
	case "rack":
		return []object{rack}
	case "system":
		return []object{read("system").(map[string]any)}
	case "service_cluster":
		return in("all", object{"all": read("services")})
	case "external_cluster":
		return in("all", object{"all": read("external_services")})
	case "enclosure", "node", "pdu":
		return in(name+"s", rack)
	case "bbu":
		return in("ups", rack)
	case "drive":
		return in("drives", in("enclosures", rack)...)
	case "local_drive":
		return in("drives", in("nodes", rack)...)
	default: // ports and services
		return in(name+"s", in("nodes", rack)...)
	}
}
