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

// A variable that has lost its name stays in the memory of its cell's package, with all that its value holds. The
// worker sets it to zero when no code can use it any more. Code uses it by its name: the bodies of cells, which have
// ended, and functions. A function that the session does not have any more can still be called if something was given
// it as a value, and so can function literals and methods: variables that they use stay, and so do those that a
// pointer may point to.

// reach is the loaded code that can use a variable, or call a function.
type reach struct {
	kept bool             // anything may: a pointer to it, or a function value that uses it, was made
	by   map[*entity]bool // the functions that use it
}

// use is a place in a cell's text that uses a variable, or calls a function.
type use struct {
	of   *entity
	by   *entity // the function that does so; nil for the cell's body
	kept bool
}

// findUses finds the variables and functions that the cell's code uses.
func (x *changer) findUses() {
	for _, it := range x.vars {
		x.usesIn(it.decl, nil, false)
	}
	for _, st := range x.stmts {
		x.usesIn(st, nil, false)
	}
	for _, it := range x.items {
		if x.elided[it] == nil {
			x.usesOfItem(it)
		}
	}
	for _, def := range x.carry {
		x.usesOfItem(def.item)
	}
}

func (x *changer) usesOfItem(it *item) {
	f, ok := it.decl.(*ast.FuncDecl)
	runsWithCell := slices.Contains(x.mains, it) && strings.Contains(it.names[0], old) // no code can name it
	if !ok || runsWithCell {
		x.usesIn(it.decl, nil, false)
		return
	}
	by := x.lookup(x.info.Defs[f.Name])
	x.usesIn(f, by, by == nil || f.Recv != nil || exportedToC(f) != "")
}

// usesIn finds what a node uses. It belongs to the function by, or to the cell's body.
func (x *changer) usesIn(node ast.Node, by *entity, kept bool) {
	var above []ast.Node // from the node down to the present one
	ast.Inspect(node, func(n ast.Node) bool {
		if n == nil {
			above = above[:len(above)-1]
			return true
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			if n != node {
				x.usesIn(n, by, kept || !x.endsWithCall(n, above))
				return false
			}
		case *ast.Ident:
			if e := x.lookupUse(n); e != nil {
				x.out.uses = append(x.out.uses, use{e, by, kept || e.kind == kindVar && x.pointedTo(n, above) || e.kind == kindFunc && !called(n, above)})
			}
		}
		above = append(above, n)
		return true
	})
}

// lookupUse returns the variable or function that an identifier uses; nil if it is something else.
func (x *changer) lookupUse(id *ast.Ident) *entity {
	obj := x.info.Uses[id]
	if obj == nil {
		return nil
	}
	if e := x.lookup(obj); e != nil && (e.kind == kindVar || e.kind == kindFunc) {
		return e
	}
	return nil
}

// called reports whether an expression below the nodes is only called.
func called(e ast.Expr, above []ast.Node) bool {
	for _, parent := range slices.Backward(above) {
		switch p := parent.(type) {
		case *ast.ParenExpr:
			e = p
		case *ast.IndexExpr: // type arguments
			e = p
		case *ast.IndexListExpr:
			e = p
		case *ast.CallExpr:
			return p.Fun == e
		default:
			return false
		}
	}
	return false
}

