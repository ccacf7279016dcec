package session

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// plan is one cell, type-checked together with what of earlier cells must be
// compiled again with it.
type plan struct {
	*parsed
	n        int
	pkg      *types.Package
	info     *types.Info
	cellFile *ast.File
	run      *ast.FuncDecl
	declared map[string]bool          // all names that the cell declares, methods as "T.m"
	stmtVars map[string]bool          // those declared by :=
	defines  []*ast.AssignStmt        // top-level :=, now =
	noNew    []token.Pos              // := that declares nothing
	elided   map[*item]*item          // unchanged declarations -> what is live
	carry    []*item                  // declarations of earlier cells to compile again
	migrate  []*entity                // variables whose types are compiled again with the same layout
	replaced map[*entity]bool         // names that are others after this cell
	reuse    map[string]*entity       // variables declared anew with their old type
	alias    map[types.Object]*entity // "x·" objects
	imports  map[string]string        // the cell's own, name -> path
	dots     []string
	unused   map[token.Pos]bool // definitions of local variables that nothing uses
	staled   map[string]staleName
	stales   map[string]staleName // what using a stale name says
	fileOf   map[*ast.File]*source
	carried  map[*source]*ast.File
}

// cellError is an error in a cell's text.
type cellError struct {
	line, col int
	src       *source
	msg       string
}

// planner holds what planning needs of the session.
type planner struct {
	fset     *token.FileSet
	u        *universe
	b        *build.Builder
	importer types.Importer
}

// plan checks a cell. The universe is not changed.
func (pl *planner) plan(ctx context.Context, n int, p *parsed) (*plan, []cellError, error) {
	pn := &plan{parsed: p, n: n, declared: map[string]bool{}, stmtVars: map[string]bool{}, staled: map[string]staleName{}}
	pl.declare(pn)
	if err := pl.resolveImports(ctx, pn); err != nil {
		var imp *importError
		if errors.As(err, &imp) {
			return nil, []cellError{{imp.line, imp.col, p.src, imp.msg}}, nil
		}
		return nil, nil, err
	}
	changed := map[string]bool{} // variables whose types turned out to be others
	for range 20 {
		pl.closure(pn, changed)
		errs := pl.check(pn)
		var own []cellError
		dropped := false
		for _, e := range errs {
			if e.file == pn.cellFile || e.file == nil {
				own = append(own, e.cellError)
				continue
			}
			// A declaration of an earlier cell does not compile with the new names: it is
			// stale, and so is what depends on it, in the next round.
			if e.item != nil && pn.staled[e.item.names[0]].reason == "" {
				reason := fmt.Sprintf("%s (cell %d) does not compile any more: %s; mend cell %d and run it again", e.item.names[0], e.item.src.count, e.msg, e.item.src.count)
				for _, name := range e.item.names {
					pn.staled[name] = staleName{e.item.kind, "", e.item.src.count, reason}
				}
				dropped = true
			}
		}
		if dropped {
			continue
		}
		// Layouts must be the same for variables that live on under a new type.
		for _, v := range pn.migrate {
			nv := pn.pkg.Scope().Lookup(v.name)
			if nv == nil || !sameLayout(v.obj.Type(), nv.Type()) {
				pn.staled[v.name] = staleName{kindVar, typeString(v.obj.Type()), v.cell,
					fmt.Sprintf("%s (cell %d) has a type that cell %d declares anew with another layout; run cell %d again", v.name, v.cell, p.src.count, v.cell)}
				dropped = true
			}
		}
		if dropped {
			continue
		}
		if len(own) > 0 {
			return nil, own, nil
		}
		again := false
		pn.reuse = map[string]*entity{}
		for name := range pn.declared {
			v := pl.u.live[name]
			obj, isVar := pn.pkg.Scope().Lookup(name).(*types.Var)
			if v == nil || v.kind != kindVar || !isVar {
				continue
			}
			if types.Identical(v.obj.Type(), obj.Type()) {
				pn.reuse[name] = v
			} else if !changed[name] {
				changed[name], again = true, true
			}
		}
		if !again {
			return pn, nil, nil
		}
	}
	return nil, nil, errors.New("session: planning the cell does not end; run %reset and the cells above again")
}

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

