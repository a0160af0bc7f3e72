package api_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
)

var update = flag.Bool("update", false, "write the role matrix anew")

// user makes a user of a role and has the client speak as it.
func (c *client) user(name, role string) {
	c.t.Helper()
	c.basic("infinidat", "123456")
	body := fmt.Sprintf(`{"name":%q,"email":"u@example.com","password":"Aa1!aaa123456","role":%q}`, name, role)
	rec, out := c.do(http.MethodPost, "/api/rest/users", strings.NewReader(body))
	require.Equal(c.t, http.StatusCreated, rec.Code, out)
	c.basic(name, "Aa1!aaa123456")
}

func (c *client) errorCode(method, path, body string) string {
	c.t.Helper()
	_, out := c.do(method, path, strings.NewReader(body))
	e, _ := out["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// TestRoles_everyRoute sends every request that is served as every role, for
// objects that do not exist, and holds who was let in against a table that
// people read.
func TestRoles_everyRoute(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	let := map[string][]string{}
	variable := regexp.MustCompile(`\{[^}]*\}|\*`)
	for i, role := range slices.Backward(model.Roles()) {
		c.user(fmt.Sprintf("user-%d", i), role)
		for _, s := range c.server.Routes.Served() {
			if s.Least == "" {
				continue
			}
			route := s.Method + " " + s.Path
			code := c.errorCode(s.Method, "/api/rest/"+variable.ReplaceAllString(s.Path, "0"), "{}")
			if code != string(apierr.PermissionDenied) {
				let[route] = append(let[route], role)
			}
		}
	}
	lines := make([]string, 0, len(let))
	for route, roles := range let {
		if len(roles) < len(model.Roles()) {
			lines = append(lines, fmt.Sprintf("%s: %s", route, strings.Join(roles, " ")))
		}
	}
	slices.Sort(lines)
	got := "# Who may make each request; what is not here, everybody may.\n" + strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile("testdata/roles.txt", []byte(got), 0o600))
	}
	want, err := os.ReadFile("testdata/roles.txt")
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// TestRoles_stated has every request that writes say who may make it.
func TestRoles_stated(t *testing.T) {
	t.Parallel()
	for _, s := range newClient(t).server.Routes.Served() {
		if !strings.HasPrefix(s.Path, "users/log") && s.Path != "_features" && !strings.HasPrefix(s.Path, "hosts/host_id_by") {
			assert.Contains(t, model.Roles(), s.Least, "%s %s", s.Method, s.Path)
		}
	}
}

// result sends a request that must succeed and gives the id of what it is about.
func (c *client) result(method, path, body string) int64 {
	c.t.Helper()
	rec, out := c.do(method, "/api/rest/"+path, strings.NewReader(body))
	require.Less(c.t, rec.Code, 300, "%s %s: %v", method, path, out["error"])
	o, _ := out["result"].(map[string]any)
	id, _ := o["id"].(float64)
	return int64(id)
}

// TestRoles_poolAdmin has a pool's administrator do everything twice: in its
// own pool, and in one that is not its own.
func TestRoles_poolAdmin(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.user("pa", "PoolAdmin")
	c.basic("admin", "123456")
	me := c.one("users?name=eq:pa")
	host := c.result(http.MethodPost, "hosts", `{"name":"h"}`)
	type world struct{ pool, volume, fs, cg, treeq, export, share, permission int64 }
	make1 := func(name string) (w world) {
		w.pool = c.result(http.MethodPost, "pools", fmt.Sprintf(`{"name":%q,"physical_capacity":1000000000000,"virtual_capacity":1000000000000}`, name))
		w.volume = c.result(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v-%s","size":1000000000,"pool_id":%d}`, name, w.pool))
		w.fs = c.result(http.MethodPost, "filesystems", fmt.Sprintf(`{"name":"f-%s","size":1000000000,"pool_id":%d,"security_style":"WINDOWS"}`, name, w.pool))
		w.cg = c.result(http.MethodPost, "cgs", fmt.Sprintf(`{"name":"c-%s","pool_id":%d}`, name, w.pool))
		w.treeq = c.result(http.MethodPost, fmt.Sprintf("filesystems/%d/treeqs", w.fs), `{"path":"/q"}`)
		w.export = c.result(http.MethodPost, "exports", fmt.Sprintf(`{"filesystem_id":%d,"export_path":"/e-%s"}`, w.fs, name))
		w.share = c.result(http.MethodPost, "shares", fmt.Sprintf(`{"filesystem_id":%d,"name":"s-%s"}`, w.fs, name))
		w.permission = c.result(http.MethodPost, fmt.Sprintf("shares/%d/permissions", w.share), `{"sid":"S-1-1-0","access":"READ"}`)
		return w
	}
	mine, other := make1("mine"), make1("other")
	c.result(http.MethodPut, fmt.Sprintf("pools/%d", mine.pool), fmt.Sprintf(`{"owners":[%d]}`, me))
	c.basic("pa", "Aa1!aaa123456")
	for _, step := range []struct{ name, method, path, body string }{
		{"a volume", http.MethodPost, "volumes", `{"name":"new-{pool}","size":1000000000,"pool_id":{pool}}`},
		{"a snapshot", http.MethodPost, "volumes", `{"name":"snap-{pool}","parent_id":{volume}}`},
		{"a change", http.MethodPut, "volumes/{volume}", `{"write_protected":false}`},
		{"in bulk", http.MethodPut, "datasets/bulk", `{"ids":[{volume}],"data":{"ssa_express_enabled":false}}`},
		{"a group snapshot", http.MethodPost, "volumes/group_snapshot", `{"snap_prefix":"g-","entities":[{"id":{volume}}]}`},
		{"a mapping", http.MethodPost, fmt.Sprintf("hosts/%d/luns", host), `{"volume_id":{volume}}`},
		{"metadata", http.MethodPut, "metadata/{volume}", `{"k":"v"}`},
		{"a key", http.MethodDelete, "metadata/{volume}/k?approved=true", ``},
		{"all metadata", http.MethodDelete, "metadata/{volume}?approved=true", ``},
		{"a group", http.MethodPost, "cgs", `{"name":"cg-{pool}","pool_id":{pool}}`},
		{"a member", http.MethodPost, "cgs/{cg}/members", `{"dataset_id":{volume}}`},
		{"no member", http.MethodDelete, "cgs/{cg}/members/{volume}?approved=true", ``},
		{"a tree queue", http.MethodPost, "filesystems/{fs}/treeqs", `{"path":"/new"}`},
		{"its limits", http.MethodPut, "filesystems/{fs}/treeqs/{treeq}", `{"soft_capacity":1}`},
		{"an export", http.MethodPut, "exports/{export}", `{"enabled":true}`},
		{"a share", http.MethodPut, "shares/{share}", `{"description":"x"}`},
		{"a permission", http.MethodPut, "shares/{share}/permissions/{permission}", `{"access":"FULLCONTROL"}`},
		{"no permission", http.MethodDelete, "shares/{share}/permissions/{permission}?approved=true", ``},
		{"no share", http.MethodDelete, "shares/{share}?approved=true", ``},
		{"no export", http.MethodDelete, "exports/{export}?approved=true", ``},
		{"no filesystem", http.MethodDelete, "filesystems/{fs}?approved=true", ``},
	} {
		fill := func(w world, text string) string {
			for name, id := range map[string]int64{
				"pool": w.pool, "volume": w.volume, "fs": w.fs, "cg": w.cg, "treeq": w.treeq, "export": w.export, "share": w.share, "permission": w.permission,
			} {
				text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(id))
			}
			return text
		}
		require.Equal(t, "PERMISSION_DENIED", c.errorCode(step.method, "/api/rest/"+fill(other, step.path), fill(other, step.body)), step.name)
		c.result(step.method, fill(mine, step.path), fill(mine, step.body))
	}
	assert.Equal(t, "PERMISSION_DENIED", c.errorCode(http.MethodPost, fmt.Sprintf("/api/rest/volumes/%d/move", mine.volume), fmt.Sprintf(`{"pool_id":%d}`, other.pool)))
	assert.Equal(t, "PERMISSION_DENIED", c.errorCode(http.MethodPut, "/api/rest/metadata/system", `{"k":"v"}`))
	assert.Equal(t, "PERMISSION_DENIED", c.errorCode(http.MethodPost, "/api/rest/s3_accounts", fmt.Sprintf(`{"name":"a","pool_id":%d}`, mine.pool)))
	assert.Equal(t, mine.pool, c.one("pools/administered_pools"))
	c.result(http.MethodGet, fmt.Sprintf("volumes/%d", other.volume), "")
}

// TestRoles_s3 has a pool's administrator make buckets in its own pool, and
// nothing else of S3.
func TestRoles_s3(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.user("pa", "PoolAdmin")
	c.basic("admin", "123456")
	me := c.one("users?name=eq:pa")
	account := func(name string) (pool, id int64) {
		pool = c.result(http.MethodPost, "pools", fmt.Sprintf(`{"name":%q,"type":"S3","physical_capacity":1000000000000}`, name))
		return pool, c.result(http.MethodPost, "s3_accounts", fmt.Sprintf(`{"name":%q,"pool_id":%d}`, name, pool))
	}
	pool, mine := account("mine")
	_, other := account("other")
	c.result(http.MethodPut, fmt.Sprintf("pools/%d", pool), fmt.Sprintf(`{"owners":[%d]}`, me))
	c.basic("pa", "Aa1!aaa123456")
	bucket := c.result(http.MethodPost, "s3_buckets", fmt.Sprintf(`{"name":"bucket","account_id":%d}`, mine))
	c.result(http.MethodPut, fmt.Sprintf("s3_buckets/%d", bucket), `{"ssd_enabled":false}`)
	c.result(http.MethodDelete, fmt.Sprintf("s3_buckets/%d?approved=true", bucket), "")
	for path, body := range map[string]string{
		"s3_buckets":     fmt.Sprintf(`{"name":"bucket","account_id":%d}`, other),
		"s3_users":       fmt.Sprintf(`{"name":"u","account_id":%d}`, mine),
		"s3_credentials": `{"user_id":1}`,
	} {
		assert.Equal(t, "PERMISSION_DENIED", c.errorCode(http.MethodPost, "/api/rest/"+path, body), path)
	}
}

// one is the id of the only object of a list.
func (c *client) one(path string) int64 {
	c.t.Helper()
	_, out := c.do(http.MethodGet, "/api/rest/"+path, nil)
	list, _ := out["result"].([]any)
	require.Len(c.t, list, 1)
	o, _ := list[0].(map[string]any)
	id, _ := o["id"].(float64)
	return int64(id)
}

func TestRoles_owners(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.user("pa", "POOL_ADMIN")
	c.basic("admin", "123456")
	me := c.one("users?name=eq:pa")
	pool := c.result(http.MethodPost, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)
	path := fmt.Sprintf("pools/%d", pool)
	assert.Equal(t, "USER_NOT_FOUND", c.errorCode(http.MethodPut, "/api/rest/"+path, `{"owners":[4711]}`))
	c.result(http.MethodPut, path, fmt.Sprintf(`{"owners":[%d]}`, me))
	c.result(http.MethodDelete, fmt.Sprintf("users/%d?approved=true", me), "")
	_, out := c.do(http.MethodGet, "/api/rest/"+path+"?fields=owners", nil)
	assert.Equal(t, map[string]any{"id": float64(pool), "owners": []any{}}, out["result"], "a user that goes owns nothing")
}

// TestRoles_accounts has users change their own accounts, and lose them.
func TestRoles_accounts(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.user("reader", "ReadOnly")
	c.user("second", "READ_ONLY")
	c.basic("reader", "Aa1!aaa123456")
	me, second := c.one("users?name=eq:reader"), c.one("users?name=eq:second")
	own := fmt.Sprintf("users/%d", me)
	c.result(http.MethodPut, own, `{"email":"new@example.com"}`)
	assert.Equal(t, "PERMISSION_DENIED", c.errorCode(http.MethodPut, "/api/rest/"+own, `{"role":"ADMIN"}`))
	assert.Equal(t, "PERMISSION_DENIED", c.errorCode(http.MethodPut, fmt.Sprintf("/api/rest/users/%d", second), `{"email":"x@example.com"}`))
	assert.Equal(t, "USER_PASSWORD_DOES_NOT_COMPLY_WITH_POLICY", c.errorCode(http.MethodPut, "/api/rest/"+own, `{"password":"123456"}`))
	c.result(http.MethodPut, own, `{"password":"Bb2!bbb123456"}`)
	assert.Equal(t, "NOT_AUTHENTICATED", c.errorCode(http.MethodGet, "/api/rest/pools", ""), "the old password")

	c.header.Del("Authorization")
	rec, _ := c.do(http.MethodPost, "/api/rest/users/login", strings.NewReader(`{"username":"reader","password":"Bb2!bbb123456"}`))
	c.header.Set("Cookie", rec.Header().Get("Set-Cookie"))
	c.result(http.MethodGet, own, "")
	session := c.header.Get("Cookie")

	c.header.Del("Cookie")
	c.basic("admin", "123456")
	c.result(http.MethodPut, own, `{"role":"ADMIN"}`)
	c.header.Del("Authorization")
	c.header.Set("Cookie", session)
	c.result(http.MethodPost, "hosts", `{"name":"h"}`) // a session follows the role
	c.result(http.MethodPut, own, `{"enabled":false}`)
	assert.Equal(t, "NOT_AUTHENTICATED", c.errorCode(http.MethodGet, "/api/rest/pools", ""), "a disabled user's session is over")

	c.header.Del("Cookie")
	c.basic("admin", "123456")
	c.result(http.MethodPut, own, `{"enabled":true}`)
	c.header.Del("Authorization")
	c.header.Set("Cookie", session)
	assert.Equal(t, "NOT_AUTHENTICATED", c.errorCode(http.MethodGet, "/api/rest/pools", ""), "and stays over")
}
