package replication_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// storm plays a script. Its lines:
//
//	! lab ARRAYS SEED [durable]      a ring of arrays, with pools p and q on each; the first line
//	box-1 > POST volumes {"name":…}  a request; {volume v1}, {replica v1 box-2}, {box-2 volume v1} stand for ids
//	@ 30s, @ settle                  the clock
//	! write box-1 v1 0 1048576 7     a host's write: offset, length, seed
//	! path box-1 box-2 {"cut":true}  how a path behaves; what is left out stays
//	! schedule box-1 box-2 {…}       how it changes by the clock
//	! witness box-1 box-2 cut        the way of box-1 to the witness of its link to box-2; mend
//	! fault {…}, ! lift ID           a fault, and its end
//	! off box-1, ! on box-1          an array leaves the network
//	! fork                           goes on with a copy, after the origin went another way
//	! restart                        closes the lab and opens it again from its file
//	! calm                           heals everything; all that can agree must
//
// A line about something that is not there asks for id 0.
type storm struct {
	ctx    context.Context //nolint:containedctx // a test's
	dir    string
	path   string // the file of a durable lab
	lab    *lab.Lab
	script []string
	n      int // for names
	oracle oracle
	status int // of the last request
	answer []byte
}

func newStorm(ctx context.Context, dir string) *storm { return &storm{ctx: ctx, dir: dir} }

func (s *storm) close() {
	if s.lab != nil {
		_ = s.lab.Close()
	}
}

func (s *storm) text() string { return strings.Join(s.script, "\n") + "\n" }

// play does what a line says, and checks everything. An empty line is no step.
func (s *storm) play(line string) (err error) {
	if line == "" {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			s.lab = nil // whoever panics in a transaction keeps its locks
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	s.script = append(s.script, line)
	before := s.oracle.last
	if err := s.line(line); err != nil {
		return err
	}
	bad, err := s.lab.Check(s.ctx)
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "\n"))
	}
	now, err := s.look()
	if err != nil {
		return err
	}
	return s.oracle.judge(line, s.status, before, now)
}

func (s *storm) line(line string) error {
	s.status = 0
	if text, ok := strings.CutPrefix(line, "@ "); ok {
		return s.move(text)
	}
	if text, ok := strings.CutPrefix(line, "! "); ok {
		return s.control(text)
	}
	return s.request(line)
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
	stormLine = regexp.MustCompile(`^(box-\d+) > ([A-Z]+) (.*?)( \{.*| \d+)?$`)
	reference = regexp.MustCompile(`\{(?:(box-\d+) )?(volume|filesystem|cg|pool|link|replica|space)(?: ([^ {}"]+))?(?: (box-\d+))?\}`)
)

// request sends a request, whatever comes of it, except an error of our own. An
// array that is off drops the connection.
func (s *storm) request(line string) error {
	m := stormLine.FindStringSubmatch(strings.TrimSpace(s.fill(line)))
	if m == nil {
		return fmt.Errorf("%q is no line of a script", line)
	}
	r := httptest.NewRequestWithContext(s.ctx, m[2], "http://simulator-"+m[1]+"/api/rest/"+m[3], strings.NewReader(strings.TrimSpace(m[4])))
	r.SetBasicAuth("admin", "123456")
	w := httptest.NewRecorder()
	if !s.serve(m[1], w, r) {
		return nil
	}
	s.status = w.Code
	s.answer = w.Body.Bytes()
	if w.Code >= http.StatusInternalServerError {
		return fmt.Errorf("%d %s", w.Code, w.Body)
	}
	return nil
}

func (s *storm) serve(key string, w http.ResponseWriter, r *http.Request) (answered bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint,err113 // what handlers panic with
				panic(p)
			}
			answered = false
		}
	}()
	s.lab.Handler(key).ServeHTTP(w, r)
	return true
}

// fill puts ids in place of references.
func (s *storm) fill(line string) string {
	key, _, _ := strings.Cut(line, " ")
	return reference.ReplaceAllStringFunc(line, func(ref string) string {
		m := reference.FindStringSubmatch(ref)
		box := key
		if m[1] != "" {
			box = m[1]
		}
		return fmt.Sprint(s.id(box, m[2], m[3], m[4]))
	})
}

// id finds an object by its name, 0 if there is none: a replica by the name of
// its dataset or group and by its peer, a link by its peer.
func (s *storm) id(box, kind, name, peer string) (id int64) {
	_ = s.lab.View(s.ctx, box, func(b *model.Box) error {
		named := func(t *schema.Type, f *schema.Field) {
			if ids := b.Tx.IDsBy(box, t, f, schema.TextValue(name)); len(ids) > 0 {
				id = ids[0]
			}
		}
		switch kind {
		case "volume":
			named(model.Volume, model.DatasetName.Field())
		case "filesystem":
			named(model.Filesystem, model.DatasetName.Field())
		case "cg":
			named(model.ConsGroup, model.CGName.Field())
		case "pool":
			named(model.Pool, model.PoolName.Field())
		case "space":
			return b.Tx.Each(box, model.NetworkSpace, func(o *schema.Object) (bool, error) {
				if model.SpaceService.Get(o) == model.ReplicationService {
					id = o.ID()
				}
				return true, nil
			})
		case "link":
			return b.Tx.Each(box, replication.Link, func(o *schema.Object) (bool, error) {
				if replication.Peer(o) == name {
					id = o.ID()
				}
				return true, nil
			})
		case "replica":
			return b.Tx.Each(box, replication.Replica, func(o *schema.Object) (bool, error) {
				if nameOf(b, o) == name && peerOf(b, o) == peer {
					id = o.ID()
				}
				return true, nil
			})
		}
		return nil
	})
	return id
}

