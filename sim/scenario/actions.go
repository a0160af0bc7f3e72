package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/document"
	"infinisim/sim/estate"
	"infinisim/sim/fabric"
	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// advance moves the clock by a duration, or to a time.
type advance struct {
	by time.Duration
	to time.Time
}

func (a *advance) check(_ *parser, n document.Node) (err error) {
	if a.by, err = n.Duration(); err == nil {
		if a.by < 0 {
			return n.Errorf("the clock does not go back")
		}
		return nil
	}
	if a.to, err = n.Time(); err != nil {
		return n.Expected("a duration like 30s, or a time like 2025-01-01T00:00:00Z")
	}
	return nil
}

func (a *advance) do(r *play, n document.Node) error {
	now := r.lab.Clock.Now()
	to := now.Add(a.by)
	if !a.to.IsZero() {
		to = clock.FromTime(a.to)
	}
	if to < now {
		return r.fail(n, "a time to come", "the clock is at "+now.String())
	}
	_, err := r.lab.AdvanceTo(r.ctx, to)
	return err
}

// settle moves from due job to due job until nothing that was asked for is
// left, or, where that is expected, until what is left is blocked.
type settle struct{ blocked bool }

func (s *settle) check(_ *parser, n document.Node) error {
	text, _ := n.Text()
	on, _ := n.Bool()
	if s.blocked = text == "blocked"; !s.blocked && !on {
		return n.Expected("true or blocked")
	}
	return nil
}

func (s *settle) do(r *play, n document.Node) error {
	got, err := r.lab.Settle(r.ctx)
	switch {
	case err != nil:
		return err
	case s.blocked && len(got.Blocked) == 0:
		return r.fail(n, "something that is blocked", "nothing: all was done")
	case !s.blocked && len(got.Blocked) > 0:
		return r.fail(n, "nothing that is blocked", strings.Join(got.Blocked, "; "))
	}
	return nil
}

// setCut cuts the path between two arrays, in one direction where it says from
// whom, or mends it.
type setCut struct {
	down    bool
	a, b    string
	oneWay  string
	between document.Node
}

func (c *setCut) check(p *parser, n document.Node) (err error) {
	c.between = n
	if c.down && n.IsMap() {
		if err := n.Only("between", "from"); err != nil {
			return err
		}
		c.between = n.Get("between")
		if !c.between.There() {
			return n.Errorf("between is missing")
		}
	}
	if c.a, c.b, err = p.pair(c.between); err != nil || !c.down || !n.Get("from").There() {
		return err
	}
	if c.oneWay, err = p.estate.Array(n.Get("from")); err == nil && !slices.Contains([]string{c.a, c.b}, c.oneWay) {
		return n.Get("from").Errorf("is neither %s nor %s", c.a, c.b)
	}
	return err
}

func (c *setCut) do(r *play, _ document.Node) error {
	return r.lab.SetPath(r.ctx, fabric.Ends{From: c.a, To: c.b}, func(m *fabric.Model) {
		m.Cut, m.CutFrom = c.down && c.oneWay == "", c.oneWay
	})
}

// changePath changes how the path between two arrays behaves.
type changePath struct {
	a, b string
	path estate.Path
}

func (c *changePath) check(p *parser, n document.Node) (err error) {
	if err := n.Only(append([]string{"between"}, estate.PathKeys()...)...); err != nil {
		return err
	}
	if !n.Get("between").There() {
		return n.Errorf("between is missing")
	}
	if c.a, c.b, err = p.pair(n.Get("between")); err != nil {
		return err
	}
	c.path, err = estate.ReadPath(n)
	return err
}

func (c *changePath) do(r *play, _ document.Node) error {
	return r.lab.SetPath(r.ctx, fabric.Ends{From: c.a, To: c.b}, c.path.Apply)
}

// setComponent has a part of the hardware change what it shows: its state,
// mostly. The array says what a part has.
type setComponent struct {
	array, path string
	body        map[string]any
}

func (c *setComponent) check(p *parser, n document.Node) (err error) {
	if !n.IsMap() || !n.Get("path").There() {
		return n.Errorf("a mapping with path is needed, such as nodes/1, and what the part is to show, such as state")
	}
	if c.path, err = n.Get("path").Text(); err != nil {
		return err
	}
	if c.array, err = p.array(n.Get("array")); err != nil {
		return err
	}
	if c.body, _ = n.Without("array", "path").Value().(map[string]any); len(c.body) == 0 {
		return n.Errorf("nothing is to change; a part has a state at least")
	}
	return nil
}

