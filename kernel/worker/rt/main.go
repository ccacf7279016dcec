//go:build linux

package rt

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"plugin"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// cell is what a plugin registers from its init function.
type cell struct {
	run  func()
	vars map[string]any
}

// cells by run number. Written by init functions of plugins, which run inside
// plugin.Open, in the same goroutine that reads them.
var cells = map[int]*cell{}

// Register is called by the init function of a cell's package, and runs none of
// its code: run is the cell's body, vars are pointers to the variables it declared.
func Register(n int, run func(), vars map[string]any) { cells[n] = &cell{run, vars} }

// current is the run in progress.
type current struct {
	n       int
	failure *Failure
	body    string                  // the goroutine that runs it
	exit    atomic.Pointer[Failure] // it called os.Exit

	mu  sync.Mutex
	set []string // variables of the cell that have their values
}

var running atomic.Pointer[current]

// stopping guards the transitions of running and stop, so that an interrupt
// meets the run that it is meant for and no other.
var stopping struct {
	sync.Mutex
	asked int // the newest run that is to stop; it may not have begun
	// ending are the goroutines that were stopped: what they deferred runs undisturbed.
	ending map[string]bool
}

// Main is the worker's main function: it serves requests until the kernel is gone.
func Main() {
	in, out := os.NewFile(3, "requests"), os.NewFile(4, "events")
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	events.enc = json.NewEncoder(out)
	// Loops that listen for SIGINT (signal.NotifyContext) get it; by itself it ends nothing.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	runs := make(chan Request, 1)
	go func() {
		for r := range runs {
			run(r)
		}
	}()
	go watchStdin()
	send(Event{Op: "ready"})
	dec := json.NewDecoder(in)
	for {
		var r Request
		if err := dec.Decode(&r); err != nil {
			os.Exit(0)
		}
		switch r.Op {
		case "run":
			runs <- r
		case "interrupt":
			interrupt(r.N)
		case "sizes":
			send(Event{Op: "sizes", Sizes: sizes()})
		case "env":
			reply(os.Setenv(r.Name, r.Value))
		case "chdir":
			reply(os.Chdir(r.Value))
		}
	}
}

func reply(err error) {
	if err != nil {
		send(Event{Op: "error", Text: err.Error()})
		return
	}
	send(Event{Op: "ok"})
}

// run opens a plugin, unless its code is there from an earlier run, and runs its
// cell, in a goroutine of its own so that runtime.Goexit ends the cell only.
func run(r Request) {
	c := &current{n: r.N}
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
	body := cells[code].run
	begin(c)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("cell", strconv.Itoa(r.N))))
		returned := false
		defer func() {
			v := recover()
			switch {
			case v != nil:
				c.failure = failureOf(v)
			case returned:
				return
			case c.exit.Load() != nil:
				c.failure = c.exit.Load()
			case stop.Load() != 0:
				c.failure = &Failure{Kind: "interrupted", Message: "interrupted"}
			default:
				c.failure = &Failure{Kind: "goexit", Message: "the cell called runtime.Goexit"}
			}
		}()
		c.body = goroutine()
		C() // interrupted before it began
		body()
		returned = true
	}()
	<-finished
	if stop.Load() != 0 {
		stopRest(c.n)
	}
	end()
	if c.failure != nil {
		c.failure.Began, c.failure.Set = true, c.whatIsSet()
	}
	send(Event{Op: "done", N: r.N, Failure: c.failure})
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
	if cells[r.N] == nil {
		return fmt.Errorf("plugin %s did not register run %d", filepath.Base(r.Plugin), r.N)
	}
	return nil
}

// failed is the panic by which Show ends a cell whose last expression is an error.
type failed struct{ err error }

func failureOf(v any) *Failure {
	if f, ok := v.(failed); ok {
		return &Failure{Kind: "error", Type: fmt.Sprintf("%T", f.err), Message: f.err.Error()}
	}
	f := &Failure{Kind: "panic", Type: fmt.Sprintf("%T", v), Frames: stack()}
	func() {
		defer func() {
			if e := recover(); e != nil {
				f.Message = fmt.Sprintf("(%T value whose own text panics: %v)", v, e)
			}
		}()
		switch x := v.(type) {
		case error:
			f.Message = x.Error()
		case fmt.Stringer:
			f.Message = x.String()
		default:
			f.Message = fmt.Sprint(v)
		}
	}()
	return f
}

