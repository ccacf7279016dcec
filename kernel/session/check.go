//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// typed is one round of the type checker over a cell and the earlier declarations that are compiled again with it.
type typed struct {
	*bound
	*closure
	pkg         *types.Package
	info        *types.Info
	cellFile    *ast.File
	marked      map[types.Object]*entity // objects under a marked name, see old
	unused      map[token.Pos]bool       // definitions of labels and local variables that nothing uses
	own         ownVars                  // more variables that are the cell's own, or are not
	stales      map[string]staleName     // stale names and the messages for their uses
	carried     []carriedFile
	predeclared []string // names with Go's own meaning before the cell declares them
}

// carriedFile holds the declarations of one earlier cell that are compiled again with the cell.
type carriedFile struct {
	src  *source
	defs []*definition
	file *ast.File         // for the checker
	dots map[string]string // the names of dot imports that the declarations use -> path
}

// fileError is an error and the file that contains it.
type fileError struct {
	cellError
	file *ast.File
	def  *definition
}

// round runs the type checker once.
func (pl *planner) round(b *bound, found findings) (*typed, []fileError) {
	t := &typed{bound: b, closure: pl.closure(b, found), pkg: types.NewPackage(cellPath, "cell"), unused: map[token.Pos]bool{}, own: newOwnVars(),
		info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Instances: map[*ast.Ident]types.Instance{}, Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{}}}
	t.stales = staleFor(b, pl.names.stale, found.staled, b.staleOwn())
	t.marked = insertEarlier(t, pl.names)
	pl.insertDots(t)
	t.cellFile = cellFile(b, t.closure)
	t.carried = carriedFiles(t.carry)
	files := []*ast.File{t.cellFile}
	dots := map[string]map[string]string{}
	for i, c := range t.carried {
		files = append(files, c.file)
		dots[dotsPath(i)] = c.dots
	}
	if len(t.migrate) > 0 {
		files = append(files, migrationFile(t.migrate))
	}
	if vars := b.knownVars(); len(vars) > 0 {
		files = append(files, migrationFile(vars))
	}
	c := &collector{pl: pl, t: t, seen: map[fileError]bool{}}
	conf := types.Config{Importer: dotImporter{pl.importer, dots}, FakeImportC: true, Sizes: types.SizesFor("gc", runtime.GOARCH), Error: c.add}
	for _, pos := range b.noNew {
		c.add(types.Error{Fset: pl.fset, Pos: pos, Msg: "no new variables on left side of :="})
	}
	func() {
		defer parenthesizeEarlier(files, t.pkg.Scope())()
		stray, restore := takeStrayMethods(files, t.pkg.Scope())
		defer restore()
		for _, m := range stray {
			recv := m.decl.Recv.List[0].Type
			c.add(types.Error{Fset: pl.fset, Pos: recv.Pos(), Msg: receiverName(recv) + " is another name of " + m.typ})
		}
		types.NewChecker(&conf, pl.fset, t.pkg, t.info).Files(files)
	}()
	for _, id := range t.undefinedEarlier() {
		c.add(types.Error{Fset: pl.fset, Pos: id.Pos(), Msg: "undefined: " + id.Name})
	}
	for i := range c.errs {
		c.errs[i].msg += t.nearMember(c.errs[i].msg, c.at[i]) + t.unquoted(c.errs[i].msg, c.at[i]) + t.misused(c.errs[i].msg, c.at[i])
	}
	if len(c.errs) == 0 {
		pl.afterCheck(t, &c.errs)
	}
	slices.SortStableFunc(c.errs, func(a, b fileError) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col)) })
	return t, c.errs
}

// parenthesizeEarlier puts parentheses around types of earlier cells that are the right side of a type declaration,
// until restore is called: the checker's search for cycles takes each type of the package that stands there alone for
// one that the files declare, and panics at others.
func parenthesizeEarlier(files []*ast.File, earlier *types.Scope) (restore func()) {
	var specs []*ast.TypeSpec
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				spec := s.(*ast.TypeSpec)
				id, ok := spec.Type.(*ast.Ident)
				if !ok || earlier.Lookup(id.Name) == nil {
					continue
				}
				spec.Type = &ast.ParenExpr{Lparen: id.Pos(), X: id, Rparen: id.End()}
				specs = append(specs, spec)
			}
		}
	}
	return func() {
		for _, spec := range specs {
			spec.Type = spec.Type.(*ast.ParenExpr).X
		}
	}
}

