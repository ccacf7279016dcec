//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// item is a declaration in the text of a cell.
type item struct {
	kind       kind
	src        *source
	decl       ast.Decl
	start, end int
	keyword    string   // "type " or "const " for one of several in brackets: it is not in the text at start
	names      []string // methods as "T.m"
	recv       string
}

func (it *item) text() string { return it.keyword + it.src.text[it.start:it.end] }

// documented returns the text with the comments above and behind it. A type or constant without its own comment has
// that of the brackets, as in go doc.
func (it *item) documented() string {
	text := it.text()
	var doc, behind *ast.CommentGroup
	switch d := it.decl.(type) {
	case *ast.FuncDecl:
		doc = d.Doc
	case *ast.GenDecl:
		if doc = d.Doc; it.keyword != "" {
			_, behind = specComments(d.Specs[0])
		}
	}
	if from, to := it.src.extent(doc); from < to && to <= it.start {
		text = it.src.text[from:to] + "\n" + text
	}
	if from, to := it.src.extent(behind); from < to && from >= it.end {
		text += " " + it.src.text[from:to]
	}
	return text
}

// addStmt adds one statement. A labelled one becomes two, so that its variables and its value are the cell's, unless
// break and continue may need its label.
func (p *parsed) addStmt(st ast.Stmt, byStart map[int]any) {
	if _, empty := st.(*ast.EmptyStmt); empty {
		return
	}
	if l, ok := st.(*ast.LabeledStmt); ok && !bare(l) && !takesBreak(l.Stmt) {
		p.addStmt(&ast.LabeledStmt{Label: l.Label, Colon: l.Colon, Stmt: &ast.EmptyStmt{Semicolon: l.Colon + 1, Implicit: true}}, byStart)
		p.addStmt(l.Stmt, byStart)
		return
	}
	p.stmts = append(p.stmts, st)
	byStart[p.src.offset(st.Pos())] = st
	if e, ok := st.(*ast.ExprStmt); ok {
		if call, ok := e.X.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "main" {
				p.runsMain = true
			}
		}
	}
}

// bare reports whether a label stands before nothing.
func bare(l *ast.LabeledStmt) bool {
	_, empty := l.Stmt.(*ast.EmptyStmt)
	return empty
}

// takesBreak reports whether break, perhaps with a label, may leave a statement.
func takesBreak(st ast.Stmt) bool {
	switch st.(type) {
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		return true
	}
	return false
}

// addDecl adds one declaration to the list for its kind.
func (p *parsed) addDecl(d ast.Decl, byStart map[int]any) {
	it := &item{src: p.src, decl: d, start: p.src.offset(d.Pos()), end: p.src.offset(d.End())}
	switch d := d.(type) {
	case *ast.FuncDecl:
		p.addFunc(it, d)
	case *ast.GenDecl:
		if len(d.Specs) == 0 {
			return // const (): brackets with nothing in them
		}
		switch d.Tok {
		case token.IMPORT:
			p.addImports(d)
		case token.TYPE, token.CONST:
			p.addSpecs(it, d)
		case token.VAR:
			it.kind, it.names = kindVar, valueNames(d)
			p.vars = append(p.vars, it)
			byStart[it.start] = it
		}
	}
}

// addSpecs adds types or constants. Each of several in brackets is a declaration of its own, so that a later cell can
// declare some of them anew; but constants that count with iota, or repeat the expression above, stay together.
func (p *parsed) addSpecs(it *item, d *ast.GenDecl) {
	if it.kind = kindType; d.Tok == token.CONST {
		it.kind = kindConst
	}
	if len(d.Specs) < 2 || slices.ContainsFunc(d.Specs, dependsOnPlace) {
		for _, spec := range d.Specs {
			it.names = append(it.names, specNames(spec)...)
		}
		p.items = append(p.items, it)
		return
	}
	for _, spec := range d.Specs {
		one := *it
		above, _ := specComments(spec)
		one.keyword, one.names = d.Tok.String()+" ", specNames(spec)
		one.decl = &ast.GenDecl{Doc: cmp.Or(above, d.Doc), TokPos: spec.Pos(), Tok: d.Tok, Specs: []ast.Spec{spec}}
		one.start, one.end = p.src.offset(spec.Pos()), p.src.offset(spec.End())
		p.items = append(p.items, &one)
	}
}

// dependsOnPlace reports whether the meaning of a constant depends on its place among others.
func dependsOnPlace(spec ast.Spec) (depends bool) {
	v, ok := spec.(*ast.ValueSpec)
	if !ok {
		return false
	}
	ast.Inspect(v, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		depends = depends || ok && id.Name == "iota"
		return !depends
	})
	return depends || len(v.Values) == 0
}

