//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
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
	// again writes the cell as its next run would be, if nothing else changed: what it
	// declares is there and found in its own package.
	again bool
}

func (pl *planner) generator(pn *plan) *generator {
	return &generator{pn: pn, u: pl.u, used: map[string]bool{}, builtins: map[string]bool{}, place: map[types.Object]string{}}
}

// generate returns the package's source, and the text of its main file before
// numbered.
func (pl *planner) generate(pn *plan) (out build.Package, text string, err error) {
	g := pl.generator(pn)
	scope := pn.pkg.Scope()
	migrated := map[string]bool{}
	for _, v := range pn.migrate {
		migrated[v.name] = true
		g.place[scope.Lookup(v.name)] = "(*" + exported(v.name) + ")"
	}
	out = build.Package{N: pn.n, Files: map[string]string{}, Cgo: pn.cgo != nil}
	text = g.cell(migrated)
	out.Files["cell.go"] = pn.numbered(text)
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
	return out, text, g.err
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
	if g.again {
		return g.runAlias(g.pn.n) + "." + exported(obj.Name())
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
	entry := func(body *ast.BlockStmt) {
		if body == nil {
			return
		}
		// What others wait for (defer wg.Done()) comes first: a goroutine that begins
		// when the cell is interrupted would end without it.
		for _, st := range slices.Backward(body.List) {
			if d, ok := st.(*ast.DeferStmt); ok {
				insert(d.End(), "; "+g.rt()+".C()")
				return
			}
		}
		checkpoint(body)
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
			entry(n.Body)
		case *ast.FuncDecl:
			entry(n.Body)
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

// Stand-ins, which no source can contain, for the numbers that differ from one
// run of a cell to the next.
const countMark, runMark = "\x00c", "\x00n"

// numbered fills in the numbers of a plan.
func (pn *plan) numbered(text string) string {
	return strings.NewReplacer(countMark, strconv.Itoa(pn.src.count), runMark, strconv.Itoa(pn.n)).Replace(text)
}

// cellPosition is what positions in generated code say before the count.
const cellPosition = "/cell "

// piece is text with a line directive before it.
func (g *generator) piece(src *source, start int, text string) string {
	count := countMark
	if src != g.pn.src {
		count = strconv.Itoa(src.count)
	}
	return fmt.Sprintf("\n//line %s%s:%d\n%s\n", cellPosition, count, src.place(start, "").line, text)
}

func (g *generator) item(it *item) string {
	return g.piece(it.src, it.start, apply(it.src, it.start, it.end, g.edits(it.src, it.decl)))
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
