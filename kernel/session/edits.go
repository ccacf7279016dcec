//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"runtime"
	"slices"
	"strings"
	"unicode"
)

// edit replaces text[start:end].
type edit struct {
	start, end int
	text       string
}

// apply makes the edits in text[start:end].
func apply(src *source, start, end int, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	pos := start
	for _, e := range edits {
		if e.start < pos {
			continue // inside of a replaced part
		}
		b.WriteString(src.text[pos:e.start])
		b.WriteString(e.text)
		pos = e.end
	}
	b.WriteString(src.text[pos:end])
	return b.String()
}

// editor collects the edits to the text of a node.
type editor struct {
	*generator
	in    *source
	all   []edit
	stack []ast.Node // from the node down to the present one
}

// edits returns the changes that make a node of a cell part of its package.
func (g *generator) edits(src *source, node ast.Node) []edit {
	e := &editor{generator: g, in: src}
	ast.Inspect(node, func(n ast.Node) bool {
		if n == nil {
			e.stack = e.stack[:len(e.stack)-1]
			return true
		}
		e.stack = append(e.stack, n)
		if !e.node(n) {
			e.stack = e.stack[:len(e.stack)-1]
			return false
		}
		return true
	})
	return e.all
}

func (e *editor) replace(n ast.Node, text string) { e.between(n.Pos(), n.End(), text) }
func (e *editor) insert(at token.Pos, text string) {
	e.between(at, at, text)
}

func (e *editor) between(start, end token.Pos, text string) {
	e.all = append(e.all, edit{e.in.offset(start), e.in.offset(end), text})
}

// node edits one node, and reports whether its children must be visited.
func (e *editor) node(n ast.Node) bool {
	if e.field(n) {
		return false
	}
	e.dropUnused(n)
	switch n := n.(type) {
	case *ast.SelectorExpr:
		e.starterValue(n)
		return e.selector(n)
	case *ast.Ident:
		e.ident(n)
	case *ast.BlockStmt:
		e.afterWaits(n.List)
	case *ast.CaseClause:
		e.afterWaits(n.Body)
	case *ast.CommClause:
		e.insert(n.Colon+1, e.rt()+".Next();")
		e.afterWaits(n.Body)
	case *ast.BranchStmt:
		if n.Tok == token.GOTO { // a loop too
			e.insert(n.Pos(), e.rt()+".C();")
		}
	case *ast.CallExpr:
		e.stepHook(n)
		e.startsLater(n)
	case *ast.ForStmt:
		e.checkpoint(n.Body)
	case *ast.RangeStmt:
		e.checkpoint(n.Body)
	case *ast.FuncLit:
		e.entry(n.Body)
	case *ast.FuncDecl:
		e.inTest(n)
		e.entry(n.Body)
	case *ast.StructType:
		for _, f := range n.Fields.List {
			if !e.local.structs[n] {
				e.embedded(f)
			}
		}
	case *ast.ExprStmt:
		e.readStatement(n)
	case *ast.GoStmt:
		e.goStatement(n.Call)
	case *ast.DeferStmt:
		e.readLater(n.Call)
	case *ast.ValueSpec:
		e.readSpec(n)
	case *ast.AssignStmt:
		e.readAssign(n)
		if e.defines[n] != nil {
			e.between(n.TokPos, n.TokPos+2, "=")
		}
	}
	return true
}

// dropUnused edits a node that declares a local name which nothing uses: Go refuses it, and a cell runs.
func (e *editor) dropUnused(n ast.Node) {
	switch n := n.(type) {
	case *ast.Ident:
		if _, isVar := e.info.Defs[n].(*types.Var); isVar && e.unused[n.Pos()] {
			e.useLocal(n)
		}
	case *ast.TypeSwitchStmt: // x of switch x := v.(type)
		if a, ok := n.Assign.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && e.unused[a.Lhs[0].Pos()] {
			e.between(a.Lhs[0].Pos(), a.Rhs[0].Pos(), "")
		}
	case *ast.LabeledStmt:
		if e.unused[n.Pos()] {
			e.between(n.Pos(), n.Colon+1, "")
		}
	}
}

// replacements maps library functions that behave differently in a cell to their replacements in package rt: an
// interrupt ends a sleep, ending the process ends the cell, a second finalizer or image format takes the place of the
// first one, and the flags of earlier cells are known.
var replacements = map[string]string{
	"time.Sleep": "Sleep",
	"os.Exit":    "Exit", "syscall.Exit": "Exit", "runtime/debug.SetMaxStack": "SetMaxStack", "runtime.SetFinalizer": "SetFinalizer", // all that calls os.Exit, such as log.Fatal, comes to rt by its hook
	"image.RegisterFormat": "RegisterFormat",
	"flag.Parse":           "ParseFlags", "flag.Set": "SetFlag", "flag.Lookup": "LookupFlag", "flag.VisitAll": "VisitFlags", "flag.PrintDefaults": "PrintFlags",
}

