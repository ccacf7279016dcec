//go:build linux

package session

import (
	"go/ast"
	"go/types"
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

// readAssign does the same for a read whose error goes to _.
func (e *editor) readAssign(a *ast.AssignStmt) {
	if len(a.Rhs) != 1 || len(a.Lhs) < 2 || len(a.Lhs) > 3 {
		return
	}
	id, ok := a.Lhs[len(a.Lhs)-1].(*ast.Ident)
	call, isCall := ast.Unparen(a.Rhs[0]).(*ast.CallExpr)
	if !ok || id.Name != "_" || !isCall || !e.readsInput(call) {
		return
	}
	e.wrapCall(call, map[int]string{2: "Read2", 3: "Read3"}[len(a.Lhs)])
}

// wrapCall makes a call the argument of a function of package rt.
func (e *editor) wrapCall(call *ast.CallExpr, function string) {
	e.insert(call.Pos(), e.rt()+"."+function+"(")
	e.between(call.Rparen, call.Rparen+1, "))")
}

// readsInput reports whether a call may read standard input and tells the end by its last result: fmt.Scan and its
// like, and the reads of bufio's types and of files.
func (e *editor) readsInput(call *ast.CallExpr) bool {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := e.info.Uses[sel.Sel].(*types.Func)
	if !ok || f.Pkg() == nil {
		return false
	}
	switch f.Pkg().Path() {
	case "fmt":
		return strings.HasPrefix(f.Name(), "Scan") || strings.HasPrefix(f.Name(), "Fscan")
	case "bufio", "os":
		return f.Signature().Recv() != nil && (f.Name() == "Scan" || strings.HasPrefix(f.Name(), "Read") && f.Signature().Results().Len() > 1)
	}
	return false
}