// fileError is an error with the file it is in.
type fileError struct {
	cellError
	file *ast.File
	item *item
}

// check runs the type checker over the cell and what is carried.
func (pl *planner) check(pn *plan) []fileError {
	u := pl.u
	pn.pkg = types.NewPackage(cellPath, "cell")
	pn.alias = map[types.Object]*entity{}
	pn.stales = map[string]staleName{}
	for name, s := range u.stale {
		if !pn.declared[name] {
			pn.stales[name] = s
		}
	}
	for name, s := range pn.staled {
		if !pn.declared[name] {
			pn.stales[name] = s
		}
	}
	scope := pn.pkg.Scope()
	isElided := map[string]bool{}
	for _, live := range pn.elided {
		for _, name := range live.names {
			isElided[name] = true
		}
	}
	for _, e := range u.sorted() {
		if e.kind == kindMethod || pn.replaced[e] && !pn.stmtVars[e.name] {
			continue
		}
		if pn.stmtVars[e.name] {
			if o := oldObject(pn.pkg, e); o != nil && !pn.importedName(e.name) {
				scope.Insert(o)
				pn.alias[o] = e
			}
			continue
		}
		if pn.declared[e.name] && !isElided[e.name] || pn.importedName(e.name) {
			continue
		}
		scope.Insert(e.obj)
	}
	pn.cellFile = pl.cellFile(pn)
	files := []*ast.File{pn.cellFile}
	pn.fileOf = map[*ast.File]*source{pn.cellFile: pn.src}
	itemsOf := map[*source][]*item{}
	var sources []*source
	for _, it := range pn.carry {
		if itemsOf[it.src] == nil {
			sources = append(sources, it.src)
		}
		itemsOf[it.src] = append(itemsOf[it.src], it)
	}
	sort.Slice(sources, func(i, j int) bool { return sources[i].count < sources[j].count })
	pn.carried = map[*source]*ast.File{}
	for _, src := range sources {
		imports := map[string]string{}
		f := &ast.File{Name: ast.NewIdent("cell")}
		for _, it := range itemsOf[src] {
			for name, path := range it.imports {
				imports[name] = path
			}
		}
		addImports(f, imports, nil)
		for _, it := range itemsOf[src] {
			if it.cgo != nil && len(f.Decls) > 0 || it.cgo != nil {
				f.Decls = append([]ast.Decl{cgoImport()}, f.Decls...)
				break
			}
		}
		for _, it := range itemsOf[src] {
			f.Decls = append(f.Decls, it.decl)
		}
		files = append(files, f)
		pn.fileOf[f] = src
		pn.carried[src] = f
	}
	if len(pn.migrate) > 0 {
		files = append(files, migrationFile(pn.migrate))
	}
	pn.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{}}
	pn.unused = map[token.Pos]bool{}
	var errs []fileError
	seen := map[string]bool{}
	conf := types.Config{Importer: pl.importer, FakeImportC: true, Sizes: types.SizesFor("gc", "amd64")}
	conf.Error = func(err error) {
		e, ok := err.(types.Error)
		if !ok {
			return
		}
		msg := e.Msg
		switch {
		case strings.HasPrefix(msg, "declared and not used: "), strings.HasSuffix(msg, " declared and not used"):
			pn.unused[e.Pos] = true
			return
		case strings.Contains(msg, "imported and not used"), strings.HasPrefix(msg, "initialization cycle"):
			return
		case strings.HasPrefix(msg, "implicit assignment to unexported field") && ofCell(msg):
			return // of another cell, which may be used
		case strings.HasPrefix(msg, "\t"):
			return // more about the error before
		case pn.lastStmt != nil && strings.Contains(msg, "is not used") && e.Pos >= pn.last.Pos() && e.Pos < pn.last.End():
			return
		}
		fe := fileError{cellError: cellError{src: pn.src, msg: msg}}
		for f, src := range pn.fileOf {
			if off := src.offset(e.Pos); off >= 0 {
				at := src.place(off, "")
				fe.file, fe.src, fe.line, fe.col = f, src, at.line, at.col
				for _, it := range pn.carry {
					if it.src == src && off >= it.start && off < it.end {
						fe.item = it
					}
				}
			}
		}
		fe.msg = pl.explain(pn, msg)
		key := fmt.Sprint(fe.src.count, fe.line, fe.col, fe.msg)
		if !seen[key] {
			seen[key] = true
			errs = append(errs, fe)
		}
	}
	for _, pos := range pn.noNew {
		conf.Error(types.Error{Fset: pl.fset, Pos: pos, Msg: "no new variables on left side of :="})
	}
	types.NewChecker(&conf, pl.fset, pn.pkg, pn.info).Files(files)
	if len(errs) == 0 {
		pl.afterCheck(pn, &errs)
	}
	sort.SliceStable(errs, func(i, j int) bool {
		a, b := errs[i], errs[j]
		return a.line < b.line || a.line == b.line && a.col < b.col
	})
	return errs
}

