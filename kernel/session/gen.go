package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"sort"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// mark begins every name that generated code exports for a lower-case one of a
// cell, so that later cells' packages can use it. It is an upper-case letter
// (U+A78B) that no one writes; it is removed from everything the worker shows.
const mark = "Ꞌ"

// own begins names that are the generator's.
const own = mark + mark

func exported(name string) string {
	if name == "_" || token.IsExported(name) {
		return name
	}
	return mark + strings.ReplaceAll(name, old, mark)
}

func parseType(text string) ast.Expr {
	// Names with a dot in the middle of a word are the checker's only.
	safe := strings.ReplaceAll(text, old, "ᐧ")
	e, err := parser.ParseExpr(safe)
	if err != nil {
		return ast.NewIdent("unparsable" + old)
	}
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			id.Name = strings.ReplaceAll(id.Name, "ᐧ", old)
			id.NamePos = token.NoPos
		}
		return true
	})
	return e
}

type edit struct {
	start, end int
	text       string
}

// generator writes the Go package of a plan.
type generator struct {
	pn      *plan
	u       *universe
	aliases map[string]string // import path -> name, of the file being written
	used    map[string]bool   // import paths of all files
	err     error
	// reuse is the place of variables whose memory is an earlier cell's.
	place map[types.Object]string
	// builtins are predeclared types that need an exported name.
	builtins map[string]bool
}

// generate returns the package's source.
func (pl *planner) generate(pn *plan) (build.Package, error) {
	g := &generator{pn: pn, u: pl.u, used: map[string]bool{}, builtins: map[string]bool{}, place: map[types.Object]string{}}
	scope := pn.pkg.Scope()
	migrated := map[string]bool{}
	for _, v := range pn.migrate {
		migrated[v.name] = true
		g.place[scope.Lookup(v.name)] = "(*" + exported(v.name) + ")"
	}
	out := build.Package{N: pn.n, Files: map[string]string{}, Cgo: pn.cgo != nil}
	out.Files["cell.go"] = g.cell(migrated)
	for src, f := range pn.carried {
		text, cgo := g.carriedFile(src, f)
		out.Files[fmt.Sprintf("carried_%d_%d.go", src.count, f.Decls[0].Pos())] = text
		out.Cgo = out.Cgo || cgo
	}
	if len(g.builtins) > 0 {
		text := "package cell\n"
		for name := range g.builtins {
			text += fmt.Sprintf("\ntype %s = %s\n", exported(name), name)
		}
		out.Files["builtins.go"] = text
	}
	for path := range g.used {
		out.Imports = append(out.Imports, path)
	}
	sort.Strings(out.Imports)
	return out, g.err
}

// alias returns the name that the current file calls a package by.
func (g *generator) alias(path string) string {
	if a := g.aliases[path]; a != "" {
		return a
	}
	base := path[strings.LastIndexByte(path, '/')+1:]
	base = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, base)
	a := own + base
	for _, taken := range g.aliases {
		if taken == a {
			a += mark + strconv.Itoa(len(g.aliases))
			break
		}
	}
	g.aliases[path] = a
	g.used[path] = true
	return a
}

// builtin returns an exported name for a predeclared type.
func (g *generator) builtin(name string) string {
	g.builtins[name] = true
	return exported(name)
}

func (g *generator) runAlias(run int) string { return g.alias(build.Path(run)) }
func (g *generator) rt() string              { return g.alias(build.RuntimePath) }

// name is how the current file refers to a package-level object of a cell; ""
// when obj is none.
func (g *generator) name(obj types.Object) string {
	obj = origin(obj)
	if p := g.place[obj]; p != "" {
		return p
	}
	if e := g.pn.alias[obj]; e != nil {
		return g.entity(e)
	}
	if e := g.u.byObj[obj]; e != nil && e.kind != kindMethod {
		return g.entity(e)
	}
	if obj.Parent() != g.pn.pkg.Scope() {
		return ""
	}
	if e := g.pn.reuse[obj.Name()]; e != nil {
		return g.entity(e)
	}
	return exported(obj.Name())
}

func (g *generator) entity(e *entity) string {
	name := g.runAlias(e.run) + "." + exported(e.name)
	if e.access == "pointer" {
		return "(*" + name + ")"
	}
	return name
}

// member reports whether obj is a field or method of a cell's type that must be
// exported under another name.
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