func (c *setComponent) do(r *play, n document.Node) error {
	err := r.lab.On(r.ctx, c.array, func(b *model.Box) error {
		_, err := b.SetComponent(c.path, model.NewBody(c.body))
		return err
	})
	return atFault(n, err)
}

// atFault says where the file asks for what an array refuses.
func atFault(n document.Node, err error) error {
	if e, ok := apierr.As(err); ok {
		return n.Near(e.Subject).Errorf("%v", e)
	}
	return err
}

// hostWrite is a host's write; with a code it has to be refused.
type hostWrite struct {
	To     document.Node `yaml:"to,required"`
	Offset document.Size `yaml:"offset"`
	Length document.Size `yaml:"length,required"`
	Seed   uint64        `yaml:"seed"`
	Code   string        `yaml:"code"`

	to address
}

func (w *hostWrite) check(p *parser, n document.Node) (err error) {
	if err := n.Into(w); err != nil {
		return err
	}
	w.to, err = p.address(w.To, "")
	return err
}

func (w *hostWrite) do(r *play, n document.Node) error {
	id, err := r.dataset(w.to)
	if err != nil {
		return err
	}
	err = r.lab.Write(r.ctx, w.to.array, id, lab.Write{Offset: int64(w.Offset), Length: int64(w.Length), Seed: w.Seed})
	got := "success"
	if e, ok := apierr.As(err); ok {
		got = e.Error()
		if string(e.Code) == w.Code {
			return nil
		}
	} else if err != nil {
		return err
	}
	switch {
	case w.Code != "":
		return r.fail(n.Get("code"), w.Code, got)
	case err != nil:
		return r.fail(n, "success", got)
	}
	return nil
}

// dataset is the id of a dataset that has to be there.
func (r *play) dataset(a address) (int64, error) {
	id, _, err := r.find(a)
	if errors.Is(err, errAbsent) {
		return 0, r.fail(a.node, fmt.Sprintf("%s %s of array %s", a.kind, a.name, a.array), "nothing of that name")
	}
	return id, err
}

// setWorkload has hosts work on a dataset.
type setWorkload struct {
	Of document.Node `yaml:"of,required"`
	estate.Workload

	of address
}

func (w *setWorkload) check(p *parser, n document.Node) (err error) {
	if err := n.Into(w); err != nil {
		return err
	}
	w.of, err = p.address(w.Of, "")
	return err
}

func (w *setWorkload) do(r *play, n document.Node) error {
	id, err := r.dataset(w.of)
	if err != nil {
		return err
	}
	return atFault(n, r.lab.SetWorkload(r.ctx, w.of.array, id, w.Model()))
}

// compare takes the digest of a dataset's content, keeps it, and holds it
// against others that were kept.
type compare struct {
	Of      document.Node `yaml:"of,required"`
	Save    string        `yaml:"save"`
	Equals  string        `yaml:"equals"`
	Differs string        `yaml:"differs"`

	of address
}

func (c *compare) check(p *parser, n document.Node) (err error) {
	if err := n.Into(c); err != nil {
		return err
	}
	if c.of, err = p.address(c.Of, ""); err != nil {
		return err
	}
	for _, key := range []string{"equals", "differs"} {
		if v := n.Get(key); v.There() && !p.digests[fmt.Sprint(v.Value())] {
			return v.Errorf("no step before saved a digest %q", v.Value())
		}
	}
	if c.Save+c.Equals+c.Differs == "" {
		return n.Errorf("a digest is saved, or equals or differs from one that was")
	}
	if c.Save != "" {
		p.digests[c.Save] = true
	}
	return nil
}

func (c *compare) do(r *play, n document.Node) error {
	id, err := r.dataset(c.of)
	if err != nil {
		return err
	}
	got, _, err := r.lab.Digest(r.ctx, c.of.array, id)
	switch {
	case err != nil:
		return atFault(n, err)
	case c.Equals != "" && got != r.digests[c.Equals]:
		return r.fail(n.Get("equals"), fmt.Sprintf("the content %s, as it was saved as %s", r.digests[c.Equals], c.Equals), got)
	case c.Differs != "" && got == r.digests[c.Differs]:
		return r.fail(n.Get("differs"), "another content than was saved as "+c.Differs, "the same, "+got)
	}
	if c.Save != "" {
		r.digests[c.Save] = got
	}
	return nil
}

// setActive takes an array off the network, or puts it back.
type setActive struct {
	on    bool
	array string
}

func (a *setActive) check(p *parser, n document.Node) (err error) {
	a.array, err = p.estate.Array(n)
	return err
}

func (a *setActive) do(r *play, _ document.Node) error {
	return r.lab.SetActive(r.ctx, a.array, a.on)
}
