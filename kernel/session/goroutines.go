//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
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
	t := e.info.TypeOf(call.Fun)
	unknown := t == nil || isUnknown(t) // a function of C has no value
	switch id, _ := ast.Unparen(call.Fun).(*ast.Ident); {
	case slices.ContainsFunc(call.Args, e.isUintptr): // its conversion keeps an object alive only in the call itself
	case e.info.Types[call.Fun].IsBuiltin():
		if id != nil && id.Name == "panic" {
			e.replace(call.Fun, "func(v any) { "+caught+" panic(v) }")
		}
	case !e.later(call, caught+" %s") && !e.infers(call.Fun) && !unknown:
		e.insert(call.Fun.Pos(), e.rt()+".Going(")
		e.insert(call.Fun.End(), ")")
	}
}

// infers reports whether fun is a generic function without its type arguments: it can be called, but has no value.
func (e *editor) infers(fun ast.Expr) bool {
	switch x := ast.Unparen(fun).(type) {
	case *ast.Ident:
		_, generic := e.info.Instances[x]
		return generic
	case *ast.SelectorExpr:
		_, generic := e.info.Instances[x.Sel]
		return generic
	case *ast.IndexExpr: // it may have only some of them
		return e.infers(x.X)
	case *ast.IndexListExpr:
		return e.infers(x.X)
	}
	return false
}

func (e *editor) isUintptr(x ast.Expr) bool {
	t, ok := e.info.TypeOf(x).(*types.Basic)
	return ok && t.Kind() == types.Uintptr
}

// starters are library functions that call an argument in a goroutine in which nothing recovers, or, as package testing
// does, panic again with what they recover there, and the functions of package rt through which that argument goes. It
// is the last one, but for cleanups.
var starters = map[string]string{
	"runtime.AddCleanup":   "Cleaning",
	"(*sync.WaitGroup).Go": "Catching", "time.AfterFunc": "Catching", "context.AfterFunc": "Catching",
	"(*golang.org/x/sync/errgroup.Group).Go": "CatchingErr", "(*golang.org/x/sync/errgroup.Group).TryGo": "CatchingErr",
	"(*testing.common).Cleanup": "Catching", "(testing.TB).Cleanup": "Catching", "(*testing.B).RunParallel": "CatchingOf",
	"(*testing.T).Run": "Testing", "(*testing.B).Run": "Testing", "testing.Benchmark": "Testing", "testing/synctest.Test": "Testing",
	"(*testing.F).Fuzz": "Fuzzing",
}

// startsLater does the same for a function that is given to one of the starters.
func (e *editor) startsLater(call *ast.CallExpr) {
	f := e.called(call)
	if f == nil || starters[f.FullName()] == "" {
		return
	}
	s, ok := e.info.TypeOf(call.Fun).(*types.Signature) // with the receiver, for a method expression
	if !ok || len(call.Args) != s.Params().Len() {
		return
	}
	arg := call.Args[started(f, len(call.Args))]
	if e.info.Types[arg].IsNil() {
		return // the library says what it makes of that
	}
	e.insert(arg.Pos(), e.rt()+"."+starters[f.FullName()]+"(")
	e.insert(arg.End(), ")")
}

// started returns which of n arguments of a starter it calls.
func started(f *types.Func, n int) int {
	if f.FullName() == "runtime.AddCleanup" {
		return n - 2
	}
	return n - 1
}

// starterValue does the same for a starter that is not called but used as a value: start := wg.Go.
func (e *editor) starterValue(n *ast.SelectorExpr) {
	f, ok := e.info.Uses[n.Sel].(*types.Func)
	if !ok || starters[f.FullName()] == "" {
		return
	}
	for _, outer := range slices.Backward(e.stack[:len(e.stack)-1]) {
		if _, ok := outer.(*ast.ParenExpr); ok {
			continue
		}
		if call, ok := outer.(*ast.CallExpr); ok && ast.Unparen(call.Fun) == ast.Expr(n) {
			return // startsLater
		}
		break
	}
	s := e.info.TypeOf(n).(*types.Signature)
	params, args := e.parameters(s)
	i := started(f, len(args))
	args[i] = e.rt() + "." + starters[f.FullName()] + "(" + args[i] + ")"
	call := "f(" + strings.Join(args, ", ") + ")"
	if s.Results().Len() > 0 {
		call = "return " + call
	}
	text := "func" + e.signature(s)
	results := strings.TrimPrefix(text, "func"+e.tuple(s.Params(), s.Variadic()))
	e.insert(n.Pos(), fmt.Sprintf("func(f %s) %s { return func(%s)%s { %s } }(", text, text, strings.Join(params, ", "), results, call))
	e.insert(n.End(), ")")
}

// inTest makes a panic of a function that package testing calls a failure of the test.
func (e *editor) inTest(f *ast.FuncDecl) {
	kind := testKind(f.Name.Name)
	if f.Body == nil || kind == "" || f.Recv != nil || !takes(f, kind) || len(f.Type.Params.List[0].Names) == 0 {
		return
	}
	if name := f.Type.Params.List[0].Names[0].Name; name != "_" {
		e.insert(f.Body.Lbrace+1, "defer "+e.rt()+".InTest("+name+");")
	}
}
