package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// storm plays a script over all kinds of objects. Its lines:
//
//	! lab ARRAYS SEED [durable]      arrays in a ring, on a frozen clock; the first line
//	box-1 > POST pools {"name":…}    a request; " -> a7" behind it gives what it made a name, {a7} is its id
//	@ 30s, @ settle                  the clock
//	! write box-1 {a7} 0 4096 7      a host's write: offset, length, seed
//	! cut box-1 box-2, ! mend …      a path
//	! fault {…}, ! calm              a fault; the end of all
//	! off box-1, ! on box-1          an array leaves the network
//	! fork, ! restart                goes on with a copy; closes the lab and opens it from its file
//	! keep, ! back                   takes a snapshot; goes back to it
//	! text                           exports the lab, and goes on with what an import makes of it
//	! past                           goes to just before the last request, which has the same answer there
//	! reset                          fresh arrays
//
// A name of nothing is id 0.
type storm struct {
	ctx    context.Context //nolint:containedctx // a test's
	dir    string
	path   string // the file of a durable lab
	lab    *lab.Lab
	script []string
	ids    map[string]int64   // by name
	names  map[place]string   // the names of what was made
	former []*journal.Journal // of the labs before
	last   reply
	n      int
	done   map[string]bool // the requests that were accepted, as routes
}

// place is an object's.
type place struct {
	box string
	id  int64
}

func newStorm(ctx context.Context, dir string) *storm {
	return &storm{ctx: ctx, dir: dir, ids: map[string]int64{}, names: map[place]string{}, done: map[string]bool{}}
}

func (s *storm) close() {
	if s.lab != nil {
		_ = s.lab.Close()
	}
}

func (s *storm) text() string { return strings.Join(s.script, "\n") + "\n" }

// play does what a line says, and looks whether all is as it must be.
func (s *storm) play(line string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.lab = nil // whoever panics in a transaction keeps its locks
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	s.script = append(s.script, line)
	switch {
	case strings.HasPrefix(line, "@ "):
		err = s.move(line[2:])
	case strings.HasPrefix(line, "! "):
		err = s.control(line[2:])
	default:
		err = s.request(line)
	}
	return errors.Join(err, s.sound())
}

func (s *storm) sound() error {
	if s.lab == nil {
		return nil
	}
	return sound(s.ctx, s.lab)
}

func (s *storm) move(text string) error {
	if text == "settle" {
		_, err := s.lab.Settle(s.ctx)
		return err
	}
	d, err := time.ParseDuration(text)
	if err == nil {
		_, err = s.lab.AdvanceTo(s.ctx, s.lab.Clock.Now().Add(d))
	}
	return err
}

var (
	stormLine = regexp.MustCompile(`^(box-\d+) > ([A-Z]+) (\S+)(?: (.*?))??(?: -> (a\d+))?$`)
	stormName = regexp.MustCompile(`\{(a\d+)\}`)
)

// fill puts ids in place of names.
func (s *storm) fill(text string) string {
	return stormName.ReplaceAllStringFunc(text, func(name string) string { return fmt.Sprint(s.ids[name[1:len(name)-1]]) })
}

// request sends a request. Refused, it has changed nothing, unless a fault
// answered in its place.
func (s *storm) request(line string) error {
	m := stormLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("%q is no line of a script", line)
	}
	if _, err := s.lab.AdvanceTo(s.ctx, s.lab.Clock.Now()); err != nil { // what is due is not the request's
		return err
	}
	before, err := s.lab.Fingerprint(s.ctx)
	if err != nil {
		return err
	}
	out, struck, err := s.send(m[1], ask{method: m[2], target: s.fill(m[3]), body: s.fill(m[4])})
	if s.last = out; err != nil {
		return err
	}
	if out.status >= http.StatusOK && out.status < http.StatusBadRequest {
		s.note(m[2], m[3])
	}
	if m[5] != "" {
		s.named(m[1], m[5], out)
	}
	after, err := s.lab.Fingerprint(s.ctx)
	if err == nil && !struck && out.status >= http.StatusBadRequest && after != before {
		err = fmt.Errorf("refused with %d, and something has changed", out.status)
	}
	return err
}

