package lab_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"infinisim/sim/api"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// deck draws the lines of a storm from its seed: every kind's creation, change
// and deletion, and every request beyond, with values that fit and such that do
// not. It makes the parents of what it creates, by lines of their own. It
// implements model.World.
type deck struct {
	*storm
	dice   *rand.Rand
	box    string
	depth  int
	begun  int
	failed error
	doc    map[string]any // the requests of the first array
}

var _ model.World = (*deck)(nil)

func newDeck(s *storm, seed uint64) *deck {
	return &deck{storm: s, dice: rand.New(rand.NewPCG(seed, 5))} //nolint:gosec // a test's dice
}

// opening is the first line of a seed.
func (k *deck) opening(seed uint64) string {
	line := fmt.Sprintf("! lab %d %d", 1+k.dice.IntN(3), seed)
	if k.dice.IntN(16) == 0 {
		line += " durable"
	}
	return line
}

// step plays what the dice say.
func (k *deck) step() error {
	if k.doc == nil {
		if err := k.describe(); err != nil {
			return err
		}
	}
	boxes := k.lab.Arrays()
	k.box = boxes[0].Key
	if k.begun == len(begin()) && k.dice.IntN(2) == 0 {
		k.box = boxes[k.dice.IntN(len(boxes))].Key
	}
	line := k.draw()
	if k.failed == nil && line != "" {
		k.failed = k.play(line)
	}
	return k.failed
}

func (k *deck) draw() string {
	if k.begun < len(begin()) { // there is something to be about
		k.begun++
		return k.create(k.lab.Catalog().Kind(begin()[k.begun-1]))
	}
	switch n := k.dice.IntN(100); {
	case n < 18:
		return k.create(k.kind())
	case n < 28:
		return k.change(k.kindInUse())
	case n < 33:
		return k.delete(k.kindInUse())
	case n < 46:
		return k.route()
	case n < 75:
		line := k.verb()
		for range 6 {
			if !ofNothing.MatchString(line) {
				break
			}
			line = k.verb()
		}
		return line
	case n < 83:
		return "@ " + []string{"1s", "30s", "10m", "25h", "settle"}[k.dice.IntN(5)]
	case n < 88:
		return k.write()
	case n < 94:
		return []string{"! fork", "! restart", "! keep", "! back", "! text", "! past"}[k.dice.IntN(6)]
	}
	return k.trouble()
}

// begin are the kinds that a storm begins with.
func begin() []string {
	return []string{"volume", "filesystem", "cons_group", "host", "replica", "lun", "export", "qos_policy", "replica", "snapshot_policy"}
}

func (k *deck) trouble() string {
	boxes := k.lab.Arrays()
	other := boxes[k.dice.IntN(len(boxes))].Key
	if other != k.box && k.dice.IntN(2) == 0 {
		return fmt.Sprintf("! %s %s %s", []string{"cut", "mend"}[k.dice.IntN(2)], k.box, other)
	}
	switch k.dice.IntN(8) {
	case 0:
		return "! off " + k.box
	case 1, 2:
		return "! on " + k.box
	case 3:
		return `! fault {"id":"lost","site":"http","odds":0.2,"times":3,"effect":{"type":"lost"}}`
	case 4:
		return `! fault {"id":"slow","site":"job","odds":0.3,"effect":{"type":"delay","delay":"1s","spread":"2s"}}`
	case 5:
		return fmt.Sprintf(`! fault {"id":"part","site":"component","array":%q,"effect":{"type":"component","component":"nodes/%d","state":"FAILED"}}`, k.box, 1+k.dice.IntN(3))
	case 6:
		if k.dice.IntN(4) == 0 {
			return "! reset"
		}
	}
	return "! calm"
}

func (k *deck) kind() *model.Kind {
	all := k.lab.Catalog().Kinds()
	for {
		one := all[k.dice.IntN(len(all))]
		if !one.Single && (one.Forms != nil || k.dice.IntN(8) == 0) {
			return one
		}
	}
}

