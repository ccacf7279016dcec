//go:build linux

package session

import (
	"context"
	"go/ast"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// goCell plans, builds and runs the Go part of a cell.
func (s *Session) goCell(ctx context.Context, cell *Cell, m *magicCell, state *runState) *Error {
	src := m.source(cell.Count)
	p, serr := parse(s.fset, src)
	if serr != nil {
		return compileError([]cellError{{serr.line, serr.col, src, serr.msg}})
	}
	if err := p.checkFields(cell.Fields); err != nil {
		return err
	}
	if cell.Silent {
		p = p.withoutResult()
	}
	return s.parsedCell(ctx, cell, m, p, state)
}

// parsedCell is goCell from a cell's parts on.
func (s *Session) parsedCell(ctx context.Context, cell *Cell, m *magicCell, p *parsed, state *runState) *Error {
	checking, src := time.Now(), m.source(cell.Count)
	src.defers = p.defers()
	pl := s.planner()
	c, g, errs, err := pl.plan(ctx, s.runner.takeRun(), p, options{tests: m.test != nil, parseFlags: m.main})
	if err != nil {
		return s.buildError(ctx, err, src)
	}
	if len(errs) > 0 {
		return compileError(errs)
	}
	s.runner.time(func(t *Timing) { t.Check += time.Since(checking) })
	failure, cerr := s.runGenerated(ctx, c, g, src, worker.With{Count: cell.Count, Args: s.cellArgs(m), Fields: cell.Fields}, state)
	if cerr != nil {
		if p.endsInC() && strings.Contains(cerr.Value, "(no value) used as value") {
			return s.parsedCell(ctx, cell, m, p.withoutResult(), state)
		}
		return cerr
	}
	if failure != nil && !failure.Began {
		s.b.Drop(g.pkg.N)
		return s.cellFailed(failure, src)
	}
	how := outcome{}
	if failure != nil {
		how = outcome{partly: true, set: failure.Set}
	}
	made := changeOf(c, s.names, how, s.look)
	s.names.apply(made)
	s.free()
	for _, text := range made.hints {
		s.out.text("stdout", text+"\n")
	}
	for _, text := range made.notices {
		s.out.text("stderr", text+"\n")
	}
	if failure != nil && failure.Kind != "returned" {
		return s.cellFailed(failure, src)
	}
	return nil
}

// endsInC reports whether the cell's value is that of a C function. Only the compiler knows whether it has one.
func (p *parsed) endsInC() bool {
	call, ok := p.last.(*ast.CallExpr)
	if !ok || p.quiet {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "C"
}

// runGenerated runs a cell's package: from an earlier run's code if that is the same, otherwise as a plugin.
func (s *Session) runGenerated(ctx context.Context, c *checked, g *generated, src *source, with worker.With, state *runState) (*rt.Failure, *Error) {
	n := g.pkg.N
	key := againKey(g.again, s.b)
	code, known := s.runner.loaded[key]
	if known && g.again == g.main {
		s.runner.time(func(t *Timing) { t.Again = true })
		failure, err := s.runner.again(n, code, src.count, with, state)
		if err != nil {
			return nil, s.workerLost(err, src)
		}
		return failure, nil
	}
	plugin, err := s.b.Cell(ctx, g.pkg)
	if err != nil {
		return nil, s.buildError(ctx, err, src)
	}
	failure, err := s.runner.plugin(n, plugin, with, state)
	if err == nil && g.again != "" && (failure == nil || failure.Began) {
		s.runner.loaded[key] = loaded{n, src.count}
	}
	if err != nil {
		s.keepDeclared(c)
		return nil, s.workerLost(err, src)
	}
	return failure, nil
}

// keepDeclared keeps the functions, types and constants of a cell in which the worker ended: they are compiled again
// with those of earlier cells. C code may have ended the worker when it was loaded, and would do so again.
func (s *Session) keepDeclared(c *checked) {
	if c.cgo != nil {
		return
	}
	s.names.apply(changeOf(c, s.names, outcome{partly: true}, func([]string) map[string][]rt.Code { return nil }))
}

// cellArgs returns os.Args for a cell. Those of programs are no flags of tests.
func (s *Session) cellArgs(m *magicCell) []string {
	args := []string{"cell"}
	if m.test == nil {
		args = append(args, s.args...)
	}
	return args
}
