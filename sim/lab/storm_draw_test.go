package lab_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	"infinisim/sim/model"
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
