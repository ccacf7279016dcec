//go:build linux

package session

import "strings"

// quoteScan tracks the strings and comments of a text. The text may be given in pieces, cut between lines.
type quoteScan struct {
	quote byte // ", ' or ` in a string, / or * in a comment, else 0
	start int  // offset of the string or comment, in the last piece
}

// overLines reports whether the string or comment can continue on the next line.
func (q *quoteScan) overLines() bool { return q.quote == '`' || q.quote == '*' }

// text scans the next piece.
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

// inside checks whether the string or comment ends at the beginning of text, and returns how many further bytes it
// consumed.
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
