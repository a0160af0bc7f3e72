package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/schema"
)

// The fields of a type that has one of every sort.
var (
	name   = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull})
	size   = schema.Int(schema.Field{Name: "size", Flags: schema.Editable, Check: positive})
	prov   = schema.Enum(schema.Field{Name: "provtype", Flags: schema.Editable, Enum: []string{"THIN", "THICK"}, Default: "THIN"})
	role   = schema.Enum(schema.Field{Name: "role", Flags: schema.Editable, Enum: []string{"ADMIN", "POOL_ADMIN"}})
	active = schema.Bool(schema.Field{Name: "active", Flags: schema.Editable})
	ratio  = schema.Float(schema.Field{Name: "ratio", Flags: schema.Editable})
	parent = schema.Ref(schema.Field{Name: "parent_id", Flags: schema.Editable | schema.Index, NoneZero: true}, "disk")
	group  = schema.Ref(schema.Field{Name: "cg_id", Flags: schema.Editable}, "group")
	labels = schema.List[string](schema.Field{Name: "labels", Flags: schema.Editable})
	secret = schema.String(schema.Field{Name: "secret", Flags: schema.Create | schema.Private})
	newer  = schema.Int(schema.Field{Name: "newer", Gate: schema.Gate{From: "8.0"}})
	disk   = schema.NewType("disk", name, secret, size, prov, role, active, ratio, parent, group, labels, newer)
)

func positive(v schema.Value) error {
	if v.Int() < 0 {
		return errors.New("is negative")
	}
	return nil
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f    *schema.Field
		in   string
		want string // empty: refused
	}{
		{size.Field(), `5`, `5`},
		{size.Field(), `5.0`, `5`},
		{size.Field(), `null`, `null`},
		{size.Field(), `-1`, ``},
		{size.Field(), `"5"`, ``},
		{size.Field(), `5.5`, ``},
		{size.Field(), `1e400`, ``},
		{size.Field(), `[]`, ``},
		{name.Field(), `"a"`, `"a"`},
		{name.Field(), `"\u0061"`, `"a"`},
		{name.Field(), `5`, ``},
		{name.Field(), `null`, ``},
		{prov.Field(), `"thick"`, `"THICK"`},
		{prov.Field(), `"FAT"`, ``},
		{prov.Field(), `1`, ``},
		{role.Field(), `"PoolAdmin"`, `"POOL_ADMIN"`},
		{role.Field(), `"pool_admin"`, `"POOL_ADMIN"`},
		{active.Field(), `true`, `true`},
		{active.Field(), `"true"`, ``},
		{active.Field(), `1`, ``},
		{active.Field(), `null`, ``},
		{ratio.Field(), `1.5`, `1.5`},
		{ratio.Field(), `"x"`, ``},
		{parent.Field(), `0`, `0`},
		{parent.Field(), `null`, `0`},
		{parent.Field(), `7`, `7`},
		{group.Field(), `0`, `null`},
		{group.Field(), `null`, `null`},
		{labels.Field(), `["a", "b"]`, `["a","b"]`},
		{labels.Field(), `{}`, ``},
		{labels.Field(), `[{}]`, ``},
		{labels.Field(), `["a", 1]`, ``},
		{name.Field(), ``, ``},
	} {
		got, err := c.f.Accept(json.RawMessage(c.in))
		if c.want == "" {
			e, ok := errors.AsType[*schema.Error](err)
			require.True(t, ok, "%s: %s", c.f.Name, c.in)
			assert.Contains(t, e.Error(), c.f.Name)
			continue
		}
		require.NoError(t, err, c.in)
		assert.Equal(t, c.want, string(got), "%s: %s", c.f.Name, c.in)
	}
}

func sample(id int64) *schema.Object {
	o := schema.New(disk, id)
	name.Set(o, fmt.Sprintf("disk-%d", id))
	size.Set(o, id*100)
	secret.Set(o, "hidden")
	labels.Set(o, []string{"a", "b"})
	return o
}

// matching lists which of the disks 1 to 5 pass a query.
func matching(t *testing.T, params url.Values) []int64 {
	t.Helper()
	q, err := disk.ParseQuery(params, schema.Terms{})
	require.NoError(t, err)
	var out []int64
	for id := int64(1); id <= 5; id++ {
		o := sample(id)
		if id == 3 {
			size.SetNull(o)
			prov.Set(o, "THICK")
			parent.Set(o, 1)
			active.Set(o, true)
		}
		ok := true
		for _, f := range q.Filters {
			ok = ok && f.Match(o.Value(f.Field))
		}
		if ok {
			out = append(out, id)
		}
	}
	return out
}