// kindInUse has objects that a client has made, if the dice are kind.
func (k *deck) kindInUse() *model.Kind {
	one := k.kind()
	for range 12 {
		for _, id := range k.objects(k.box, one.Type.Name()) {
			if k.names[place{k.box, id}] != "" {
				return one
			}
		}
		one = k.kind()
	}
	return one
}

// objects are those of a kind on an array.
func (k *deck) objects(box, kind string) (ids []int64) {
	_ = k.lab.View(k.ctx, box, func(b *model.Box) error {
		for _, one := range b.Eng.Catalog.Kinds() {
			if one.Type.Name() == kind {
				ids = b.Tx.IDs(box, one.Type, 0, -1)
			}
		}
		return nil
	})
	return ids
}

// some is one of the objects of a kind, by its name if it has one; "0" for none.
func (k *deck) some(box, kind string) string {
	ids := k.objects(box, kind)
	if len(ids) == 0 {
		return "0"
	}
	return k.ref(box, ids[k.dice.IntN(len(ids))])
}

func (k *deck) ref(box string, id int64) string {
	if name := k.names[place{box, id}]; name != "" {
		return "{" + name + "}"
	}
	return fmt.Sprint(id)
}

// The ids that Make gives stand for names: name a7 is firstMark+7.
const firstMark = 70_000_000_000_000_000

var mark = regexp.MustCompile(`7\d{16}`)

func unmark(text string) string {
	return mark.ReplaceAllStringFunc(text, func(m string) string { return "{a" + strings.TrimLeft(m[1:], "0") + "}" })
}

// rendered is a body as a line has it.
func rendered(body model.Body) string {
	raw, err := json.Marshal(body)
	if err != nil {
		return "{}"
	}
	return unmark(string(raw))
}

// create is a kind's own sample, in one of five times with a member spoilt or
// added.
func (k *deck) create(kind *model.Kind) string {
	if kind.Sample == nil || kind.Forms == nil || !k.open(kind) {
		return ""
	}
	body := kind.Sample(k)
	if k.dice.IntN(5) == 0 {
		k.spoil(kind, body)
	}
	k.n++
	return fmt.Sprintf("%s > POST %s?approved=true %s -> a%d", k.box, kind.Path, rendered(body), k.n)
}

func (k *deck) open(kind *model.Kind) (open bool) {
	_ = k.lab.View(k.ctx, k.box, func(b *model.Box) error {
		open = kind.Gate.Open(b.Release())
		return nil
	})
	return open
}

func (k *deck) change(kind *model.Kind) string {
	ids := k.objects(k.box, kind.Type.Name())
	if len(ids) == 0 {
		return ""
	}
	id := ids[k.dice.IntN(len(ids))]
	body := model.Body{}
	if kind.Change != nil && k.dice.IntN(2) == 0 {
		_ = k.lab.View(k.ctx, k.box, func(b *model.Box) error {
			o, err := b.Load(kind, id)
			if err == nil {
				body = kind.Change(o)
			}
			return err
		})
	}
	if len(body) == 0 || k.dice.IntN(4) == 0 {
		k.spoil(kind, body)
	}
	return fmt.Sprintf("%s > PUT %s/%s?approved=true %s", k.box, kind.Path, k.ref(k.box, id), rendered(body))
}

func (k *deck) delete(kind *model.Kind) string {
	if kind.Type.Name() == "network_space" && k.dice.IntN(4) > 0 {
		return ""
	}
	return fmt.Sprintf("%s > DELETE %s/%s?approved=%v", k.box, kind.Path, k.some(k.box, kind.Type.Name()), k.dice.IntN(8) > 0)
}

