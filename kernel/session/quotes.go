//go:build linux

package session

import "strings"

// quoteScan follows the strings and comments of a text that may come in pieces, cut
// between lines.
type quoteScan struct {
	quote byte // ", ' or ` in a string, / or * in a comment, else 0
	start int  // of the string or comment, in the last piece
}

// overLines reports whether the string or comment goes on in the next line.
func (q *quoteScan) overLines() bool { return q.quote == '`' || q.quote == '*' }

// text goes over the next piece.
func (q *quoteScan) text(piece string) {
	for i := 0; i < len(piece); i++ {
		if q.quote != 0 {
			i += q.inside(piece[i:])
		} else if two := piece[i:min(i+2, len(piece))]; two == "//" || two == "/*" {
			q.quote, q.start = two[1], i
			i++
		} else if c := piece[i]; strings.IndexByte("\"'`", c) >= 0 {
			q.quote, q.start = c, i
		}
	}
}

// inside looks for the end of the string or comment at the beginning of text, and
// returns how many further bytes that took.
func (q *quoteScan) inside(text string) (more int) {
	c := text[0]
	switch q.quote {
	case '/':
		if c == '\n' {
			q.quote = 0
		}
	case '*':
		if strings.HasPrefix(text, "*/") {
			q.quote = 0
			return 1
		}
	case '`':
		if c == '`' {
			q.quote = 0
		}
	default:
		if c == '\\' {
			return 1
		}
		if c == q.quote || c == '\n' {
			q.quote = 0
		}
	}
	return 0
}