// edits collects what to change in the text of a node.
func (g *generator) edits(src *source, node ast.Node) []edit {
	var all []edit
	info := g.pn.info
	at := src.offset
	replace := func(n ast.Node, text string) { all = append(all, edit{at(n.Pos()), at(n.End()), text}) }
	insert := func(pos token.Pos, text string) { all = append(all, edit{at(pos), at(pos), text}) }
	ident := func(id *ast.Ident) {
		obj := info.Uses[id]
		if obj == nil {
			obj = info.Defs[id]
		}
		if obj == nil {
			return
		}
		text := ""
		switch o := obj.(type) {
		case *types.PkgName:
			if o.Imported().Path() == "C" || id.Name == "C" {
				return
			}
			text = g.alias(o.Imported().Path())
		default:
			if member(obj) {
				text = exported(obj.Name())
			} else if text = g.name(obj); text == "" {
				// A name of a dot import.
				if p := obj.Pkg(); p != nil && !ours(p) && obj.Parent() == p.Scope() {
					text = g.alias(p.Path()) + "." + obj.Name()
				}
			}
		}
		if text != "" && text != id.Name {
			width := len(strings.TrimSuffix(id.Name, old))
			if i := strings.Index(id.Name, old+"init"); i >= 0 {
				width = i
			}
			start := at(id.Pos())
			all = append(all, edit{start, start + width, text})
		}
	}
	checkpoint := func(body *ast.BlockStmt) {
		if body != nil {
			insert(body.Lbrace+1, g.rt()+".C();")
		}
	}
	var stack []ast.Node
	ast.Inspect(node, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				if p, ok := info.Uses[x].(*types.PkgName); ok {
					if p.Imported().Path() == "time" && n.Sel.Name == "Sleep" {
						replace(n, g.rt()+".Sleep")
					} else {
						ident(x)
					}
					stack = stack[:len(stack)-1]
					return false
				}
			}
		case *ast.Ident:
			if g.pn.unused[n.Pos()] && info.Defs[n] != nil {
				g.unusedLocal(n, stack, insert, replace)
			}
			ident(n)
		case *ast.TypeSwitchStmt:
			// switch x := v.(type) whose x nothing uses
			if a, ok := n.Assign.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && g.pn.unused[a.Lhs[0].Pos()] {
				all = append(all, edit{at(a.Lhs[0].Pos()), at(a.Rhs[0].Pos()), ""})
			}
		case *ast.ForStmt:
			checkpoint(n.Body)
		case *ast.RangeStmt:
			checkpoint(n.Body)
		case *ast.FuncLit:
			checkpoint(n.Body)
		case *ast.FuncDecl:
			checkpoint(n.Body)
		case *ast.StructType:
			for _, f := range n.Fields.List {
				if len(f.Names) == 0 {
					// An embedded error is a field called error: it needs a name to export.
					t := f.Type
					if star, ok := t.(*ast.StarExpr); ok {
						t = star.X
					}
					if id, ok := t.(*ast.Ident); ok && info.Uses[id] != nil && info.Uses[id].Parent() == types.Universe {
						replace(id, g.builtin(id.Name))
					}
				}
				if f.Tag != nil || len(f.Names) == 0 {
					continue
				}
				// What is unexported in the cell is left out by encoders.
				hidden := func(id *ast.Ident) string {
					if token.IsExported(id.Name) || id.Name == "_" {
						return ""
					}
					return " " + hiddenTag
				}
				last := len(f.Names) - 1
				for i, id := range f.Names[:last] {
					if hidden(id) != hidden(f.Names[last]) {
						t := apply(src, at(f.Type.Pos()), at(f.Type.End()), g.edits(src, f.Type))
						all = append(all, edit{at(id.End()), at(f.Names[i+1].Pos()), " " + t + hidden(id) + "; "})
					}
				}
				insert(f.End(), hidden(f.Names[last]))
			}
		case *ast.AssignStmt:
			for _, d := range g.pn.defines {
				if d == n {
					all = append(all, edit{at(n.TokPos), at(n.TokPos) + 2, "="})
				}
			}
		}
		return true
	})
	return all
}

// hiddenTag is on fields that were unexported in the cell, so that encoders skip them.
const hiddenTag = "`json:\"-\" xml:\"-\" yaml:\"-\"`"

