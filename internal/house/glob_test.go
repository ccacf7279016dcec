package house_test

import (
	"go/ast"
	"testing"
)

// TestGlob holds that filepath.Glob has a pattern that begins with a literal, such as "/proc/". It takes the brackets
// in the name of a user's folder for a pattern and finds nothing there: infolder.Glob takes the folder as it is named.
func TestGlob(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 || !isGlob(call.Fun) {
				return true
			}
			first := call.Args[0]
			for sum, ok := first.(*ast.BinaryExpr); ok; sum, ok = first.(*ast.BinaryExpr) {
				first = sum.X
			}
			if _, literal := first.(*ast.BasicLit); !literal {
				t.Errorf("%s: filepath.Glob with a folder in its pattern; use infolder.Glob", s.fset.Position(call.Pos()))
			}
			return true
		})
	}
}

// isGlob reports whether an expression is filepath.Glob.
func isGlob(e ast.Expr) bool {
	f, ok := e.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Glob" {
		return false
	}
	of, ok := f.X.(*ast.Ident)
	return ok && of.Name == "filepath"
}
