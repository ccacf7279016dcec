//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// typeString returns a type in readable form: names of cells without a package.
func typeString(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if ours(p) {
			return ""
		}
		return p.Name()
	})
}

// typeExpr builds the syntax of a type for the checker's migration file: names of cells are in the package's scope, and
// names of libraries are found by their path.
func typeExpr(t types.Type, imports map[string]string) ast.Expr {
	text := types.TypeString(t, func(p *types.Package) string {
		if ours(p) {
			return ""
		}
		name := p.Name() + old + fmt.Sprint(len(p.Path())) + strings.Map(func(r rune) rune {
			if r == '/' || r == '.' || r == '-' {
				return '_'
			}
			return r
		}, p.Path())
		imports[name] = p.Path()
		return name
	})
	return parseType(text)
}
