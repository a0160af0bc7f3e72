package lab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"infinisim/sim/api"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

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
	all := slices.DeleteFunc(slices.Clone(k.lab.Routes()), func(r api.Served) bool { return r.Method == http.MethodGet && k.dice.IntN(10) > 0 })
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