func TestQuery_operators(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]int64{
		"size=eq:100": {1}, "size=100": {1}, "size=ne:100": {2, 3, 4, 5}, "size=gt:300": {4, 5}, "size=ge:400": {4, 5},
		"size=lt:200": {1}, "size=le:200": {1, 2}, "size=in:(100,400)": {1, 4}, "size=eq:(100,400)": {1, 4},
		"size=notin:(100,400)": {2, 3, 5}, "size=between:(100,200)": {1, 2}, "size=is:null": {3}, "size=isnot:null": {1, 2, 4, 5},
		"size=gt:100&size=lt:500": {2, 4}, "name=like:isk-2": {2}, "name=like:ISK": nil, "name=disk-4": {4}, "name=eq:disk-4": {4},
		"name=eq:(disk-4)": {4}, "parent_id=eq:0": {1, 2, 4, 5}, "parent_id=is:null": {1, 2, 4, 5}, "parent_id=eq:1": {3},
		"cg_id=eq:null": {1, 2, 3, 4, 5}, "cg_id=eq:0": {1, 2, 3, 4, 5}, "active=eq:True": {3}, "active=eq:true": {3}, "active=false": {1, 2, 4, 5},
		"provtype=eq:thick": {3}, "provtype=gt:THIN": {3}, "provtype=eq:FAT": nil, "labels=anyof:a,x": {1, 2, 3, 4, 5},
		"labels=allof:a,x": nil, "labels=noneof:x": {1, 2, 3, 4, 5}, "labels=noneof:a": nil, "id=in:(5,1)": {1, 5},
	} {
		params, err := url.ParseQuery(query)
		require.NoError(t, err)
		assert.Equal(t, want, matching(t, params), query)
	}
}

func TestQuery_refused(t *testing.T) {
	t.Parallel()
	for query, problem := range map[string]schema.Problem{
		"evil=1": schema.UnknownName, "sort=evil": schema.UnknownName, "secret=eq:x": schema.UnknownName, "newer=1": schema.UnknownName,
		"size=eq:x": schema.BadValue, "active=eq:2": schema.BadValue, "ratio=eq:x": schema.BadValue, "size=between:(1)": schema.BadValue,
		"page=0": schema.BadPage, "page=x": schema.BadPage, "page_size=1001": schema.BadPage, "page_size=0": schema.BadPage,
	} {
		params, err := url.ParseQuery(query)
		require.NoError(t, err)
		_, err = disk.ParseQuery(params, schema.Terms{Open: func(f *schema.Field) bool { return f.Gate == schema.Gate{} }})
		e, ok := errors.AsType[*schema.Error](err)
		require.True(t, ok, query)
		assert.Equal(t, problem, e.Problem, query)
	}
}

func TestQuery_pagesSortsFields(t *testing.T) {
	t.Parallel()
	q, err := disk.ParseQuery(url.Values{"sort": {"-size,name"}, "fields": {"size,evil,name"}, "page": {"3"}, "page_size": {"1000"}}, schema.Terms{})
	require.NoError(t, err)
	assert.Equal(t, 3, q.Page)
	assert.Equal(t, 1000, q.PageSize)
	assert.Equal(t, []schema.Sort{{Field: size.Field(), Desc: true}, {Field: name.Field()}}, q.Sorts)
	assert.Equal(t, []*schema.Field{schema.IDField(), size.Field(), name.Field()}, q.Fields)
	q, err = disk.ParseQuery(url.Values{}, schema.Terms{PageSize: 7})
	require.NoError(t, err)
	assert.Equal(t, 7, q.PageSize)
}

func TestValue_keysAreInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.OneOf(rapid.Just(schema.Null()), rapid.Map(rapid.Int64(), schema.IntValue))
		if rapid.Bool().Draw(t, "text") {
			gen = rapid.OneOf(rapid.Just(schema.Null()), rapid.Map(rapid.String(), schema.TextValue))
		}
		v, w := gen.Draw(t, "v"), gen.Draw(t, "w")
		order := 0
		switch x, y := string(v.Key()), string(w.Key()); {
		case x < y:
			order = -1
		case x > y:
			order = 1
		}
		if order != v.Compare(w) {
			t.Fatalf("%v and %v: keys order %d, values %d", v, w, order, v.Compare(w))
		}
	})
}

