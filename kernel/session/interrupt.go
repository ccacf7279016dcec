//go:build linux

package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// doubleTime is how long after an interrupt another one counts as the same: of a
// key that was pressed twice.
const doubleTime = 500 * time.Millisecond

// Interrupt stops the running cell and keeps the state: loops of the cell end, its
// child processes too, and a goroutine that waits is left behind. Only where C code
// or a library's loop holds the cell, a second interrupt ends the worker.
// Without a running cell it does nothing.
func (s *Session) Interrupt() { s.runner.interrupt(true) }

// Stop is one Interrupt, unless the cell was interrupted already: the kernel is
// about to end, and what the cell does at an interrupt, such as saving, goes on
// until Close.
func (s *Session) Stop() { s.runner.interrupt(false) }

// interrupt stops the running cell; more says that another interrupt counts too.
func (r *runner) interrupt(more bool) {
	r.mu.Lock()
	state := r.running
	if state == nil || state.interrupts > 0 && !more {
		r.mu.Unlock()
		return
	}
	if state.interrupts == 0 {
		state.first = time.Now()
	}
	state.interrupts++
	state.again = state.again || time.Since(state.first) > doubleTime
	n, kill := state.n, state.held && state.interrupts > 1
	r.mu.Unlock()
	switch p := r.process(); {
	case n == 0:
		state.cancel()
	case kill:
		p.Kill()
	default:
		p.Interrupt(n)
	}
}

// killed reports whether the user ended the worker.
func (r *runner) killed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running != nil && r.running.held && r.running.interrupts > 1
}

// hold notes that run n can't be stopped, and ends the worker if the user has asked
// twice. It reports whether the cell goes on.
func (r *runner) hold(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.running
	if state == nil || state.n != n {
		return false
	}
	state.held = true
	if state.again {
		r.process().Kill()
	}
	return !state.again
}

// Held implements worker.Sink.
func (k *sink) Held(run int) {
	if k.s.runner.hold(run) {
		k.text("stderr", "The cell runs on: C code or a loop of a library holds it. Interrupt again to end the worker; all variables are lost then.\n")
	}
}

// stoppedCell makes a cell that was interrupted, and ended all the same without an
// error, one that was stopped: what was queued behind it is not to run.
func (s *Session) stoppedCell(err *Error, state *runState) *Error {
	if err == nil && state.n != 0 && s.process().Stopped() {
		return interrupted()
	}
	return err
}

// stoppedError says where in the cell a goroutine waited that was left behind.
func stoppedError(f *rt.Failure, src *source) *Error {
	e := interrupted()
	if f.Message == "" {
		return e
	}
	e.Value, e.Traceback = f.Message, []string{f.Message}
	for _, fr := range f.Frames {
		if cell, ok := strings.CutPrefix(fr.File, cellPosition); ok {
			e.Traceback = append(e.Traceback, fmt.Sprintf("  %scell %s, line %d%s", bold, cell, fr.Line, plain))
			if cell == strconv.Itoa(src.count) {
				e.Traceback = append(e.Traceback, fmt.Sprintf("%5d | %s", fr.Line, src.line(fr.Line)))
			}
		}
	}
	return e
}

var _ worker.Sink = (*sink)(nil)
