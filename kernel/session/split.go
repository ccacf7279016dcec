//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
	"unicode/utf8"
)

// source is the Go part of one run's text: magic lines are blank, so that
// offsets and lines are the cell's.
type source struct {
	count int // what messages call the cell by
	text  string
	file  *token.File // of the declarations; both parses have the same offsets
	base  int         // offset of the text in the parsed file
	stmts *token.File
}

// prefixes of equal length make valid files of a cell's two halves.
const (
	declPrefix = "package cell;        \n"
	stmtPrefix = "package cell;func _(){"
)

// chunk is a top-level piece of a cell, up to its semicolon.
type chunk struct {
	start, end int // without the semicolon
	tok        token.Token
	decl       bool // a declaration, not a statement
}

// splitChunks cuts a cell at the semicolons outside of all brackets, given or
// inserted. It returns what go/scanner complained about.
// semis are the given semicolons that a file of declarations must not contain.
func splitChunks(text string) (chunks []chunk, semis []int, semicolonAtEnd bool, errs scanner.ErrorList) {
	var s scanner.Scanner
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(text))
	s.Init(file, []byte(text), func(pos token.Position, msg string) { errs.Add(pos, msg) }, 0)
	depth := 0
	var cur []token.Token
	start, end := -1, 0
	flush := func() {
		if start >= 0 {
			c := chunk{start: start, end: end, tok: cur[0]}
			switch cur[0] {
			case token.IMPORT, token.TYPE, token.CONST, token.VAR:
				c.decl = true
			case token.FUNC:
				c.decl = isFuncDecl(cur)
			}
			chunks = append(chunks, c)
		}
		start, cur = -1, nil
	}
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			flush()
			return chunks, semis, semicolonAtEnd, errs
		}
		offset := file.Offset(pos)
		if tok == token.SEMICOLON && depth <= 0 {
			semicolonAtEnd = lit == ";"
			afterDecl := start >= 0
			flush()
			if lit == ";" && !(afterDecl && chunks[len(chunks)-1].decl) {
				semis = append(semis, offset)
			}
			continue
		}
		semicolonAtEnd = false
		switch tok {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
		if start < 0 {
			start = offset
		}
		if len(cur) < 64 || tok == token.LPAREN || tok == token.RPAREN {
			cur = append(cur, tok)
		}
		n := len(lit)
		if n == 0 {
			n = len(tok.String())
		}
		end = min(offset+n, len(text)) // a semicolon that the end of the text stands for has a length
	}
}

// isFuncDecl tells func f(...) and func (r T) m(...) from a function literal.
func isFuncDecl(toks []token.Token) bool {
	if len(toks) < 2 {
		return false
	}
	if toks[1] == token.IDENT {
		return true
	}
	depth := 0
	for i, t := range toks[1:] {
		switch t {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			if depth--; depth == 0 {
				// After a receiver comes the method's name and its parameters; after a
				// literal's parameters come results or the body.
				rest := toks[i+2:]
				return len(rest) >= 2 && rest[0] == token.IDENT && (rest[1] == token.LPAREN || rest[1] == token.LBRACK)
			}
		}
	}
	return false
}

// blank replaces all but newlines by spaces.
func blank(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}

// parsed is a cell taken apart.
type parsed struct {
	src       *source
	imports   []*ast.ImportSpec
	cgo       *ast.GenDecl // import "C", with its preamble
	items     []*item      // func, method, type, const
	vars      []*item      // var declarations
	stmts     []ast.Stmt
	order     []any // *item of vars and ast.Stmt, as in the text
	last      ast.Expr
	lastStmt  ast.Stmt
	quiet     bool    // a semicolon after it: its value is not shown
	mains     []*item // func main, init, init_*
	directive string  // the cell has %% or %main
	tests     bool    // %test
}

// syntaxError is a parse error with its place in the cell.
type syntaxError struct {
	line, col int
	msg       string
}

func (e *syntaxError) Error() string { return e.msg }

