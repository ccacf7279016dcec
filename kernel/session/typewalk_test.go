//go:build linux

package session

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"testing"
)

// TestTypeWalk: what a type mentions, whether it may hide code, and what of it can't be named.
func TestTypeWalk(t *testing.T) {
	const src = `package cell
import ("go/token"; "reflect"; "strings")
type A struct{ next *A; n int }
type B[T any] []T
type F func(A) error
type alias = map[string]B[A]
var (
	plain map[string][]*[3]int
	own *A
	generic B[*A]
	aliased alias
	function func(A, ...int) (B[int], error)
	channel chan<- F
	literal struct{ x int; y A }
	some any
	method interface{ m(A) }
	embeds interface{ error; m() }
	library strings.Builder
	pos []token.Position
	private = strings.NewReplacer
	fields = reflect.ValueOf
)
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "a.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	pkg, err := conf.Check(cellPath, fset, []*ast.File{f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	local := types.NewTypeName(token.NoPos, pkg, "inner", nil)
	types.NewNamed(local, types.Typ[types.Int], nil)
	pkgLocal := types.NewScope(pkg.Scope(), token.NoPos, token.NoPos, "f")
	pkgLocal.Insert(local)
	for _, c := range []struct {
		name     string
		typ      types.Type
		mentions []string
		hides    bool
		bad      string
	}{
		{name: "plain"},
		{name: "own", mentions: []string{"A"}},
		{name: "generic", mentions: []string{"A", "B"}},
		{name: "aliased", mentions: []string{"A", "B", "alias"}},
		{name: "function", mentions: []string{"A", "B"}, hides: true},
		{name: "channel", mentions: []string{"F"}, hides: true},
		{name: "literal", mentions: []string{"A"}},
		{name: "some", hides: true},
		{name: "method", mentions: []string{"A"}, hides: true},
		{name: "embeds", hides: true},
		{name: "library"},
		{name: "pos"},
		{name: "private", hides: true},
		{name: "inner", typ: types.NewSlice(local.Type()), mentions: []string{"inner"}, bad: "inner"},
		{name: "unexported", typ: types.NewPointer(pkg.Imports()[slices.IndexFunc(pkg.Imports(), func(p *types.Package) bool { return p.Path() == "strings" })].Scope().Lookup("byteReplacer").Type()), bad: "strings.byteReplacer"},
	} {
		typ := c.typ
		if typ == nil {
			typ = pkg.Scope().Lookup(c.name).Type()
		}
		var got []string
		mentions(typ, func(o *types.TypeName) { got = append(got, o.Name()) })
		slices.Sort(got)
		if !slices.Equal(got, c.mentions) {
			t.Errorf("%s mentions %q, want %q", c.name, got, c.mentions)
		}
		if got := hidesCode(typ); got != c.hides {
			t.Errorf("%s hides code: %v, want %v", c.name, got, c.hides)
		}
		if got := unnameable(typ); got != c.bad {
			t.Errorf("%s can't be named because of %q, want %q", c.name, got, c.bad)
		}
	}
}
