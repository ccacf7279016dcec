//go:build linux

package rt

import (
	"fmt"
	"os"
	"path/filepath"
	"plugin"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// current is the run in progress.
type current struct {
	n        int
	count    int            // the number of its cell, for the user
	result   chan *Failure  // from the cell's goroutine; nil if it succeeded
	body     string         // the goroutine that runs it, as a stack dump names it; guarded by stopping
	label    unsafe.Pointer // the labels of that goroutine; guarded by stopping
	children map[int]bool   // processes that earlier cells left running
	// listeners are the sockets at which earlier cells wait for connections, by inode, and accepting their goroutines.
	listeners map[uint64]int
	accepting map[string]bool

	// told is how the goroutines were already told to end. Guarded by stopping.
	told map[string]manner

	stop        chan struct{} // closed when the goroutines must end, for one of the next two reasons
	halted      time.Time     // when that was; guarded by stopping
	interrupted atomic.Bool
	asked       time.Time               // when the last interrupt that counts came; guarded by stopping
	exit        atomic.Pointer[Failure] // the cell ended itself

	mu    sync.Mutex
	set   []string // variables of the cell that have their values
	early bool     // the body may return before its end, and has not come to it

	fields map[string]string // values of form fields, by name
}

var running atomic.Pointer[current]

// run opens a plugin, unless its code is there from an earlier run, and runs its cell. The cell has its own goroutine,
// so that runtime.Goexit ends only the cell.
func run(r Request) {
	code := r.Again
	if code == 0 {
		code = r.N
		if err := open(r); err != nil {
			send(Event{Op: "done", N: r.N, Failure: &Failure{Kind: "open", Message: err.Error()}})
			return
		}
	}
	send(Event{Op: "opened", N: r.N})
	os.Args = r.Args
	freshFlags()
	if r.Renumber != nil {
		renumbered.Store(r.N, r.Renumber)
	}
	c := begin(r)
	go c.run(cells[code].run)
	failure := c.wait()
	stopped := c.interrupted.Load()
	if stopped {
		stopRest(c.n)
		failure = becauseOfStop(failure)
	}
	if c.isStopping() {
		c.closeListeners(goroutines())
	}
	end()
	r.Renumber.frames(failure)
	if failure != nil {
		failure.Began, failure.Set = true, c.whatIsSet()
	}
	reportSurroundings()
	send(Event{Op: "done", N: r.N, Failure: failure, Stopped: stopped})
}

// run runs the cell's body. The channel holds the result until it is read: a goroutine that was left behind may send
// its result much later, when nothing reads it.
func (c *current) run(code func()) {
	c.setLabel()
	returned := false
	end := c.endedItself
	// The Error or String method of the panic's value may end the goroutine. Then, too, a result is sent.
	defer func() { c.result <- end() }()
	defer func() {
		failure := c.ended(recover(), returned)
		end = func() *Failure { return failure }
	}()
	name := self()
	stopping.Lock()
	c.body, c.label = name, labels()
	stopping.Unlock()
	C() // the cell may have been interrupted before it began
	code()
	returned = true
}

// testsFailed is the value of the panic after tests of which one failed, perhaps by os.Exit. Package session writes it.
const testsFailed = "tests failed"

// ended returns how the body ended: with a panic's value, by returning, or else by ending its goroutine.
func (c *current) ended(v any, returned bool) *Failure {
	if c.isStopping() && isInterruption(v) {
		v = nil
	}
	exit := c.exit.Load()
	switch {
	case exit != nil && v != testsFailed: // perhaps by another goroutine; the body may fail because of that
	case v != nil:
		return failureOf(v)
	case returned:
		return c.returned()
	}
	return c.endedItself()
}

// endedItself returns why the body's goroutine ended, which did not return or panic.
func (c *current) endedItself() *Failure {
	switch {
	case c.exit.Load() != nil:
		return c.exit.Load()
	case c.interrupted.Load():
		return &Failure{Kind: "interrupted", Message: "interrupted"}
	}
	return &Failure{Kind: "goexit", Message: "the cell called runtime.Goexit"}
}

// wait returns how the cell ended, or, if it was told to stop, how it was left behind.
func (c *current) wait() *Failure {
	select {
	case f := <-c.result:
		return f
	case <-c.stop:
		return c.wind()
	}
}

// becauseOfStop converts the failure of an interrupted cell: an error or panic, for instance of a command or a context
// that was ended, is taken as the interrupt's effect.
func becauseOfStop(f *Failure) *Failure {
	if f != nil && (f.Kind == "error" || f.Kind == "panic") {
		return &Failure{Kind: "interrupted", Message: "interrupted: " + f.Message, Frames: f.Frames}
	}
	return f
}

// isStopping reports whether the goroutines of the run must end.
func (c *current) isStopping() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

func open(r Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("initialising a package that the cell imports: %v", v)
		}
	}()
	if _, err := plugin.Open(r.Plugin); err != nil {
		return err
	}
	if file, err := filepath.EvalSymlinks(r.Plugin); err == nil {
		opened[file] = r.N
	}
	// If that fails, some type assertions do too, as in any Go program with plugins.
	_ = joinItabs(r.Plugin)
	if cells[r.N] == nil {
		return fmt.Errorf("plugin %s did not register run %d", filepath.Base(r.Plugin), r.N)
	}
	return nil
}
