//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// body writes the function that runs a cell's statements.
type body struct {
	*generator
	strings.Builder
	specs map[types.Object]*ast.ValueSpec // the cell's var declarations, by the objects that they declare
	done  map[*ast.ValueSpec]bool
}

// firstFunc begins a plugin: the runtime has no name for the first function of a plugin, so that function must not be a
// cell's.
const firstFunc = "\n//go:noinline\nfunc " + own + "First() {}\n"

// ownPosition is the file name for code without a counterpart in the cell's text. The name is long because the runtime
// treats a file as unknown if its number is beyond the length of all names (funcline1), and a cell that inlines a large
// library's code has high numbers.
var ownPosition = "/nb" + strings.Repeat("-", 4096)

// cell writes the cell's own declarations and its body.
func (g *generator) cell() string {
	g.aliases = map[string]string{}
	var decls strings.Builder
	decls.WriteString(firstFunc)
	for _, it := range g.items {
		if g.elided[it] == nil && !g.again {
			decls.WriteString(g.item(it))
		}
	}
	b := &body{generator: g, specs: g.varSpecs(), done: map[*ast.ValueSpec]bool{}}
	register := b.declareVars(&decls)
	b.adoptMigrated(&decls)
	early, jumps := b.mayReturn()
	if early {
		b.WriteString(handle + ".MayReturn()\n")
	}
	b.statements()
	if !b.runsMain {
		b.callMains(true)
	}
	fmt.Fprintf(b, "\n//line %s:1\n", ownPosition) // the end, where deferred calls are made, is no line of the cell
	if early && !jumps {
		b.WriteString(handle + ".Whole()\n")
	}
	hide := ""
	if structs := g.hiddenStructs(); len(structs) > 0 && !g.again {
		hide = fmt.Sprintf("%s.HideFields(%s); ", g.rt(), strings.Join(structs, ", "))
	}
	if all := g.hiddenMethods(); len(all) > 0 && !g.again {
		hide += fmt.Sprintf("%s.HideMethods(%s); ", g.rt(), strings.Join(all, ", "))
	}
	if g.instantiates() || g.local.renamed {
		hide += g.rt() + ".HideUnnamed(); "
	}
	tail := fmt.Sprintf("\n//line %s:1\nfunc %sRun() {\n%s\n}\n\nfunc init() { %sFirst(); %s%s.Register(%s, %sRun, map[string]any{%s}) }\n",
		ownPosition, own, b.String(), own, hide, g.rt(), runMark, own, strings.Join(register, ", "))
	var blanks []string
	for key, path := range g.imports {
		if strings.HasPrefix(key, "_ ") {
			blanks = append(blanks, path)
			g.used[path] = true
		}
	}
	slices.Sort(blanks)
	return g.header(g.cgo, blanks) + decls.String() + tail
}

// handle is the body's variable for its run, see rt.Here.
const handle = own + "run"

