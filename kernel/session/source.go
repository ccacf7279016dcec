//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
	"strings"
	"unicode/utf8"
)

// source is the Go part of one run's text: magic lines are blank, so that offsets and lines are the same as in the
// cell.
type source struct {
	count int // the number of the cell in messages
	text  string

	// shown is the text as the user wrote it, empty if it is the same as text; moved is the number of bytes that text
	// has in front of a line of shown.
	shown string
	moved map[int]int

	// defers are the lines of the statements that defer calls to the end of the cell's body.
	defers []int

	// The parts of a cell are parsed separately, at the same offsets.
	decls, stmts *token.File
	values       *token.File // of the last expressions, if they are several
	base         int         // offset of the text in the parsed files
}

// parsedAs returns the source with the files into which its parts were parsed; each may be nil. Positions in messages
// of the checker become those of the cell.
func (s source) parsedAs(fset *token.FileSet, decls, stmts, values *ast.File) *source {
	file := func(f *ast.File) *token.File {
		if f == nil {
			return nil
		}
		parsed := fset.File(f.FileStart)
		parsed.AddLineColumnInfo(len(stmtPrefix), parsed.Name(), 1, 1)
		return parsed
	}
	s.base, s.decls, s.stmts, s.values = len(stmtPrefix), file(decls), file(stmts), file(values)
	return &s
}

// place returns an offset of the text as line and column, both from 1, columns in bytes.
func (s *source) place(offset int, msg string) *syntaxError {
	offset = max(0, min(offset, len(s.text)))
	before := s.text[:offset]
	line := strings.Count(before, "\n") + 1
	col := offset - strings.LastIndexByte(before, '\n')
	return &syntaxError{line, col, msg}
}

// offset returns the place of a node in the text; -1 if the node is of another cell.
func (s *source) offset(pos token.Pos) int {
	for _, f := range []*token.File{s.decls, s.stmts, s.values} {
		if f != nil && int(pos) >= f.Base() && int(pos) <= f.Base()+f.Size() {
			return int(pos) - f.Base() - s.base
		}
	}
	return -1
}

// line returns line n of the text, from 1.
func (s *source) line(n int) string {
	lines := strings.Split(cmp.Or(s.shown, s.text), "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// added reports whether line n is none of the text as the user wrote it.
func (s *source) added(n int) bool {
	return s.shown != "" && n > strings.Count(s.shown, "\n")+1
}

// quoted returns line n of a cell for a traceback; nothing if the source is that of another cell.
func (s *source) quoted(cell string, n int) []string {
	if cell != strconv.Itoa(s.count) {
		return nil
	}
	return []string{fmt.Sprintf("%5d | %s", n, s.line(n))}
}

// column converts the compiler's column, which counts bytes, to a count of characters.
func column(line string, col int) int {
	if col-1 > len(line) {
		return col
	}
	return utf8.RuneCountInString(line[:max(0, col-1)]) + 1
}

// blank replaces all bytes but newlines by spaces.
func blank(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}

// extent returns where a comment begins and ends in the text; 0, 0 for none.
func (s *source) extent(c *ast.CommentGroup) (from, to int) {
	if c == nil {
		return 0, 0
	}
	return s.offset(c.Pos()), s.offset(c.End())
}