// stack is the panicking goroutine's, from where it panicked to the cell's body.
func stack() []Frame {
	pcs := make([]uintptr, 200)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var all []Frame
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "nb/rt.run.") && !strings.Contains(f.Function, "func1.1") {
			break
		}
		switch {
		case f.Function == "runtime.gopanic" || f.Function == "runtime.sigpanic":
			all = all[:0] // what is above is our own recovering
		case strings.HasPrefix(f.Function, "runtime.") && len(all) == 0:
		default:
			all = append(all, Frame{f.Function, f.File, f.Line})
		}
		if !more {
			break
		}
	}
	return all
}

// stop is not 0 while a run is to stop.
var stop atomic.Uint32

// C is called at the start of every function and loop body of a cell. It
// returns at once unless the cell was interrupted; then it ends the goroutine,
// if it belongs to the interrupted cell.
func C() {
	if stop.Load() != 0 {
		stopped()
	}
}

//go:noinline
func stopped() {
	c := running.Load()
	if c == nil {
		return
	}
	// Labels are inherited: they tell the cell's goroutines from those that
	// earlier cells left. GODEBUG=tracebacklabels=1 shows them in the first line.
	buf := make([]byte, 256)
	head, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), "\n")
	if !labelled(head, c.n) {
		return
	}
	name, _, _ := strings.Cut(head, " [")
	stopping.Lock()
	twice := stopping.ending[name]
	if stopping.ending == nil {
		stopping.ending = map[string]bool{}
	}
	stopping.ending[name] = true
	stopping.Unlock()
	if !twice {
		runtime.Goexit()
	}
}

// stopRest gives the other goroutines of run n a moment to notice that they are
// to stop. Those that wait for something stay.
func stopRest(n int) {
	const most, every = 500 * time.Millisecond, 5 * time.Millisecond
	buf := make([]byte, 1<<20)
	for begin := time.Now(); time.Since(begin) < most; time.Sleep(every) {
		rest := false
		for line := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n") {
			if strings.HasPrefix(line, "goroutine ") && labelled(line, n) {
				_, state, _ := strings.Cut(line, "[")
				rest = rest || strings.HasPrefix(state, "run") || strings.HasPrefix(state, "sleep")
			}
		}
		if !rest {
			return
		}
	}
}

// labelled reports whether a goroutine's first line carries the label of run n.
func labelled(head string, n int) bool {
	_, labels, found := strings.Cut(head, "{")
	labels = strings.NewReplacer(`"`, "", " ", "").Replace(labels)
	return found && strings.Contains(labels, "cell:"+strconv.Itoa(n)+"}")
}

// begin makes c the run in progress.
func begin(c *current) {
	stopping.Lock()
	defer stopping.Unlock()
	running.Store(c)
	if stopping.asked == c.n { // while its plugin was being opened
		stopNow()
	}
}

// end says that no run is in progress.
func end() {
	stopping.Lock()
	defer stopping.Unlock()
	running.Store(nil)
	stop.Store(0)
	stopping.ending = nil
}

// interrupt stops the loops of run n, also if it has yet to begin.
func interrupt(n int) {
	stopping.Lock()
	defer stopping.Unlock()
	stopping.asked = n
	if c := running.Load(); c != nil && c.n == n {
		stopNow()
	}
}

func stopNow() {
	stop.Store(1)
	syscall.Kill(os.Getpid(), syscall.SIGINT)
}

// Sleep is time.Sleep for a cell: an interrupt ends it.
func Sleep(d time.Duration) {
	const step = 50 * time.Millisecond
	for end := time.Now().Add(d); ; {
		C()
		left := time.Until(end)
		if left <= step {
			time.Sleep(left)
			return
		}
		time.Sleep(step)
	}
}