// set writes code that records variables as set: they stay if the cell fails.
func (b *body) set(names []*ast.Ident) string {
	var all []string
	for _, id := range names {
		if id.Name != "_" {
			all = append(all, strconv.Quote(id.Name))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "; " + handle + ".Set(" + strings.Join(all, ", ") + ")"
}

// declareVars declares the cell's variables in its package, and returns the expressions that register them with the
// worker.
func (b *body) declareVars(decls *strings.Builder) (register []string) {
	fmt.Fprintf(b, "%s := %s.Here(); _ = %s\n", handle, b.rt(), handle)
	for _, name := range slices.Sorted(maps.Keys(b.declared)) {
		v, ok := b.pkg.Scope().Lookup(name).(*types.Var)
		if !ok || b.u.byObj[v] != nil {
			continue
		}
		if b.reuse[name] == nil && !b.again {
			// With its place, for what only the compiler finds wrong with the type.
			decls.WriteString(b.piece(b.src, b.src.offset(v.Pos()), fmt.Sprintf("var %s %s", exported(name), b.typeText(v.Type()))))
			register = append(register, fmt.Sprintf("%q: &%s", name, exported(name)))
		}
	}
	return register
}

// adoptMigrated declares variables of earlier cells under the new version of their type, in their old memory.
func (b *body) adoptMigrated(decls *strings.Builder) {
	for _, v := range b.migrate {
		t := b.typeText(b.pkg.Scope().Lookup(v.name).Type())
		fmt.Fprintf(decls, "\nvar %s *%s\n", exported(v.name), t)
		fmt.Fprintf(b, "%s = (*%s)(%s.Pointer(&%s))\n", exported(v.name), t, b.alias("unsafe"), b.entity(v))
	}
}

// callMains calls func main, or the init functions. The calls have no place in the cell's text.
func (b *body) callMains(main bool) {
	for _, it := range b.mains {
		if (it.names[0] == "main") == main {
			fmt.Fprintf(b, "\n//line %s:1\n%s()\n", ownPosition, exported(it.names[0]))
		}
	}
}

// statements writes the cell's statements in their order.
func (b *body) statements() {
	flags := b.parseFlags
	parse := func() {
		if flags {
			flags = false
			fmt.Fprintf(b, "%s.ParseFlags()\n", b.rt())
		}
	}
	if !slices.ContainsFunc(b.order, b.declares) {
		b.callMains(false)
	}
	for i, o := range b.order {
		switch o := o.(type) {
		case *item:
			b.initVars(b.together(i))
		case ast.Stmt:
			if l, ok := o.(*ast.LabeledStmt); ok && bare(l) {
				if !b.unused[o.Pos()] {
					b.WriteString(b.piece(b.src, b.src.offset(o.Pos()), l.Label.Name+":"))
				}
				continue
			}
			parse() // after the variables that hold flags
			fmt.Fprintf(b, "%s.Next()\n", b.rt())
			text := b.edited(b.src, o)
			if o == b.lastStmt {
				text = b.show(text)
			}
			if a, ok := o.(*ast.AssignStmt); ok {
				text += b.set(b.assigned(a))
			}
			b.WriteString(b.piece(b.src, b.src.offset(o.Pos()), text))
		}
		if b.declares(o) && !slices.ContainsFunc(b.order[i+1:], b.declares) {
			b.callMains(false) // all variables of the cell are set
		}
	}
	parse()
}

// together returns the var declarations that stand together from the i-th element of order.
func (b *body) together(i int) (all []*item) {
	for _, o := range b.order[i:] {
		it, ok := o.(*item)
		if !ok {
			break
		}
		all = append(all, it)
	}
	return all
}

// assigned returns the variables of the cell that a statement declares, or sets where a goto may have left out their
// declaration.
func (b *body) assigned(a *ast.AssignStmt) (names []*ast.Ident) {
	if b.defines[a] != nil {
		return b.defines[a].Names
	}
	if _, jumps := b.mayReturn(); !jumps || a.Tok != token.ASSIGN {
		return nil
	}
	for _, x := range a.Lhs {
		if id, ok := x.(*ast.Ident); ok && b.declared[id.Name] {
			names = append(names, id)
		}
	}
	return names
}

// mayReturn reports whether the cell declares variables and may end without an error before all of them are set:
// by return, or by a deferred function that recovers from a panic. With goto it jumps: it may come to its end,
// and some are not set.
func (p *parsed) mayReturn() (early, jumps bool) {
	for _, st := range p.stmts {
		ast.Inspect(st, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt, *ast.DeferStmt:
				early = true
			case *ast.BranchStmt:
				jumps = jumps || n.Tok == token.GOTO
			}
			return true
		})
	}
	return (early || jumps) && len(p.declared) > 0, jumps
}

// declares reports whether an element of order declares variables.
func (b *body) declares(o any) bool {
	if a, ok := o.(*ast.AssignStmt); ok {
		return b.defines[a] != nil
	}
	_, isVar := o.(*item)
	return isVar
}

// varSpecs returns the cell's var declarations by the variables that they declare.
func (g *generator) varSpecs() map[types.Object]*ast.ValueSpec {
	m := map[types.Object]*ast.ValueSpec{}
	for _, it := range g.vars {
		for _, spec := range it.decl.(*ast.GenDecl).Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if obj := g.info.Defs[name]; obj != nil {
					m[obj] = spec.(*ast.ValueSpec)
				}
			}
		}
	}
	return m
}

// initialiser is an assignment of a var declaration.
type initialiser struct {
	names  []*ast.Ident
	values []ast.Expr // none: the variables are zero
	typ    ast.Expr   // nil if the declaration has none
}

