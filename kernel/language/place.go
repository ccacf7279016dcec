package language

import (
	"go/scanner"
	"go/token"
	"strings"
	"unicode"
	"unicode/utf8"
)

// selectorBefore returns the names and dots before the word that begins at start.
func selectorBefore(code string, start int) string {
	at := start
	for at > 0 && (code[at-1] == '.' || at < start && isWord(rune(code[at-1]))) {
		at--
	}
	return code[at:start]
}

// byteOffset converts a position in code points to one in bytes.
func byteOffset(code string, cursor int) int {
	for i := range code {
		if cursor <= 0 {
			return i
		}
		cursor--
	}
	return len(code)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// wordBounds returns the bounds of the identifier around or just before a byte offset.
func wordBounds(code string, offset int) (start, end int) {
	start, end = offset, offset
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(code[:start])
		if !isWord(r) {
			break
		}
		start -= n
	}
	for end < len(code) {
		r, n := utf8.DecodeRuneInString(code[end:])
		if !isWord(r) {
			break
		}
		end += n
	}
	return start, end
}

func afterDot(code string, start int) bool {
	return strings.HasSuffix(strings.TrimRight(code[:start], " \t\r\n"), ".")
}

// enclosingCall returns the end of the name before the innermost parenthesis that is open at offset; -1 if there is
// none.
func enclosingCall(code string, offset int) int {
	var open []int // offsets of parentheses, without those in strings and comments
	var sc scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, offset)
	sc.Init(file, []byte(code[:offset]), nil, 0)
	for {
		switch pos, tok, _ := sc.Scan(); tok {
		case token.LPAREN:
			open = append(open, file.Offset(pos))
		case token.RPAREN:
			open = open[:max(0, len(open)-1)]
		case token.EOF:
			if len(open) == 0 {
				return -1
			}
			return len(strings.TrimRight(code[:open[len(open)-1]], " \t"))
		}
	}
}
