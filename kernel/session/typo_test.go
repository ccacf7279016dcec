//go:build linux

package session

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

// TestNearField: the fields that a literal can name are suggested, those of embedded structs too, not those behind an
// embedded pointer; a struct that embeds itself, an error of the cell, ends the search.
func TestNearField(t *testing.T) {
	const src = `package cell
type Own struct{ Own; Length int }
type One struct{ Two }
type Two struct{ One; Length int }
type Mid struct{ Base }
type Base struct{ Length int }
type Ref struct{ *Base }
var all = []any{Own{Lenght: 1}, One{Lenght: 1}, Two{Lenght: 1}, Mid{Lenght: 1}, Ref{Lenght: 1}}
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "a.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	conf := types.Config{Error: func(error) {}} // of the types that embed themselves, and of the names
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	conf.Check(cellPath, fset, []*ast.File{f}, info)
	want := map[string]string{"Own": "Length", "One": "Length", "Two": "Length", "Mid": "Length", "Ref": ""}
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.CompositeLit); ok && len(l.Elts) == 1 {
			name := l.Type.(*ast.Ident).Name
			if near, _ := nearField(info.TypeOf(l), l.Elts[0]); near != want[name] {
				t.Errorf("%s: %q, want %q", name, near, want[name])
			}
		}
		return true
	})
}