// specNames returns the names that one specification declares.
func specNames(spec ast.Spec) (names []string) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return []string{spec.Name.Name}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// specComments returns the comments above and behind one specification; nil for none.
func specComments(spec ast.Spec) (above, behind *ast.CommentGroup) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return spec.Doc, spec.Comment
	case *ast.ValueSpec:
		return spec.Doc, spec.Comment
	}
	return nil, nil
}

func (p *parsed) addImports(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		spec := spec.(*ast.ImportSpec)
		if spec.Path.Value != `"C"` {
			p.lines = append(p.lines, spec)
			continue
		}
		p.cgo = d
		if d.Doc == nil {
			d.Doc = spec.Doc
		}
	}
}

func valueNames(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		names = append(names, specNames(spec)...)
	}
	return names
}

// isInit reports whether a function of a cell may be one that runs before the cell, as Go's init does.
func isInit(name string) bool { return name == "init" || strings.HasPrefix(name, "init_") }

// addFunc adds a function or method. A cell may have several functions named init: each gets a separate name.
func (p *parsed) addFunc(it *item, d *ast.FuncDecl) {
	p.items = append(p.items, it)
	name := d.Name.Name
	if d.Recv != nil && len(d.Recv.List) == 1 {
		it.kind, it.recv = kindMethod, receiverName(d.Recv.List[0].Type)
		it.names = []string{it.recv + "." + name}
		return
	}
	it.kind = kindFunc
	if d.Type.Params.NumFields()+d.Type.Results.NumFields()+d.Type.TypeParams.NumFields() == 0 {
		if name == "init" {
			d.Name.Name = fmt.Sprintf("%s%sinit%d", name, old, len(p.mains)+1)
		}
		if isInit(name) || name == "main" {
			p.mains = append(p.mains, it)
		}
	}
	it.names = []string{d.Name.Name}
}

// keepCalled leaves functions such as init_x to the cell if it uses them itself. Of those that call each other, and
// that nothing else calls, the first one runs.
func (p *parsed) keepCalled() {
	users := map[*item]map[*item]bool{}
	for _, it := range p.mains {
		users[it] = p.usersOf(it)
	}
	p.mains = slices.DeleteFunc(slices.Clone(p.mains), func(it *item) bool {
		if it.names[0] == "main" {
			return false
		}
		above := allUsers(it, users)
		for user := range above {
			callsBack := user != nil && allUsers(user, users)[it]
			if !callsBack || slices.Index(p.mains, user) < slices.Index(p.mains, it) {
				return true
			}
		}
		return false
	})
}

// allUsers returns the users of a function, their users and so on.
func allUsers(it *item, users map[*item]map[*item]bool) map[*item]bool {
	all := map[*item]bool{}
	var add func(*item)
	add = func(it *item) {
		for user := range users[it] {
			if !all[user] {
				all[user] = true
				add(user)
			}
		}
	}
	add(it)
	return all
}

// usersOf returns the init functions that use another one, nil for other code of the cell. Its own calls don't count.
func (p *parsed) usersOf(it *item) map[*item]bool {
	f := it.decl.(*ast.FuncDecl)
	users := map[*item]bool{}
	others := map[*ast.Ident]bool{} // names of fields and methods
	var by *item
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			others[n.Name] = true
			i := slices.IndexFunc(p.mains, func(it *item) bool { return it.decl == n && it.names[0] != "main" })
			if i >= 0 && by == nil {
				by = p.mains[i]
				ast.Inspect(n, visit)
				by = nil
				return false
			}
			return n != f
		case *ast.SelectorExpr:
			others[n.Sel] = true
		case *ast.CompositeLit:
			for _, key := range keyNames(n) {
				others[key] = true
			}
		case *ast.Ident:
			if !others[n] && n.Name == f.Name.Name && (n.Obj == nil || n.Obj.Decl == f) {
				users[by] = true
			}
		}
		return true
	}
	p.inspect(visit)
	return users
}

// keyNames returns the names before the colons of a composite literal, which may be those of fields.
func keyNames(lit *ast.CompositeLit) (all []*ast.Ident) {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				all = append(all, id)
			}
		}
	}
	return all
}

// receiverName returns the name of the type that a method belongs to.
func receiverName(t ast.Expr) string {
	if id := typeIdent(t); id != nil {
		return id.Name
	}
	return ""
}

// typeIdent returns the name of a receiver's or an embedded field's type, without pointer and type arguments. It is nil
// if the type belongs to another package.
func typeIdent(t ast.Expr) *ast.Ident {
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x
		default:
			return nil
		}
	}
}