// initialisers returns the assignments of a var declaration: one for each name that has a value of its own. A value
// that means what a name was before the declaration (var a, b = b, a) keeps them together.
func initialisers(spec *ast.ValueSpec) (all []initialiser) {
	if len(spec.Values) != len(spec.Names) || slices.ContainsFunc(spec.Values, mentionsEarlier) {
		return []initialiser{{spec.Names, spec.Values, spec.Type}}
	}
	for i := range spec.Names {
		all = append(all, initialiser{spec.Names[i : i+1], spec.Values[i : i+1], spec.Type})
	}
	return all
}

// initVars writes the assignments of var declarations that stand together, and of the later ones on which they depend,
// in the order in which Go sets package variables (Go's specification, "Package initialization").
func (b *body) initVars(items []*item) {
	var all []initialiser
	for _, it := range items {
		for _, spec := range it.decl.(*ast.GenDecl).Specs {
			all = append(all, b.withNeeded(spec.(*ast.ValueSpec))...)
		}
	}
	rank := map[ast.Expr]int{}
	for i, init := range b.info.InitOrder {
		rank[init.Rhs] = i + 1
	}
	first := func(x initialiser) int { // without a value: 0
		if len(x.values) == 0 {
			return 0
		}
		return rank[x.values[0]]
	}
	slices.SortStableFunc(all, func(x, y initialiser) int { return first(x) - first(y) })
	for _, x := range all {
		b.initVar(x)
	}
}

// withNeeded returns the assignments of a var declaration and of those on which it depends, without those that another
// call has returned.
func (b *body) withNeeded(spec *ast.ValueSpec) (all []initialiser) {
	if b.done[spec] {
		return nil
	}
	b.done[spec] = true
	seen := map[ast.Node]bool{}
	for _, v := range spec.Values {
		all = append(all, b.needed(v, seen)...)
	}
	return append(all, initialisers(spec)...)
}

// initVar writes one assignment of a var declaration.
func (b *body) initVar(x initialiser) {
	targets := b.targets(x.names)
	start := b.src.offset(x.names[0].Pos())
	if len(x.values) == 0 {
		for i, name := range x.names {
			if targets[i] != "_" {
				text := fmt.Sprintf("%s = *new(%s)", targets[i], b.typeText(b.info.Defs[name].Type()))
				b.WriteString(b.piece(b.src, start, text+b.set([]*ast.Ident{name})))
			}
		}
		return
	}
	var edits []edit
	for _, v := range x.values {
		edits = append(edits, b.edits(b.src, v)...)
	}
	first, last := x.values[0], x.values[len(x.values)-1]
	values := apply(b.src, b.src.offset(first.Pos()), b.src.offset(endOf(last)), edits)
	if f := b.dropping(len(x.names), x.names[len(x.names)-1], first); f != "" {
		values = b.rt() + "." + f + "(" + values + ")"
	}
	text := strings.Join(targets, ", ") + " = " + values
	if len(targets) == 1 && targets[0] == "_" && x.typ != nil {
		text = "{ var _ " + b.edited(b.src, x.typ) + " = " + values + " }"
	}
	b.WriteString(b.piece(b.src, start, text+b.set(x.names)))
}

// targets returns the variables that names of a var declaration mean.
func (b *body) targets(names []*ast.Ident) []string {
	targets := make([]string, len(names))
	for i, name := range names {
		targets[i] = "_"
		if obj := b.info.Defs[name]; obj != nil && name.Name != "_" {
			targets[i] = b.name(obj)
		}
	}
	return targets
}

// needed returns the assignments of the var declarations on which a node depends, directly or through the
// functions that it calls.
func (b *body) needed(n ast.Node, seen map[ast.Node]bool) (all []initialiser) {
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		obj := b.info.Uses[id]
		if other := b.specs[obj]; other != nil {
			all = append(all, b.withNeeded(other)...)
		}
		if f, ok := obj.(*types.Func); ok {
			for _, it := range b.items {
				if fd, ok := it.decl.(*ast.FuncDecl); ok && b.info.Defs[fd.Name] == origin(f) && !seen[fd] {
					seen[fd] = true
					all = append(all, b.needed(fd, seen)...)
				}
			}
		}
		return true
	})
	return all
}