// note remembers what was accepted.
func (s *storm) note(method, target string) {
	path, _, _ := strings.Cut(s.fill(target), "?")
	parts := strings.Split(path, "/")
	for _, r := range s.lab.Routes() {
		want := strings.Split(r.Path, "/")
		if r.Method == method && slices.EqualFunc(want, parts, func(w, p string) bool { return w == p || strings.HasPrefix(w, "{") }) {
			s.done[method+" "+r.Path] = true
		}
	}
}

// named gives what a request made its name; what was refused is nothing.
func (s *storm) named(box, name string, out reply) {
	var o struct{ ID int64 }
	if out.status < http.StatusBadRequest && json.Unmarshal(out.result, &o) == nil && o.ID != 0 {
		s.ids[name], s.names[place{box, o.ID}] = o.ID, name
	}
}

// send sends a request, as whoever may do everything; an array that is off
// drops it.
func (s *storm) send(box string, a ask) (out reply, struck bool, err error) {
	r, ok := a.request(s.ctx)
	if !ok {
		return out, false, fmt.Errorf("%s is no method", a.method)
	}
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint,err113 // what handlers panic with
				panic(p)
			}
			struck = true
		}
	}()
	target, err := s.lab.Array(box)
	if err != nil {
		return out, false, err
	}
	if !s.lab.Active(target) {
		return out, true, nil
	}
	faults := len(s.lab.Faults()) > 0
	out, err = send(s.lab, box, r)
	if faults && out.status >= http.StatusInternalServerError {
		err = nil
	}
	return out, faults, err
}

// control does what no administrator can.
func (s *storm) control(text string) error {
	verb, rest, _ := strings.Cut(text, " ")
	f := strings.Fields(s.fill(rest))
	switch verb {
	case "lab":
		return s.open(f)
	case "write":
		return s.write(f)
	case "cut", "mend":
		return s.lab.SetPath(s.ctx, fabric.Ends{From: f[0], To: f[1]}, func(m *fabric.Model) { m.Cut = verb == "cut" })
	case "fault":
		var rule fault.Rule
		if err := json.Unmarshal([]byte(rest), &rule); err != nil {
			return err
		}
		_, err := s.lab.AddFault(s.ctx, rule)
		return refusable(err)
	case "calm":
		return s.lab.ClearFaults(s.ctx)
	case "off", "on":
		return s.lab.SetActive(s.ctx, f[0], verb == "on")
	case "reset":
		s.ids, s.names = map[string]int64{}, map[place]string{}
		return s.lab.Reset(s.ctx)
	case "past":
		return s.past()
	}
	return s.same(verb)
}

// same is what leaves the lab's state as it was.
func (s *storm) same(verb string) error {
	before, err := s.lab.Fingerprint(s.ctx)
	if err != nil {
		return err
	}
	switch verb {
	case "fork":
		err = s.fork()
	case "restart":
		err = s.restart()
	case "keep":
		_, err = s.lab.TakeSnapshot(s.ctx, "kept")
		err = refusable(err)
	case "back":
		_, err = s.lab.RestoreSnapshot(s.ctx, "kept")
		return errors.Join(refusable(err), refusable(s.lab.DeleteSnapshot("kept")))
	case "text":
		return s.reread()
	default:
		err = fmt.Errorf("%q is no line of a script", verb)
	}
	if err != nil {
		return err
	}
	after, err := s.lab.Fingerprint(s.ctx)
	if err == nil && after != before {
		err = fmt.Errorf("%s has changed something", verb)
	}
	return err
}

// refusable takes an error of the array's own for an answer.
func refusable(err error) error {
	if _, ok := apierr.As(err); ok {
		return nil
	}
	return err
}

func (s *storm) write(f []string) error {
	var w lab.Write
	var id int64
	if _, err := fmt.Sscan(strings.Join(f[1:], " "), &id, &w.Offset, &w.Length, &w.Seed); err != nil {
		return err
	}
	return refusable(s.lab.Write(s.ctx, f[0], id, w))
}
