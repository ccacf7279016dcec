//go:build linux

package session

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strings"

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
