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

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// mark begins every exported name that generated code uses for a lower-case name of a cell, so that later cells'
// packages can use it. It is an upper-case letter (U+A78B) that occurs in no ordinary code. It is removed from
// everything that the worker shows.
const mark = "Ꞌ"

// packageClause begins every file. Types print with the package name main, but a package main can't be imported. So the
// package gets a placeholder name of the same length, and nameMain replaces it in the compiled package.
const packageClause = "package " + packageName + "\n"

const packageName = mark + "m" // as long as main

// own begins the names of the generator itself.
const own = mark + mark

func exported(name string) string {
	if name == "_" || token.IsExported(name) {
		return name
	}
	return mark + strings.ReplaceAll(name, old, mark)
}

// generated is the Go package of a cell, the fourth value of planning.
type generated struct {
	pkg  build.Package
	main string // text of the main file before numbered fills in the numbers
	// again is the main file as the cell's next run would have it if nothing else changed; empty if the next run can't
	// use this run's code.
	again string
}

// generator writes the Go package of a cell.
type generator struct {
	*checked
	u       *names
	aliases map[string]string // import path -> name in the present file
	used    map[string]bool   // import paths of all files
	err     error
	// place holds the expressions for variables that are kept under a new type.
	place     map[types.Object]string
	local     localTypes
	keptTypes map[types.Object]bool // types with their own names in the package
	// builtins are the predeclared types that need an exported name.
	builtins map[string]bool
	// again writes the cell as its next run would be: its declarations exist already, in the package of this run.
	again bool
}

func (pl *planner) generator(c *checked) *generator {
	return &generator{checked: c, u: pl.names, local: localTypesOf(c), keptTypes: keptTypesOf(c), used: map[string]bool{}, builtins: map[string]bool{}, place: map[types.Object]string{}}
}

// generate writes the package of a cell.
func (pl *planner) generate(c *checked) (*generated, error) {
	g := pl.generator(c)
	for _, v := range c.migrate {
		g.place[c.pkg.Scope().Lookup(v.name)] = "(*" + exported(v.name) + ")"
	}
	out := &generated{pkg: build.Package{N: c.n, Files: map[string]string{}, Cgo: c.cgo != nil, Edit: nameMain}, main: g.cell()}
	out.pkg.Files["cell.go"] = c.numbered(out.main)
	for _, f := range c.carried {
		text, cgo := g.carriedText(f)
		out.pkg.Files[fmt.Sprintf("carried_%d_%d.go", f.src.count, f.defs[0].decl.Pos())] = text
		out.pkg.Cgo = out.pkg.Cgo || cgo
	}
	if len(g.builtins) > 0 {
		text := packageClause
		for _, name := range slices.Sorted(maps.Keys(g.builtins)) {
			text += fmt.Sprintf("\ntype %s = %s\n", exported(name), name)
		}
		out.pkg.Files["builtins.go"] = text
	}
	out.pkg.Imports = slices.Sorted(maps.Keys(g.used))
	out.again = pl.again(c)
	return out, g.err
}

// alias returns the current file's name for a package.
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

// name returns the current file's name for a package-level object of a cell; "" when obj is none.
func (g *generator) name(obj types.Object) string {
	obj = origin(obj)
	if p := g.place[obj]; p != "" {
		return p
	}
	if e := g.marked[obj]; e != nil {
		return g.entity(e)
	}
	if e := g.u.byObj[obj]; e != nil && e.kind != kindMethod {
		return g.entity(e)
	}
	if obj.Parent() != g.pkg.Scope() {
		return ""
	}
	if e := g.reuse[obj.Name()]; e != nil {
		return g.entity(e)
	}
	if g.keptTypes[obj] && !g.again { // not by its alias: the compiler does not end for list[T] struct{ next *alias[T] }
		return obj.Name()
	}
	if g.again {
		return g.runAlias(g.n) + "." + exported(obj.Name())
	}
	return exported(obj.Name())
}

func (g *generator) entity(e *entity) string {
	name := g.runAlias(e.run) + "." + exported(e.name)
	if e.pointer {
		return "(*" + name + ")"
	}
	return name
}

// Placeholders for the numbers that differ from one run of a cell to the next. No source can contain them.
const countMark, runMark = "\x00c", "\x00n"

// numbered fills in the numbers of a run.
func (b *bound) numbered(text string) string {
	return strings.NewReplacer(countMark, strconv.Itoa(b.src.count), runMark, strconv.Itoa(b.n)).Replace(text)
}

// cellPosition begins the file name in positions of compiled code; the count follows.
const cellPosition = "cell "

