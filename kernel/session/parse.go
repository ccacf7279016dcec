//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// parsed is a cell separated into its parts, the first of the five values of planning. It depends on the cell's text
// alone.
type parsed struct {
	src      *source
	lines    []*ast.ImportSpec // import lines, without "C"
	cgo      *ast.GenDecl      // import "C", with its preamble
	items    []*item           // func, method, type, const
	mains    []*item           // func main, init, and init_* that the cell does not call: they run with the cell
	vars     []*item           // var declarations
	stmts    []ast.Stmt
	order    []any // *item of vars and ast.Stmt, as in the text
	last     ast.Expr
	lastStmt ast.Stmt
	several  bool // last is a call of severalValues
	quiet    bool // a semicolon follows last: its value is not shown
	runsMain bool // a statement is main()

	declared map[string]bool // all names that the cell declares, methods as "T.m"
	stmtVars map[string]bool // the names declared by :=
	// defines are the top-level :=, which the syntax tree has as =, each with the package variables that it declares.
	defines map[*ast.AssignStmt]*ast.ValueSpec
	noNew   []token.Pos     // := that declares nothing
	earlier map[string]bool // names that a statement uses before the cell declares them anew
	// own are variables that are the cell's own, trial those that may be, and beside those that are declared with one,
	// and why it is one; see own.go.
	own    ownVars
	trial  map[string]attempt
	beside map[string]string
	// ownBefore are those that the cell has declared before the place that is looked at.
	ownBefore map[string]bool

	form   *Form       // of //@param and //@title, without its fields; nil without one
	fields []formField // in the order of the text
}

// withoutResult returns the cell with a last expression that is evaluated and not shown.
func (p parsed) withoutResult() *parsed {
	p.quiet = true
	return &p
}

// syntaxError is a parse error and its place in the cell.
type syntaxError struct {
	line, col int
	msg       string
}

func (e *syntaxError) Error() string { return e.msg }

// The prefixes make valid files of a cell's two halves. They have equal lengths, so that offsets are the same in both.
const (
	declPrefix  = "package cell;        \n"
	stmtPrefix  = "package cell;func _(){"
	valuePrefix = "package cell;var _=_( "
)

// parse separates a cell's Go text into its parts.
func parse(fset *token.FileSet, src *source) (*parsed, *syntaxError) {
	return parseWith(fset, src, newOwnVars())
}

// parseWith is parse for a cell of which some variables are its own.
func parseWith(fset *token.FileSet, src *source, own ownVars) (*parsed, *syntaxError) {
	cut := splitChunks(src.text)
	if len(cut.errs) > 0 {
		first := cut.errs[0]
		return nil, &syntaxError{first.Pos.Line, first.Pos.Column, first.Msg}
	}
	files, err := parseParts(fset, src, cut)
	if err != nil {
		return nil, err
	}
	p := &parsed{src: files.src, quiet: cut.quiet, declared: map[string]bool{}, stmtVars: map[string]bool{}, earlier: map[string]bool{}, own: own, defines: map[*ast.AssignStmt]*ast.ValueSpec{}}
	if err := p.refuseDirectives(files.decls); err != nil {
		return nil, err
	}
	byStart := map[int]any{}
	for _, d := range files.decls.Decls {
		p.addDecl(d, byStart)
	}
	for _, st := range files.stmts.Decls[0].(*ast.FuncDecl).Body.List {
		p.addStmt(st, byStart)
	}
	if files.values != nil {
		p.addStmt(valuesStmt(files.values), byStart)
		p.several = true
	}
	for _, c := range cut.chunks {
		if v, ok := byStart[c.start]; ok {
			p.order = append(p.order, v)
		}
	}
	if err := p.refuseMain(); err != nil {
		return nil, err
	}
	p.keepCalled()
	p.keepOwn()
	p.findLast(cut.chunks)
	p.collectNames()
	if more := p.namesakes(); more.any() {
		return parseWith(fset, src, own.with(more))
	}
	p.markEarlier()
	p.markImported()
	p.liftDefines()
	p.findFields()
	return p, nil
}