// asksFlags are the methods of flag.CommandLine that need the flags of earlier cells. Others define flags, and a cell
// may define one anew.
var asksFlags = map[string]bool{"Lookup": true, "Parse": true, "PrintDefaults": true, "Set": true, "VisitAll": true}

// isFlags reports whether an expression is flag.CommandLine.
func (e *editor) isFlags(n *ast.SelectorExpr) bool {
	obj, ok := e.info.Uses[n.Sel].(*types.Var)
	return ok && obj.Name() == "CommandLine" && obj.Pkg() != nil && obj.Pkg().Path() == "flag"
}

// selector edits pkg.Name, and reports whether n was something else.
func (e *editor) selector(n *ast.SelectorExpr) bool {
	if set, ok := n.X.(*ast.SelectorExpr); ok && asksFlags[n.Sel.Name] && e.isFlags(set) {
		e.replace(set, e.rt()+".CommandLine()")
		return false
	}
	x, ok := n.X.(*ast.Ident)
	if !ok {
		return true
	}
	p, ok := e.info.Uses[x].(*types.PkgName)
	if !ok {
		return true
	}
	switch name := p.Imported().Path() + "." + n.Sel.Name; {
	case replacements[name] != "":
		e.replace(n, e.rt()+"."+replacements[name])
	case name == "net/http.HandleFunc":
		e.replaceBy(n, p, "rt.HandleFunc(&http.DefaultServeMux, http.HandleFunc)")
	case name == "net/http.Handle": // for a nil handler Go's own error
		e.replaceBy(n, p, "func(p string, h http.Handler) { if h == nil { http.Handle(p, h) }; rt.HandleFunc(&http.DefaultServeMux, http.HandleFunc)(p, h.ServeHTTP) }")
	case strings.HasPrefix(name, "expvar.New"):
		e.replaceBy(n, p, "rt.Published(expvar.Get, expvar."+n.Sel.Name+")")
	case name == "golang.org/x/term.ReadPassword", name == "golang.org/x/crypto/ssh/terminal.ReadPassword":
		e.replaceBy(n, p, "rt.ReadPassword("+p.Imported().Name()+".ReadPassword)")
	case name == "encoding/gob.Register": // files have the name of the type as the cell's text has it
		e.replaceBy(n, p, "rt.Named(gob.RegisterName, gob.Register)")
	default:
		e.ident(x)
	}
	return false
}

// replaceBy replaces a name of a package by code that has package rt and that package under their own names.
func (e *editor) replaceBy(n *ast.SelectorExpr, p *types.PkgName, code string) {
	own := p.Imported().Name() + "."
	e.replace(n, strings.NewReplacer("rt.", e.rt()+".", own, e.alias(p.Imported().Path())+".").Replace(code))
}

// ident replaces a name by the one that the cell's package has for it.
func (e *editor) ident(id *ast.Ident) {
	obj := e.info.Uses[id]
	if obj == nil {
		obj = e.info.Defs[id]
	}
	if obj == nil {
		return
	}
	if id.Name == "_" {
		e.blank(id)
		return
	}
	text := e.nameOf(obj, id.Name)
	if id.Name == severalValues || text == "" || text == id.Name {
		return
	}
	width := len(strings.TrimSuffix(id.Name, old))
	if i := strings.Index(id.Name, old+"init"); i >= 0 {
		width = i
	}
	start := e.in.offset(id.Pos())
	e.all = append(e.all, edit{start, start + width, text})
}

// blank removes the name that the text has for a constant which another declaration has taken; see definition.only.
func (e *editor) blank(id *ast.Ident) {
	start := e.in.offset(id.Pos())
	rest := e.in.text[start:]
	if end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }); end >= 0 {
		rest = rest[:end]
	}
	if rest != "_" {
		e.all = append(e.all, edit{start, start + len(rest), "_"})
	}
}

// nameOf returns the name by which the current file refers to any object; "" means to leave it as written.
func (e *editor) nameOf(obj types.Object, written string) string {
	if p, ok := obj.(*types.PkgName); ok {
		if p.Imported().Path() == "C" || written == "C" {
			return ""
		}
		return e.alias(p.Imported().Path())
	}
	if member(obj) && !e.local.fields[origin(obj)] {
		return exported(obj.Name())
	}
	if text := e.name(obj); text != "" {
		return text
	}
	if p := obj.Pkg(); p != nil && !ours(p) && obj.Parent() == p.Scope() { // the object of a dot import
		return e.alias(p.Path()) + "." + strings.TrimSuffix(obj.Name(), old)
	}
	return ""
}

// member reports whether obj is a field or method of a cell's type that must be exported under another name.
func member(obj types.Object) bool {
	if obj == nil || !ours(obj.Pkg()) || obj.Exported() || obj.Name() == "_" {
		return false
	}
	switch o := obj.(type) {
	case *types.Var:
		return o.IsField()
	case *types.Func:
		return o.Signature().Recv() != nil
	}
	return false
}

// checkpoint inserts a check for interrupts at the start of a loop or function.
func (e *editor) checkpoint(body *ast.BlockStmt) {
	if body != nil {
		e.insert(body.Lbrace+1, e.rt()+".C();")
	}
}

