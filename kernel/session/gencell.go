//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/types"
	"sort"
	"strings"
)

// cell writes the cell's own declarations and its body.
func (g *generator) cell(migrated map[string]bool) string {
	pn := g.pn
	g.aliases = map[string]string{}
	var decls, body strings.Builder
	for _, it := range pn.items {
		if pn.elided[it] == nil && !g.again {
			decls.WriteString(g.item(it))
		}
	}
	scope := pn.pkg.Scope()
	names := make([]string, 0, len(pn.declared))
	for name := range pn.declared {
		names = append(names, name)
	}
	sort.Strings(names)
	var register []string
	for _, name := range names {
		v, ok := scope.Lookup(name).(*types.Var)
		if !ok || g.u.byObj[v] != nil {
			continue
		}
		place := exported(name)
		if e := pn.reuse[name]; e != nil {
			place = g.entity(e)
		} else if g.again {
			place = g.name(v)
		} else {
			fmt.Fprintf(&decls, "\nvar %s %s\n", place, g.typeText(v.Type()))
			register = append(register, fmt.Sprintf("%q: &%s", name, place))
		}
		// A failing cell must not change what was there, also when this code runs again.
		fmt.Fprintf(&body, "{ ꞋꞋwas := %s; %s.OnFail(func() { %s = ꞋꞋwas }) }\n", place, g.rt(), place)
	}
	for _, v := range pn.migrate {
		t := g.typeText(scope.Lookup(v.name).Type())
		fmt.Fprintf(&decls, "\nvar %s *%s\n", exported(v.name), t)
		fmt.Fprintf(&body, "%s = (*%s)(%s.Pointer(&%s))\n", exported(v.name), t, g.alias("unsafe"), g.entity(v))
	}
	for _, it := range pn.mains {
		if it.names[0] != "main" {
			fmt.Fprintf(&body, "%s()\n", exported(it.names[0]))
		}
	}
	done := map[*ast.ValueSpec]bool{}
	specs := g.specs()
	parsed := pn.directive == ""
	parseFlags := func() {
		if !parsed {
			parsed = true
			fmt.Fprintf(&body, "%s.ParseFlags()\n", g.rt())
		}
	}
	for _, o := range pn.order {
		switch o := o.(type) {
		case *item:
			for _, spec := range o.decl.(*ast.GenDecl).Specs {
				g.varSpec(&body, spec.(*ast.ValueSpec), specs, done, 0)
			}
		case ast.Stmt:
			parseFlags() // after the variables that are flags
			start, end := pn.src.offset(o.Pos()), pn.src.offset(o.End())
			text := apply(pn.src, start, end, g.edits(pn.src, o))
			if o == pn.lastStmt {
				text = g.show(text)
			}
			body.WriteString(g.piece(pn.src, start, text))
		}
	}
	parseFlags()
	for _, it := range pn.mains {
		if it.names[0] == "main" {
			fmt.Fprintf(&body, "\n%s()\n", exported("main"))
		}
	}
	tail := fmt.Sprintf("\n//line /nb:1\nfunc %sRun() {\n%s\n}\n\nfunc init() { %s.Register(%s, %sRun, map[string]any{%s}) }\n",
		own, body.String(), g.rt(), runMark, own, strings.Join(register, ", "))
	var blanks []string
	for key, path := range pn.imports {
		if strings.HasPrefix(key, "_ ") {
			blanks = append(blanks, path)
			g.used[path] = true
		}
	}
	sort.Strings(blanks)
	return g.header(pn.cgo, blanks) + decls.String() + tail
}

// specs are the cell's var declarations by the variables they declare.
func (g *generator) specs() map[types.Object]*ast.ValueSpec {
	m := map[types.Object]*ast.ValueSpec{}
	for _, it := range g.pn.vars {
		for _, spec := range it.decl.(*ast.GenDecl).Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if obj := g.pn.info.Defs[name]; obj != nil {
					m[obj] = spec.(*ast.ValueSpec)
				}
			}
		}
	}
	return m
}