// parse takes a cell's Go text apart.
func parse(fset *token.FileSet, src *source) (*parsed, *syntaxError) {
	chunks, semis, quiet, errs := splitChunks(src.text)
	if len(errs) > 0 {
		return nil, &syntaxError{errs[0].Pos.Line, errs[0].Pos.Column, errs[0].Msg}
	}
	decls, stmts := []byte(src.text), []byte(src.text)
	for _, c := range chunks {
		hide := decls
		if c.decl {
			hide = stmts
		}
		copy(hide[c.start:c.end], blank(src.text[c.start:c.end]))
	}
	for _, at := range semis {
		decls[at] = ' '
	}
	src.base = len(stmtPrefix)
	declFile, derr := parser.ParseFile(fset, fmt.Sprintf("cell %d", src.count), declPrefix+string(decls), parser.ParseComments|parser.AllErrors)
	stmtFile, serr := parser.ParseFile(fset, fmt.Sprintf("cell %d", src.count), stmtPrefix+string(stmts)+"\n}", parser.AllErrors)
	if declFile != nil {
		src.file = fset.File(declFile.FileStart)
	}
	if stmtFile != nil {
		src.stmts = fset.File(stmtFile.FileStart)
	}
	var first *syntaxError
	for _, err := range []error{derr, serr} {
		list, ok := err.(scanner.ErrorList)
		if !ok || len(list) == 0 {
			continue
		}
		e := src.place(list[0].Pos.Offset-src.base, list[0].Msg)
		if first == nil || e.line < first.line || e.line == first.line && e.col < first.col {
			first = e
		}
	}
	if first != nil {
		return nil, first
	}
	p := &parsed{src: src}
	byStart := map[int]any{}
	inits := 0
	for _, d := range declFile.Decls {
		start := int(d.Pos()) - src.file.Base() - src.base
		it := &item{src: src, decl: d, start: start, end: int(d.End()) - src.file.Base() - src.base}
		switch d := d.(type) {
		case *ast.GenDecl:
			switch d.Tok {
			case token.IMPORT:
				for _, spec := range d.Specs {
					spec := spec.(*ast.ImportSpec)
					if spec.Path.Value == `"C"` {
						p.cgo = d
						if d.Doc == nil {
							d.Doc = spec.Doc
						}
						continue
					}
					p.imports = append(p.imports, spec)
				}
				continue
			case token.TYPE:
				it.kind = kindType
				for _, spec := range d.Specs {
					it.names = append(it.names, spec.(*ast.TypeSpec).Name.Name)
				}
			case token.CONST, token.VAR:
				it.kind = kindConst
				if d.Tok == token.VAR {
					it.kind = kindVar
				}
				for _, spec := range d.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						it.names = append(it.names, name.Name)
					}
				}
			}
			if it.kind == kindVar {
				p.vars = append(p.vars, it)
				byStart[start] = it
				continue
			}
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil && len(d.Recv.List) == 1 {
				it.kind, it.recv = kindMethod, receiverName(d.Recv.List[0].Type)
				it.names = []string{it.recv + "." + name}
				break
			}
			it.kind = kindFunc
			if name == "main" || name == "init" || strings.HasPrefix(name, "init_") {
				if name != "main" {
					inits++
					d.Name.Name = fmt.Sprintf("%s%sinit%d", name, old, inits)
				}
				it.names = []string{d.Name.Name}
				p.mains = append(p.mains, it)
			} else {
				it.names = []string{name}
			}
		}
		if it.kind != kindNone {
			p.items = append(p.items, it)
		}
	}
	body := stmtFile.Decls[0].(*ast.FuncDecl).Body
	for _, st := range body.List {
		if _, empty := st.(*ast.EmptyStmt); empty {
			continue
		}
		p.stmts = append(p.stmts, st)
		byStart[int(st.Pos())-src.stmts.Base()-src.base] = st
	}
	for _, c := range chunks {
		if v, ok := byStart[c.start]; ok {
			p.order = append(p.order, v)
		}
	}
	p.quiet = quiet
	if n := len(p.stmts); n > 0 && len(chunks) > 0 {
		lastChunk := chunks[len(chunks)-1]
		if e, ok := p.stmts[n-1].(*ast.ExprStmt); ok && int(e.Pos())-src.stmts.Base()-src.base == lastChunk.start {
			p.last, p.lastStmt = e.X, e
		}
	}
	return p, nil
}

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

// place gives an offset of the text as line and column, both from 1, columns in bytes.
func (s *source) place(offset int, msg string) *syntaxError {
	offset = max(0, min(offset, len(s.text)))
	before := s.text[:offset]
	line := strings.Count(before, "\n") + 1
	col := offset - strings.LastIndexByte(before, '\n')
	return &syntaxError{line, col, msg}
}

// offset is the place of a node in the text.
func (s *source) offset(pos token.Pos) int {
	for _, f := range []*token.File{s.file, s.stmts} {
		if f != nil && int(pos) >= f.Base() && int(pos) <= f.Base()+f.Size() {
			return int(pos) - f.Base() - s.base
		}
	}
	return -1
}

// line returns line n of the text, from 1.
func (s *source) line(n int) string {
	lines := strings.Split(s.text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// column counts characters where the compiler counts bytes.
func column(line string, col int) int {
	if col-1 > len(line) {
		return col
	}
	return utf8.RuneCountInString(line[:max(0, col-1)]) + 1
}
