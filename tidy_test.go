// Package infinisim_test proves the rules of the tree: who may import whom,
// how long a file may be, what may be called where.
package infinisim_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// layers is the order of the packages: each imports only what stands before
// it. (External test packages are exempt.)
func layers() []string {
	return []string{
		"sim/apierr", "sim/schema", "sim/clock", "sim/chance", "sim/queue", "sim/data", "sim/deliver", "sim/coverage", "sim/document", // leaves
		"sim/store", "sim/outbox", "sim/journal", "sim/fault", "sim/job", "sim/fabric",
		"fixtures/estates",
		"sim/model", "sim/replication", "sim/api", "sim/state", "sim/lab", "sim/observe", "sim/trace", "sim/estate", "sim/generate", "sim/control", "sim/ui",
		"sim", "sim/simtest", "sim/audit", "sim/scenario", "cmd/infinisim",
	}
}

const (
	longestFile     = 400
	longestFunction = 70
)

// source is one Go file of the tree.
type source struct {
	path, dir string
	test      bool
	raw       []byte
	fset      *token.FileSet
	ast       *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			if d != nil && d.IsDir() && err == nil {
				return filepath.SkipDir
			}
			return err
		}
		if path == "scripts" || path == "examples" { // programs that measure and kill, and files to take along: no part of the product
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		s := source{path: path, dir: filepath.Dir(path), test: strings.HasSuffix(path, "_test.go"), fset: token.NewFileSet()}
		if s.raw, err = os.ReadFile(path); err != nil {
			return err
		}
		s.ast, err = parser.ParseFile(s.fset, path, s.raw, parser.ParseComments)
		out = append(out, s)
		return err
	})
	require.NoError(t, err)
	require.Greater(t, len(out), 50)
	return out
}

func (s source) imports() []string {
	var out []string
	for _, i := range s.ast.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func TestTidy_layers(t *testing.T) {
	t.Parallel()
	order := layers()
	for _, s := range sources(t) {
		if s.test || s.dir == "." {
			continue
		}
		at := slices.Index(order, s.dir)
		if !assert.GreaterOrEqual(t, at, 0, "%s: package %s has no layer", s.path, s.dir) {
			continue
		}
		for _, i := range s.imports() {
			if dir, ours := strings.CutPrefix(i, "infinisim/"); ours {
				assert.Less(t, slices.Index(order, dir), at, "%s imports %s, which stands right of it", s.path, dir)
			}
		}
	}
}

// TestTidy_imports says which packages may import what others may not.
func TestTidy_imports(t *testing.T) {
	t.Parallel()
	for path, rule := range map[string]struct{ only, why string }{
		"go.etcd.io/bbolt":                                                {"sim/store", "the store is the only one that knows its file"},
		"github.com/tidwall/btree":                                        {"sim/store", "the overlay is the store's own"},
		"github.com/go-chi/chi/v5":                                        {"sim/api sim/control", "the model knows no HTTP"},
		"github.com/spf13/cobra":                                          {"cmd/infinisim", "a library has no command line"},
		"go.yaml.in/yaml/v3":                                              {"sim/document", "what people write is read in one way"},
		"github.com/gosnmp/gosnmp":                                        {"sim/deliver", "what leaves the process leaves there"},
		"github.com/prometheus/client_golang/prometheus":                  {"sim/observe", "metrics are read in one place"},
		"github.com/prometheus/client_golang/prometheus/promhttp":         {"sim/observe", "metrics are read in one place"},
		"go.opentelemetry.io/otel/sdk/trace":                              {"sim/trace", "spans are made in one place"},
		"go.opentelemetry.io/otel/trace":                                  {"sim/trace", "spans are made in one place"},
		"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp": {"sim/trace", "spans are made in one place"},
		"net/smtp":                    {"sim/deliver", "what leaves the process leaves there"},
		"testing":                     {"sim/simtest", "production code does not test"},
		"math/rand":                   {"", "draw from the lab's seeded source"},
		"math/rand/v2":                {"", "draw from the lab's seeded source"},
		"github.com/google/uuid":      {"sim/chance", "UUIDs come from the lab's seed"},
		"github.com/stretchr/testify": {"", "tests only"},
	} {
		for _, s := range sources(t) {
			if !s.test && slices.Contains(s.imports(), path) {
				assert.Contains(t, strings.Fields(rule.only), s.dir, "%s imports %s: %s", s.path, path, rule.why)
			}
		}
	}
}

// TestTidy_calls says which functions may be called where.
func TestTidy_calls(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"time": {"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Since", "Until", "Tick"},
		"fmt":  {"Print", "Printf", "Println"},
		"uuid": {"New", "NewString", "NewRandom"},
		"http": {"Error"},
	}
	for _, s := range sources(t) {
		if s.dir == "sim/clock" {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || pkg.Obj != nil || !slices.Contains(forbidden[pkg.Name], sel.Sel.Name) {
				return true
			}
			if s.test && pkg.Name == "fmt" { // an Example prints
				return true
			}
			assert.Fail(t, "forbidden", "%s: %s.%s", s.fset.Position(n.Pos()), pkg.Name, sel.Sel.Name)
			return true
		})
	}
}

func TestTidy_lengths(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		assert.LessOrEqual(t, bytes.Count(s.raw, []byte("\n")), longestFile, s.path)
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			lines := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			assert.LessOrEqual(t, lines, longestFunction, "%s: %s", s.path, f.Name.Name)
			assert.NotEqual(t, "init", f.Name.Name, s.path)
		}
	}
}

// TestTidy_documented demands a comment on every exported name.
func TestTidy_documented(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) {
					assert.NotNil(t, d.Doc, "%s: %s", s.path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() {
						assert.True(t, d.Doc != nil || ts.Doc != nil, "%s: %s", s.path, ts.Name.Name)
					}
					if vs, ok := spec.(*ast.ValueSpec); ok && vs.Names[0].IsExported() {
						assert.True(t, d.Doc != nil || vs.Doc != nil || vs.Comment != nil, "%s: %s", s.path, vs.Names[0].Name)
					}
				}
			}
		}
	}
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	x := f.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	if index, ok := x.(*ast.IndexExpr); ok {
		x = index.X
	}
	name, ok := x.(*ast.Ident)
	return ok && name.IsExported()
}
