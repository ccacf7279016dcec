//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// afterWaits inserts a check after each statement of a list that may have waited, so that a goroutine that was stopped
// while it waited goes no further.
func (e *editor) afterWaits(list []ast.Stmt) {
	for _, st := range list {
		if e.mayWait(st) {
			e.insert(endOf(st), "; "+e.rt()+".Next()")
		}
	}
}

// mayWait reports whether a statement sends, receives, or calls a function for its effect and not for one value only.
func (e *editor) mayWait(st ast.Stmt) bool {
	switch st := st.(type) {
	case *ast.SendStmt:
		return true
	case *ast.ExprStmt:
		return receives(st.X) || e.calls(st.X)
	case *ast.AssignStmt:
		return len(st.Rhs) == 1 && (receives(st.Rhs[0]) || len(st.Lhs) > 1 && e.calls(st.Rhs[0]))
	}
	return false
}

func receives(x ast.Expr) bool {
	u, ok := ast.Unparen(x).(*ast.UnaryExpr)
	return ok && u.Op == token.ARROW
}

// calls reports whether x calls a function that is not a builtin. The builtins do not wait, and nothing may follow
// panic.
func (e *editor) calls(x ast.Expr) bool {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	return ok && !e.info.Types[call.Fun].IsBuiltin()
}

// stepHook makes a loop of a library stop at an interrupt, if the library has a hook for each step like GoMLX's
// train.Loop: a method OnStep(name string, priority, func(...) error).
func (e *editor) stepHook(call *ast.CallExpr) {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || !strings.HasPrefix(sel.Sel.Name, "New") {
		return
	}
	t := e.info.Types[call].Type
	hook := stepFunc(t)
	if hook == nil {
		return
	}
	var params []string
	for p := range hook.Params().Variables() {
		params = append(params, e.typeText(p.Type()))
	}
	loop := e.typeText(t)
	e.insert(call.Pos(), fmt.Sprintf("func(l %s) %s { l.OnStep(\"interrupt\", 0, func(%s) error { return %s.Stopping() }); return l }(",
		loop, loop, strings.Join(params, ", "), e.rt()))
	e.insert(call.End(), ")")
}

// stepFunc returns the signature of the function that a type's OnStep takes; nil if there is no such method.
func stepFunc(t types.Type) *types.Signature {
	if _, ok := t.(*types.Pointer); !ok {
		return nil
	}
	obj, _, _ := types.LookupFieldOrMethod(t, false, nil, "OnStep")
	method, ok := obj.(*types.Func)
	if !ok || method.Signature().Params().Len() != 3 || method.Signature().Results().Len() != 0 {
		return nil
	}
	in := method.Signature().Params()
	name, _ := in.At(0).Type().Underlying().(*types.Basic)
	priority, _ := in.At(1).Type().Underlying().(*types.Basic)
	hook, _ := in.At(2).Type().Underlying().(*types.Signature)
	fits := name != nil && name.Kind() == types.String && priority != nil && priority.Info()&types.IsInteger != 0 &&
		hook != nil && hook.Results().Len() == 1 && types.Identical(hook.Results().At(0).Type(), types.Universe.Lookup("error").Type())
	if !fits {
		return nil
	}
	return hook
}