// unusedLocal makes use of a local variable that nothing uses.
func (g *generator) unusedLocal(id *ast.Ident, stack []ast.Node, insert func(token.Pos, string), replace func(ast.Node, string)) {
	use := "_ = " + id.Name + ";"
	for i := len(stack) - 2; i >= 0; i-- {
		switch parent := stack[i].(type) {
		case *ast.RangeStmt:
			insert(parent.Body.Lbrace+1, use)
			return
		case *ast.ForStmt:
			insert(parent.Body.Lbrace+1, use)
			return
		case *ast.IfStmt:
			insert(parent.Body.Lbrace+1, use)
			return
		case *ast.SwitchStmt:
			// No place before the cases but a case itself: none may exist, then nothing helps.
			if len(parent.Body.List) > 0 {
				insert(parent.Body.List[0].(*ast.CaseClause).Colon+1, use)
			}
			return
		case *ast.TypeSwitchStmt:
			return // done there
		case *ast.CommClause:
			if as, ok := parent.Comm.(*ast.AssignStmt); ok && i+1 < len(stack) && stack[i+1] == ast.Node(as) {
				insert(parent.Colon+1, use)
				return
			}
		case *ast.BlockStmt, *ast.CaseClause, *ast.LabeledStmt:
		default:
			continue
		}
		// The statement below the block is the declaration.
		if st, ok := stack[i+1].(ast.Stmt); ok {
			insert(st.End(), "; _ = "+id.Name)
		}
		return
	}
}

// apply makes the edits in text[start:end].
func apply(src *source, start, end int, edits []edit) string {
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].start < edits[j].start })
	var b strings.Builder
	pos := start
	for _, e := range edits {
		if e.start < pos && e.end <= pos && e.start != e.end {
			continue // inside of something replaced
		}
		if e.start < pos {
			continue
		}
		b.WriteString(src.text[pos:e.start])
		b.WriteString(e.text)
		pos = e.end
	}
	b.WriteString(src.text[pos:end])
	return b.String()
}

// cellFileName is what positions in generated code say.
func cellFileName(count int) string { return fmt.Sprintf("/cell %d", count) }

// piece is text with a line directive before it.
func piece(src *source, start int, text string) string {
	return fmt.Sprintf("\n//line %s:%d\n%s\n", cellFileName(src.count), src.place(start, "").line, text)
}

func (g *generator) item(it *item) string {
	return piece(it.src, it.start, apply(it.src, it.start, it.end, g.edits(it.src, it.decl)))
}

// header writes package clause and imports; it must come last, when all aliases are known.
func (g *generator) header(cgo *ast.GenDecl, blanks []string) string {
	var b strings.Builder
	b.WriteString("package cell\n")
	if cgo != nil {
		if cgo.Doc != nil {
			for _, c := range cgo.Doc.List {
				b.WriteString(c.Text + "\n")
			}
		}
		b.WriteString("import \"C\"\n")
	}
	paths := make([]string, 0, len(g.aliases))
	for path := range g.aliases {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		fmt.Fprintf(&b, "import %s %q\n", g.aliases[path], path)
	}
	for _, path := range blanks {
		fmt.Fprintf(&b, "import _ %q\n", path)
	}
	return b.String()
}

func (g *generator) carriedFile(src *source, f *ast.File) (text string, cgo bool) {
	g.aliases = map[string]string{}
	var b strings.Builder
	var c *ast.GenDecl
	for _, it := range g.pn.carry {
		if it.src == src {
			b.WriteString(g.item(it))
			if it.cgo != nil {
				c = it.cgo
			}
		}
	}
	return g.header(c, nil) + b.String(), c != nil
}

// cell writes the cell's own declarations and its body.
func (g *generator) cell(migrated map[string]bool) string {
	pn := g.pn
	g.aliases = map[string]string{}
	var decls, body strings.Builder
	for _, it := range pn.items {
		if pn.elided[it] == nil {
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
		if e := pn.reuse[name]; e != nil {
			// A failing cell must not change what was there.
			fmt.Fprintf(&body, "{ ꞋꞋwas := %s; %s.OnFail(func() { %s = ꞋꞋwas }) }\n", g.entity(e), g.rt(), g.entity(e))
			continue
		}
		fmt.Fprintf(&decls, "\nvar %s %s\n", exported(name), g.typeText(v.Type()))
		register = append(register, fmt.Sprintf("%q: &%s", name, exported(name)))
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
			body.WriteString(piece(pn.src, start, text))
		}
	}
	parseFlags()
	for _, it := range pn.mains {
		if it.names[0] == "main" {
			fmt.Fprintf(&body, "\n%s()\n", exported("main"))
		}
	}
	tail := fmt.Sprintf("\n//line /nb:1\nfunc %sRun() {\n%s\n}\n\nfunc init() { %s.Register(%d, %sRun, map[string]any{%s}) }\n",
		own, body.String(), g.rt(), pn.n, own, strings.Join(register, ", "))
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
				b.WriteString(piece(src, start, fmt.Sprintf("%s = *new(%s)", targets[i], g.typeText(pn.info.Defs[name].Type()))))
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
		b.WriteString(piece(src, start, "{ var _ "+apply(src, ts, te, g.edits(src, spec.Type))+" = "+values+" }"))
		return
	}
	b.WriteString(piece(src, start, strings.Join(targets, ", ")+" = "+values))
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

