//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
)

// parsed is a cell taken apart, the first of the five values of planning: its text
// alone decides what is in it.
type parsed struct {
	src      *source
	lines    []*ast.ImportSpec // import lines, without "C"
	cgo      *ast.GenDecl      // import "C", with its preamble
	items    []*item           // func, method, type, const
	mains    []*item           // those of items that are func main, init, init_*
	vars     []*item           // var declarations
	stmts    []ast.Stmt
	order    []any // *item of vars and ast.Stmt, as in the text
	last     ast.Expr
	lastStmt ast.Stmt
	quiet    bool // a semicolon after it: its value is not shown

	declared map[string]bool // all names that the cell declares, methods as "T.m"
	stmtVars map[string]bool // those declared by :=
	// defines are the top-level :=, which the tree has as =, with the variables of the
	// package that each declares.
	defines map[*ast.AssignStmt]*ast.ValueSpec
	noNew   []token.Pos // := that declares nothing
}

// withoutResult is the cell with a last expression like any other.
func (p parsed) withoutResult() *parsed {
	p.last, p.lastStmt = nil, nil
	return &p
}

// item is a declaration in the text of a cell.
type item struct {
	kind       kind
	src        *source
	decl       ast.Decl
	start, end int
	names      []string // methods as "T.m"
	recv       string
}

func (it *item) text() string { return it.src.text[it.start:it.end] }

// syntaxError is a parse error with its place in the cell.
type syntaxError struct {
	line, col int
	msg       string
}

func (e *syntaxError) Error() string { return e.msg }

// prefixes of equal length make valid files of a cell's two halves.
const (
	declPrefix = "package cell;        \n"
	stmtPrefix = "package cell;func _(){"
)

// parse takes a cell's Go text apart.
func parse(fset *token.FileSet, src *source) (*parsed, *syntaxError) {
	cut := splitChunks(src.text)
	if len(cut.errs) > 0 {
		first := cut.errs[0]
		return nil, &syntaxError{first.Pos.Line, first.Pos.Column, first.Msg}
	}
	src, declFile, stmtFile, err := parseHalves(fset, src, cut)
	if err != nil {
		return nil, err
	}
	p := &parsed{src: src, quiet: cut.quiet, declared: map[string]bool{}, stmtVars: map[string]bool{}, defines: map[*ast.AssignStmt]*ast.ValueSpec{}}
	byStart := map[int]any{}
	for _, d := range declFile.Decls {
		p.addDecl(d, byStart)
	}
	for _, st := range stmtFile.Decls[0].(*ast.FuncDecl).Body.List {
		if _, empty := st.(*ast.EmptyStmt); !empty {
			p.stmts = append(p.stmts, st)
			byStart[src.offset(st.Pos())] = st
		}
	}
	for _, c := range cut.chunks {
		if v, ok := byStart[c.start]; ok {
			p.order = append(p.order, v)
		}
	}
	p.findLast(cut.chunks)
	p.collectNames()
	p.markEarlier()
	p.liftDefines()
	return p, nil
}

// parseHalves parses declarations and statements, each with the other half blank.
func parseHalves(fset *token.FileSet, src *source, cut *pieces) (at *source, declFile, stmtFile *ast.File, first *syntaxError) {
	decls, stmts := []byte(src.text), []byte(src.text)
	for _, c := range cut.chunks {
		hide := decls
		if c.decl {
			hide = stmts
		}
		copy(hide[c.start:c.end], blank(src.text[c.start:c.end]))
	}
	for _, at := range cut.semis {
		decls[at] = ' '
	}
	name := fmt.Sprintf("cell %d", src.count)
	declFile, derr := parser.ParseFile(fset, name, declPrefix+string(decls), parser.ParseComments|parser.AllErrors)
	stmtFile, serr := parser.ParseFile(fset, name, stmtPrefix+string(stmts)+"\n}", parser.AllErrors)
	at = src.parsedAs(fset, declFile, stmtFile)
	for _, err := range []error{derr, serr} {
		list, ok := err.(scanner.ErrorList)
		if !ok || len(list) == 0 {
			continue
		}
		e := at.place(list[0].Pos.Offset-at.base, list[0].Msg)
		if first == nil || e.line < first.line || e.line == first.line && e.col < first.col {
			first = e
		}
	}
	return at, declFile, stmtFile, first
}

// addDecl sorts one declaration in.
func (p *parsed) addDecl(d ast.Decl, byStart map[int]any) {
	it := &item{src: p.src, decl: d, start: p.src.offset(d.Pos()), end: p.src.offset(d.End())}
	switch d := d.(type) {
	case *ast.FuncDecl:
		p.addFunc(it, d)
	case *ast.GenDecl:
		switch d.Tok {
		case token.IMPORT:
			p.addImports(d)
		case token.TYPE:
			it.kind = kindType
			for _, spec := range d.Specs {
				it.names = append(it.names, spec.(*ast.TypeSpec).Name.Name)
			}
			p.items = append(p.items, it)
		case token.CONST:
			it.kind, it.names = kindConst, valueNames(d)
			p.items = append(p.items, it)
		case token.VAR:
			it.kind, it.names = kindVar, valueNames(d)
			p.vars = append(p.vars, it)
			byStart[it.start] = it
		}
	}
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
		for _, name := range spec.(*ast.ValueSpec).Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// addFunc adds a function or method. A cell may have several init functions: each
// gets a name of its own.
func (p *parsed) addFunc(it *item, d *ast.FuncDecl) {
	p.items = append(p.items, it)
	name := d.Name.Name
	if d.Recv != nil && len(d.Recv.List) == 1 {
		it.kind, it.recv = kindMethod, receiverName(d.Recv.List[0].Type)
		it.names = []string{it.recv + "." + name}
		return
	}
	it.kind = kindFunc
	isInit := name == "init" || strings.HasPrefix(name, "init_")
	if isInit {
		d.Name.Name = fmt.Sprintf("%s%sinit%d", name, old, len(p.mains)+1)
	}
	if isInit || name == "main" {
		p.mains = append(p.mains, it)
	}
	it.names = []string{d.Name.Name}
}

// receiverName is the type that a method belongs to.
func receiverName(t ast.Expr) string {
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
			return x.Name
		default:
			return ""
		}
	}
}

// findLast finds the expression whose value is the cell's.
func (p *parsed) findLast(chunks []chunk) {
	if len(p.stmts) == 0 || len(chunks) == 0 {
		return
	}
	e, ok := p.stmts[len(p.stmts)-1].(*ast.ExprStmt)
	if ok && p.src.offset(e.Pos()) == chunks[len(chunks)-1].start {
		p.last, p.lastStmt = e.X, e
	}
}