// cellFiles are the files into which the parts of a cell are parsed.
type cellFiles struct {
	src                  *source
	decls, stmts, values *ast.File // values is nil if the last chunk is no list
}

// parseParts parses declarations, statements and a last list of expressions separately, each with the rest blanked.
func parseParts(fset *token.FileSet, src *source, cut *pieces) (*cellFiles, *syntaxError) {
	decls, stmts := []byte(src.text), []byte(src.text)
	hide := func(in []byte, c chunk) { copy(in[c.start:c.end], blank(src.text[c.start:c.end])) }
	for i, c := range cut.chunks {
		switch {
		case c.tok == token.PACKAGE: // of a whole program
			hide(decls, c)
			hide(stmts, c)
		case c.decl:
			hide(stmts, c)
			if i > 0 && cut.chunks[i-1].label {
				stmts[c.start] = ';' // the label is not that of the next statement
			}
		default:
			hide(decls, c)
		}
	}
	for _, at := range cut.semis {
		decls[at] = ' '
	}
	p := &cellFiles{}
	if n := len(cut.chunks); n > 0 && cut.chunks[n-1].list {
		if p.values = parseValues(fset, src, cut.chunks[n-1]); p.values != nil {
			hide(stmts, cut.chunks[n-1])
		}
	}
	name := fmt.Sprintf("cell %d", src.count)
	var derr, serr error
	p.decls, derr = parser.ParseFile(fset, name, declPrefix+string(decls), parser.ParseComments|parser.AllErrors)
	p.stmts, serr = parser.ParseFile(fset, name, stmtPrefix+string(stmts)+"\n}", parser.AllErrors)
	p.src = src.parsedAs(fset, p.decls, p.stmts, p.values)
	return p, p.src.firstError(inAnyOrder(derr), serr)
}

// inAnyOrder removes the parser's objection to imports below other declarations; it has parsed them all the same.
func inAnyOrder(err error) error {
	list, ok := err.(scanner.ErrorList)
	if !ok {
		return err
	}
	return slices.DeleteFunc(list, func(e *scanner.Error) bool { return e.Msg == "imports must appear before other declarations" }).Err()
}

// firstError returns the first syntax error of several files.
func (s *source) firstError(errs ...error) (first *syntaxError) {
	for _, err := range errs {
		list, ok := err.(scanner.ErrorList)
		if !ok || len(list) == 0 {
			continue
		}
		msg, offset := list[0].Msg, list[0].Pos.Offset-s.base
		if offset >= len(strings.TrimRight(s.text, " \t\r\n")) { // the parsed file has a brace there
			msg = strings.Replace(msg, "found '}'", "found the end of the cell", 1)
		}
		e := s.place(offset, msg)
		if first == nil || e.line < first.line || e.line == first.line && e.col < first.col {
			first = e
		}
	}
	return first
}

// refuseDirectives returns an error for comments that change the meaning of a declaration and that cells can't have.
func (p *parsed) refuseDirectives(f *ast.File) *syntaxError {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return p.src.place(p.src.offset(c.Pos()), "//go:embed is not available in cells, which have no folder of their own; os.ReadFile(\"NAME\") reads a file when the cell runs")
			}
			if strings.HasPrefix(c.Text, "//go:linkname ") {
				return p.src.place(p.src.offset(c.Pos()), "//go:linkname is not available in cells")
			}
		}
	}
	return nil
}

// refuseMain returns an error for a func main that Go does not accept. The checker of types, for which a cell is no
// package main, accepts it.
func (p *parsed) refuseMain() *syntaxError {
	for _, it := range p.items {
		f, ok := it.decl.(*ast.FuncDecl)
		if !ok || it.kind != kindFunc || f.Name.Name != "main" || slices.Contains(p.mains, it) {
			continue
		}
		what := "arguments and no return values"
		if f.Type.TypeParams.NumFields() > 0 {
			what = "type parameters"
		}
		return p.src.place(p.src.offset(f.Name.Pos()), "func main must have no "+what)
	}
	return nil
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