// varSpec writes the assignments of one var declaration, after those it depends
// on, as Go does for package variables.
func (g *generator) varSpec(b *strings.Builder, spec *ast.ValueSpec, specs map[types.Object]*ast.ValueSpec, done map[*ast.ValueSpec]bool, depth int) {
	if done[spec] {
		return
	}
	done[spec] = true
	pn := g.pn
	seen := map[ast.Node]bool{}
	var visit func(ast.Node)
	visit = func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			obj := pn.info.Uses[id]
			if other := specs[obj]; other != nil && other != spec {
				g.varSpec(b, other, specs, done, depth+1)
			}
			if f, ok := obj.(*types.Func); ok {
				for _, it := range pn.items {
					if fd, ok := it.decl.(*ast.FuncDecl); ok && pn.info.Defs[fd.Name] == origin(f) && !seen[fd] {
						seen[fd] = true
						visit(fd)
					}
				}
			}
			return true
		})
	}
	for _, v := range spec.Values {
		visit(v)
	}
	src := pn.src
	targets := make([]string, len(spec.Names))
	for i, name := range spec.Names {
		targets[i] = "_"
		if obj := pn.info.Defs[name]; obj != nil && name.Name != "_" {
			targets[i] = g.name(obj)
		}
	}
	start := src.offset(spec.Pos())
	if len(spec.Values) == 0 {
		for i, name := range spec.Names {
			if targets[i] != "_" {
				b.WriteString(g.piece(src, start, fmt.Sprintf("%s = *new(%s)", targets[i], g.typeText(pn.info.Defs[name].Type()))))
			}
		}
		return
	}
	first, last := spec.Values[0], spec.Values[len(spec.Values)-1]
	vs, ve := src.offset(first.Pos()), src.offset(last.End())
	var edits []edit
	for _, v := range spec.Values {
		edits = append(edits, g.edits(src, v)...)
	}
	values := apply(src, vs, ve, edits)
	if len(targets) == 1 && targets[0] == "_" && spec.Type != nil {
		ts, te := src.offset(spec.Type.Pos()), src.offset(spec.Type.End())
		b.WriteString(g.piece(src, start, "{ var _ "+apply(src, ts, te, g.edits(src, spec.Type))+" = "+values+" }"))
		return
	}
	b.WriteString(g.piece(src, start, strings.Join(targets, ", ")+" = "+values))
}

// show wraps the last expression so that its value is shown.
func (g *generator) show(text string) string {
	tv := g.pn.info.Types[g.pn.last]
	call, isCall := ast.Unparen(g.pn.last).(*ast.CallExpr)
	isCall = isCall && !g.pn.info.Types[call.Fun].IsType() && !g.pn.info.Types[call.Fun].IsBuiltin()
	switch {
	case tv.IsVoid() || g.pn.quiet && isCall:
		return text
	case g.pn.quiet:
		return "_ = " + text
	}
	errorType := types.Universe.Lookup("error").Type()
	switch t := tv.Type.(type) {
	case *types.Tuple:
		n := t.Len()
		lastErr := n > 0 && types.Identical(t.At(n-1).Type(), errorType)
		if lastErr && n == 2 && isInt(t.At(0).Type()) && g.printsOrWrites() {
			return g.rt() + ".QuietErr(" + text + ")"
		}
		if lastErr {
			return g.rt() + ".ShowNErr(" + text + ")"
		}
		return g.rt() + ".ShowN(" + text + ")"
	default:
		if types.Identical(t, errorType) {
			return g.rt() + ".ShowErr(" + text + ")"
		}
	}
	return g.rt() + ".Show(" + text + ")"
}

func isInt(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && (b.Kind() == types.Int || b.Kind() == types.Int64)
}

// printsOrWrites reports whether the last expression calls something like
// fmt.Println or Write, whose count no one wants to see.
func (g *generator) printsOrWrites() bool {
	call, ok := ast.Unparen(g.pn.last).(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f := g.pn.info.Uses[sel.Sel]
	if f == nil || f.Pkg() == nil {
		return false
	}
	return f.Pkg().Path() == "fmt" || f.Pkg().Path() == "io" || strings.HasPrefix(f.Name(), "Write") || strings.HasPrefix(f.Name(), "Fprint") || strings.HasPrefix(f.Name(), "Print")
}
