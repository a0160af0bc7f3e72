package simtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// RunScript plays a golden script against a fresh lab: lines
//
//	# a comment
//	@ 30s                          moves the clock
//	@ settle                       moves it until nothing that was asked for is left
//	> POST pools {"name":"p"}      a request to box-1
//	box-2 > GET pools              a request to another array
//	+ tenants                      switches a feature of box-1 on
//	- tenants                      switches it off
//	as infinidat > GET events      a request of another user with the first password
//	! 1007 0 1048576 7             a host's write on box-1: dataset, offset, length, seed
//	! 1007 0 4096 7 1009 2         the same in a tree queue, with so many more files
//	% vvol {"name":"v"}            a hypervisor's request, see vasa
//	< 201 {…}                      its answer, written by update
//
// $1 in a request is the id of the first object that the script created, $2
// of the second, and so on. An answer that differs fails the test; with update
// the file is written anew, to be read in review.
func RunScript(tb testing.TB, file string, update bool) {
	tb.Helper()
	raw, err := os.ReadFile(file) //nolint:gosec // the file that the test names
	if err != nil {
		tb.Fatalf("script: %v", err)
	}
	s := &script{tb: tb, lab: New(tb)}
	for line := range strings.Lines(string(raw)) {
		s.line(strings.TrimSuffix(line, "\n"))
	}
	got := s.out.String()
	if got == string(raw) {
		return
	}
	if update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			tb.Fatalf("script: %v", err)
		}
		return
	}
	tb.Errorf("%s: the answers differ; run with -update and read the change.\n%s", file, difference(string(raw), got))
}

// RunScripts plays every script of a folder, each as a test of its own.
func RunScripts(t *testing.T, dir string, update bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.script"))
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: none in %s (%v)", dir, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			RunScript(t, file, update)
		})
	}
}

// script is one script while it is played.
type script struct {
	tb  testing.TB
	lab *Lab
	out bytes.Buffer
	ids []int64
}

var (
	requestLine = regexp.MustCompile(`^(?:(box-\d+) )?(?:as (\S+) )?> ([A-Z]+) (\S+)(?: (.*))?$`)
	idInRequest = regexp.MustCompile(`\$(\d+)`)
)

// line plays one line; answers of an earlier run are left out.
func (s *script) line(line string) {
	s.tb.Helper()
	if strings.HasPrefix(line, "< ") {
		return
	}
	s.out.WriteString(line + "\n")
	if text, ok := strings.CutPrefix(line, "@ "); ok {
		s.move(text)
		return
	}
	if text, ok := strings.CutPrefix(line, "! "); ok {
		s.write(text)
		return
	}
	if on := strings.HasPrefix(line, "+ "); on || strings.HasPrefix(line, "- ") {
		s.feature(line[2:], on)
		return
	}
	if text, ok := strings.CutPrefix(line, "% "); ok {
		s.vasa(text)
		return
	}
	m := requestLine.FindStringSubmatch(line)
	if m == nil {
		if line != "" && line[0] != '#' {
			s.tb.Fatalf("script: %q is no line of one", line)
		}
		return
	}
	box := m[1]
	if box == "" {
		box = "box-1"
	}
	var body any
	if m[5] != "" {
		body = []byte(s.fill(m[5]))
	}
	c := s.lab.Client(box)
	if m[2] != "" {
		c.User = m[2]
	}
	a := c.Do(m[3], s.fill(m[4]), body)
	if o, ok := a.Result.(map[string]any); ok && a.Status == created {
		s.ids = append(s.ids, Object(o).ID("id"))
	}
	fmt.Fprintf(&s.out, "< %d %s\n", a.Status, tidy(a.Raw))
}

const created = 201

// feature switches a feature of box-1 on or off.
func (s *script) feature(name string, on bool) {
	s.tb.Helper()
	err := s.lab.On(s.tb.Context(), "box-1", func(b *model.Box) error { return b.SetFeature(name, on) })
	if err != nil {
		s.tb.Fatalf("script: feature %s: %v", name, err)
	}
}

// write is a host's write; its answer is the bytes that the dataset uses then.
func (s *script) write(text string) {
	s.tb.Helper()
	var id int64
	var w lab.Write
	text = s.fill(text)
	if len(strings.Fields(text)) == 4 {
		text += " 0 0"
	}
	if _, err := fmt.Sscan(text, &id, &w.Offset, &w.Length, &w.Seed, &w.TreeQ, &w.Inodes); err != nil {
		s.tb.Fatalf("script: ! %s: %v", text, err)
	}
	err := s.lab.Write(s.tb.Context(), "box-1", id, w)
	if e, ok := apierr.As(err); ok {
		fmt.Fprintf(&s.out, "< %s: %s\n", e.Code, e.Message)
		return
	}
	if err != nil {
		s.tb.Fatalf("script: ! %s: %v", text, err)
	}
	_, used, err := s.lab.Digest(s.tb.Context(), "box-1", id)
	if err != nil {
		s.tb.Fatalf("script: ! %s: %v", text, err)
	}
	fmt.Fprintf(&s.out, "< %d bytes used\n", used)
}

func (s *script) move(text string) {
	s.tb.Helper()
	if text == "settle" {
		s.lab.MustSettle()
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.tb.Fatalf("script: @ %s: %v", text, err)
	}
	s.lab.MustAdvance(d)
}

// fill puts the ids of what was created in place of $1, $2 and so on.
func (s *script) fill(text string) string {
	return idInRequest.ReplaceAllStringFunc(text, func(ref string) string {
		n := 0
		_, err := fmt.Sscanf(ref, "$%d", &n)
		if err != nil || n < 1 || n > len(s.ids) {
			s.tb.Fatalf("script: %s: %d objects were created", ref, len(s.ids))
		}
		return fmt.Sprint(s.ids[n-1])
	})
}

// tidy gives an answer in one line: of a refusal the code and message, of a
// success the result, and of a list its totals too.
func tidy(raw []byte) string {
	var a struct {
		Result   json.RawMessage
		Metadata json.RawMessage
		Error    *struct{ Code, Message string }
	}
	if json.Unmarshal(raw, &a) != nil {
		return string(raw)
	}
	switch {
	case a.Error != nil:
		return a.Error.Code + ": " + a.Error.Message
	case bytes.HasPrefix(a.Result, []byte("[")):
		return string(a.Result) + " " + string(a.Metadata)
	}
	return string(a.Result)
}

// difference shows the first line that differs.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\n want %s\n got  %s", i+1, x, y)
		}
	}
	return ""
}
