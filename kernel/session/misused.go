//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// misused returns the part of a message about a name of the wrong role: a type, or a package, that stands as a value.
// It returns "" for other messages. The types of the cell must be known, so call it after the check.
func (t *typed) misused(msg string, pos token.Pos) (text string) {
	if !strings.HasSuffix(msg, " (type) is not an expression") {
		return ""
	}
	ast.Inspect(t.cellFile, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		if !ok || x.Pos() != pos {
			return text == ""
		}
		_, isSelector := x.(*ast.SelectorExpr)
		if _, isName := x.(*ast.Ident); isName || isSelector {
			if tv := t.info.Types[x]; tv.IsType() && isNamed(tv.Type) {
				text = fmt.Sprintf("; it is a type, not a value; a value is written %s", valueOf(tv.Type, types.ExprString(x)))
			}
		}
		return text == "" && !isSelector // pkg of pkg.T has the same position
	})
	return text
}

// isNamed reports whether a type has a declaration: its name alone does not tell what a value looks like.
func isNamed(typ types.Type) bool {
	switch typ := typ.(type) {
	case *types.Alias:
		return typ.Obj().Pkg() != nil
	case *types.Named:
		return typ.Obj().Pkg() != nil
	}
	return false
}

// aboutValues puts an error about the call that takes several last values as one about the value: the call is none of
// the cell.
func (t *typed) aboutValues(e types.Error) types.Error {
	call, ok := t.last.(*ast.CallExpr)
	if !ok || !strings.HasPrefix(e.Msg, "in call to "+severalValues+", cannot infer ") {
		return e
	}
	i := slices.IndexFunc(call.Args, func(arg ast.Expr) bool { return isGeneric(t.info, arg) })
	if i >= 0 {
		e.Pos, e.Msg = call.Args[i].Pos(), fmt.Sprintf("cannot use generic function %s without instantiation", types.ExprString(call.Args[i]))
	}
	return e
}

// isGeneric reports whether an expression names a function that still has type parameters.
func isGeneric(info *types.Info, x ast.Expr) bool {
	var id *ast.Ident
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return false
	}
	f, ok := info.Uses[id].(*types.Func)
	return ok && f.Signature().TypeParams().Len() > 0
}
