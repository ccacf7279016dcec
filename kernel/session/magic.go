//go:build linux

package session

import (
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
)

// magicCell is a cell separated into magic lines and Go.
type magicCell struct {
	lines  []string // the magic lines, in order, from their % or !, without the Go of %time
	places []int    // the line on which each ends, from 0
	code   string   // the Go; magic lines are blank in it
	all    string   // the Go of the whole cell, where code is a part of it
	count  int      // the cell's number

	cellMagic, body string // %%writefile and the like with its arguments, and the cell below

	cellSettings
}

// cellSettings are what the magics of a cell change for what comes after them in it.
type cellSettings struct {
	main, time bool // %main or the like; %time
	test       *testRun
	exec       string // the function to call after the cell
	timeit     *timeit
	mayFail    bool      // a program of the cell may fail
	withInputs bool      // the next ! line gets a line of input
	password   bool      // that is not shown
	captured   *captured // the output that %capture keeps; nil without
}

// splitMagic finds the lines that begin with % or ! (or //gonb:) after blanks, outside of Go's raw strings and
// comments.
func splitMagic(code string) *magicCell {
	m := new(magicCell)
	if m.takeCellMagic(code) {
		return m
	}
	lines := strings.SplitAfter(code, "\n")
	var scan quoteScan
	for i := 0; i < len(lines); i++ {
		text, ok := magicText(lines[i])
		if !ok || scan.overLines() || mayBeGo(text) && unfinished(strings.Join(lines[:i], "")) {
			scan.text(lines[i])
			continue
		}
		for text[0] == '!' && strings.HasSuffix(text, `\`) && i+1 < len(lines) {
			lines[i] = blank(lines[i])
			i++
			text += "\n" + strings.TrimRight(lines[i], "\r\n")
		}
		goCode := goOf(text)
		m.lines = append(m.lines, strings.TrimSpace(strings.TrimSuffix(text, goCode)))
		m.places = append(m.places, i)
		if inner, ok := magicText(goCode); ok { // %time !ls
			m.lines, m.places = append(m.lines, inner), append(m.places, i)
			goCode = ""
		}
		lines[i] = blankBut(lines[i], goCode)
		scan.text(lines[i])
	}
	m.code = strings.Join(lines, "")
	return m
}

// takeCellMagic handles a cell whose first line that is not empty makes the rest of it something other than Go.
func (m *magicCell) takeCellMagic(code string) bool {
	head, body, _ := strings.Cut(strings.TrimLeft(code, " \t\r\n"), "\n")
	text, ok := magicText(head)
	if !ok {
		return false
	}
	word, _ := cutWord(text)
	if c := lookUp(word); c == nil || !c.body {
		return false
	}
	if body != "" && !strings.HasSuffix(body, "\n") {
		body += "\n" // front ends leave it out, and programs need whole lines
	}
	m.cellMagic, m.body = text, body
	return true
}

// mayBeGo reports whether a magic line is Go where the Go before it goes on: there a ! is the operator, and a line with
// a ? has an error to show.
func mayBeGo(text string) bool { return text[0] == '!' || strings.HasPrefix(text, "%pinfo") }

// magicText returns a line from its % or ! on, if it has the form of a magic line.
func magicText(line string) (text string, ok bool) {
	text = strings.Trim(line, " \t\r\n")
	text = strings.TrimPrefix(text, "//gonb:")
	if on := asksHelp(text); on.name != "" && on.name != "%help" { // a ? alone is help only as the whole cell
		if on.source {
			return "%pinfo2 " + on.name, true
		}
		return "%pinfo " + on.name, true
	}
	return text, text != "" && (text[0] == '%' || text[0] == '!')
}

// goOf returns the Go at the end of a magic line: the statement of %time and %timeit.
func goOf(text string) string {
	word, rest := cutWord(text)
	if c := lookUp(word); c == nil || !c.code {
		return ""
	}
	if at := timeOptions.FindStringIndex(rest); at != nil {
		return rest[at[1]:]
	}
	return rest
}

// timeOptions matches options of %timeit, with their numbers, and of %time.
var timeOptions = regexp.MustCompile(`^(?:(?:-[nrp]\s*\S+|-[octqv]|--no-raise-error)(?:\s+|$))+`)

// blankBut blanks a line except for the code at its end, which keeps its place.
func blankBut(line, code string) string {
	at := len(line)
	if code != "" {
		at = strings.LastIndex(line, code)
	}
	return blank(line[:at]) + line[at:]
}

// unfinished reports whether the Go goes on in the line after code: a bracket is open, or an operand is missing. A !
// there is the operator.
func unfinished(code string) bool {
	var sc scanner.Scanner
	sc.Init(token.NewFileSet().AddFile("", -1, len(code)), []byte(code), nil, 0)
	depth, last := 0, token.SEMICOLON
	for {
		_, tok, _ := sc.Scan()
		switch tok {
		case token.EOF:
			return depth > 0 || last != token.SEMICOLON
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
		last = tok
	}
}
