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
// Go above a magic line that only declares functions, types, constants and imports does nothing by itself and belongs to
// the part below, so that declarations may use each other. Magics that concern the Go of the whole cell (command.early)
// and commands in the workspace (!*), which fetch what it imports, run first. Where the Go can't be divided (undivided),
// all magic lines run before it, and the cell says so.

// part is a part of a cell: magic lines by their index, and the Go below them, at its place in the cell.
type part struct {
	lines []int
	code  string
}

// parts divides the cell. With whole, the Go is one part.
func (m *magic) parts(whole bool) []part {
	var early, every []int
	var all []part
	var present part
	code, from := strings.SplitAfter(m.code, "\n"), 0
	for i, line := range m.lines {
		every = append(every, i)
		switch above := strings.Join(code[from:m.places[i]], ""); {
		case isEarly(line):
			early = append(early, i)
			continue
		case !whole && !m.inside[i] && acts(above):
			present.code = blank(strings.Join(code[:from], "")) + above
			all = append(all, present)
			present, from = part{}, m.places[i]
		}
		present.lines = append(present.lines, i)
	}
	present.code = blank(strings.Join(code[:from], "")) + strings.Join(code[from:], "")
	all = append(all, present)
	if len(all) == 1 {
		all[0].lines = every
	} else {
		all[0].lines = append(early, all[0].lines...)
	}
	return all
}

// isEarly reports whether a magic line concerns the Go of its whole cell.
func isEarly(line string) bool {
	name, _ := cutWord(line)
	cmd := lookUp(name)
	return cmd != nil && (cmd.early || cmd.whole) || strings.HasPrefix(line, "!*")
}

// hasGo reports whether a text has more than comments.
func hasGo(code string) bool { return len(splitChunks(code).chunks) > 0 }

// acts reports whether Go does something by itself, beyond declaring functions, types, constants and imports.
func acts(code string) bool {
	return slices.ContainsFunc(splitChunks(code).chunks, func(c chunk) bool {
		return !c.decl || c.tok == token.VAR || c.tok == token.FUNC && callsItself.MatchString(code[c.start:c.end])
	})
}

// callsItself matches the functions of a cell that run without a call.
var callsItself = regexp.MustCompile(`^func\s+(?:main|init|init_\w*)\s*\(`)

// runsLast matches the function that is called when its cell has run.
var runsLast = regexp.MustCompile(`^func\s+main\s*\(`)

// declaresBelow returns what the parts of a cell may not be divided by: a declaration below the first part, since the Go
// above it may use it, or a main function above other Go.
func declaresBelow(parts []part) string {
	main := false
	for i, part := range parts {
		for _, c := range splitChunks(part.code).chunks {
			switch {
			case main && i > 0:
				return "func main above other Go"
			case i > 0 && c.decl && (c.tok == token.FUNC || c.tok == token.TYPE || c.tok == token.CONST):
				return "a function, type or constant below them"
			}
		}
		for _, c := range splitChunks(part.code).chunks {
			main = main || c.tok == token.FUNC && runsLast.MatchString(part.code[c.start:c.end])
		}
	}
	return ""
}

// undivided returns why the Go of a cell must stay one part; "" if it may be divided.
func (m *magic) undivided(p *parsed, parts []part) (why string) {
	for _, line := range m.lines {
		name, _ := cutWord(line)
		if cmd := lookUp(name); cmd != nil && cmd.whole {
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
func (s *Session) runParts(ctx context.Context, cell *Cell, m *magic, out Output, state *runState) *Error {
	parts := m.parts(false)
	if len(parts) > 1 {
		p, err := parse(token.NewFileSet(), m.source(cell.Count))
		if err != nil {
			return s.goCell(ctx, cell, m, state) // for its message; nothing has run
		}
		if why := m.undivided(p, parts); why != "" {
			parts = m.parts(true)
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
		if err := s.stoppedCell(s.goCell(ctx, &unseen, &own, state), state); err != nil {
			return err
		}
	}
	return nil
}

// magicLines runs magic lines, by their index.
func (s *Session) magicLines(ctx context.Context, m *magic, lines []int, out Output, state *runState) *Error {
	for _, i := range lines {
		if !s.runner.starts(state, 0) || ctx.Err() != nil {
			return interrupted()
		}
		if m.captured != nil {
			out = m.captured
		}
		if err := s.runMagic(ctx, m, i, out); err != nil {
			return err
		}
	}
	if len(lines) > 0 && (!s.runner.starts(state, 0) || ctx.Err() != nil) {
		return interrupted()
	}
	return nil
}
