//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

// readStatement passes the results of a read that stands alone to package rt: an end of input that the code does not
// notice ends the cell.
func (e *editor) readStatement(st *ast.ExprStmt) {
	call, ok := ast.Unparen(st.X).(*ast.CallExpr)
	if !ok || !e.readsInput(call) || ast.Stmt(st) == e.lastStmt && !e.quiet {
		return // the last expression shows its error
	}
	e.wrapCall(call, "Read")
}

// readLater does the same for a read in a defer statement, whose function and arguments are evaluated at the statement:
// defer fmt.Scan(&n) becomes defer func(f F) func(a0 A) { return func(a0 A) { rt.Read(f(a0)) } }(fmt.Scan)(&n). A
// deferred function of a cell stays as it is: it may recover, which only the deferred function itself can.
func (e *editor) readLater(call *ast.CallExpr) {
	if e.readsInput(call) && !ours(e.called(call).Pkg()) {
		e.later(call, "%s")
	}
}

// later makes the function of a go or defer statement one without a name that takes the same arguments. body is that
// function's body; %s in it stands for the call. It reports false where the text can't write the function's type.
func (e *editor) later(call *ast.CallExpr, body string) bool {
	f, ok := e.info.TypeOf(call.Fun).(*types.Signature)
	if !ok || !writable(f, true) || unnameable(f) != "" {
		return false
	}
	params, args := e.parameters(f)
	inner := "f(" + strings.Join(args, ", ") + ")"
	if e.readsInput(call) {
		inner = e.rt() + ".Read(" + inner + ")"
	}
	typ := "func(" + strings.Join(params, ", ") + ")"
	e.insert(call.Fun.Pos(), fmt.Sprintf("func(f func%s) %s { return %s { %s } }(", e.signature(f), typ, typ, fmt.Sprintf(body, inner)))
	e.insert(call.Fun.End(), ")")
	return true
}

// parameters returns the parameters a0, a1, ... of a function's type, as a declaration has them, and as
// the arguments of a call.
func (e *editor) parameters(f *types.Signature) (params, args []string) {
	for i := range f.Params().Len() {
		name, text, dots := "a"+strconv.Itoa(i), e.typeText(f.Params().At(i).Type()), ""
		if f.Variadic() && i == f.Params().Len()-1 {
			text, dots = "..."+e.typeText(f.Params().At(i).Type().(*types.Slice).Elem()), "..."
		}
		params, args = append(params, name+" "+text), append(args, name+dots)
	}
	return params, args
}

// readAssign does the same for a read whose error goes to _.
func (e *editor) readAssign(a *ast.AssignStmt) {
	if len(a.Rhs) == 1 {
		if f := e.dropping(len(a.Lhs), a.Lhs[len(a.Lhs)-1], a.Rhs[0]); f != "" {
			e.wrapCall(ast.Unparen(a.Rhs[0]).(*ast.CallExpr), f)
		}
	}
}

// readSpec does the same for the declaration of a function's variables.
func (e *editor) readSpec(spec *ast.ValueSpec) {
	if len(spec.Values) != 1 {
		return
	}
	if f := e.dropping(len(spec.Names), spec.Names[len(spec.Names)-1], spec.Values[0]); f != "" {
		e.wrapCall(ast.Unparen(spec.Values[0]).(*ast.CallExpr), f)
	}
}

// dropping returns the function of package rt that takes the results of a read, if n variables take them and the last
// one is _; otherwise "".
func (g *generator) dropping(n int, last ast.Expr, value ast.Expr) string {
	id, ok := last.(*ast.Ident)
	call, isCall := ast.Unparen(value).(*ast.CallExpr)
	if !ok || id.Name != "_" || !isCall || !g.readsInput(call) {
		return ""
	}
	return map[int]string{2: "Read2", 3: "Read3"}[n]
}

// wrapCall makes a call the argument of a function of package rt.
func (e *editor) wrapCall(call *ast.CallExpr, function string) {
	e.insert(call.Pos(), e.rt()+"."+function+"(")
	e.between(call.Rparen, call.Rparen+1, "))")
}

// called returns the function or method that a call names; nil if it is none with a name.
func (g *generator) called(call *ast.CallExpr) *types.Func {
	var name *ast.Ident
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.SelectorExpr:
		name = fun.Sel
	case *ast.Ident:
		name = fun
	default:
		return nil
	}
	f, _ := g.info.Uses[name].(*types.Func)
	return f
}

// readsInput reports whether a call may read standard input and tells the end by its last result: fmt.Scan and its
// like, the reads of bufio's types, of files and of decoders, and functions of cells whose last result is an error.
func (g *generator) readsInput(call *ast.CallExpr) bool {
	f := g.called(call)
	if f == nil || f.Pkg() == nil {
		return false
	}
	results := f.Signature().Results()
	method := f.Signature().Recv() != nil
	switch path := f.Pkg().Path(); {
	case path == "fmt":
		return strings.HasPrefix(f.Name(), "Scan") || strings.HasPrefix(f.Name(), "Fscan")
	case path == "bufio" || path == "os" || path == "encoding/csv":
		return method && (f.Name() == "Scan" || strings.HasPrefix(f.Name(), "Read") && results.Len() > 1)
	case strings.HasPrefix(path, "encoding/"):
		return method && f.Name() == "Decode"
	case ours(f.Pkg()):
		return results.Len() > 0 && types.Identical(results.At(results.Len()-1).Type(), types.Universe.Lookup("error").Type())
	}
	return false
}
