//go:build linux

package session

import (
	"go/scanner"
	"go/token"
	"strings"
)

// IsComplete reports whether a cell could be executed as it is: "complete", "incomplete" (indent is then the
// indentation of the next line) or "invalid".
func (s *Session) IsComplete(code string) (status, indent string) {
	m := splitMagic(cellText(code))
	if m.cellMagic != "" {
		return "complete", ""
	}
	switch e := scanEnd(m.code); {
	case e.open:
		return "incomplete", ""
	case e.wrong:
		return "invalid", ""
	case e.depth > 0:
		return "incomplete", strings.Repeat("\t", e.depth)
	case goesOn(e.last):
		return "incomplete", "\t"
	}
	if _, err := parse(token.NewFileSet(), &source{text: m.code}); err != nil {
		if strings.Contains(err.msg, "found 'EOF'") || strings.Contains(err.msg, "found EOF") {
			return "incomplete", ""
		}
		return "invalid", ""
	}
	return "complete", ""
}

// codeEnd describes the end of a text.
type codeEnd struct {
	open  bool        // it ends within a raw string or a comment
	wrong bool        // it has an invalid token, or brackets that do not match
	depth int         // how many brackets are open
	last  token.Token // without the semicolons of line ends
}

// scanEnd examines only a text's tokens.
func scanEnd(code string) codeEnd {
	e := codeEnd{last: token.SEMICOLON}
	var sc scanner.Scanner
	sc.Init(token.NewFileSet().AddFile("", -1, len(code)), []byte(code), func(_ token.Position, msg string) {
		e.open = !e.wrong && (strings.Contains(msg, "raw string literal not terminated") || strings.Contains(msg, "comment not terminated"))
		e.wrong = true
	}, 0)
	closing := map[token.Token]token.Token{token.LPAREN: token.RPAREN, token.LBRACK: token.RBRACK, token.LBRACE: token.RBRACE}
	var wanted []token.Token
	for {
		_, tok, lit := sc.Scan()
		switch tok {
		case token.EOF:
			e.depth = len(wanted)
			return e
		case token.LPAREN, token.LBRACK, token.LBRACE:
			wanted = append(wanted, closing[tok])
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(wanted) == 0 || wanted[len(wanted)-1] != tok {
				e.wrong = true
				return e
			}
			wanted = wanted[:len(wanted)-1]
		}
		if tok != token.SEMICOLON || lit == ";" {
			e.last = tok
		}
	}
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
