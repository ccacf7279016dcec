//go:build linux

package session

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// declare collects the names that the cell declares.
func (pl *planner) declare(pn *plan) {
	for _, it := range append(slices.Clone(pn.items), pn.vars...) {
		for _, name := range it.names {
			if name != "_" {
				pn.declared[name] = true
			}
		}
	}
	for _, st := range pn.stmts {
		a, ok := st.(*ast.AssignStmt)
		if !ok || a.Tok != token.DEFINE {
			continue
		}
		for _, lhs := range a.Lhs {
			id, ok := lhs.(*ast.Ident)
			if ok && id.Name != "_" && !pn.declared[id.Name] {
				pn.stmtVars[id.Name] = true
			}
		}
	}
	for name := range pn.stmtVars {
		pn.declared[name] = true
	}
	// Before its := a name means what it meant before the cell.
	seen := map[string]bool{}
	for _, st := range pn.stmts {
		a, define := st.(*ast.AssignStmt)
		define = define && a.Tok == token.DEFINE
		lhs := map[*ast.Ident]bool{}
		if define {
			for _, e := range a.Lhs {
				if id, ok := e.(*ast.Ident); ok {
					lhs[id] = true
				}
			}
		}
		ast.Inspect(st, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				ast.Inspect(sel.X, func(n ast.Node) bool { markOld(n, pn.stmtVars, seen, lhs); return true })
				return false
			}
			if kv, ok := n.(*ast.KeyValueExpr); ok {
				// A key may be a field's name; the checker knows, so leave plain names alone.
				if _, plain := kv.Key.(*ast.Ident); plain {
					ast.Inspect(kv.Value, func(n ast.Node) bool { markOld(n, pn.stmtVars, seen, lhs); return true })
					return false
				}
			}
			markOld(n, pn.stmtVars, seen, lhs)
			return true
		})
		for id := range lhs {
			seen[id.Name] = true
		}
	}
}

// markOld renames an identifier that refers to an earlier cell's name.
func markOld(n ast.Node, stmtVars, seen map[string]bool, lhs map[*ast.Ident]bool) {
	id, ok := n.(*ast.Ident)
	if ok && id.Obj == nil && stmtVars[id.Name] && !seen[id.Name] && !lhs[id] {
		id.Name += old
	}
}

// closure finds what must be compiled again with the cell.
func (pl *planner) closure(pn *plan, changed map[string]bool) {
	u := pl.u
	pn.replaced, pn.elided = map[*entity]bool{}, map[*item]*item{}
	candidates := map[*item]*item{} // live -> new
	for _, it := range pn.items {
		if slices.Contains(pn.mains, it) {
			continue
		}
		if lv := u.live[it.names[0]]; lv != nil && lv.item != nil && pl.unchanged(pn, lv.item, it) {
			candidates[lv.item] = it
		}
	}
	isCandidate := func(e *entity) bool { return e.item != nil && candidates[e.item] != nil }
	newMethod := map[string]bool{} // types that get another method
	for name := range pn.declared {
		e := u.live[name]
		if t, _, isMethod := strings.Cut(name, "."); isMethod && (e == nil || !isCandidate(e)) {
			newMethod[t] = true
		}
		if e == nil || isCandidate(e) {
			continue
		}
		_, stmt := pn.stmtVars[name]
		isVar := stmt || slices.ContainsFunc(pn.vars, func(it *item) bool { return slices.Contains(it.names, name) })
		if e.kind == kindVar && isVar && !changed[name] {
			continue // perhaps the same type: its memory is used again
		}
		pn.replaced[e] = true
	}
	for name := range pn.imports {
		if e := u.live[name]; e != nil && pn.ownImport(name) {
			pn.replaced[e] = true
		}
	}
	carry := map[*item]bool{}
	migrate := map[*entity]bool{}
	include := func(it *item) bool {
		if carry[it] {
			return false
		}
		carry[it] = true
		for _, e := range u.entities(it) {
			pn.replaced[e] = true
		}
		return true
	}
	isStale := func(name string) bool { return pn.staled[name].reason != "" }
	for name := range pn.staled {
		if e := u.live[name]; e != nil {
			pn.replaced[e] = true
		}
	}
	dropped := func(it *item) bool { // a method that its type's new version leaves out
		t := u.live[it.recv]
		if it.kind != kindMethod || t == nil || t.item == nil || t.item.src != it.src {
			return false
		}
		return pn.declared[it.recv] && !isCandidate(t)
	}
	items := u.items()
	for grew := true; grew; {
		grew = false
		for _, it := range items {
			if carry[it] {
				continue
			}
			need := false
			for d := range it.deps {
				need = need || pn.replaced[d]
			}
			switch it.kind {
			case kindType:
				for _, name := range it.names {
					need = need || newMethod[name] || pn.replaced[u.live[name]]
				}
			case kindMethod:
				if t := u.live[it.recv]; t != nil {
					need = need || pn.replaced[t]
					if need && !pn.replaced[t] {
						newMethod[it.recv] = true // the type comes along
						grew = true
					}
				}
			}
			if need && include(it) {
				grew = true
			}
		}
		for _, e := range u.sorted() {
			if e.kind != kindVar || pn.replaced[e] || pn.declared[e.name] {
				continue
			}
			mentions(e.obj.Type(), func(t *types.TypeName) {
				if te := u.byObj[t]; te != nil && pn.replaced[te] {
					migrate[e] = true
				}
			})
			if migrate[e] {
				pn.replaced[e] = true
				grew = true
			}
		}
	}
	pn.carry, pn.migrate = nil, nil
	for _, it := range items {
		if !carry[it] {
			if c := candidates[it]; c != nil {
				pn.elided[c] = it
			}
			continue
		}
		gone := dropped(it)
		for _, name := range it.names {
			gone = gone || isStale(name) || pn.declared[name] && len(it.names) == 1
		}
		if it.kind == kindMethod && (isStale(it.recv) || u.live[it.recv] == nil) {
			gone = true
		}
		if !gone {
			pn.carry = append(pn.carry, it)
		}
	}
	for _, e := range u.sorted() {
		if migrate[e] && !isStale(e.name) {
			pn.migrate = append(pn.migrate, e)
		}
	}
}

// ownImport reports whether the cell's text itself imports name.
func (pn *plan) ownImport(name string) bool {
	for _, spec := range pn.parsed.imports {
		if importName(spec, pn.imports) == name {
			return true
		}
	}
	return false
}

func importName(spec *ast.ImportSpec, known map[string]string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	path := strings.Trim(spec.Path.Value, "\"`")
	for name, p := range known {
		if p == path {
			return name
		}
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// unchanged reports whether a declaration says the same as the live one.
func (pl *planner) unchanged(pn *plan, live, it *item) bool {
	if live.kind != it.kind || live.text() != it.text() || !slices.Equal(live.names, it.names) || live.src.text == "" {
		return false
	}
	if pn.cgo != nil || live.cgo != nil {
		return false // the C part may have changed
	}
	for name, path := range live.imports {
		if pn.imports[name] != path {
			return false
		}
	}
	for _, name := range it.names {
		if e := pl.u.live[name]; e == nil || e.item != live {
			return false
		}
	}
	// What it refers to must be the same things: no name of the cell's own variables.
	for d := range live.deps {
		if pl.u.live[d.name] != d {
			return false
		}
	}
	return true
}