// ofCell reports whether the struct type that a message names last is a cell's.
func ofCell(msg string) bool {
	t, _, _ := strings.Cut(msg[strings.LastIndex(msg, " of type ")+len(" of type "):], "[")
	t = strings.TrimPrefix(t, cellPath+".")
	return !strings.Contains(t, ".")
}

// importedName reports whether the cell means a package by name.
func (pn *plan) importedName(name string) bool { return pn.imports[name] != "" }

// oldObject is an earlier cell's object under the name that statements before
// the new declaration use.
func oldObject(pkg *types.Package, e *entity) types.Object {
	name := e.name + old
	switch o := e.obj.(type) {
	case *types.Var:
		return types.NewVar(o.Pos(), pkg, name, o.Type())
	case *types.Const:
		return types.NewConst(o.Pos(), pkg, name, o.Type(), o.Val())
	case *types.Func:
		return types.NewFunc(o.Pos(), pkg, name, o.Type().(*types.Signature))
	}
	return nil
}

// cellFile is the cell as a file for the checker: declarations, top-level := as
// package variables, and the statements in a function.
func (pl *planner) cellFile(pn *plan) *ast.File {
	f := &ast.File{Name: ast.NewIdent("cell")}
	addImports(f, pn.imports, pn.dots)
	if pn.cgo != nil {
		f.Decls = append([]ast.Decl{cgoImport()}, f.Decls...)
	}
	for _, it := range pn.items {
		if pn.elided[it] == nil {
			f.Decls = append(f.Decls, it.decl)
		}
	}
	for _, it := range pn.vars {
		f.Decls = append(f.Decls, it.decl)
	}
	first := pn.defines == nil
	isNew := map[string]bool{}
	var body []ast.Stmt
	var defines []*ast.AssignStmt
	for _, st := range pn.stmts {
		a, ok := st.(*ast.AssignStmt)
		if ok && (first && a.Tok == token.DEFINE || slices.Contains(pn.defines, a)) {
			spec := &ast.ValueSpec{Values: a.Rhs}
			anyNew := false
			for _, lhs := range a.Lhs {
				name := ast.NewIdent("_")
				if id, ok := lhs.(*ast.Ident); ok {
					name.NamePos = id.Pos()
					if pn.stmtVars[id.Name] && !isNew[id.Name] {
						name.Name = id.Name
						isNew[id.Name] = true
						anyNew = true
					}
				}
				spec.Names = append(spec.Names, name)
			}
			if anyNew && pn.cgo != nil && len(spec.Names) == 1 && len(a.Rhs) == 1 {
				spec.Type = convertedTo(a.Rhs[0])
			}
			if anyNew {
				f.Decls = append(f.Decls, &ast.GenDecl{Tok: token.VAR, TokPos: a.Pos(), Specs: []ast.Spec{spec}})
				defines = append(defines, a)
				a.Tok = token.ASSIGN
			} else {
				pn.noNew = append(pn.noNew, a.TokPos)
				a.Tok = token.ASSIGN
			}
		}
		body = append(body, st)
	}
	pn.defines = defines
	if pn.defines == nil {
		pn.defines = []*ast.AssignStmt{}
	}
	pn.run = &ast.FuncDecl{Name: ast.NewIdent("run" + old), Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{List: body}}
	f.Decls = append(f.Decls, pn.run)
	return f
}

// convertedTo is the type that a conversion of a C value obviously has; the
// checker does not know C's types and gives up.
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