// entry inserts a check for interrupts into a function, after its deferred calls that others wait for (defer
// wg.Done()): a goroutine that begins after the interrupt would otherwise end without them.
func (e *editor) entry(body *ast.BlockStmt) {
	if body == nil {
		return
	}
	e.depth(body)
	for _, st := range slices.Backward(body.List) {
		if d, ok := st.(*ast.DeferStmt); ok {
			e.insert(d.End(), "; "+e.rt()+".C()")
			return
		}
	}
	e.checkpoint(body)
}

// mostInFrame is the size from which on Go's compiler keeps a variable on the heap.
const mostInFrame = 128 << 10

// depth inserts a check of the stack's size into a function that may call itself, directly or through others.
func (e *editor) depth(body *ast.BlockStmt) {
	mayRecur, frame := false, int64(0)
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			fun := e.info.Types[n.Fun]
			mayRecur = mayRecur || !fun.IsBuiltin() && !fun.IsType()
			for _, arg := range n.Args {
				frame += largeSize(e.info.TypeOf(arg))
			}
		case *ast.RangeStmt:
			if t := e.info.TypeOf(n.X); t != nil {
				_, isFunc := t.Underlying().(*types.Signature)
				mayRecur = mayRecur || isFunc
			}
		case *ast.Ident:
			if v, ok := e.info.Defs[n].(*types.Var); ok {
				frame += min(largeSize(v.Type()), mostInFrame)
			}
		case *ast.CompositeLit:
			frame += min(largeSize(e.info.TypeOf(n)), mostInFrame)
		}
		return true
	})
	switch {
	case mayRecur && frame > 0:
		e.insert(body.Lbrace+1, fmt.Sprintf("%s.DepthOf(%d);", e.rt(), frame))
	case mayRecur:
		e.insert(body.Lbrace+1, e.rt()+".Depth();")
	}
}

// largeSize returns the size of a type if that makes the frame of a function large, else 0; for one that depends on
// type parameters, or that the checker does not know, as those of C, the least that does.
func largeSize(t types.Type) int64 {
	const large = 1 << 10
	if t == nil {
		return large
	}
	if b, ok := t.(*types.Basic); ok && b.Kind() != types.Invalid {
		return 0 // also an untyped constant, which has no size
	}
	if openSize(t) {
		return large
	}
	if size := types.SizesFor("gc", runtime.GOARCH).Sizeof(t); size >= large {
		return size
	}
	return 0
}

// openSize reports whether the size of a type depends on type parameters, such as that of a type that is declared
// inside a generic function, or is not known.
func openSize(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() == types.Invalid
	case *types.Array:
		return openSize(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if openSize(f.Type()) {
				return true
			}
		}
	}
	return false
}

// embedded gives the type of an embedded field its exported name, because the field has the type's name.
func (e *editor) embedded(f *ast.Field) {
	if len(f.Names) > 0 {
		return
	}
	id := typeIdent(f.Type)
	if id == nil || e.info.Uses[id] == nil {
		return
	}
	switch obj := e.info.Uses[id]; {
	case obj.Parent() == types.Universe:
		e.replace(id, e.builtin(id.Name))
	case e.keptTypes[obj]:
		e.replace(id, exported(id.Name))
	}
}

// useLocal adds a use of a local variable that nothing uses, where Go's syntax allows it.
func (e *editor) useLocal(id *ast.Ident) {
	use := "_ = " + id.Name + ";"
	for i := len(e.stack) - 2; i >= 0; i-- {
		switch parent := e.stack[i].(type) {
		case *ast.RangeStmt:
			e.insert(parent.Body.Lbrace+1, use)
		case *ast.ForStmt:
			e.insert(parent.Body.Lbrace+1, use)
		case *ast.IfStmt:
			e.insert(parent.Body.Lbrace+1, use)
		case *ast.SwitchStmt:
			// Only a case can stand before the cases. If there is none, nothing can be inserted.
			if len(parent.Body.List) > 0 {
				e.insert(parent.Body.List[0].(*ast.CaseClause).Colon+1, use)
			}
		case *ast.TypeSwitchStmt: // handled in node
		case *ast.CommClause:
			if as, ok := parent.Comm.(*ast.AssignStmt); ok && e.stack[i+1] == ast.Node(as) {
				e.insert(parent.Colon+1, use)
			} else {
				e.useAfter(id, e.stack[i+1])
			}
		case *ast.BlockStmt, *ast.CaseClause, *ast.LabeledStmt:
			e.useAfter(id, e.stack[i+1])
		default:
			continue
		}
		return
	}
	e.useAfter(id, e.stack[0]) // a statement of the cell's body
}

// useAfter adds a use of a variable after the statement that declares it.
func (e *editor) useAfter(id *ast.Ident, declaration ast.Node) {
	if st, ok := declaration.(ast.Stmt); ok {
		e.insert(endOf(st), "; _ = "+id.Name)
	}
}
