//go:build linux

package session

import (
	"go/scanner"
	"go/token"
)

// chunk is a top-level piece of a cell, up to its semicolon.
type chunk struct {
	start, end int // without the semicolon
	tok        token.Token
	decl       bool // a declaration, not a statement
	label      bool // a label with its colon; the labelled statement is the next chunk
	list       bool // several expressions, as in: v, ok
}

// pieces is a cell cut at the semicolons outside of all brackets, whether written or inserted.
type pieces struct {
	chunks []chunk
	semis  []int // offsets of written semicolons that a file of declarations must not contain
	quiet  bool  // a written semicolon is the last token
	errs   scanner.ErrorList

	toks       []token.Token // of the present chunk; of a long one, only its beginning and its parentheses
	start, end int           // of the present chunk; start is -1 between two chunks
	depth      int
	operand    bool // an operand ends with the token before: an arrow behind it sends
	commas     bool // the present chunk has a comma outside of brackets
	noList     bool // it has a token that no list of expressions has
}

// splitChunks cuts a cell's text.
func splitChunks(text string) *pieces {
	c := &pieces{start: -1}
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), func(pos token.Position, msg string) { c.errs.Add(pos, msg) }, 0)
	for {
		pos, tok, lit := s.Scan()
		switch {
		case tok == token.EOF:
			c.finish()
			return c
		case tok == token.SEMICOLON && c.depth <= 0:
			c.semicolon(file.Offset(pos), lit == ";")
		default:
			n := len(lit)
			if n == 0 {
				n = len(tok.String())
			}
			// The scanner gives the semicolon at the end of the text a length.
			c.token(tok, file.Offset(pos), min(file.Offset(pos)+n, len(text)))
		}
	}
}

// token adds a token to the present chunk.
func (c *pieces) token(tok token.Token, start, end int) {
	c.quiet = false
	if c.depth == 0 {
		c.commas = c.commas || tok == token.COMMA
		c.noList = c.noList || tok == token.COLON || tok == token.ARROW && c.operand ||
			tok >= token.ADD_ASSIGN && tok <= token.AND_NOT_ASSIGN || tok == token.ASSIGN || tok == token.DEFINE ||
			c.start < 0 && tok.IsKeyword() && !beginsExpression[tok]
	}
	switch tok {
	case token.LPAREN, token.LBRACK, token.LBRACE:
		c.depth++
	case token.RPAREN, token.RBRACK, token.RBRACE:
		c.depth--
	}
	if c.start < 0 {
		c.start = start
	}
	c.operand = tok.IsLiteral() || tok == token.RPAREN || tok == token.RBRACK || tok == token.RBRACE
	if len(c.toks) < 64 || tok == token.LPAREN || tok == token.RPAREN {
		c.toks = append(c.toks, tok)
	}
	c.end = end
	if c.depth == 0 && len(c.toks) == 2 && c.toks[0] == token.IDENT && tok == token.COLON {
		c.finish()
		c.chunks[len(c.chunks)-1].label = true
	}
}

// beginsExpression lists the keywords that an expression may begin with.
var beginsExpression = map[token.Token]bool{token.FUNC: true, token.MAP: true, token.CHAN: true, token.STRUCT: true, token.INTERFACE: true}

// semicolon ends a chunk; a written one between two statements belongs to the statements.
func (c *pieces) semicolon(offset int, given bool) {
	c.quiet = given
	afterDecl := c.finish()
	afterClause := len(c.chunks) > 0 && c.chunks[len(c.chunks)-1].tok == token.PACKAGE // which is blanked
	if given && (!afterDecl || afterClause) {
		c.semis = append(c.semis, offset)
	}
}

// finish ends the present chunk and reports whether it was a declaration.
func (c *pieces) finish() (decl bool) {
	if c.start < 0 {
		return false
	}
	ch := chunk{start: c.start, end: c.end, tok: c.toks[0], list: c.commas && !c.noList}
	switch ch.tok {
	case token.PACKAGE, token.IMPORT, token.TYPE, token.CONST, token.VAR:
		ch.decl = true
	case token.FUNC:
		ch.decl = isFuncDecl(c.toks)
	}
	c.chunks = append(c.chunks, ch)
	c.start, c.toks, c.operand, c.commas, c.noList = -1, nil, false, false, false
	return ch.decl
}

// isFuncDecl distinguishes func f(...) and func (r T) m(...) from a function literal.
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
				// A receiver is followed by the method's name and its parameters; a literal's parameters are followed
				// by results or the body.
				rest := toks[i+2:]
				return len(rest) >= 2 && rest[0] == token.IDENT && (rest[1] == token.LPAREN || rest[1] == token.LBRACK)
			}
		}
	}
	return false
}
