package model_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

const domains = "activedirectory/domains"

func TestDomains_joinAndLeave(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	join := object{"domain": "corp.example.com", "preferred_ips": []string{"196.0.0.0", "dc1.corp.example.com"}, "username": "joiner", "password": "p"}
	leave := object{"username": "joiner", "password": "p"}
	assert.Nil(t, a.result(boxA, http.MethodGet, domains, nil))
	a.refused(boxA, map[string]refusal{
		"space": {409, "ACTIVE_DIRECTORY_NO_NETWORK_SPACE", "POST", domains, join},
		"leave": {409, "ACTIVE_DIRECTORY_NOT_JOINED", "POST", domains + "/leave", leave},
		"query": {409, "ACTIVE_DIRECTORY_NOT_JOINED", "GET", domains + "/user_query?username=joiner", nil},
		"unix":  {409, "ACTIVE_DIRECTORY_NOT_JOINED", "POST", domains + "/set_unix_services", object{"unix_services_enabled": true}},
	})
	a.space(boxA, "NAS_SERVICE", 1)
	joined := a.post(boxA, domains, join)
	assert.Equal(t, object{
		"tenant_id": 1.0, "domain": "corp.example.com", "org_unit": nil, "preferred_ips": []any{"196.0.0.0", "dc1.corp.example.com"},
		"unix_services_enabled": false, "uid_attribute_name": nil, "gid_attribute_name": nil, "max_translated_groups": nil,
	}, joined)
	assert.Equal(t, joined, a.get(boxA, domains))
	a.refused(boxA, map[string]refusal{
		"twice":    {409, "ACTIVE_DIRECTORY_ALREADY_JOINED", "POST", domains, join},
		"no user":  {400, "MISSING_REQUIRED_FIELD", "POST", domains + "/leave", object{"password": "p"}},
		"unknown":  {400, "UNKNOWN_FIELD", "POST", domains + "/leave", object{"user": "x"}},
		"off":      {400, "INVALID_FIELD_VALUE", "POST", domains + "/set_max_translated_groups", object{"max_translated_groups": 20}},
		"no query": {400, "MISSING_REQUIRED_FIELD", "GET", domains + "/user_query", nil},
	})
	assert.Equal(t, joined, a.post(boxA, domains+"/leave", leave))
	assert.Nil(t, a.result(boxA, http.MethodGet, domains, nil))
	events := a.list(boxA, "events?code=like:ACTIVE_DIRECTORY&fields=code")
	require.Len(t, events, 2)
	assert.Equal(t, "ACTIVE_DIRECTORY_LEFT", events[1]["code"])
}

func TestDomains_refused(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	a.space(boxA, "NAS_SERVICE", 1)
	body := func(more object) object {
		out := object{"domain": "corp.example.com", "username": "u", "password": "p"}
		maps.Copy(out, more)
		return out
	}
	a.refused(boxA, map[string]refusal{
		"no domain":   {400, "MISSING_REQUIRED_FIELD", "POST", domains, body(object{"domain": ""})},
		"no password": {400, "MISSING_REQUIRED_FIELD", "POST", domains, body(object{"password": nil})},
		"domain":      {400, "INVALID_FIELD_VALUE", "POST", domains, body(object{"domain": "not a domain"})},
		"tenant":      {400, "INVALID_FIELD_VALUE", "POST", domains, body(object{"tenant_id": 7})},
		"servers":     {400, "INVALID_FIELD_VALUE", "POST", domains, body(object{"preferred_ips": []string{"!"}})},
		"groups":      {400, "INVALID_FIELD_VALUE", "POST", domains, body(object{"unix_services_enabled": true, "max_translated_groups": 0})},
		"type":        {400, "INVALID_FIELD_VALUE", "POST", domains, body(object{"unix_services_enabled": 1})},
		"unknown":     {400, "UNKNOWN_FIELD", "POST", domains, body(object{"planet": 1})},
		"max":         {400, "MISSING_REQUIRED_FIELD", "POST", domains + "/set_max_translated_groups", object{}},
	})
	assert.Nil(t, a.result(boxA, http.MethodGet, domains, nil))
}

func TestDomains_unixServices(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	a.space(boxA, "NAS_SERVICE", 1)
	d := a.post(boxA, domains, object{"domain": "corp.example.com", "preferred_ips": nil, "username": `CORP\Joiner`, "password": "p", "unix_services_enabled": true})
	assert.Equal(t, []any{}, d["preferred_ips"])
	assert.Equal(t, "uidNumber", d["uid_attribute_name"])
	assert.Equal(t, "gidNumber", d["gid_attribute_name"])

	query := func(params string) []object { return a.list(boxA, domains+"/user_query?"+params) }
	found := query("username=joiner")
	require.Len(t, found, 1)
	user := found[0]
	assert.Equal(t, "Joiner@corp.example.com", user["username"])
	assert.Regexp(t, `^S-1-5-21-\d+-\d+-\d+-\d+$`, user["sid"])
	assert.Equal(t, found, query("sid="+user["sid"].(string)))
	assert.Equal(t, found, query(fmt.Sprintf("uid=%d", user.id("uid"))))
	assert.Empty(t, query("username=stranger"))
	assert.Empty(t, query("sid="+user["gsid"].(string)))

	assert.EqualValues(t, 20, a.post(boxA, domains+"/set_max_translated_groups", object{"max_translated_groups": 20}).id("max_translated_groups"))
	a.refused(boxA, map[string]refusal{
		"groups":  {400, "INVALID_FIELD_VALUE", "POST", domains + "/set_max_translated_groups", object{"max_translated_groups": -1}},
		"unknown": {400, "UNKNOWN_FIELD", "POST", domains + "/set_max_translated_groups", object{"max_translated_groups": 1, "uid_attribute_name": "x"}},
	})
	assert.EqualValues(t, 20, a.get(boxA, domains).id("max_translated_groups"))
	set := a.post(boxA, domains+"/set_unix_services", object{"uid_attribute_name": "uid"})
	assert.Equal(t, object{"unix_services_enabled": true, "uid_attribute_name": "uid", "gid_attribute_name": "gidNumber", "max_translated_groups": 20.0}, set)
	off := a.post(boxA, domains+"/set_unix_services", object{"unix_services_enabled": false})
	assert.Equal(t, object{"unix_services_enabled": false, "uid_attribute_name": nil, "gid_attribute_name": nil, "max_translated_groups": nil}, off)
	assert.Nil(t, query("username=joiner")[0]["uid"])
	assert.Empty(t, query("uid=1"))
}
