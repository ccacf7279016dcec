//go:build linux

package session

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// asked is what a line requests help on, with IPython's ?.
type asked struct {
	name   string // a name, an expression, a magic or a pattern with *; "%help" for a ? alone
	source bool   // with ??: its source
}

var (
	helpMagic   = regexp.MustCompile(`^%{1,2}[\pL_][\pL\pN_.]*$`)
	helpPattern = regexp.MustCompile(`^[\pL\pN_.*]*\*[\pL\pN_.*]*$`)
)

// asksHelp returns what a cell of one line requests help on: x?, ?x, pkg.Name??, %time?, f(x)?, y := f(x)?, pkg.*Name?.
func asksHelp(code string) (a asked) {
	text := strings.TrimSpace(code)
	signs := masked(text) // a ? in a comment is none
	if strings.Contains(text, "\n") || text == "" || len(signs) != len(text) {
		return asked{}
	}
	rest, isHelp := text, false
	if strings.HasPrefix(rest, "?") {
		isHelp, a.source = true, strings.HasPrefix(rest, "??")
		rest = strings.TrimPrefix(rest[1:], "?")
	}
	if strings.HasSuffix(signs, "?") && rest != "" {
		isHelp, a.source = true, a.source || strings.HasSuffix(rest, "??")
		rest = strings.TrimSuffix(rest[:len(rest)-1], "?")
	}
	name := strings.TrimSpace(rest)
	switch {
	case !isHelp:
		return asked{}
	case name == "":
		a.name = "%help"
	case helpMagic.MatchString(name), helpPattern.MatchString(name), token.IsKeyword(name):
		a.name = name
	case text[0] == '!', text[0] == '%': // the ? belongs to the arguments, as in !git log --grep=why?
	default:
		a.name = helpTarget(name, rest == name)
	}
	return a
}

// helpTarget returns the name in an expression, or in a statement that ends with one, on which a ? behind it requests
// help; "" if there is none, as in a ? b : c, which people from C write over several lines. close reports that no
// blank stands before the ?.
func helpTarget(text string, close bool) string {
	e, err := parser.ParseExpr(text)
	if err != nil && close {
		operand := operandBefore(text+".", len(text)+1)
		before := strings.TrimRight(strings.TrimSuffix(text, operand), " \t")
		if before == "" || !strings.ContainsRune("=(,[{", rune(before[len(before)-1])) {
			return ""
		}
		text = operand
		e, err = parser.ParseExpr(text)
	}
	if err != nil {
		return ""
	}
	if e = namedIn(e); e == nil {
		return ""
	}
	return text[e.Pos()-1 : e.End()-1]
}

// namedIn returns the part of an expression that is a name or has one's type: the function of a call, the
// type of a literal.
func namedIn(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr, *ast.TypeAssertExpr:
		return e
	case *ast.IndexListExpr:
		return namedIn(e.X)
	case *ast.CallExpr:
		return namedIn(e.Fun)
	case *ast.ParenExpr:
		return namedIn(e.X)
	case *ast.UnaryExpr:
		return namedIn(e.X)
	case *ast.StarExpr:
		return namedIn(e.X)
	case *ast.CompositeLit:
		return namedIn(e.Type)
	}
	return nil
}

// matching returns the names that a pattern such as strings.*Prefix matches, a line each; *p is what p points to if
// there is such a variable.
func (s *Session) matching(ctx context.Context, pattern string) string {
	dot := strings.LastIndexByte(pattern, '.')
	var all []Candidate
	if dot > 0 {
		if m, ok := s.meaningOf(ctx, pattern[:dot], ""); ok {
			all = members(m)
		}
	} else {
		for _, n := range s.names.list(nil) {
			all = append(all, Candidate{Text: n.Name})
		}
		all = append(all, s.packages()...)
	}
	var lines []string
	for _, c := range all {
		if ok, _ := path.Match(pattern[dot+1:], c.Text); ok {
			lines = append(lines, pattern[:dot+1]+c.Text)
		}
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}
