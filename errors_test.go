package infinisim_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestErrors_everyCode wants each code that the server can return provoked: by
// a golden script, whose answers came over HTTP, or by a Go test that names it.
func TestErrors_everyCode(t *testing.T) {
	t.Parallel()
	provoked := map[string]bool{}
	scripts, err := filepath.Glob("sim/*/testdata/*.script")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	code := regexp.MustCompile(`[A-Z][A-Z0-9_]+`)
	answer := regexp.MustCompile(`(?m)^< (?:[45]\d\d )?([A-Z0-9_]+):`)
	for _, path := range scripts {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range answer.FindAllSubmatch(raw, -1) {
			provoked[string(m[1])] = true
		}
	}
	for _, s := range sources(t) {
		if !s.test || s.path == "errors_test.go" {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				for _, word := range code.FindAllString(n.Value, -1) {
					provoked[word] = true
				}
			case *ast.SelectorExpr: // apierr.PoolNotFound
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "apierr" {
					provoked["apierr."+n.Sel.Name] = true
				}
			}
			return true
		})
	}
	never := []string{}
	for name, code := range codes(t) {
		if !provoked[code] && !provoked["apierr."+name] {
			never = append(never, code)
		}
	}
	slices.Sort(never)
	// A guard against our own mistakes: while the invariants hold, two halves
	// always have an image in common.
	assert.Equal(t, []string{"REPLICA_NO_COMMON_IMAGE"}, never, "nothing provokes these")
}

// codes are the constants of apierr by their names.
func codes(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "sim/apierr/codes.go", nil, 0)
	require.NoError(t, err)
	all := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			all[v.Names[0].Name] = code
		}
		return true
	})
	return all
}
