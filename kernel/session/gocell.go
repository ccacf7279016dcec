//go:build linux

package session

import (
	"context"
	"os"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// goCell plans, builds and runs the Go part of a cell.
func (s *Session) goCell(ctx context.Context, cell *Cell, m *magic, state *runState) *Error {
	checking := time.Now()
	src := &source{count: cell.Count, text: m.code + m.calls()}
	p, serr := parse(s.fset, src)
	if serr != nil {
		return compileError([]cellError{{serr.line, serr.col, src, serr.msg}})
	}
	if m.main {
		p.directive = "main"
	}
	p.tests = m.test
	if cell.Silent {
		p.last, p.lastStmt = nil, nil
	}
	pl := &planner{fset: s.fset, u: s.u, b: s.b, importer: s.libs}
	pn, errs, err := pl.plan(ctx, s.takeRun(), p)
	if err != nil {
		return s.buildError(ctx, err, src)
	}
	if len(errs) > 0 {
		return compileError(errs)
	}
	pkg, text, err := pl.generate(pn)
	if err != nil {
		return s.buildError(ctx, err, src)
	}
	again := pl.again(pn)
	key := again.key(s.b)
	code, known := s.loaded[key]
	known = known && again.text == text
	s.mu.Lock()
	s.timing.Check, s.timing.Again = time.Since(checking), known
	s.mu.Unlock()

	var failure *rt.Failure
	if known {
		if !s.begins(state, pn.n) {
			return interrupted()
		}
		started := time.Now()
		failure, err = s.process().Again(pn.n, code.run, s.cellArgs())
		code.renumber(failure, cell.Count)
		s.timed(0, time.Since(started))
	} else {
		var plugin *build.Plugin
		if plugin, err = s.b.Cell(ctx, pkg); err != nil {
			return s.buildError(ctx, err, src)
		}
		failure, err = s.runPlugin(pn.n, plugin, state)
		if err == nil && again.text != "" && (failure == nil || again.text == text && failure.Kind != "open") {
			s.loaded[key] = loaded{pn.n, cell.Count}
		}
		if err != nil || failure != nil {
			// Its package may be in use by goroutines it started, but by no later cell.
			s.b.Drop(pn.n)
		}
	}
	if err != nil {
		return s.workerLost(err)
	}
	if failure != nil {
		return s.cellFailed(failure, src)
	}
	s.mu.Lock()
	notices := s.u.commit(pn)
	s.mu.Unlock()
	for _, text := range notices {
		s.out.text("stderr", text+"\n")
	}
	return nil
}

// runPlugin has the worker open a plugin and run it.
func (s *Session) runPlugin(n int, plugin *build.Plugin, state *runState) (*rt.Failure, error) {
	defer os.Remove(plugin.File)
	s.mu.Lock()
	s.timing.Compile, s.timing.Link = plugin.Compile, plugin.Link
	s.mu.Unlock()
	if !s.begins(state, n) {
		return &rt.Failure{Kind: "interrupted"}, nil
	}
	started := time.Now()
	opening, failure, err := s.process().Run(n, plugin.File, s.cellArgs())
	s.timed(opening, time.Since(started)-opening)
	return failure, err
}

// begins says that from now on interrupts go to run n in the worker, and
// reports false when one came before.
func (s *Session) begins(state *runState, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	state.n = n
	return state.interrupts == 0
}

func (s *Session) timed(open, run time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timing.Open, s.timing.Run = open, run
}

// cellArgs are os.Args for a cell.
func (s *Session) cellArgs() []string { return append([]string{"cell"}, s.args...) }