// nameOf is the name of a replica's dataset or group.
func nameOf(b *model.Box, o *schema.Object) string {
	if !replication.ReplicaLocalCG.IsNull(o) {
		if cg, err := b.Must(model.ConsGroup, replication.ReplicaLocalCG.Get(o)); err == nil {
			return model.CGName.Get(cg)
		}
		return ""
	}
	if d, err := b.Dataset(replication.ReplicaLocal.Get(o)); err == nil {
		return model.DatasetName.Get(d)
	}
	return ""
}

func peerOf(b *model.Box, o *schema.Object) string {
	link, err := b.Must(replication.Link, replication.ReplicaLink.Get(o))
	if err != nil {
		return ""
	}
	return replication.Peer(link)
}

// control does what no administrator can.
func (s *storm) control(text string) error {
	verb, rest, _ := strings.Cut(text, " ")
	f := strings.Fields(rest)
	switch verb {
	case "lab":
		return s.open(f)
	case "write":
		return s.write(rest)
	case "pour":
		return s.pour(rest)
	case "path":
		return s.lab.SetPath(s.ctx, fabric.Ends{From: f[0], To: f[1]}, func(m *fabric.Model) { _ = json.Unmarshal([]byte(strings.Join(f[2:], "")), m) })
	case "schedule":
		var plan fabric.Schedule
		if err := json.Unmarshal([]byte(strings.Join(f[2:], "")), &plan); err != nil {
			return err
		}
		return s.lab.SetSchedule(s.ctx, fabric.Ends{From: f[0], To: f[1]}, plan)
	case "witness":
		return refusable(s.lab.SetWitness(s.ctx, f[0], s.id(f[0], "link", f[1], ""), f[2] == "cut"))
	case "fault":
		var rule fault.Rule
		if err := json.Unmarshal([]byte(rest), &rule); err != nil {
			return err
		}
		_, err := s.lab.AddFault(s.ctx, rule)
		return refusable(err)
	case "lift":
		return refusable(s.lab.RemoveFault(s.ctx, rest))
	case "off", "on":
		return s.lab.SetActive(s.ctx, rest, verb == "on")
	case "fork":
		return s.fork()
	case "restart":
		return s.restart()
	case "calm":
		return s.calm()
	}
	return fmt.Errorf("%q is no line of a script", text)
}

// refusable takes an error of the array's own for an answer.
func refusable(err error) error {
	if _, ok := apierr.As(err); ok {
		return nil
	}
	return err
}

func (s *storm) write(text string) error {
	var box, name string
	var w lab.Write
	if _, err := fmt.Sscan(text, &box, &name, &w.Offset, &w.Length, &w.Seed); err != nil {
		return err
	}
	id := max(s.id(box, "volume", name, ""), s.id(box, "filesystem", name, ""))
	err := s.lab.Write(s.ctx, box, id, w)
	if err == nil {
		s.status = http.StatusOK
	}
	return refusable(err)
}

// open makes the lab.
func (s *storm) open(f []string) error {
	var arrays int
	var seed uint64
	if _, err := fmt.Sscan(strings.Join(f, " "), &arrays, &seed); err != nil {
		return err
	}
	from, err := base(s.ctx, arrays, seed)
	if err != nil {
		return err
	}
	path := ""
	if len(f) > 2 {
		path = s.file()
	}
	s.path = path
	s.lab, err = from.Fork(lab.DefaultName, path)
	return err
}

var files atomic.Int64 //nolint:gochecknoglobals // a test's

func (s *storm) file() string { return filepath.Join(s.dir, fmt.Sprintf("storm-%d.db", files.Add(1))) }

// fork goes on with a copy, after the origin went another way for a while.
func (s *storm) fork() error {
	path := ""
	if s.lab.Durable() {
		path = s.file()
	}
	origin := s.lab
	copied, err := origin.Fork(lab.DefaultName, path)
	if err != nil {
		return err
	}
	s.lab, s.path = copied, path
	_, err = origin.AdvanceTo(s.ctx, origin.Clock.Now().Add(2*time.Minute))
	bad, failed := origin.Check(s.ctx)
	if len(bad) > 0 {
		failed = fmt.Errorf("origin of the fork: %s", strings.Join(bad, "\n"))
	}
	return errors.Join(err, failed, origin.Close())
}

// restart closes a lab and opens it again from its file; a lab in memory gets
// one for that.
func (s *storm) restart() error {
	path, durable := s.path, s.lab.Durable()
	if !durable {
		path = s.file()
		kept, err := s.lab.Fork(lab.DefaultName, path)
		if err = errors.Join(err, s.lab.Close()); err != nil {
			return err
		}
		s.lab = kept
	}
	if err := s.lab.Close(); err != nil {
		return err
	}
	opened, err := lab.New(lab.Options{Path: path, Clock: clock.NewManual(clock.Epoch)})
	s.lab = opened
	if err != nil || durable {
		return err
	}
	s.lab, err = opened.Fork(lab.DefaultName, "")
	return errors.Join(err, opened.Close(), os.Remove(path))
}

// body is the last answer's result.
func (s *storm) result() map[string]any {
	var a struct{ Result map[string]any }
	_ = json.NewDecoder(io.LimitReader(bytes.NewReader(s.answer), 1<<20)).Decode(&a)
	return a.Result
}
