//go:build linux

package session

import (
	"go/ast"
	"go/types"
	"strings"
)

// show wraps the last expression so that its value is shown.
func (g *generator) show(text string) string {
	tv := g.info.Types[g.last]
	call, isCall := ast.Unparen(g.last).(*ast.CallExpr)
	isCall = isCall && !g.info.Types[call.Fun].IsType() && !g.info.Types[call.Fun].IsBuiltin()
	switch {
	case g.several && g.quiet:
		return "_ = []any{" + text + "}"
	case g.several:
		return g.rt() + ".ShowN(" + text + ")"
	case tv.IsVoid() || g.quiet && isCall:
		return text
	case g.quiet:
		return "_ = " + text
	}
	return g.rt() + "." + g.shower(tv.Type, isCall) + "(" + text + ")"
}

// shower returns the function of package rt that shows a value of type t. An error that a call returns fails the cell;
// an error in a variable is shown like other values.
func (g *generator) shower(t types.Type, isCall bool) string {
	errorType := types.Universe.Lookup("error").Type()
	tuple, several := t.(*types.Tuple)
	if !several {
		if isCall && types.Identical(t, errorType) {
			return "ShowErr"
		}
		return "Show"
	}
	n := tuple.Len()
	if n == 0 || !types.Identical(tuple.At(n-1).Type(), errorType) {
		return "ShowN"
	}
	if n == 2 && isInt(tuple.At(0).Type()) && g.printsOrWrites() {
		return "QuietErr"
	}
	return "ShowNErr"
}

func isInt(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && (b.Kind() == types.Int || b.Kind() == types.Int64)
}

// printsOrWrites reports whether the last expression calls a function like fmt.Println or Write, whose returned count
// is of no interest.
func (g *generator) printsOrWrites() bool {
	call, ok := ast.Unparen(g.last).(*ast.CallExpr)
	if !ok {
		return false
	}
	var f types.Object
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.SelectorExpr:
		f = g.info.Uses[fun.Sel]
	case *ast.Ident: // of a dot import
		f = g.info.Uses[fun]
	}
	if f == nil || f.Pkg() == nil {
		return false
	}
	return f.Pkg().Path() == "fmt" || f.Pkg().Path() == "io" || strings.HasPrefix(f.Name(), "Write") || strings.HasPrefix(f.Name(), "Fprint") || strings.HasPrefix(f.Name(), "Print")
}