func addImports(f *ast.File, imports map[string]string, dots []string) {
	names := make([]string, 0, len(imports))
	for name := range imports {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		key, _, _ := strings.Cut(name, " ") // "_ path" is a blank import
		addImport(f, key, imports[name])
	}
	for _, path := range dots {
		addImport(f, ".", path)
	}
}

func addImport(f *ast.File, name, path string) {
	spec := &ast.ImportSpec{Name: ast.NewIdent(name), Path: &ast.BasicLit{Kind: token.STRING, Value: fmt.Sprintf("%q", path)}}
	f.Decls = append(f.Decls, &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{spec}})
	f.Imports = append(f.Imports, spec)
}

func cgoImport() ast.Decl {
	spec := &ast.ImportSpec{Path: &ast.BasicLit{Kind: token.STRING, Value: `"C"`}}
	return &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{spec}}
}

// afterCheck looks for what the type checker lets pass but generated code cannot say.
func (pl *planner) afterCheck(pn *plan, errs *[]fileError) {
	report := func(pos token.Pos, format string, args ...any) {
		at := pn.src.place(pn.src.offset(pos), "")
		*errs = append(*errs, fileError{cellError: cellError{at.line, at.col, pn.src, fmt.Sprintf(format, args...)}, file: pn.cellFile})
	}
	for name := range pn.declared {
		v, ok := pn.pkg.Scope().Lookup(name).(*types.Var)
		if !ok || ours(v.Pkg()) && pl.u.byObj[v] != nil {
			continue
		}
		if v.Type() == types.Typ[types.Invalid] {
			if pn.cgo != nil {
				report(v.Pos(), "%s has a type of C, which no other cell could name; convert it, for instance int(C.f()), or give the type: var %s int = ...", name, name)
			} else {
				report(v.Pos(), "can't tell the type of %s", name)
			}
			continue
		}
		if t := unnameable(v.Type()); t != "" {
			report(v.Pos(), "%s has the type %s, which its package does not export, so that no variable of a cell can have it; put the use into one block, or assign to an interface: var %s any = ...", name, t, name)
		}
	}
	if pn.last != nil {
		tv := pn.info.Types[pn.last]
		if tv.IsType() {
			report(pn.last.Pos(), "%s is a type, not a value", types.ExprString(pn.last))
		} else if tv.Value != nil && tv.Type == types.Typ[types.UntypedInt] {
			if _, exact := constant.Int64Val(tv.Value); !exact {
				report(pn.last.Pos(), "constant %s overflows int; convert it, for instance to float64", tv.Value)
			}
		}
	}
}

// explain adds to a checker's message what the session knows: stale names and near ones.
func (pl *planner) explain(pn *plan, msg string) string {
	msg = strings.ReplaceAll(msg, old, "")
	name, isUndefined := strings.CutPrefix(msg, "undefined: ")
	if isUndefined {
		if s, ok := pn.stales[name]; ok {
			return s.reason
		}
		if near := pl.near(pn, name); near != "" {
			return fmt.Sprintf("%s; did you mean %s?", msg, near)
		}
		return msg
	}
	for key, s := range pn.stales {
		if t, m, ok := strings.Cut(key, "."); ok && strings.Contains(msg, "no field or method "+m) && strings.Contains(msg, t) {
			return s.reason
		}
	}
	// pkg.Nam: the checker says undefined: pkg.Nam
	return strings.ReplaceAll(msg, cellPath+".", "")
}

// near is a name or pkg.Name like the undefined one.
func (pl *planner) near(pn *plan, name string) string {
	if pkgName, sel, ok := strings.Cut(name, "."); ok {
		path := pn.imports[pkgName]
		if path == "" {
			return ""
		}
		pkg, err := pl.importer.Import(path)
		if err != nil {
			return ""
		}
		var names []string
		for _, n := range pkg.Scope().Names() {
			if token.IsExported(n) {
				names = append(names, n)
			}
		}
		if n := nearest.Name(sel, names); n != "" {
			return pkgName + "." + n
		}
		return ""
	}
	if len(name) < 3 {
		return "" // everything is near a short name
	}
	var names []string
	for n, e := range pl.u.live {
		if e.kind != kindMethod {
			names = append(names, n)
		}
	}
	names = append(names, types.Universe.Names()...)
	names = append(names, pl.b.PackageNames()...)
	if n := nearest.Name(name, names); n != name {
		return n
	}
	return ""
}