// spoil sets a member to a value of its own type, or to any.
func (k *deck) spoil(kind *model.Kind, body model.Body) {
	fields := kind.Type.Fields()
	f := fields[k.dice.IntN(len(fields))]
	value := k.any()
	switch {
	case k.dice.IntN(4) == 0:
	case f.Wire() == schema.WireRef:
		value = k.some(k.box, f.Refers())
	case f.Wire() == schema.WireBool:
		value = []string{"true", "false"}[k.dice.IntN(2)]
	case f.Wire() == schema.WireEnum && len(f.Enum) > 0:
		value = fmt.Sprintf("%q", f.Enum[k.dice.IntN(len(f.Enum))])
	case f.Wire() == schema.WireInt:
		value = fmt.Sprint(int64(1) << k.dice.IntN(50))
	case f.Wire() == schema.WireText:
		value = fmt.Sprintf("%q", k.Name())
	}
	if named := stormName.FindStringSubmatch(value); named != nil { // a body holds JSON until it is a line
		var n int64
		_, _ = fmt.Sscan(named[1][1:], &n)
		value = fmt.Sprint(firstMark + n)
	}
	body[f.Name] = json.RawMessage(value)
}

func (k *deck) any() string {
	return []string{
		"null", "0", "-1", "1", "true", `""`, `"x"`, "[]", "{}", "9223372036854775807", "1.5", `"é\u0001"`, "512", "1000000000", `["a"]`, "[1]",
	}[k.dice.IntN(16)]
}

func (k *deck) write() string {
	kind := []string{"volume", "filesystem"}[k.dice.IntN(2)]
	return fmt.Sprintf("! write %s %s %d %d %d", k.box, k.some(k.box, kind), 4096*k.dice.IntN(1000), 4096*(1+k.dice.IntN(100000)), k.dice.IntN(5))
}

// Make gives an object of a kind: one that is there, or one of a line of its own.
func (k *deck) Make(kind string) int64 {
	if kind == "replication_space" {
		return k.space()
	}
	ids := k.objects(k.box, kind)
	if n := len(ids); n > 0 && (k.depth > 3 || kind == "link" || k.dice.IntN(3) > 0) {
		return k.marked(k.box, ids[k.dice.IntN(n)])
	}
	if kind == "s3_pool" {
		return k.made(k.box, "pools", `{"name":"`+k.Name()+`","type":"S3","physical_capacity":1000000000000}`)
	}
	one := k.lab.Catalog().Kind(kind)
	if one.Sample == nil || k.depth > 3 || k.failed != nil {
		return 0
	}
	k.depth++
	body := one.Sample(k)
	k.depth--
	return k.made(k.box, one.Path+"?approved=true", rendered(body))
}

func (k *deck) marked(box string, id int64) int64 {
	var n int64
	if name := k.names[place{box, id}]; name != "" {
		_, _ = fmt.Sscan(name[1:], &n)
		return firstMark + n
	}
	return id
}

// made plays a creation.
func (k *deck) made(box, path, body string) int64 {
	k.n++
	n := k.n
	if k.failed == nil {
		k.failed = k.play(fmt.Sprintf("%s > POST %s %s -> a%d", box, path, body, n))
	}
	return firstMark + int64(n)
}

func (k *deck) space() (id int64) {
	_ = k.lab.View(k.ctx, k.box, func(b *model.Box) error {
		return b.Tx.Each(k.box, model.NetworkSpace, func(o *schema.Object) (bool, error) {
			if model.SpaceService.Get(o) == model.ReplicationService {
				id = o.ID()
			}
			return true, nil
		})
	})
	return id
}

// Name is a name that nothing else has, now and then one that something has.
func (k *deck) Name() string {
	if k.n > 3 && k.dice.IntN(20) == 0 {
		return fmt.Sprintf("n%d", k.dice.IntN(k.n))
	}
	k.n++
	return fmt.Sprintf("n%d", k.n)
}

func (k *deck) other() string {
	for _, a := range k.lab.Arrays() {
		if a.Key != k.box {
			return a.Key
		}
	}
	return k.box
}

// Peer is an address of another array's replication space.
func (k *deck) Peer() (address string) {
	box := k.other()
	_ = k.lab.View(k.ctx, box, func(b *model.Box) error {
		return b.Tx.Each(box, model.NetworkSpace, func(o *schema.Object) (bool, error) {
			raw, err := b.Render(o)
			var space struct {
				Service string
				IPs     []struct {
					Address string `json:"ip_address"`
				}
			}
			if err == nil && json.Unmarshal(raw, &space) == nil && space.Service == model.ReplicationService && len(space.IPs) > 0 {
				address = space.IPs[0].Address
			}
			return true, err
		})
	})
	return address
}