// staleFor returns the stale names that the cell does not declare itself.
func staleFor(b *bound, lists ...map[string]staleName) map[string]staleName {
	all := map[string]staleName{}
	for _, list := range lists {
		for name, s := range list {
			if !b.declared[name] {
				all[name] = s
			}
		}
	}
	return all
}

// insertEarlier declares the live names of earlier cells in the cell's package. Names that a := of the cell replaces
// are declared under a marked name.
func insertEarlier(t *typed, u *names) map[types.Object]*entity {
	marked := map[types.Object]*entity{}
	elided := map[string]bool{}
	for _, live := range t.elided {
		for _, name := range live.names {
			elided[name] = true
		}
	}
	scope := t.pkg.Scope()
	if t.several {
		scope.Insert(severalValuesFunc(t.pkg))
	}
	t.predeclared = t.usesPredeclared(u)
	for _, name := range t.predeclared {
		scope.Insert(renamed(types.Universe.Lookup(name), name+old))
	}
	for _, e := range u.sorted() {
		switch {
		case e.kind == kindMethod, t.importedName(e.name), t.importedName(e.name + old), slices.Contains(t.predeclared, e.name):
		case t.stmtVars[e.name], t.earlier[e.name]:
			if o := markedObject(t.pkg, e); o != nil {
				scope.Insert(o)
				marked[o] = e
			}
		case t.replaced[e], t.declared[e.name] && !elided[e.name]:
		default:
			scope.Insert(e.obj)
		}
	}
	return marked
}

// insertDots declares the names of dot imports in the cell's package, except those that the cell or an earlier one
// declares. Go forbids the two beside each other in a package, but not in a function's body, as which a cell reads.
func (pl *planner) insertDots(t *typed) {
	scope := t.pkg.Scope()
	for _, path := range t.dots {
		pkg, err := pl.importer.Import(path)
		if err != nil {
			continue
		}
		for _, name := range pkg.Scope().Names() {
			if !token.IsExported(name) {
				continue
			}
			if t.earlier[name] && scope.Lookup(name+old) == nil {
				scope.Insert(renamed(pkg.Scope().Lookup(name), name+old))
			}
			// The checker takes each type of the package's scope that is a receiver for one that the files declare.
			if !t.declared[name] && !t.importedName(name) && !t.declaresMethod(name) && scope.Lookup(name) == nil {
				scope.Insert(pkg.Scope().Lookup(name))
			}
		}
	}
}

// markedObject returns an earlier cell's object under the name that statements before the new declaration use.
func markedObject(pkg *types.Package, e *entity) types.Object {
	name := e.name + old
	switch o := e.obj.(type) {
	case *types.Var:
		return types.NewVar(o.Pos(), pkg, name, o.Type())
	case *types.Const:
		return types.NewConst(o.Pos(), pkg, name, o.Type(), o.Val())
	case *types.Func:
		return types.NewFunc(o.Pos(), pkg, name, o.Type().(*types.Signature))
	case *types.TypeName:
		return types.NewTypeName(o.Pos(), pkg, name, o.Type())
	}
	return nil
}

// usesPredeclared returns the names that have Go's own meaning before the cell declares them: len := len(xs). A
// variable that an earlier run of the cell has left, which is no function, is not called.
func (t *typed) usesPredeclared(u *names) (all []string) {
	for name := range t.earlier {
		if types.Universe.Lookup(name) == nil {
			continue
		}
		e := u.live[name]
		if e != nil && e.kind == kindVar && e.predeclared && t.onlyCalled(name+old) {
			if _, isFunc := e.obj.Type().Underlying().(*types.Signature); !isFunc {
				e = nil
			}
		}
		if e == nil {
			all = append(all, name)
		}
	}
	return all
}

// onlyCalled reports whether the cell uses a name in calls alone.
func (p *parsed) onlyCalled(name string) bool {
	used, called := 0, 0
	p.inspect(func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if n.Name == name {
				used++
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == name {
				called++
			}
		}
		return true
	})
	return used == called
}

// renamed returns a copy of an object of Go or another package under another name. Package types has no function for
// that, because Go has no other names for them.
func renamed(obj types.Object, name string) types.Object {
	object := reflect.New(reflect.TypeOf(obj).Elem())
	object.Elem().Set(reflect.ValueOf(obj).Elem())
	field := object.Elem().FieldByName("name")
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().SetString(name)
	return object.Interface().(types.Object)
}

// undefinedEarlier returns the names that a statement uses before the cell declares them, and that mean nothing there.
// The checker does not report them, since they are no identifiers of Go; see old.
func (t *typed) undefinedEarlier() (all []*ast.Ident) {
	t.inspect(func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if ok && id.Name != severalValues && strings.HasSuffix(id.Name, old) && t.imports[id.Name] == "" && t.pkg.Scope().Lookup(id.Name) == nil {
			all = append(all, id)
		}
		return true
	})
	return all
}

