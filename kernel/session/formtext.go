//go:build linux

package session

import (
	"errors"
	"fmt"
	"go/scanner"
	"go/token"
	"math"
	"strconv"
	"strings"
)

// formComment is a //@param, //@title or //@markdown of a cell.
type formComment struct {
	line int    // from 1
	word string // "param", "title" or "markdown"
	text string // what follows it
}

// formComments finds the comments that make a form. Front ends of other kernels write a blank after the slashes.
func formComments(text string) (all []formComment) {
	var sc scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	sc.Init(file, []byte(text), func(token.Position, string) {}, scanner.ScanComments)
	for {
		pos, tok, lit := sc.Scan()
		if tok == token.EOF {
			return all
		}
		if tok != token.COMMENT {
			continue
		}
		words, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(lit, "//")), "@")
		if !ok || !strings.HasPrefix(lit, "//") {
			continue
		}
		word, rest := cutWord(words)
		for _, open := range []string{"{", "["} { // @param{...}
			if before, after, found := strings.Cut(word, open); found {
				word, rest = before, open+after+" "+rest
			}
		}
		if word != "param" && word != "title" && word != "markdown" {
			continue
		}
		c := formComment{file.Line(pos), word, rest}
		if word == "title" { // @title Text {run: "auto"}
			before, _, _ := strings.Cut(rest, "{")
			c.text = strings.TrimSpace(before)
		}
		all = append(all, c)
	}
}

// param is the text behind @param: a list of options, words, or both.
type param struct {
	options []string
	words   map[string]string
}

// number returns a word as a number, NaN without it.
func (p param) number(word string) float64 {
	if x, err := strconv.ParseFloat(p.words[word], 64); err == nil {
		return x
	}
	return math.NaN()
}

// paramScan reads the text behind @param token by token.
type paramScan struct {
	sc  scanner.Scanner
	tok token.Token
	lit string
	err error
}

func (s *paramScan) next() {
	for {
		if _, s.tok, s.lit = s.sc.Scan(); s.tok != token.SEMICOLON || s.lit == ";" {
			return
		}
	}
}

// parseParam reads Colab's notation: ["a", "b"] {allow-input: true}, {type:"slider", min:0, max:1}, or nothing.
func parseParam(text string) (param, error) {
	if !strings.Contains(text, `"`) { // Python has two kinds of quotes
		text = strings.ReplaceAll(text, "'", `"`)
	}
	p, s := param{words: map[string]string{}}, &paramScan{}
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.sc.Init(file, []byte(text), func(_ token.Position, msg string) { s.err = errors.New(msg) }, 0)
	s.next()
	if s.tok == token.LBRACK {
		p.options = s.list()
	}
	if s.tok == token.LBRACE && s.err == nil {
		s.object(p.words)
	}
	if s.err == nil && s.tok != token.EOF {
		s.err = fmt.Errorf("unexpected %s", s.tok)
	}
	return p, s.err
}

// list reads [VALUE, ...].
func (s *paramScan) list() (all []string) {
	s.next()
	for s.err == nil && s.tok != token.RBRACK {
		all = append(all, s.value())
		if s.tok == token.COMMA {
			s.next()
		} else if s.tok != token.RBRACK && s.err == nil {
			s.err = errors.New("the list has no ]")
		}
	}
	s.next()
	if len(all) == 0 && s.err == nil {
		s.err = errors.New("the list is empty")
	}
	return all
}

// object reads {WORD: VALUE, ...}. A word may have hyphens, or quotes around it.
func (s *paramScan) object(into map[string]string) {
	s.next()
	for s.err == nil && s.tok != token.RBRACE {
		word := ""
		for s.tok != token.COLON && s.tok != token.EOF && s.tok != token.RBRACE {
			if word += strings.Trim(s.lit, `"`); s.tok == token.SUB {
				word += "-"
			}
			s.next()
		}
		if s.tok != token.COLON {
			s.err = fmt.Errorf("%q has no : and value", word)
			return
		}
		s.next()
		into[word] = s.value()
		if s.tok == token.COMMA {
			s.next()
		} else if s.tok != token.RBRACE && s.err == nil {
			s.err = errors.New("the braces are not closed")
		}
	}
	s.next()
}

// value reads a string, a number or a word.
func (s *paramScan) value() (text string) {
	if s.tok == token.SUB {
		text = "-"
		s.next()
	}
	switch s.tok {
	case token.STRING:
		unquoted, err := strconv.Unquote(s.lit)
		if err != nil && s.err == nil {
			s.err = fmt.Errorf("%s is no string", s.lit)
		}
		text += unquoted
	case token.INT, token.FLOAT, token.IDENT:
		text += s.lit
	default:
		s.err = fmt.Errorf("a value is missing before %s", s.tok)
		return text
	}
	s.next()
	return text
}
