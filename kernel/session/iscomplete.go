//go:build linux

package session

import (
	"go/ast"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// IsComplete reports whether a cell could be executed as it is: "complete", "incomplete" (indent is then the
// indentation of the next line, as gofmt has it) or "invalid". A console asks at each line end: a text is incomplete
// only if further lines can complete it.
func (s *Session) IsComplete(code string) (status, indent string) {
	code = cellText(code)
	if asksHelp(code).name != "" {
		return "complete", ""
	}
	lines := strings.Split(strings.TrimLeft(code, " \t\n"), "\n")
	m, last := splitMagic(code), lines[len(lines)-1]
	switch wholeCell := strings.HasPrefix(lines[0], "%%"); {
	case wholeCell && len(lines) == 1, m.cellMagic != "" && strings.TrimSpace(last) != "", continued(last):
		return "incomplete", "" // an empty line ends a text that is not Go, as in IPython
	case m.cellMagic != "":
		return "complete", ""
	}
	e := scanEnd(m.code)
	switch {
	case e.open:
		return "incomplete", ""
	case e.wrong:
		return "invalid", ""
	}
	closed := &source{text: m.code + "\n" + strings.Join(e.closing(), "")}
	p, err := parse(token.NewFileSet(), closed)
	switch {
	case err != nil && offsetAt(closed.text, err.line, err.col) <= e.lastAt:
		return "invalid", "" // nothing behind the text can mend it
	case e.label && strings.TrimSpace(last) == "": // an empty line ends a cell whose last line is a label
	case e.label:
		return "incomplete", ""
	case len(e.brackets) > 0 || goesOn(e.last) || e.head:
		return "incomplete", strings.Repeat("\t", e.indent())
	case err != nil || p.lacksBody():
		return "invalid", ""
	}
	return "complete", ""
}

// offsetAt returns the offset of a line and a column in bytes, both from 1.
func offsetAt(text string, line, col int) (offset int) {
	for ; line > 1; line-- {
		offset += strings.IndexByte(text[offset:], '\n') + 1
	}
	return offset + col - 1
}

// continued reports whether a line is a command of the shell that goes on in the next line.
func continued(line string) bool {
	text, ok := magicText(line)
	return ok && text[0] == '!' && strings.HasSuffix(text, `\`)
}

// lacksBody reports whether a function has no body: { must be on the line of its head.
func (p *parsed) lacksBody() bool {
	if _, isType := p.last.(*ast.FuncType); isType {
		return true
	}
	return slices.ContainsFunc(p.items, func(it *item) bool {
		f, ok := it.decl.(*ast.FuncDecl)
		return ok && f.Body == nil
	})
}

// codeEnd describes the end of a text.
type codeEnd struct {
	open     bool        // it ends within a raw string or a comment
	wrong    bool        // it has an invalid token, or brackets that do not match
	label    bool        // it ends with a label
	head     bool        // it ends with a semicolon in the head of a for, if or switch
	brackets []bracket   // that are open
	last     token.Token // without the semicolons of line ends
	lastAt   int         // offset of last
}

// bracket is an open bracket.
type bracket struct {
	closing     token.Token
	line        int
	cases, body bool // the braces of a switch or select; a case has been seen within them
}

// scanEnd examines only a text's tokens.
func scanEnd(code string) codeEnd {
	e := codeEnd{last: token.SEMICOLON}
	file := token.NewFileSet().AddFile("", -1, len(code))
	var sc scanner.Scanner
	sc.Init(file, []byte(code), func(_ token.Position, msg string) {
		e.open = !e.wrong && (strings.Contains(msg, "raw string literal not terminated") || strings.Contains(msg, "comment not terminated"))
		e.wrong = true
	}, 0)
	heads := map[int]bool{}   // depths at which a switch or select waits for its brace
	clauses := map[int]bool{} // depths at which a for, if or switch does: its head may have semicolons
	before, last := token.SEMICOLON, token.SEMICOLON
	for {
		pos, tok, lit := sc.Scan()
		if tok == token.EOF {
			return e
		}
		n := len(e.brackets)
		switch tok {
		case token.FOR, token.IF, token.SWITCH:
			clauses[n] = true
		case token.LBRACE:
			delete(clauses, n)
		}
		e.bracket(tok, file.Line(pos), heads)
		if e.wrong && !e.open {
			return e
		}
		e.label = tok == token.COLON && last == token.IDENT && before == token.SEMICOLON && len(e.brackets) == 0
		before, last = last, tok
		if tok != token.SEMICOLON || lit == ";" {
			e.head = tok == token.SEMICOLON && clauses[n]
			e.last, e.lastAt = tok, file.Offset(pos)
		}
	}
}

// bracket opens or closes a bracket.
func (e *codeEnd) bracket(tok token.Token, line int, heads map[int]bool) {
	n := len(e.brackets)
	switch tok {
	case token.SWITCH, token.SELECT:
		heads[n] = true
	case token.CASE, token.DEFAULT:
		if n > 0 {
			e.brackets[n-1].body = true
		}
	case token.LPAREN:
		e.brackets = append(e.brackets, bracket{closing: token.RPAREN, line: line})
	case token.LBRACK:
		e.brackets = append(e.brackets, bracket{closing: token.RBRACK, line: line})
	case token.LBRACE:
		e.brackets = append(e.brackets, bracket{closing: token.RBRACE, line: line, cases: heads[n]})
		delete(heads, n)
	case token.RPAREN, token.RBRACK, token.RBRACE:
		if n == 0 || e.brackets[n-1].closing != tok {
			e.wrong = true
			return
		}
		e.brackets = e.brackets[:n-1]
	}
}

// closing returns the brackets that close the open ones.
func (e codeEnd) closing() (all []string) {
	for _, b := range slices.Backward(e.brackets) {
		all = append(all, b.closing.String())
	}
	return all
}

// indent returns the depth of the next line: one for each line with open brackets, and one for an unfinished operand.
// Cases stand as deep as their switch.
func (e codeEnd) indent() (depth int) {
	line := -1
	for _, b := range e.brackets {
		if b.line != line && (!b.cases || b.body) {
			depth++
		}
		line = b.line
	}
	switch {
	case len(e.brackets) == 0 && (goesOn(e.last) || e.head):
		return 1
	case e.last.IsOperator() && goesOn(e.last) && !slices.Contains([]token.Token{token.LPAREN, token.LBRACK, token.LBRACE, token.COMMA, token.COLON}, e.last):
		return depth + 1
	}
	return depth
}

// goesOn reports whether something must follow a token.
func goesOn(last token.Token) bool {
	switch last {
	case token.RPAREN, token.RBRACK, token.RBRACE, token.INC, token.DEC, token.SEMICOLON,
		token.BREAK, token.CONTINUE, token.FALLTHROUGH, token.RETURN:
		return false
	}
	return last.IsOperator() || last.IsKeyword()
}
