//go:build linux

package session

import (
	"context"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// doubleTime is the time after an interrupt in which another one counts as the same, because the key was pressed twice.
const doubleTime = 500 * time.Millisecond

// Interrupt stops the running cell and keeps the state: it ends the loops of the cell and its child processes, and
// leaves a waiting goroutine behind. A second interrupt ends the worker, but only where C code or a library's loop
// holds the cell. Without a running cell it does nothing.
func (s *Session) Interrupt() { s.runner.interrupt(true) }

// Stop interrupts the cell, unless it was interrupted already. It is for the end of the kernel: work that the cell does
// at an interrupt, such as saving, goes on until Close.
func (s *Session) Stop() { s.runner.interrupt(false) }

// interrupt stops the running cell; with more, another interrupt counts too.
func (r *runner) interrupt(more bool) {
	r.mu.Lock()
	if r.waiting != nil {
		r.waiting.interrupts++
		r.waiting.cancel()
	}
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

// hold records that run n can't be stopped, and ends the worker if the user has interrupted twice. It reports whether
// the cell goes on.
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
func (k *sink) Held(run int, deferred bool) {
	if deferred {
		k.text("stderr", "The cell runs on: one of its deferred functions is at work. Interrupt again to end that too; all variables stay.\n")
		return
	}
	if k.s.runner.hold(run) {
		k.text("stderr", "The cell runs on: C code or a loop of a library holds it. Interrupt again to end the worker; all variables are lost then.\n")
	}
}

// stoppedCell returns an interrupt error for a cell that was interrupted but ended otherwise. The cells queued behind
// it must not run, and an error of planning says nothing: what was looked up when the interrupt came was not found.
func (s *Session) stoppedCell(ctx context.Context, err *Error, state *runState) *Error {
	stopped := err == nil && state.n != 0 && s.process().Stopped()
	cutShort := ctx.Err() != nil && (err == nil || err.Name != "WorkerLost")
	if (stopped || cutShort) && (err == nil || err.Name != "Interrupted") {
		return interrupted()
	}
	return err
}

// stoppedError returns an error with the place in the cell where the goroutine that was left behind waits.
func stoppedError(f *rt.Failure, src *source) *Error {
	e := interrupted()
	if f.Message == "" {
		return e
	}
	e.Value, e.Traceback = f.Message, []string{f.Message}
	for _, fr := range f.Frames {
		if place, quoted := src.placeOf(fr, len(e.Traceback) > 1); place != "" {
			e.Traceback = append(append(e.Traceback, place), quoted...)
		}
	}
	return e
}

var _ worker.Sink = (*sink)(nil)

func interrupted() *Error {
	return &Error{"Interrupted", "interrupted", []string{"interrupted"}}
}