// collector collects the checker's errors.
type collector struct {
	pl   *planner
	t    *typed
	errs []fileError
	at   []token.Pos // of errs
	seen map[fileError]bool
}

// add adds one error of the checker.
func (c *collector) add(err error) {
	e, ok := err.(types.Error)
	if !ok {
		return
	}
	e = c.t.aboutValues(e)
	shown := c.t.last != nil && e.Pos >= c.t.last.Pos() && e.Pos < c.t.last.End()
	switch verdictOn(e.Msg, shown) {
	case unusedVariable:
		c.t.unused[e.Pos] = true
		return
	case allowed:
		return
	}
	fe := c.locate(e.Pos)
	if strings.HasPrefix(e.Msg, "multiple-value ") {
		e.Msg = c.t.mismatch(e)
	}
	fe.msg = c.pl.explain(c.t, e.Msg)
	if !strings.Contains(fe.msg, "%rm") {
		fe.msg += c.pl.hidingBuiltin(c.t, e.Msg)
	}
	if !c.seen[fe] {
		c.seen[fe] = true
		c.errs, c.at = append(c.errs, fe), append(c.at, e.Pos)
	}
}

// mismatch returns what the compiler says of a function that declares one variable by a call with several results. The
// checker sees a variable of the package, and puts it otherwise.
func (t *typed) mismatch(e types.Error) string {
	msg := e.Msg
	spec := func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Names) != 1 || len(v.Values) != 1 || v.Values[0].Pos() != e.Pos {
			return true
		}
		if call, ok := ast.Unparen(v.Values[0]).(*ast.CallExpr); ok {
			if f, ok := t.info.TypeOf(call.Fun).(*types.Signature); ok {
				msg = fmt.Sprintf("assignment mismatch: 1 variable but %s returns %d values", types.ExprString(call.Fun), f.Results().Len())
			}
		}
		return false
	}
	ast.Inspect(t.cellFile, spec)
	return msg
}

// locate finds the file, cell and declaration that contain a position.
func (c *collector) locate(pos token.Pos) fileError {
	for _, f := range c.t.carried {
		off := f.src.offset(pos)
		if off < 0 {
			continue
		}
		e := fileErrorAt(f.src, f.file, off)
		for _, def := range f.defs {
			if off >= def.start && off < def.end {
				e.def = def
			}
		}
		return e
	}
	if off := c.t.src.offset(pos); off >= 0 {
		return fileErrorAt(c.t.src, c.t.cellFile, off)
	}
	return fileError{cellError: cellError{src: c.t.src}}
}

func fileErrorAt(src *source, file *ast.File, offset int) fileError {
	at := src.place(offset, "")
	return fileError{cellError: cellError{line: at.line, col: at.col, src: src}, file: file}
}

// verdict classifies a message of the type checker.
type verdict int

const (
	wrong          verdict = iota // an error of the cell
	allowed                       // Go forbids it but cells allow it, or it belongs to the error before
	unusedVariable                // an error of Go that the generated code avoids by using the variable, or without the label
)

// verdictOn classifies a message of go/types; shown means that the message is about the expression whose value the cell
// shows.
func verdictOn(msg string, shown bool) verdict {
	switch {
	case strings.HasPrefix(msg, "declared and not used: "), strings.HasSuffix(msg, " declared and not used"):
		return unusedVariable
	case strings.Contains(msg, "imported and not used"), strings.Contains(msg, "imported as ") && strings.HasSuffix(msg, " and not used"):
		return allowed
	case strings.HasPrefix(msg, "initialization cycle"):
		return allowed // in the generated code, variables of := are no package variables
	case strings.HasPrefix(msg, "implicit assignment to unexported field") && ofCell(msg):
		return allowed // of a type that another cell declares: cells share one package
	case strings.Contains(msg, " already declared through dot-import of "):
		return allowed // an earlier cell's declarations are compiled again: a name that they have of a dot import stays that
	case strings.HasPrefix(msg, "\t"):
		return allowed // a continuation of the error before
	case shown && strings.Contains(msg, "is not used"):
		return allowed
	}
	return wrong
}

// ofCell reports whether the last struct type in a message is declared in a cell.
func ofCell(msg string) bool {
	t, _, _ := strings.Cut(msg[strings.LastIndex(msg, " of type ")+len(" of type "):], "[")
	t = strings.TrimPrefix(t, cellPath+".")
	return !strings.Contains(t, ".")
}
