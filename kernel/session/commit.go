//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// change describes what the session must record after a cell. It is the last value of planning.
type change struct {
	created []*entity
	kept    map[types.Object]*entity // variables declared anew in their old memory, by their new object
	cell    int                      // the cell's execution count
	run     int
	again   []*entity // declared again with the same text: they now belong to the present cell
	removed []*entity
	undone  []string // names of imports that now mean something else
	imports map[string]imported
	stale   map[string]staleName
	made    map[*entity][]*entity // the variables that the cell puts something into, and what that is made of
	sized   map[*entity][]*entity // the constants that give the arrays of the variables that the cell declares their length
	lits    []literal
	uses    []use
	notices []string // what the user must know, such as names that can't be used any more
	hints   []string // what the user may like to know
}

// findUnset finds the variables whose initialisers a failed cell did not reach. The names that they would have replaced
// stay, and so do the functions that were compiled again only because of them.
func (x *changer) findUnset(how outcome) {
	if !how.partly {
		return
	}
	for name := range x.declared {
		if v, ok := x.pkg.Scope().Lookup(name).(*types.Var); ok && x.u.byObj[v] == nil && !slices.Contains(how.set, name) {
			x.unset[name] = true
			delete(x.gone, x.u.live[name])
		}
	}
	for again := true; again; {
		again = false
		for _, def := range x.u.definitions() {
			for _, e := range x.u.entities(def) {
				if x.gone[e] && !x.declared[e.name] && x.onlyForUnset(def) {
					delete(x.gone, e)
					again = true
				}
			}
		}
	}
}

// onlyForUnset reports whether no name that an earlier function uses is replaced.
func (x *changer) onlyForUnset(def *definition) bool {
	if def.kind != kindFunc {
		return false
	}
	for d := range def.deps {
		if x.gone[d] {
			return false
		}
	}
	return true
}

// outcome records how far a cell ran.
type outcome struct {
	partly bool     // it did not come to its end
	set    []string // if partly, the variables that have their values
}

// changeOf computes the change that a finished cell makes to the session. Functions, types and constants of a failed
// cell stay, and so do the variables whose initialisers ran.
func changeOf(c *checked, u *names, how outcome, look looker) *change {
	x := &changer{checked: c, u: u, unset: map[string]bool{}, gone: maps.Clone(c.replaced), fresh: map[types.Object]*entity{}, out: &change{cell: c.src.count, run: c.n,
		kept: map[types.Object]*entity{}, imports: map[string]imported{}, stale: map[string]staleName{}, made: map[*entity][]*entity{}, sized: map[*entity][]*entity{}}}
	x.findUnset(how)
	defs := x.define()
	x.declareVars()
	x.connect(defs)
	x.replace()
	x.importPackages()
	x.followValues()
	x.out.lits = x.literals()
	x.findUses()
	x.notice()
	x.noticeHeld(look)
	x.dropOwn()
	return x.out
}

// add creates the live name of an object in the cell's package.
func (x *changer) add(name string, k kind, obj types.Object, def *definition, cell int) *entity {
	e := &entity{name: name, kind: k, obj: obj, def: def, run: x.n, store: x.n, cell: cell, reach: &reach{by: map[*entity]bool{}}}
	x.fresh[obj] = e
	x.out.created = append(x.out.created, e)
	return e
}

// define creates the cell's own functions, types and constants and those that were compiled again with it.
func (x *changer) define() (defs []*definition) {
	for _, it := range x.items {
		if strings.HasPrefix(it.names[0], "init"+old) {
			continue // no other code can call it
		}
		if live := x.elided[it]; live != nil {
			x.out.again = append(x.out.again, x.u.entities(live)...)
			continue
		}
		def := &definition{item: it, cgo: x.cgo}
		defs = append(defs, def)
		for _, name := range it.names {
			if obj := x.objectOf(it, name); obj != nil && name != "_" {
				x.add(name, it.kind, obj, def, x.src.count)
			}
		}
	}
	for _, was := range x.carry {
		def := &definition{item: was.item, cgo: was.cgo}
		defs = append(defs, def)
		for _, name := range was.names {
			cell := was.src.count
			if e := x.u.live[name]; e != nil {
				cell = e.cell
			}
			obj := x.objectOf(was.item, name)
			stays := x.u.live[name] != nil && !x.gone[x.u.live[name]]
			if obj != nil && !x.declared[name] && !stays { // in a declaration of several names, one may be declared anew
				x.add(name, was.kind, obj, def, cell)
			}
		}
	}
	return defs
}