// piece returns text with a line directive before it.
func (g *generator) piece(src *source, start int, text string) string {
	count := countMark
	if src != g.src {
		count = strconv.Itoa(src.count)
	}
	return fmt.Sprintf("\n//line %s/%s%s:%d\n%s\n", build.PositionDir, cellPosition, count, src.place(start, "").line, text)
}

// endOf returns the end of a node in the text, which knows no marks; see old.
func endOf(node ast.Node) token.Pos {
	end := node.End()
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.End() == end && strings.HasSuffix(id.Name, old) && id.Name != severalValues {
			marked := id.Name
			id.Name = strings.TrimSuffix(marked, old)
			end = node.End() // the same in f(), where the call's end is only that of the marked name too
			id.Name = marked
			return false
		}
		return true
	})
	return end
}

// edited returns the edited text of a node.
func (g *generator) edited(src *source, node ast.Node) string {
	return apply(src, src.offset(node.Pos()), src.offset(endOf(node)), g.edits(src, node))
}

func (g *generator) item(it *item) string {
	text := it.keyword + g.edited(it.src, it.decl)
	if name := exportedToC(it.decl); name != "" && g.name(g.info.Defs[it.decl.(*ast.FuncDecl).Name]) == exported(name) {
		// C calls it by its own name. A variable would be initialised by a function that may use the variable.
		text = "\n//export " + name + g.piece(it.src, it.start, strings.Replace(text, exported(name), name, 1))
		return text + "\n" + g.forward(it, exported(name), name)
	}
	return directives(it.decl) + g.piece(it.src, it.start, text) + g.typeAliases(it)
}

// keptDirectives are the compiler's directives that a function has in a cell too. Others are for code that stands
// alone: with //go:nosplit, for instance, the checks for interrupts could overflow the stack.
var keptDirectives = []string{"//go:noinline", "//go:uintptrescapes", "//go:norace"}

// directives returns the directives above a declaration, as lines.
func directives(d ast.Decl) (lines string) {
	f, ok := d.(*ast.FuncDecl)
	if !ok || f.Doc == nil {
		return ""
	}
	for _, c := range f.Doc.List {
		if text := strings.TrimSpace(c.Text); slices.Contains(keptDirectives, text) {
			lines += "\n" + text
		}
	}
	return lines
}

// forward returns a function that calls the declared function by the name to, and has its parameters and results.
func (g *generator) forward(it *item, name, to string) string {
	f := it.decl.(*ast.FuncDecl).Type
	list := func(fields *ast.FieldList, prefix string) (all, names []string) {
		if fields == nil {
			return nil, nil
		}
		for _, field := range fields.List {
			for range max(1, len(field.Names)) {
				names = append(names, fmt.Sprint(prefix, len(names)))
				all = append(all, names[len(names)-1]+" "+g.edited(it.src, field.Type))
			}
		}
		return all, names
	}
	params, args := list(f.Params, "p")
	results, _ := list(f.Results, "r")
	call := fmt.Sprintf("%s(%s)", to, strings.Join(args, ", "))
	if len(results) > 0 {
		call = "return " + call
	}
	return fmt.Sprintf("func %s(%s) (%s) { %s }\n", name, strings.Join(params, ", "), strings.Join(results, ", "), call)
}

// exportedToC returns the name of a function with //export in its comment; "" for other declarations.
func exportedToC(d ast.Decl) string {
	f, ok := d.(*ast.FuncDecl)
	if !ok || f.Doc == nil || f.Recv != nil {
		return ""
	}
	for _, c := range f.Doc.List {
		if strings.TrimSpace(c.Text) == "//export "+f.Name.Name && !f.Name.IsExported() {
			return f.Name.Name
		}
	}
	return ""
}

// header writes the package clause and the imports. Call it last, when all aliases are known.
func (g *generator) header(cgo *ast.GenDecl, blanks []string) string {
	var b strings.Builder
	b.WriteString(packageClause)
	if cgo != nil {
		if cgo.Doc != nil {
			for _, c := range cgo.Doc.List {
				b.WriteString(c.Text + "\n")
			}
		}
		b.WriteString("import \"C\"\n")
	}
	for _, path := range slices.Sorted(maps.Keys(g.aliases)) {
		fmt.Fprintf(&b, "import %s %q\n", g.aliases[path], path)
	}
	for _, path := range blanks {
		fmt.Fprintf(&b, "import _ %q\n", path)
	}
	return b.String()
}

// carriedText returns the file of an earlier cell's declarations that are compiled again with the cell.
func (g *generator) carriedText(f carriedFile) (text string, cgo bool) {
	g.aliases = map[string]string{}
	var b strings.Builder
	var c *ast.GenDecl
	for _, def := range f.defs {
		b.WriteString(g.item(def.item))
		if def.cgo != nil {
			c = def.cgo
		}
	}
	return g.header(c, nil) + b.String(), c != nil
}
