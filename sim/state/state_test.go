package state_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/state"
	"infinisim/sim/store"
)

// TestSpaces_everyOneIsKnown writes a key of each space that the source
// declares: one that the package does not know would be an error of every
// export.
func TestSpaces_everyOneIsKnown(t *testing.T) {
	t.Parallel()
	found := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || !regexp.MustCompile(`^space[A-Z]`).MatchString(v.Names[0].Name) || len(v.Values) != 1 {
				return true
			}
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			name, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			if strings.HasPrefix(path, "../store/") && name != "sequence" {
				return true // rows, and what follows from them
			}
			found++
			assert.True(t, state.Knows(name), "%s: space %q is not in the table of exports", path, name)
			return true
		})
		return nil
	}))
	assert.Greater(t, found, 35)
	assert.False(t, state.Knows("attic"))
}

// TestSecrets_areMarked wants each private text whose name tells of a secret to
// be marked as one, or to be a digest.
func TestSecrets_areMarked(t *testing.T) {
	t.Parallel()
	for _, typ := range model.NewCatalog().Types() {
		for _, f := range typ.StoredFields() {
			if typ.Shows(f) || f.Wire() != schema.WireText || !regexp.MustCompile(`password|secret|private_key`).MatchString(f.Name) {
				continue
			}
			if typ == model.User { // a digest
				continue
			}
			assert.True(t, f.Has(schema.Secret), "%s.%s", typ.Name(), f.Name)
		}
	}
}

func TestProgram_isTheVersionOfThePackage(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../python/src/infinisim/__init__.py")
	require.NoError(t, err)
	assert.Contains(t, string(raw), fmt.Sprintf("__version__ = %q", state.Program))
}

var (
	color = schema.String(schema.Field{Name: "color"})
	next  = schema.Ref(schema.Field{Name: "next"}, "ball")
	word  = schema.String(schema.Field{Name: "word", Flags: schema.Private | schema.Secret})
	ball  = schema.NewType("ball", color, next, word)
)

// balls is a catalog of one kind.
type balls struct{}

func (balls) Types() []*schema.Type { return []*schema.Type{ball} }

func (balls) Target(t *schema.Type, f *schema.Field) *schema.Type {
	if f == next.Field() {
		return t
	}
	return nil
}

func setup(json.RawMessage) ([]string, error) { return []string{"box-1"}, nil }

func Example() {
	db, _ := store.Open(store.Options{})
	_ = db.Update(context.Background(), clock.Epoch, func(tx *store.Tx) error {
		o := schema.New(ball, 7)
		color.Set(o, "red")
		next.Set(o, 7)
		word.Set(o, "hush")
		tx.KV("", "setup").Put([]byte("setup"), []byte(`{"seed":1}`))
		return tx.Put("box-1", o)
	})
	var out bytes.Buffer
	_ = db.View(context.Background(), clock.Epoch, func(tx *store.Tx) error { return state.Write(&out, tx, balls{}.Types(), []string{"box-1"}) })
	fmt.Print(out.String())
	read, err := state.Read(&out, balls{}, setup)
	fmt.Println(read.Now, err)
	// Output:
	// {"infinisim":"lab","format":1,"version":"0.2.0","now":"2025-01-01T00:00:00Z"}
	// {"space":"setup"}
	// {"key":"setup","value":{"seed":1}}
	// {"array":"box-1","kind":"ball"}
	// {"id":7,"color":"red","next":7,"word":"«secret»"}
	// {"end":true}
	// 2025-01-01T00:00:00Z <nil>
}