// typeText is a type in the current file's words.
func (g *generator) typeText(t types.Type) string {
	switch t := t.(type) {
	case *types.Named:
		o := t.Obj()
		text := o.Name()
		if o.Pkg() != nil {
			if ours(o.Pkg()) {
				text = g.name(o)
				if text == "" {
					g.err = fmt.Errorf("session: type %s has no name here", typeString(t))
				}
			} else {
				text = g.alias(o.Pkg().Path()) + "." + o.Name()
			}
		}
		if n := t.TypeArgs().Len(); n > 0 {
			args := make([]string, n)
			for i := range n {
				args[i] = g.typeText(t.TypeArgs().At(i))
			}
			text += "[" + strings.Join(args, ", ") + "]"
		}
		return text
	case *types.Alias:
		return g.typeText(types.Unalias(t))
	case *types.Pointer:
		return "*" + g.typeText(t.Elem())
	case *types.Slice:
		return "[]" + g.typeText(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), g.typeText(t.Elem()))
	case *types.Map:
		return "map[" + g.typeText(t.Key()) + "]" + g.typeText(t.Elem())
	case *types.Chan:
		switch t.Dir() {
		case types.SendOnly:
			return "chan<- (" + g.typeText(t.Elem()) + ")"
		case types.RecvOnly:
			return "<-chan (" + g.typeText(t.Elem()) + ")"
		}
		return "chan (" + g.typeText(t.Elem()) + ")"
	case *types.Signature:
		return "func" + g.signature(t)
	case *types.Struct:
		var b strings.Builder
		b.WriteString("struct{")
		for i := range t.NumFields() {
			f := t.Field(i)
			tag := t.Tag(i)
			if !f.Embedded() {
				name := f.Name()
				if member(f) {
					name = exported(name)
					if tag == "" {
						tag = strings.Trim(hiddenTag, "`")
					}
				}
				b.WriteString(name + " ")
			}
			text := g.typeText(f.Type())
			if name := strings.TrimPrefix(text, "*"); f.Embedded() && types.Universe.Lookup(name) != nil {
				text = text[:len(text)-len(name)] + g.builtin(name)
			}
			b.WriteString(text)
			if tag != "" {
				b.WriteString(" " + strconv.Quote(tag))
			}
			b.WriteString("; ")
		}
		return b.String() + "}"
	case *types.Interface:
		if t.NumMethods() == 0 && t.NumEmbeddeds() == 0 {
			return "interface{}"
		}
		var b strings.Builder
		b.WriteString("interface{")
		for i := range t.NumExplicitMethods() {
			m := t.ExplicitMethod(i)
			name := m.Name()
			if member(m) {
				name = exported(name)
			}
			b.WriteString(name + g.signature(m.Signature()) + "; ")
		}
		for i := range t.NumEmbeddeds() {
			b.WriteString(g.typeText(t.EmbeddedType(i)) + "; ")
		}
		return b.String() + "}"
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return g.alias("unsafe") + ".Pointer"
		}
		if t.Info()&types.IsUntyped != 0 {
			return types.Default(t).String()
		}
		return t.Name()
	}
	return t.String()
}

func (g *generator) signature(s *types.Signature) string {
	tuple := func(t *types.Tuple, variadic bool) string {
		parts := make([]string, t.Len())
		for i := range t.Len() {
			if variadic && i == t.Len()-1 {
				parts[i] = "..." + g.typeText(t.At(i).Type().(*types.Slice).Elem())
			} else {
				parts[i] = g.typeText(t.At(i).Type())
			}
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	text := tuple(s.Params(), s.Variadic())
	if s.Results().Len() > 0 {
		text += " " + tuple(s.Results(), false)
	}
	return text
}