func TestRow_roundTripAndEveryFlip(t *testing.T) {
	t.Parallel()
	o := sample(7)
	row := schema.Encode(o)
	back, err := schema.Decode(disk, 7, row)
	require.NoError(t, err)
	assert.True(t, o.Same(back))
	assert.Equal(t, []string{"a", "b"}, labels.Get(back))
	assert.Equal(t, "hidden", secret.Get(back))
	look, err := schema.RowOf(disk, 7, row)
	require.NoError(t, err)
	for _, f := range disk.StoredFields() {
		assert.Equal(t, o.Value(f), look.Value(f), f.Name)
	}
	for i := range row {
		bad := append([]byte(nil), row...)
		bad[i] ^= 1
		_, err := schema.Decode(disk, 7, bad)
		require.ErrorIs(t, err, schema.ErrDamaged, "byte %d", i)
		_, err = schema.RowOf(disk, 7, bad)
		require.ErrorIs(t, err, schema.ErrDamaged, "byte %d", i)
	}
}

func TestObject_rendersStoredMembers(t *testing.T) {
	t.Parallel()
	o, err := schema.Decode(disk, 7, schema.Encode(sample(7)))
	require.NoError(t, err)
	raw, err := o.AppendJSON(nil, []*schema.Field{schema.IDField(), size.Field()}, nil)
	require.NoError(t, err)
	assert.Equal(t, `{"id":7,"size":700}`, string(raw))
	clone := o.Clone()
	size.Set(clone, 1)
	assert.Equal(t, int64(700), size.Get(o))
	assert.False(t, clone.Same(o))
}

func TestGate(t *testing.T) {
	t.Parallel()
	r := schema.Release{Version: "8.4.0.0", Features: map[string]int{"nas": 2}}
	for gate, open := range map[schema.Gate]bool{
		{}: true, {Feature: "nas"}: true, {Feature: "nas", AtLeast: 3}: false, {Feature: "qos"}: false, {From: "8.4"}: true,
		{From: "8.5"}: false, {Before: "8.4"}: false, {Before: "8.10"}: true,
		{Feature: "qos", Since: "8.4"}: true, {Feature: "qos", Since: "8.5"}: false, {Feature: "nas", AtLeast: 3, Since: "8.0"}: false,
	} {
		assert.Equal(t, open, gate.Open(r), "%+v", gate)
	}
	assert.Positive(t, schema.CompareVersions("8.10", "8.9"))
	assert.Zero(t, schema.CompareVersions("8.4", "8.4.0.0-dev3"))
}

func TestNewType_refusesATwin(t *testing.T) {
	t.Parallel()
	assert.Panics(t, func() { schema.NewType("twin", name, name) })
}

func Example() {
	o := schema.New(disk, 5)
	name.Set(o, "d5")
	size.Set(o, 100)
	fmt.Println(name.Get(o), size.Get(o), prov.Get(o))
	// Output: d5 100 THIN
}

func TestNewType_sharesFieldsWithLess(t *testing.T) {
	t.Parallel()
	small := schema.NewType("small", schema.Hide(size), schema.Less(name, schema.Editable), role)
	assert.False(t, small.Shows(size.Field()))
	assert.False(t, small.May(size.Field(), schema.Update))
	assert.True(t, disk.Shows(size.Field()))
	assert.True(t, small.Shows(name.Field()))
	assert.False(t, small.May(name.Field(), schema.Create))
	assert.True(t, small.May(name.Field(), schema.Unique))
	assert.True(t, disk.May(name.Field(), schema.Editable))
	assert.Equal(t, schema.Layout{Fields: []string{"size", "id", "name", "role"}, Private: 1, Indexed: []string{"name"}}, small.Layout())

	o := schema.New(small, 7)
	size.Set(o, 5)
	name.Set(o, "a")
	again, err := schema.Decode(small, 7, schema.Encode(o))
	require.NoError(t, err)
	assert.Equal(t, int64(5), size.Get(again))
	raw, err := again.AppendJSON(nil, small.StoredFields()[1:], nil)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":7,"name":"a","role":null}`, string(raw))
	_, err = small.ParseQuery(url.Values{"size": {"eq:5"}}, schema.Terms{})
	require.Error(t, err)
}