// endsWithCall reports whether nothing can call a function literal any more when the statement, or the goroutine, that
// has it is at its end.
func (x *changer) endsWithCall(lit *ast.FuncLit, above []ast.Node) bool {
	if called(lit, above) {
		return true
	}
	call, ok := above[len(above)-1].(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := x.info.Uses[sel.Sel].(*types.Func)
	if !ok || f.Pkg() == nil {
		return false
	}
	switch f.FullName() {
	case "(*sync.WaitGroup).Go", "(*sync.Once).Do":
		return true
	}
	for result := range f.Signature().Results().Variables() {
		if is[*types.Signature](result.Type()) {
			return false
		}
	}
	params := f.Signature().Params() // where they are generic, a function is an element, which the result keeps
	if at := slices.Index(call.Args, ast.Expr(lit)); at >= params.Len() || !is[*types.Signature](params.At(at).Type()) {
		return false
	}
	return slices.Contains([]string{"sort", "slices", "maps", "strings", "bytes", "path/filepath", "io/fs"}, f.Pkg().Path())
}

// pointedTo reports whether a pointer to a variable, or to a part of its memory, is made of an expression
// below the nodes.
func (x *changer) pointedTo(e ast.Expr, above []ast.Node) bool {
	for i, parent := range slices.Backward(above) {
		switch p := parent.(type) {
		case *ast.ParenExpr:
			e = p
		case *ast.UnaryExpr:
			return p.Op == token.AND
		case *ast.SliceExpr:
			return p.X == e && is[*types.Array](x.info.TypeOf(e))
		case *ast.IndexExpr:
			if p.X != e || !is[*types.Array](x.info.TypeOf(e)) {
				return false
			}
			e = p
		case *ast.SelectorExpr:
			if is[*types.Pointer](x.info.TypeOf(e)) {
				return false
			}
			s := x.info.Selections[p]
			if s == nil {
				return true
			}
			if f, ok := s.Obj().(*types.Func); ok {
				return is[*types.Pointer](f.Signature().Recv().Type()) && !(lendsItself(f) && calledHere(p, above[:i]))
			}
			e = p
		default:
			return false
		}
	}
	return false
}

// lendsItself reports whether nothing keeps the receiver of a method when it returns: those of the library's texts in
// memory, which may be large.
func lendsItself(f *types.Func) bool {
	recv := f.Signature().Recv().Type().String()
	return recv == "*bytes.Buffer" || recv == "*strings.Builder"
}

// calledHere reports whether an expression below the nodes is called by the statement that it stands in, and
// not by a go statement.
func calledHere(e ast.Expr, above []ast.Node) bool {
	if len(above) < 2 {
		return false
	}
	call, ok := above[len(above)-1].(*ast.CallExpr)
	if !ok || call.Fun != e {
		return false
	}
	_, isGo := above[len(above)-2].(*ast.GoStmt)
	return !isGo
}

// is reports whether a type is of a kind; an unknown one may be.
func is[T types.Type](t types.Type) bool {
	if t == nil || types.Unalias(t) == types.Typ[types.Invalid] {
		return true
	}
	_, ok := t.Underlying().(T)
	return ok
}

// noteUses records what the code of a cell uses.
func (u *names) noteUses(all []use) {
	for _, use := range all {
		r := use.of.reach
		switch {
		case r == nil: // a variable that the cell did not reach
		case use.kept:
			r.kept = true
		case use.by != nil:
			r.by[use.by] = true
		}
	}
}

// forgetVar records that a variable has lost its name.
func (u *names) forgetVar(e *entity) {
	if e.kind == kindVar && e.reach != nil {
		u.forgotten = append(u.forgotten, e)
	}
}

// usable reports whether loaded code can still use a variable, or call a function.
func (u *names) usable(e *entity, seen map[*entity]bool) bool {
	if seen[e] {
		return false
	}
	seen[e] = true
	if e.reach.kept || e.kind == kindFunc && u.live[e.name] == e {
		return true
	}
	for by := range e.reach.by {
		if u.usable(by, seen) {
			return true
		}
	}
	return false
}

// memory returns the name of a variable in the worker.
func (e *entity) memory() string { return fmt.Sprintf("%d.%s", e.store, e.name) }

// unusable returns the memory that no code can use any more.
func (u *names) unusable() (all []string) {
	u.forgotten = slices.DeleteFunc(u.forgotten, func(e *entity) bool { return e.reach.kept })
	for _, e := range u.forgotten {
		now := u.live[e.name]
		hasName := now != nil && now.kind == kindVar && now.store == e.store
		if !hasName && !u.usable(e, map[*entity]bool{}) {
			all = append(all, e.memory())
		}
	}
	return all
}

// free lets the worker set variables to zero that no code can use any more. It leaves those that a goroutine may
// use for the next time.
func (s *Session) free() {
	all := s.names.unusable()
	if len(all) == 0 {
		return
	}
	freed, err := s.process().Free(all)
	if err != nil {
		s.cfg.Logf("freeing variables: %v", err)
		return
	}
	s.names.forgotten = slices.DeleteFunc(s.names.forgotten, func(e *entity) bool { return slices.Contains(freed, e.memory()) })
}