// connect finds the names that the new declarations use, once all new names exist.
func (x *changer) connect(defs []*definition) {
	for _, def := range defs {
		def.deps, def.imports = map[*entity]bool{}, x.packagesOf(def.decl)
		x.uses(def.decl, func(e *entity) { def.deps[e] = true })
	}
}

func (x *changer) objectOf(it *item, name string) types.Object {
	if fd, ok := it.decl.(*ast.FuncDecl); ok {
		return x.info.Defs[fd.Name]
	}
	return x.pkg.Scope().Lookup(name)
}

// declareVars creates the cell's variables and those that are kept under a new type.
func (x *changer) declareVars() {
	for _, name := range slices.Sorted(maps.Keys(x.declared)) {
		obj, ok := x.pkg.Scope().Lookup(name).(*types.Var)
		if !ok || x.u.byObj[obj] != nil {
			continue
		}
		switch e := x.reuse[name]; {
		case e != nil && x.unset[name]:
			x.fresh[obj] = e
		case e != nil:
			x.fresh[obj], x.out.kept[obj] = e, e
		case x.unset[name]: // its users must be compiled again once it is declared
			x.fresh[obj] = &entity{name: name, kind: kindVar, obj: obj, run: x.n, store: x.n, cell: x.src.count}
		default:
			was := x.u.live[name]
			e := x.add(name, kindVar, obj, nil, x.src.count)
			e.shadows, e.predeclared = x.imports[name+old], slices.Contains(x.predeclared, name)
			if was != nil && e.shadows == "" {
				e.shadows, e.handedOn = was.shadows, was.shadows != ""
			}
		}
	}
	for _, v := range x.migrate {
		e := x.add(v.name, kindVar, x.pkg.Scope().Lookup(v.name), nil, v.cell)
		e.pointer, e.store, e.made, e.set, e.sized, e.reach = true, v.store, v.made, v.set, v.sized, v.reach
	}
}

// replace removes replaced names and records why names are stale.
func (x *changer) replace() {
	for e := range x.gone {
		if x.u.live[e.name] == e {
			x.out.removed = append(x.out.removed, e)
		}
	}
	for name, s := range x.staled {
		isLost := slices.ContainsFunc(x.u.lost, func(def *definition) bool { return slices.Contains(def.names, name) })
		if e := x.u.live[name]; !isLost && (e == nil || x.gone[e]) {
			x.out.stale[name] = s
		}
	}
}

// importPackages records the packages that later cells may use by name.
func (x *changer) importPackages() {
	for name, path := range x.imports {
		if !strings.HasPrefix(name, "_ ") && !strings.HasSuffix(name, old) && testImports[name] == "" {
			x.out.imports[name] = imported{path: path, cell: x.src.count, found: x.bound.found[name]}
		}
	}
	for _, spec := range x.lines {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil && spec.Name != nil && spec.Name.Name == "." {
			x.out.imports[dotKey+path] = imported{path: path, cell: x.src.count}
		}
	}
	for name := range x.declared {
		if !x.unset[name] {
			x.out.undone = append(x.out.undone, name)
		}
	}
}

