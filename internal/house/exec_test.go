package house_test

import (
	"go/ast"
	"strings"
	"testing"
)

// TestModelExec holds that tlkit compiles graphs of models with nn.NewModelExec: after a panic with a text in a build
// function, which may be a user's, Finalize of GoMLX's own Exec never returns.
func TestModelExec(t *testing.T) {
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.path, "tlkit/") || s.path == "tlkit/nn/exec.go" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			f, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, ok := f.X.(*ast.Ident)
			if ok && of.Name == "model" && (f.Sel.Name == "NewExec" || f.Sel.Name == "MustNewExec") {
				t.Errorf("%s: model.%s; use nn.NewModelExec", s.fset.Position(n.Pos()), f.Sel.Name)
			}
			return true
		})
	}
}
