//go:build linux

package session

import (
	"go/ast"
	"go/types"
	"slices"
)

// A panic that nothing recovers ends the worker, and all values with it. In the goroutine of the cell's body package rt
// recovers; the functions below make other goroutines of cells do so too.

// goStatement makes a panic of a go statement's goroutine an error of the cell.
func (e *editor) goStatement(call *ast.CallExpr) {
	caught := "defer " + e.rt() + ".Caught();"
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		e.insert(lit.Body.Lbrace+1, caught)
		return
	}
	switch id, _ := ast.Unparen(call.Fun).(*ast.Ident); {
	case slices.ContainsFunc(call.Args, e.isUintptr): // its conversion keeps an object alive only in the call itself
	case !e.info.Types[call.Fun].IsBuiltin():
		e.later(call, caught+" %s")
	case id != nil && id.Name == "panic":
		e.replace(call.Fun, "func(v any) { "+caught+" panic(v) }")
	}
}

func (e *editor) isUintptr(x ast.Expr) bool {
	t, ok := e.info.TypeOf(x).(*types.Basic)
	return ok && t.Kind() == types.Uintptr
}

// starters are library functions that call their last argument, a function without parameters, in a goroutine in which
// nothing recovers, and the functions of package rt through which that argument goes.
var starters = map[string]string{
	"(*sync.WaitGroup).Go": "Catching", "time.AfterFunc": "Catching",
	"(*golang.org/x/sync/errgroup.Group).Go": "CatchingErr", "(*golang.org/x/sync/errgroup.Group).TryGo": "CatchingErr",
}

// startsLater does the same for a function that is given to one of the starters.
func (e *editor) startsLater(call *ast.CallExpr) {
	f := e.called(call)
	if f == nil || starters[f.FullName()] == "" || len(call.Args) != f.Signature().Params().Len() {
		return
	}
	last := call.Args[len(call.Args)-1]
	e.insert(last.Pos(), e.rt()+"."+starters[f.FullName()]+"(")
	e.insert(last.End(), ")")
}

// inTest does the same for a function of a test: package testing calls it in a goroutine, and panics again with what it
// recovers there.
func (e *editor) inTest(f *ast.FuncType, body *ast.BlockStmt) {
	if body == nil || f.Params.NumFields() == 0 || len(f.Params.List[0].Names) == 0 {
		return
	}
	name := f.Params.List[0].Names[0]
	obj := e.info.Defs[name]
	if obj == nil || name.Name == "_" {
		return
	}
	switch types.TypeString(obj.Type(), nil) {
	case "*testing.T", "*testing.B", "*testing.F":
		e.insert(body.Lbrace+1, "defer "+e.rt()+".InTest("+name.Name+");")
	}
}