// peerOf is the array that a link leads to.
func (k *deck) peerOf(link int64) string {
	box := k.other()
	_ = k.lab.View(k.ctx, k.box, func(b *model.Box) error {
		o, err := b.Must(replication.Link, k.real(link))
		if err == nil && replication.Peer(o) != "" {
			box = replication.Peer(o)
		}
		return err
	})
	return box
}

func (k *deck) real(id int64) int64 {
	if id > firstMark {
		return k.ids[fmt.Sprintf("a%d", id-firstMark)]
	}
	return id
}

// PeerPool is a pool of the array that a link leads to.
func (k *deck) PeerPool(link int64) int64 { return k.pool(k.peerOf(link), "THICK") }

// VVolPool is a pool for vvols.
func (k *deck) VVolPool() int64 { return k.pool(k.box, "VVOL") }

// PeerVVolPool is one of the array that a link leads to.
func (k *deck) PeerVVolPool(link int64) int64 { return k.pool(k.peerOf(link), "VVOL") }

func (k *deck) pool(box, kind string) int64 {
	if ids := k.objects(box, "pool"); kind != "VVOL" && len(ids) > 0 {
		return k.marked(box, ids[k.dice.IntN(len(ids))])
	}
	body := fmt.Sprintf(`{"name":%q,"physical_capacity":1000000000000,"virtual_capacity":1000000000000}`, k.Name())
	if kind == "VVOL" {
		body = fmt.Sprintf(`{"name":%q,"type":"VVOL","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`, k.Name())
	}
	return k.made(box, "pools?approved=true", body)
}

// Text reads a field of an object.
func (k *deck) Text(kind string, id int64, field string) (text string) {
	_ = k.lab.View(k.ctx, k.box, func(b *model.Box) error {
		o, err := b.Must(k.lab.Catalog().Kind(kind).Type, k.real(id))
		if err != nil {
			return err
		}
		raw, err := b.Render(o)
		all := map[string]any{}
		if err == nil && json.Unmarshal(raw, &all) == nil {
			text = fmt.Sprint(all[field])
		}
		return err
	})
	return text
}

// describe reads what requests there are, with the bodies that they take.
func (k *deck) describe() error {
	doc, err := k.lab.OpenAPI(k.ctx, "box-1")
	if err != nil {
		return err
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, &k.doc)
}

// route is any request but those that only read, most of the time.
func (k *deck) route() string {
	all := slices.DeleteFunc(slices.Clone(k.lab.Routes()), func(r api.Served) bool { return r.Method == "GET" && k.dice.IntN(10) > 0 })
	r := all[k.dice.IntN(len(all))]
	path := k.pathOf(r)
	for range 6 {
		if !strings.Contains(path, "/0") {
			break
		}
		r = all[k.dice.IntN(len(all))]
		path = k.pathOf(r)
	}
	body := ""
	if op := k.at("paths", "/api/rest/"+r.Path, strings.ToLower(r.Method), "requestBody", "content", "application/json", "schema"); op != nil {
		body = " " + k.value(op, "", 0)
	}
	k.n++
	return fmt.Sprintf("%s > %s %s?approved=true%s -> a%d", k.box, r.Method, path, body, k.n)
}

// pathOf is a request's path, with ids of objects.
func (k *deck) pathOf(r api.Served) string {
	path := r.Path
	for strings.Contains(path, "{") {
		from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		kind := r.Kind
		if path[from:to+1] != "{id}" {
			kind = kindOf(strings.TrimSuffix(path[from+1:to], "_id"))
		}
		path = path[:from] + strings.NewReplacer("{", "«", "}", "»").Replace(k.some(k.box, kind)) + path[to+1:]
	}
	return strings.NewReplacer("«", "{", "»", "}").Replace(path)
}

// at finds a part of the document.
func (k *deck) at(keys ...string) map[string]any {
	at := k.doc
	for _, key := range keys {
		at, _ = at[key].(map[string]any)
	}
	return at
}
