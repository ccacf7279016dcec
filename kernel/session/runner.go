//go:build linux

package session

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// runner runs the code of cells in a worker, one cell at a time.
type runner struct {
	loaded   map[string]loaded // for the executing goroutine only; see again.go
	oomKills int               // the system's count when the worker was started

	procMu sync.Mutex
	proc   *worker.Process // changed by the executing goroutine only

	mu      sync.Mutex // the fields below
	nextRun int
	running *runState
	timing  Timing
}

// runState is the cell that runs.
type runState struct {
	n          int // the number of its run in the worker; 0 while it is being built
	cancel     context.CancelFunc
	interrupts int
	first      time.Time // time of the first interrupt
	again      bool      // a second interrupt came, later than doubleTime
	held       bool      // C code or a loop of a library holds it
}

func newRunner() *runner { return &runner{loaded: map[string]loaded{}, nextRun: 1} }

// launch starts a worker, with nothing loaded.
func (r *runner) launch(cfg worker.Config) error {
	p, err := worker.Start(cfg)
	if err != nil {
		return err
	}
	r.loaded, r.oomKills = map[string]loaded{}, oomKills()
	r.procMu.Lock()
	r.proc = p
	r.procMu.Unlock()
	return nil
}

func (r *runner) process() *worker.Process {
	r.procMu.Lock()
	defer r.procMu.Unlock()
	return r.proc
}

// takeRun returns a number that no earlier run has used.
func (r *runner) takeRun() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.nextRun
	r.nextRun++
	return n
}

// begin records that a cell is being executed.
func (r *runner) begin(cancel context.CancelFunc) *runState {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.timing = &runState{cancel: cancel}, Timing{}
	return r.running
}

// end records that no cell is being executed any more.
func (r *runner) end(total, firstOutput time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.timing.Total, r.timing.FirstOutput = nil, total, firstOutput
}

// time changes the timing of the present cell.
func (r *runner) time(f func(*Timing)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.timing)
}

func (r *runner) lastTiming() Timing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.timing
}

// starts sends interrupts to run n in the worker from now on. It reports false when an interrupt came before.
func (r *runner) starts(state *runState, n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	state.n = n
	return state.interrupts == 0
}

// present returns the running cell, or nil.
func (r *runner) present() *runState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

// abandon stops the running cell, if there is one, and its worker.
func (r *runner) abandon() {
	r.mu.Lock()
	if r.running != nil {
		r.running.interrupts++
		r.running.cancel()
	}
	r.mu.Unlock()
	r.process().Kill()
}

// plugin opens a plugin in the worker and runs it.
func (r *runner) plugin(n int, plugin *build.Plugin, with worker.With, state *runState) (*rt.Failure, error) {
	defer os.Remove(plugin.File)
	r.time(func(t *Timing) { t.Compile, t.Link = plugin.Compile, plugin.Link })
	if err := nameFunctions(plugin.File); err != nil {
		return &rt.Failure{Kind: "open", Message: err.Error()}, nil
	}
	if !r.starts(state, n) {
		return &rt.Failure{Kind: "interrupted"}, nil
	}
	started := time.Now()
	opening, failure, err := r.process().Run(n, plugin.File, with)
	r.time(func(t *Timing) { t.Open, t.Run = opening, time.Since(started)-opening })
	return failure, err
}

// again runs code that is loaded as run n.
func (r *runner) again(n int, code loaded, count int, with worker.With, state *runState) (*rt.Failure, error) {
	if !r.starts(state, n) {
		return &rt.Failure{Kind: "interrupted"}, nil
	}
	started := time.Now()
	failure, err := r.process().Again(n, code.run, code.renumber(count), with)
	r.time(func(t *Timing) { t.Run = time.Since(started) })
	return failure, err
}
