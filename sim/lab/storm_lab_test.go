package lab_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"infinisim/sim/clock"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// open makes the lab.
func (s *storm) open(f []string) error {
	arrays, err := strconv.Atoi(f[0])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(f[1], 10, 64)
	if err != nil {
		return err
	}
	o := lab.Options{Seed: seed, Clock: clock.NewManual(clock.Epoch)}
	if len(f) > 2 {
		s.path = s.file()
		o.Path = s.path
	}
	s.lab, err = lab.Build(s.ctx, o, arrays, lab.Ring)
	return err
}

var stormFiles atomic.Int64 //nolint:gochecknoglobals // a test's

func (s *storm) file() string {
	return filepath.Join(s.dir, fmt.Sprintf("storm-%d.db", stormFiles.Add(1)))
}

// goOn puts another lab in the place of the storm's.
func (s *storm) goOn(next *lab.Lab, path string) error {
	was := s.lab
	s.former = append(s.former, was.Journal)
	s.lab, s.path = next, path
	return was.Close()
}

// fork goes on with a copy.
func (s *storm) fork() error {
	path := ""
	if s.lab.Durable() {
		path = s.file()
	}
	copied, err := s.lab.Fork(lab.DefaultName, path)
	if err != nil {
		return err
	}
	return s.goOn(copied, path)
}

// restart closes a lab and opens it again from its file; a lab in memory gets
// one for that.
func (s *storm) restart() error {
	path, durable := s.path, s.lab.Durable()
	if !durable {
		path = s.file()
		kept, err := s.lab.Fork(lab.DefaultName, path)
		if err != nil {
			return err
		}
		if err := s.goOn(kept, ""); err != nil {
			return err
		}
	}
	s.former = append(s.former, s.lab.Journal)
	if err := s.lab.Close(); err != nil {
		return err
	}
	opened, err := lab.New(lab.Options{Path: path, Clock: clock.NewManual(clock.Epoch)})
	s.lab = opened
	if err != nil || durable {
		return err
	}
	if s.lab, err = opened.Fork(lab.DefaultName, ""); err != nil {
		return err
	}
	return errors.Join(opened.Close(), os.Remove(path))
}

// reread goes on with what an import makes of an export, which is the same text
// again.
func (s *storm) reread() error {
	var first, second bytes.Buffer
	if err := s.lab.Export(s.ctx, &first); err != nil {
		return err
	}
	next, err := lab.Import(s.ctx, lab.Options{Clock: clock.NewManual(clock.Epoch)}, bytes.NewReader(first.Bytes()))
	if err != nil {
		return err
	}
	if err := next.Export(s.ctx, &second); err != nil {
		return err
	}
	if err := s.goOn(next, ""); err != nil {
		return err
	}
	if first.String() != second.String() {
		return errors.New("an import comes to another text")
	}
	return nil
}

// past goes to just before the last request, and asks again.
func (s *storm) past() error {
	e, ok := s.lastRequest()
	if !ok {
		return nil
	}
	p, err := s.lab.Travel("past", "", e.Seq)
	if err != nil {
		return refusable(err)
	}
	defer func() { _ = p.Lab.Close() }()
	a, err := p.Lab.Array(e.Array)
	if err != nil {
		return err
	}
	r, ok := ask{
		method: e.Method, target: strings.TrimPrefix(e.Path, "/api/rest/") + "?" + e.Query, body: e.Body,
		header: http.Header{"Authorization": nil, "Cookie": {lab.SessionCookie + "=" + p.Session}},
	}.request(s.ctx)
	if !ok {
		return nil
	}
	rec := httptest.NewRecorder()
	if !answered(a.Server, rec, r) {
		return nil // a fault struck there too
	}
	again := p.Lab.Journal.Entries(journal.Filter{Entry: journal.All})
	if n := len(again); n == 0 || again[n-1].Status != e.Status || again[n-1].Answer != e.Answer {
		return fmt.Errorf("#%d %s %s was answered %d %s, and in the past %d %s", e.Seq, e.Method, e.Path, e.Status, e.Answer, rec.Code, rec.Body)
	}
	return sound(s.ctx, p.Lab)
}

// answered reports whether a request was answered, and not dropped.
func answered(h http.Handler, w http.ResponseWriter, r *http.Request) (ok bool) {
	defer func() {
		p := recover()
		if ok = p == nil; p != nil && p != http.ErrAbortHandler { //nolint:errorlint,err113 // what handlers panic with
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return true
}

func (s *storm) lastRequest() (journal.Entry, bool) {
	all := s.lab.Journal.Entries(journal.Filter{Entry: journal.All})
	for i := len(all) - 1; i >= 0 && i > len(all)-20; i-- {
		e := all[i]
		if e.Before != nil && e.Method != "" && e.Status != 0 && !strings.Contains(e.Body, "secret:") && !strings.Contains(e.Answer, "secret:") {
			return e, true
		}
	}
	return journal.Entry{}, false
}
