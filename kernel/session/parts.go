//go:build linux

package session

import (
	"context"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// A cell runs in the order of its lines. Go is compiled as a whole, so a cell in which a magic line stands behind Go is
// run in parts, one after another: magic lines, then the Go below them. Each part is compiled like a cell, with the
// cell's own number and lines; after a failure the rest does not run.
//
// Go above a magic line that only declares functions, types, constants and imports belongs to the part below. Magics
// about the Go of the whole cell (magic.early, magic.whole) and commands in the workspace (!*), which fetch what it
// imports, run first. Where the Go must stay one part (undivided), all magic lines run before it, in their order, and
// the cell says so.

// part is a part of a cell: magic lines by their index, and the Go below them, at its place in the cell.
type part struct {
	lines []int
	code  string
}

// parts divides the cell.
func (m *magicCell) parts() []part {
	var early []int
	var all []part
	var present part
	code, from := strings.SplitAfter(m.code, "\n"), 0
	for i, line := range m.lines {
		if isEarly(line) {
			early = append(early, i)
			continue
		}
		above := strings.Join(code[from:m.places[i]], "")
		if acts(above) && !unfinished(strings.Join(code[:m.places[i]], "")) {
			present.code = blank(strings.Join(code[:from], "")) + above
			all = append(all, present)
			present, from = part{}, m.places[i]
		}
		present.lines = append(present.lines, i)
	}
	if len(all) == 0 {
		return m.onePart()
	}
	present.code = blank(strings.Join(code[:from], "")) + strings.Join(code[from:], "")
	all[0].lines = append(early, all[0].lines...)
	return append(all, present)
}

// onePart returns the cell undivided: all magic lines in their order, then all Go.
func (m *magicCell) onePart() []part {
	p := part{code: m.code}
	for i := range m.lines {
		p.lines = append(p.lines, i)
	}
	return []part{p}
}

// isEarly reports whether a magic line runs before all Go of a cell that is divided.
func isEarly(line string) bool {
	name, _ := cutWord(line)
	row := lookUp(name)
	return row != nil && (row.early || row.whole) || strings.HasPrefix(line, "!*")
}

// hasGo reports whether a text has more than comments.
func hasGo(code string) bool { return len(splitChunks(code).chunks) > 0 }

// acts reports whether Go does something by itself, beyond declaring functions, types, constants and imports.
func acts(code string) bool {
	return slices.ContainsFunc(splitChunks(code).chunks, func(c chunk) bool {
		name := declaredFunc(code, c)
		return !c.decl || c.tok == token.VAR || name == "main" || isInit(name)
	})
}

// declaredFunc returns the name of the function that a chunk declares; "" for other chunks.
func declaredFunc(code string, c chunk) string {
	if m := funcHead.FindStringSubmatch(code[c.start:c.end]); c.tok == token.FUNC && m != nil {
		return m[1]
	}
	return ""
}

var funcHead = regexp.MustCompile(`^func\s+([\pL_][\pL\pN_]*)\s*\(`)

// declaresBelow returns why a cell can't be divided into these parts: a declaration below the first one, which the Go
// above it may use, or a main function, which runs last, above other Go. It is "" if there is no such thing.
func declaresBelow(parts []part) string {
	main := false // a part above declares it
	for i, part := range parts {
		here := false
		for _, c := range splitChunks(part.code).chunks {
			switch {
			case main:
				return "func main above other Go"
			case i > 0 && c.decl && (c.tok == token.FUNC || c.tok == token.TYPE || c.tok == token.CONST):
				return "a function, type or constant below them"
			}
			here = here || declaredFunc(part.code, c) == "main"
		}
		main = main || here
	}
	return ""
}

// undivided returns why the Go of a cell must stay one part; "" if it may be divided.
func (m *magicCell) undivided(p *parsed, parts []part) (why string) {
	for _, line := range m.lines {
		name, _ := cutWord(line)
		if row := lookUp(name); row != nil && row.whole {
			return name
		}
	}
	if p.cgo != nil {
		return `import "C"`
	}
	if why := declaresBelow(parts); why != "" {
		return why
	}
	for _, st := range p.stmts {
		ast.Inspect(st, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt:
				why = "a return outside of functions"
			case *ast.DeferStmt:
				why = "a defer outside of functions"
			case *ast.BranchStmt:
				if n.Tok == token.GOTO {
					why = "a goto outside of functions"
				}
			}
			return true
		})
	}
	return why
}

// runParts runs a cell of Go and magic lines.
func (s *Session) runParts(ctx context.Context, cell *Cell, m *magicCell, out Output, state *runState) *Error {
	parts := m.parts()
	if len(parts) > 1 {
		p, err := parse(token.NewFileSet(), m.source(cell.Count))
		if err != nil {
			return s.goCell(ctx, cell, m, state) // for its message; nothing has run
		}
		if why := m.undivided(p, parts); why != "" {
			parts = m.onePart()
			s.out.text("stderr", "The ! and % lines of this cell run before all of its Go, which "+why+" keeps in one part.\n")
		}
	}
	last := len(parts) - 1
	for last > 0 && !hasGo(parts[last].code) {
		last-- // its Go is the last one, whose value is shown
	}
	for i, part := range parts {
		if err := s.magicLines(ctx, m, part.lines, out, state); err != nil {
			return err
		}
		own := *m
		if len(parts) > 1 {
			own.code, own.all = part.code, m.code
		}
		if strings.TrimSpace(own.code) == "" || len(parts) > 1 && !hasGo(own.code) {
			continue
		}
		unseen := *cell
		unseen.Silent = cell.Silent || i < last
		if err := s.stoppedCell(ctx, s.goCell(ctx, &unseen, &own, state), state); err != nil {
			return err
		}
	}
	return nil
}

// magicLines runs magic lines, by their index.
func (s *Session) magicLines(ctx context.Context, m *magicCell, lines []int, out Output, state *runState) *Error {
	for _, i := range lines {
		if s.stopped(ctx, state) {
			return interrupted()
		}
		if m.captured != nil {
			out = m.captured
		}
		if err := s.runMagic(ctx, m, i, out); err != nil {
			return err
		}
	}
	if len(lines) > 0 && s.stopped(ctx, state) {
		return interrupted()
	}
	return nil
}
