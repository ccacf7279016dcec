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
	for i := 0; i < len(piece); {
		i += q.step(piece[i:], i)
	}
}

// step scans the beginning of text, which is at an offset of the piece, and returns how many bytes it consumed.
func (q *quoteScan) step(text string, offset int) int {
	if q.quote != 0 {
		return 1 + q.inside(text)
	}
	if two := text[:min(2, len(text))]; two == "//" || two == "/*" {
		q.quote, q.start = two[1], offset
		return 2
	}
	if c := text[0]; strings.IndexByte("\"'`", c) >= 0 {
		q.quote, q.start = c, offset
	}
	return 1
}

// masked returns a text with a blank for each byte of its comments and a _ for each byte within its strings, so that
// the brackets and commas of the code are left. Offsets stay.
func masked(code string) string {
	var scan quoteScan
	text := []byte(code)
	for i := 0; i < len(code); {
		before := scan.quote
		n := min(scan.step(code[i:], i), len(code)-i)
		sign := byte(0)
		switch {
		case before == '/' && scan.quote == 0: // the line end
		case before == '/' || before == '*' || before == 0 && (scan.quote == '/' || scan.quote == '*'):
			sign = ' '
		case before != 0 && scan.quote != 0:
			sign = '_'
		}
		for k := i; k < i+n && sign != 0; k++ {
			text[k] = sign
		}
		i += n
	}
	return string(text)
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
