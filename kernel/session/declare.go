//go:build linux

package session

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// old marks, for the type checker, a name that a statement uses before the cell declares it anew. No Go identifier
// contains this character.
const old = "·"

// declarations returns the cell's declarations, those of variables last.
func (p *parsed) declarations() []*item { return append(slices.Clone(p.items), p.vars...) }

// collectNames collects the names that the cell declares.
func (p *parsed) collectNames() {
	for _, it := range p.declarations() {
		for _, name := range it.names {
			if name != "_" {
				p.declared[name] = true
			}
		}
	}
	for _, st := range p.stmts {
		for _, id := range p.defined(st) {
			if id.Name != "_" && !p.declared[id.Name] {
				p.stmtVars[id.Name] = true
			}
		}
	}
	for name := range p.stmtVars {
		p.declared[name] = true
	}
}

// defined returns the names on the left side of a := that declares variables of the session.
func (p *parsed) defined(st ast.Stmt) (names []*ast.Ident) {
	a, ok := st.(*ast.AssignStmt)
	if !ok || a.Tok != token.DEFINE || p.isOwn(a) {
		return nil
	}
	for _, lhs := range a.Lhs {
		if id, ok := lhs.(*ast.Ident); ok {
			names = append(names, id)
		}
	}
	return names
}

// markEarlier marks the names that, before their :=, have the meaning that they had before the cell.
func (p *parsed) markEarlier() {
	seen := map[string]bool{}
	for _, st := range p.stmts {
		left := p.defined(st)
		p.mark(st, false, func(id *ast.Ident) bool { return p.stmtVars[id.Name] && !seen[id.Name] && !slices.Contains(left, id) })
		for _, id := range left {
			seen[id.Name] = true
		}
	}
	for _, it := range p.vars { // var x = x + 1
		for _, spec := range it.decl.(*ast.GenDecl).Specs {
			for _, v := range spec.(*ast.ValueSpec).Values {
				p.mark(v, true, func(id *ast.Ident) bool {
					return slices.ContainsFunc(spec.(*ast.ValueSpec).Names, func(name *ast.Ident) bool { return name.Name == id.Name })
				})
			}
		}
	}
}

// mentionsEarlier reports whether an expression has a name that markEarlier has marked.
func mentionsEarlier(x ast.Expr) (marked bool) {
	ast.Inspect(x, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		marked = marked || ok && strings.HasSuffix(id.Name, old)
		return !marked
	})
	return marked
}

// mark marks the names inside of n that no scope there declares and that earlier cells declared.
func (p *parsed) mark(n ast.Node, inVar bool, earlier func(*ast.Ident) bool) {
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return !inVar // a function may call itself by its variable
		case *ast.SelectorExpr:
			ast.Inspect(n.X, visit)
			return false
		case *ast.KeyValueExpr:
			// A key may be a field's name. Only the checker can tell, so plain names stay unmarked.
			if _, plain := n.Key.(*ast.Ident); plain {
				ast.Inspect(n.Value, visit)
				return false
			}
		case *ast.Ident:
			if p.global(n) && earlier(n) {
				p.earlier[n.Name] = true
				n.Name += old
			}
		}
		return true
	}
	ast.Inspect(n, visit)
}

// global reports whether no scope inside of the cell declares a name. The parser treats the cell's own var declarations
// as such a scope.
func (p *parsed) global(id *ast.Ident) bool {
	if id.Obj == nil {
		return true
	}
	_, isSpec := id.Obj.Decl.(*ast.ValueSpec)
	return isSpec && p.isVarSpec(id.Obj.Decl)
}

func (p *parsed) isVarSpec(decl any) bool {
	for _, it := range p.vars {
		for _, spec := range it.decl.(*ast.GenDecl).Specs {
			if spec == decl {
				return true
			}
		}
	}
	return false
}

// markImported makes functions of a cell use the package, not the variable, for a name that the cell both imports and
// declares: url, err := url.Parse(s).
func (p *parsed) markImported() {
	for _, spec := range p.lines {
		name := importName(spec, nil)
		if !p.stmtVars[name] {
			continue
		}
		for _, it := range p.declarations() {
			ast.Inspect(it.decl, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if id, ok := sel.X.(*ast.Ident); ok && id.Obj == nil && id.Name == name {
						id.Name += old
					}
				}
				return true
			})
		}
	}
}

// liftDefines converts the variables of top-level := to package variables, and the statements to assignments.
func (p *parsed) liftDefines() {
	have := map[string]bool{}
	for _, st := range p.stmts {
		a, ok := st.(*ast.AssignStmt)
		if !ok || a.Tok != token.DEFINE || p.isOwn(a) {
			continue
		}
		a.Tok = token.ASSIGN
		spec := &ast.ValueSpec{Values: a.Rhs}
		anyNew := false
		for _, lhs := range a.Lhs {
			name := ast.NewIdent("_")
			if id, ok := lhs.(*ast.Ident); ok {
				name.NamePos = id.Pos()
				if p.stmtVars[id.Name] && !have[id.Name] {
					name.Name, have[id.Name], anyNew = id.Name, true, true
				}
			}
			spec.Names = append(spec.Names, name)
			if p.own.types[name.Name] != nil {
				spec.Values = nil // the session knows its type already
			}
		}
		if !anyNew {
			p.noNew = append(p.noNew, a.TokPos)
			continue
		}
		if p.cgo != nil && len(spec.Names) == 1 && len(spec.Values) == 1 {
			spec.Type = convertedTo(a.Rhs[0])
		}
		p.defines[a] = spec
	}
}

// convertedTo returns the type of a C value's conversion if the syntax shows it. The checker does not know C's types
// and gives up.
func convertedTo(e ast.Expr) ast.Expr {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if t, ok := types.Universe.Lookup(f.Name).(*types.TypeName); ok {
			return ast.NewIdent(t.Name())
		}
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && x.Name == "C" {
			switch f.Sel.Name {
			case "GoString", "GoStringN":
				return ast.NewIdent("string")
			case "GoBytes":
				return &ast.ArrayType{Elt: ast.NewIdent("byte")}
			}
		}
	}
	return nil
}
