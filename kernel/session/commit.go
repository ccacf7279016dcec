//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"sort"
	"strings"
)

// commit makes what a successful cell declared the session's, and returns what
// the user must know: variables that still hold code of before.
func (u *universe) commit(pn *plan) []string {
	count := pn.src.count
	scope := pn.pkg.Scope()
	fresh := map[types.Object]*entity{}
	add := func(name string, k kind, obj types.Object, it *item, cell int) *entity {
		e := &entity{name: name, kind: k, obj: obj, item: it, run: pn.n, store: pn.n, cell: cell, src: pn.src}
		fresh[obj] = e
		return e
	}
	objectOf := func(it *item, name string) types.Object {
		if fd, ok := it.decl.(*ast.FuncDecl); ok {
			return pn.info.Defs[fd.Name]
		}
		return scope.Lookup(name)
	}
	isMain := func(it *item) bool { return slices.Contains(pn.mains, it) }

	var created []*entity
	newItems := []*item{}
	for _, it := range pn.items {
		if isMain(it) {
			continue
		}
		if live := pn.elided[it]; live != nil {
			for _, e := range u.entities(live) {
				e.cell = count
			}
			continue
		}
		it.cgo = pn.cgo
		newItems = append(newItems, it)
		for _, name := range it.names {
			if obj := objectOf(it, name); obj != nil && name != "_" {
				created = append(created, add(name, it.kind, obj, it, count))
			}
		}
	}
	for _, it := range pn.carry {
		newItems = append(newItems, it)
		for _, name := range it.names {
			cell := it.src.count
			if e := u.live[name]; e != nil {
				cell = e.cell
			}
			if pn.declared[name] {
				continue // one of several names of the declaration is declared anew
			}
			if obj := objectOf(it, name); obj != nil {
				created = append(created, add(name, it.kind, obj, it, cell))
			}
		}
	}
	var kept []*entity // variables with their old memory
	for name := range pn.declared {
		obj, ok := scope.Lookup(name).(*types.Var)
		if !ok || u.byObj[obj] != nil {
			continue
		}
		if e := pn.reuse[name]; e != nil {
			fresh[obj] = e
			e.cell, e.src, e.made = count, pn.src, nil
			kept = append(kept, e)
			continue
		}
		created = append(created, add(name, kindVar, obj, nil, count))
	}
	for _, v := range pn.migrate {
		e := add(v.name, kindVar, scope.Lookup(v.name), nil, v.cell)
		e.access, e.store, e.made, e.src = "pointer", v.store, v.made, v.src
		created = append(created, e)
	}

	// What the new declarations use.
	lookup := func(obj types.Object) *entity {
		obj = origin(obj)
		if e := fresh[obj]; e != nil {
			return e
		}
		if e := pn.alias[obj]; e != nil {
			return e
		}
		return u.byObj[obj]
	}
	for _, it := range newItems {
		it.deps, it.imports = map[*entity]bool{}, map[string]string{}
		pn.uses(it.decl, func(e *entity) { it.deps[e] = true }, lookup, it.imports)
	}

	// Out with the old.
	for e := range pn.replaced {
		if u.live[e.name] == e {
			delete(u.live, e.name)
		}
	}
	for _, e := range created {
		delete(u.stale, e.name)
		u.live[e.name] = e
		u.byObj[e.obj] = e
	}
	for obj, e := range fresh {
		u.byObj[obj] = e
	}
	for _, e := range kept {
		delete(u.stale, e.name)
	}
	for name, s := range pn.staled {
		if u.live[name] == nil {
			u.stale[name] = s
		}
	}
	// Forget objects that no name leads to, but keep the ones of replaced types:
	// variables that are stale have them.
	for name, path := range pn.imports {
		if !strings.HasPrefix(name, "_ ") && name != testdeps {
			u.imports[name] = imported{path: path, cell: count}
		}
	}
	for _, path := range pn.dots {
		u.imports[dotKey+path] = imported{path: path, cell: count}
	}
	for name := range pn.declared {
		delete(u.imports, name)
	}

	// Who holds code of before?
	pn.makers(func(name string, node ast.Node) {
		e := u.live[name]
		if e == nil || e.kind != kindVar {
			return
		}
		if e.made == nil {
			e.made = map[*entity]bool{}
		}
		pn.uses(node, func(d *entity) { e.made[d] = true }, lookup, nil)
	})
	var notices []string
	for _, e := range u.sorted() {
		if e.kind != kindVar || pn.declared[e.name] || !hidesCode(e.obj.Type()) {
			continue
		}
		var old []string
		for d := range e.made {
			if pn.replaced[d] && (d.kind == kindFunc || d.kind == kindMethod || d.kind == kindType) && !slices.Contains(old, d.name) {
				old = append(old, d.name)
				delete(e.made, d)
			}
		}
		if len(old) > 0 {
			sort.Strings(old)
			notices = append(notices, fmt.Sprintf("%s (cell %d) still holds what was made with %s of before; run cell %d again to have the new one", e.name, e.cell, strings.Join(old, ", "), e.cell))
		}
	}
	var stale []string
	for name, s := range pn.staled {
		stale = append(stale, fmt.Sprintf("%s is stale: %s", name, s.reason))
	}
	sort.Strings(stale)
	return append(stale, notices...)
}

// uses calls f for each name of the session that node uses, and adds to imports
// the packages it uses.
func (pn *plan) uses(node ast.Node, f func(*entity), lookup func(types.Object) *entity, imports map[string]string) {
	ast.Inspect(node, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		obj := pn.info.Uses[id]
		if obj == nil {
			return true
		}
		if p, ok := obj.(*types.PkgName); ok {
			if imports != nil && p.Imported().Path() != "C" && id.Name != "C" {
				imports[id.Name] = p.Imported().Path()
			}
			return true
		}
		if p := obj.Pkg(); imports != nil && p != nil && !ours(p) && obj.Parent() == p.Scope() && slices.Contains(pn.dots, p.Path()) {
			imports["."] = p.Path()
		}
		if e := lookup(obj); e != nil {
			f(e)
		}
		return true
	})
}

// makers calls f for each top-level statement or declaration that gives a
// variable its value.
func (pn *plan) makers(f func(name string, node ast.Node)) {
	for _, st := range pn.stmts {
		a, ok := st.(*ast.AssignStmt)
		if !ok {
			continue
		}
		for _, lhs := range a.Lhs {
			for {
				switch x := lhs.(type) {
				case *ast.IndexExpr:
					lhs = x.X
					continue
				case *ast.SelectorExpr:
					lhs = x.X
					continue
				case *ast.StarExpr:
					lhs = x.X
					continue
				}
				break
			}
			if id, ok := lhs.(*ast.Ident); ok {
				for _, rhs := range a.Rhs {
					f(strings.TrimSuffix(id.Name, old), rhs)
				}
			}
		}
	}
	for _, it := range pn.vars {
		for _, spec := range it.decl.(*ast.GenDecl).Specs {
			spec := spec.(*ast.ValueSpec)
			for _, name := range spec.Names {
				for _, v := range spec.Values {
					f(name.Name, v)
				}
			}
		}
	}
}
