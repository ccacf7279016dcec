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
	waiting *runState // the cell that begins when the running one, of the kernel's own, has ended
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
	own        bool      // it is the kernel's own, which a cell does not wait for
	yielded    bool      // a cell came, or its time was over
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

// wait records that a cell waits for its turn: interrupts reach it from now on, and what runs of the kernel's own ends.
func (r *runner) wait(state *runState) {
	r.mu.Lock()
	r.waiting = state
	running := r.running
	r.mu.Unlock()
	if running != nil && running.own {
		r.yield(running)
	}
}

// begin records that a cell is being executed.
func (r *runner) begin(state *runState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == state {
		r.waiting = nil
	}
	r.running = state
	if state.own {
		state.yielded = r.waiting != nil
	} else {
		r.timing = Timing{}
	}
}

// yield ends a run of the kernel's own, if it still runs.
func (r *runner) yield(state *runState) {
	r.mu.Lock()
	over := r.running != state || state.yielded
	state.yielded = true
	n := state.n
	r.mu.Unlock()
	switch {
	case over:
	case n == 0:
		state.cancel()
	default:
		r.process().Interrupt(n)
	}
}

// ran records the times of a cell that has ended.
func (r *runner) ran(total, firstOutput time.Duration) {
	r.time(func(t *Timing) { t.Total, t.FirstOutput = total, firstOutput })
}

// end records that no cell is being executed any more.
func (r *runner) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = nil
}

// time changes the timing of the present cell, which is the sum of its parts.
func (r *runner) time(f func(*Timing)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != nil && !r.running.own {
		f(&r.timing)
	}
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
	return state.interrupts == 0 && !state.yielded
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
	for _, state := range []*runState{r.running, r.waiting} {
		if state != nil {
			state.interrupts++
			state.cancel()
		}
	}
	r.mu.Unlock()
	r.process().Kill()
}

// plugin opens a plugin in the worker and runs it.
func (r *runner) plugin(n int, plugin *build.Plugin, with worker.With, state *runState) (*rt.Failure, error) {
	defer os.Remove(plugin.File)
	r.time(func(t *Timing) { t.Compile, t.Link = t.Compile+plugin.Compile, t.Link+plugin.Link })
	if err := nameFunctions(plugin.File); err != nil {
		return &rt.Failure{Kind: "open", Message: err.Error()}, nil
	}
	if !r.starts(state, n) {
		return &rt.Failure{Kind: "interrupted"}, nil
	}
	started := time.Now()
	opening, failure, err := r.process().Run(n, plugin.File, with)
	r.time(func(t *Timing) { t.Open, t.Run = t.Open+opening, t.Run+time.Since(started)-opening })
	return failure, err
}

// again runs code that is loaded as run n.
func (r *runner) again(n int, code loaded, count int, with worker.With, state *runState) (*rt.Failure, error) {
	if !r.starts(state, n) {
		return &rt.Failure{Kind: "interrupted"}, nil
	}
	started := time.Now()
	failure, err := r.process().Again(n, code.run, code.renumber(count), with)
	r.time(func(t *Timing) { t.Run += time.Since(started) })
	return failure, err
}

// stopped reports whether the cell was interrupted. Interrupts until its next run cancel its context.
func (s *Session) stopped(ctx context.Context, state *runState) bool {
	return !s.runner.starts(state, 0) || ctx.Err() != nil
}

func (s *Session) process() *worker.Process { return s.runner.process() }