// packagesOf returns the packages that node uses, by the names under which it uses them.
func (x *changer) packagesOf(node ast.Node) map[string]string {
	imports := map[string]string{}
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			ast.Inspect(sel.X, visit) // the name behind the dot needs no import
			return false
		}
		id, ok := n.(*ast.Ident)
		if !ok || x.info.Uses[id] == nil {
			return true
		}
		obj := x.info.Uses[id]
		if p, ok := obj.(*types.PkgName); ok {
			if p.Imported().Path() != "C" && id.Name != "C" {
				imports[id.Name] = p.Imported().Path()
			}
		} else if p := obj.Pkg(); p != nil && !ours(p) && obj.Parent() == p.Scope() {
			imports[dotKey+id.Name] = p.Path()
		}
		return true
	}
	ast.Inspect(node, visit)
	return imports
}

// unreached returns the name of a variable that a new function uses and whose initialiser did not run; "" if there is
// none.
func (x *changer) unreached(e *entity) (name string) {
	if e.kind != kindFunc || e.def == nil {
		return ""
	}
	for d := range e.def.deps {
		if d.kind == kindVar && x.unset[d.name] && x.u.live[d.name] != d && (name == "" || d.name < name) {
			name = d.name
		}
	}
	return name
}

// notice adds hints, and notices about names that the cell did not reach and about stale ones.
func (x *changer) notice() {
	if name := x.printsAddress(); name != "" {
		x.out.hints = append(x.out.hints, fmt.Sprintf("\nGo's builtin %s shows addresses; fmt.Println(x), or x alone on the last line, shows the value", name))
	}
	if sign := x.signBefore(); sign != "" {
		x.out.hints = append(x.out.hints, fmt.Sprintf("\nThe last line is a value of its own: an expression goes on in the next line where the line before ends with %s", sign))
	}
	for _, name := range slices.Sorted(maps.Keys(x.parsed.own.why)) {
		if x.declared[name] {
			x.out.hints = append(x.out.hints, x.parsed.own.why[name])
		}
	}
	for _, e := range x.out.created {
		if name := x.unreached(e); name != "" {
			x.out.notices = append(x.out.notices, fmt.Sprintf("%s uses %s, which the cell did not reach: there it is zero until the cell runs to its end", e.name, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.out.stale)) {
		if x.u.stale[name].reason == x.out.stale[name].reason {
			continue // it was tried once more
		}
		x.out.notices = append(x.out.notices, fmt.Sprintf("%s is stale: %s", name, x.out.stale[name].reason))
	}
}

// apply applies a change to the session.
func (u *names) apply(c *change) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range c.removed {
		delete(u.live, e.name)
		u.forgetVar(e)
	}
	u.noteUses(c.uses)
	for _, e := range c.created {
		delete(u.stale, e.name)
		delete(u.lacking, e.name)
		u.live[e.name], u.byObj[e.obj] = e, e
	}
	for obj, e := range c.kept {
		delete(u.stale, e.name)
		e.cell, e.made = c.cell, nil // c.made follows
		u.byObj[obj] = e
	}
	for _, e := range c.again {
		e.cell = c.cell
	}
	for name, s := range c.stale {
		if u.live[name] == nil {
			u.stale[name] = s
		}
	}
	u.lost = slices.DeleteFunc(u.lost, func(def *definition) bool {
		return !slices.ContainsFunc(def.names, func(name string) bool { return u.live[name] == nil })
	})
	for _, e := range slices.Concat(c.created, c.again, slices.Collect(maps.Values(c.kept))) {
		if e.cell == c.cell && !slices.ContainsFunc(u.declared[c.cell], func(d *entity) bool { return d.name == e.name }) {
			u.declared[c.cell] = append(u.declared[c.cell], e)
		}
	}
	slices.SortFunc(u.declared[c.cell], func(a, b *entity) int { return strings.Compare(a.name, b.name) })
	maps.Copy(u.imports, c.imports)
	for _, name := range c.undone {
		delete(u.imports, name)
	}
	for e, from := range c.made {
		if e.set = c.cell; e.made == nil {
			e.made = map[*entity]int{}
		}
		for _, d := range from {
			e.made[d] = c.cell
		}
	}
	for e, by := range c.sized {
		e.sized = by
	}
	if len(c.lits) > 0 {
		u.literals[c.run] = c.lits
	}
}
