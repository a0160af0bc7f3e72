package lab_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
)

// FuzzImport reads any text as an exported lab. What is refused says why with
// INVALID_VALUE; what is taken is as it must be, goes on for an hour, and comes
// to the same text again and again.
func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("../../fixtures/state/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(""))
	w := newWorldAs(f, "")
	w.Make("replica")
	text := []byte(exported(f, w.lab))
	f.Add(text)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i := range lines {
		if i%17 == 3 {
			f.Add(bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := lab.Import(t.Context(), lab.Options{}, bytes.NewReader(text))
		if err != nil {
			if apierr.CodeOf(err) != apierr.InvalidValue {
				t.Fatal(err)
			}
			return
		}
		defer func() { _ = l.Close() }()
		first := exported(t, l)
		again, err := lab.Import(t.Context(), lab.Options{}, strings.NewReader(first))
		if err != nil {
			t.Fatalf("what was exported is refused: %v", err)
		}
		second := exported(t, again)
		if _ = again.Close(); first != second {
			t.Fatal("two exports differ")
		}
		if err := sound(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	})
}

func exported(tb testing.TB, l *lab.Lab) string {
	tb.Helper()
	var out bytes.Buffer
	if err := l.Export(tb.Context(), &out); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}
