//go:build linux

package worker

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/tlkit-go/tlkit-notebooks/kernel/streams"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// Config configures a worker.
type Config struct {
	// Program is the worker program that build.Builder.Worker made.
	Program string
	// Dir is a folder for the worker's pipes.
	Dir string
	// WorkDir is where the worker runs; empty means the current folder.
	WorkDir string
	// Env is the worker's environment; Start adds the variables of gonbui.
	Env []string
	// Sink receives the worker's output.
	Sink Sink
}

// Sink receives the worker's output, one call at a time.
type Sink interface {
	// Stream receives output on "stdout" or "stderr", cut anywhere.
	Stream(name string, data []byte)
	// Display receives gonbui's messages: something to show, an input request, or a message of comms.
	Display(protocol.DisplayData)
	// Result receives the MIME bundle of a cell's last expression.
	Result(data map[string]any)
	// WantInput reports that run n reads from standard input; reply with Process.Input. taken is how many
	// calls of Process.Input the worker had seen by then: with fewer than there were, one was on its way,
	// and serves this request.
	WantInput(n, taken int, password bool)
	// Changed reports what the run changed: environment variables with a new value, variables that are gone, and the
	// folder, empty if it is the same.
	Changed(set map[string]string, unset []string, dir string)
	// Held reports that run n can't be stopped: C code or a loop of a library holds it; or, with deferred, a deferred
	// function of the cell, which another interrupt ends.
	Held(n int, deferred bool)
}

// LostError means that the worker ended by itself or was killed.
type LostError struct {
	// State is the way it ended, such as "exit status 2" or "signal: killed".
	State string
	// Output is the end of the worker's stderr.
	Output string
}

// Error returns a message with the way the worker ended.
func (e *LostError) Error() string { return "worker: the process ended: " + e.State }

// Process is a running worker.
type Process struct {
	cfg   Config
	cmd   *exec.Cmd
	dir   string // of its pipes
	enc   *json.Encoder
	encMu sync.Mutex
	gonb  *gonbPipes

	outputs *streams.Streams

	mu      sync.Mutex // held during each delivery to the Sink
	tail    []byte     // end of stderr
	dump    dump       // the stacks in it
	packets bool       // the worker was told to write to gonbui's pipe in packets
	events  chan rt.Event
	ready   chan struct{}
	opened  atomic.Int64 // when the last plugin was open, UnixNano
	stopped atomic.Bool  // the last run was interrupted
	gone    chan struct{}
	lost    *LostError // set before gone is closed
}

// readyTime is how long a worker may take to start.
const readyTime = 30 * time.Second

// Start launches a worker and waits until it is ready.
func Start(cfg Config) (*Process, error) {
	p := &Process{cfg: cfg, events: make(chan rt.Event, 4), ready: make(chan struct{}), gone: make(chan struct{})}
	fail := func(err error) (*Process, error) {
		p.closePipes()
		return nil, fmt.Errorf("worker: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return fail(err)
	}
	var err error
	if p.dir, err = os.MkdirTemp(cfg.Dir, "pipes-"); err != nil {
		return fail(err)
	}
	if p.gonb, err = openGonbPipes(p.dir); err != nil {
		return fail(err)
	}
	ends, err := p.connect()
	defer func() { closeAll(ends.theirs) }()
	if err == nil {
		err = p.launch(ends.requests)
	}
	if err != nil {
		closeAll(ends.ours)
		return fail(err)
	}
	go p.readOutputs()
	go p.eventLoop(ends.events)
	select {
	case <-p.ready:
		return p, nil
	case <-p.gone:
		return nil, p.lost
	case <-time.After(readyTime):
		p.Kill()
		return nil, fmt.Errorf("worker: not ready after %s", readyTime)
	}
}

// ends are the ends of the worker's pipes for requests and events, and the lists of all ends to close.
type ends struct {
	requests, events *os.File   // ours
	ours, theirs     []*os.File // theirs are closed in the kernel once the worker has them
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// pair makes a pipe and gives the worker one end of it.
func (e *ends) pair(worker **os.File, ours **os.File, workerReads bool) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	*worker, *ours = r, w
	if !workerReads {
		*worker, *ours = w, r
	}
	e.theirs, e.ours = append(e.theirs, *worker), append(e.ours, *ours)
	return nil
}

// connect makes the command with all its pipes.
func (p *Process) connect() (*ends, error) {
	e := new(ends)
	p.cmd = exec.Command(p.cfg.Program)
	p.cmd.Dir = p.cfg.WorkDir
	p.cmd.Env = workerEnv(p.cfg.Env, p.gonb)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var requests, events *os.File
	if err := cmp.Or(p.openOutputs(e), e.pair(&requests, &e.requests, true), e.pair(&events, &e.events, false)); err != nil {
		return e, err
	}
	p.cmd.ExtraFiles = []*os.File{requests, events}
	p.enc = json.NewEncoder(e.requests)
	return e, nil
}

// gonbuiName names the pipe of gonbui among the worker's outputs. In order with them are the first gonbuiFast bytes
// of what a cell shows.
const (
	gonbuiName = "gonbui"
	gonbuiFast = 4 << 20
)

// openOutputs makes the worker's stdout and stderr, whose order includes what gonbui shows.
func (p *Process) openOutputs(e *ends) error {
	all, files, err := streams.New("stdout", "stderr")
	if err != nil {
		return err
	}
	p.outputs = all
	p.cmd.Stdout, p.cmd.Stderr = files[0], files[1]
	e.theirs = append(e.theirs, files...)
	return all.Add(gonbuiName, p.gonb.out, gonbuiFast)
}

// launch starts the worker, and waits for its end in the background.
func (p *Process) launch(requests *os.File) error {
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the thread that started the process ends: keep that thread.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		werr := p.cmd.Wait()
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // ends the processes that the worker left running
		requests.Close()
		p.deliverOutputs()
		p.mu.Lock()
		p.endDump()
		p.mu.Unlock()
		state := "exit status 0"
		if werr != nil {
			state = werr.Error()
		}
		p.lost = &LostError{State: state, Output: string(p.tail)}
		p.closePipes()
		close(p.gone)
	}()
	return <-started
}

func workerEnv(env []string, g *gonbPipes) []string {
	env = slices.Clone(env)
	godebug := "tracebacklabels=1" // rt.stopped needs it
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "GODEBUG="); ok && v != "" {
			godebug = v + "," + godebug
		}
	}
	return append(env, "GODEBUG="+godebug,
		protocol.GONB_PIPE_ENV+"="+g.out.Name(), protocol.GONB_PIPE_BACK_ENV+"="+g.back.Name())
}

// closePipes closes and removes the files that Start opened. p.mu must not be held: a file is only closed when its
// reader, which takes p.mu, has released it.
func (p *Process) closePipes() {
	if p.outputs != nil {
		p.mu.Lock()
		p.outputs.End()
		p.mu.Unlock()
		p.outputs.Close() // not under the lock, for which the reader may wait
	}
	if p.gonb != nil {
		p.gonb.out.Close()
		p.gonb.back.Close()
		p.gonb.frames.close()
	}
	if p.dir != "" {
		os.RemoveAll(p.dir)
	}
}

func (p *Process) eventLoop(f *os.File) {
	defer f.Close()
	dec := json.NewDecoder(f)
	for {
		var e rt.Event
		if err := dec.Decode(&e); err != nil {
			return
		}
		switch e.Op {
		case "ready":
			close(p.ready)
		case "opened":
			p.opened.Store(time.Now().UnixNano())
		case "result":
			p.deliver(func(s Sink) { s.Result(e.Data) })
		case "input":
			p.deliver(func(s Sink) { s.WantInput(e.N, e.Taken, e.Password) })
		case "held":
			p.deliver(func(s Sink) { s.Held(e.N, e.Deferred) })
		case "changed":
			p.deliver(func(s Sink) { s.Changed(e.Set, e.Unset, e.Dir) })
		case "done":
			p.deliverOutputs()
			p.stopped.Store(e.Stopped)
			p.answer(e)
		default:
			p.answer(e)
		}
	}
}

// deliver calls f with the sink, after delivering all text that was printed before.
func (p *Process) deliver(f func(Sink)) {
	p.deliverOutputs()
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.cfg.Sink)
}

func (p *Process) answer(e rt.Event) {
	select {
	case p.events <- e:
	case <-p.gone:
	}
}

func (p *Process) request(r rt.Request) error {
	p.encMu.Lock()
	defer p.encMu.Unlock()
	if err := p.enc.Encode(r); err != nil {
		return p.wait()
	}
	return nil
}

// wait waits up to 5 seconds for the worker to end, and returns how it ended; an error is also returned if it still
// runs.
func (p *Process) wait() error {
	select {
	case <-p.gone:
		return p.lost
	case <-time.After(5 * time.Second):
		return &LostError{State: "it does not answer"}
	}
}

func (p *Process) ask(r rt.Request, op ...string) (rt.Event, error) {
	if err := p.request(r); err != nil {
		return rt.Event{}, err
	}
	for {
		select {
		case e := <-p.events:
			if slices.Contains(op, e.Op) {
				return e, nil
			}
		case <-p.gone:
			return rt.Event{}, p.lost
		}
	}
}

// With is what a run is given.
type With struct {
	// Count is the number that the user sees at the cell.
	Count int
	// Args are os.Args for the cell.
	Args []string
	// Fields are values of form fields by name, in place of those in the cell's text.
	Fields map[string]string
}

// Run opens a plugin and runs its cell. It returns how long opening took, and how the cell failed (nil if it
// succeeded). The error is a *LostError if the worker ended. Only one of Run, Again, Setenv, Chdir, Sizes, Holds and
// Free may be in progress.
func (p *Process) Run(n int, plugin string, with With) (opening time.Duration, failure *rt.Failure, err error) {
	return p.run(rt.Request{Op: "run", N: n, Count: with.Count, Plugin: plugin, Args: with.Args, Fields: with.Fields})
}

// Again runs the code of an earlier run once more, under a new run number.
func (p *Process) Again(n, code int, renumber *rt.Renumber, with With) (failure *rt.Failure, err error) {
	_, failure, err = p.run(rt.Request{Op: "run", N: n, Count: with.Count, Again: code, Renumber: renumber, Args: with.Args, Fields: with.Fields})
	return failure, err
}

func (p *Process) run(r rt.Request) (opening time.Duration, failure *rt.Failure, err error) {
	start := time.Now()
	p.opened.Store(0)
	p.mu.Lock()
	p.outputs.Begin()
	p.endDump()
	p.mu.Unlock()
	e, err := p.ask(r, "done")
	if at := p.opened.Load(); at != 0 {
		opening = time.Unix(0, at).Sub(start)
	}
	return opening, e.Failure, err
}

// Setenv sets an environment variable in the worker.
func (p *Process) Setenv(name, value string) error {
	return p.simple(rt.Request{Op: "env", Name: name, Value: value})
}

// Chdir changes the worker's folder.
func (p *Process) Chdir(dir string) error { return p.simple(rt.Request{Op: "chdir", Value: dir}) }

func (p *Process) simple(r rt.Request) error {
	e, err := p.ask(r, "ok", "error")
	if err == nil && e.Op == "error" {
		err = errors.New(e.Text)
	}
	return err
}

// Sizes returns the sizes of variables in bytes, keyed "run.name" with the name in cell code.
func (p *Process) Sizes() (map[string]int64, error) {
	e, err := p.ask(rt.Request{Op: "sizes"}, "sizes")
	return e.Sizes, err
}

// Holds returns the code of cells that the values of variables hold, by the variable, and under rt.Goroutines what
// goroutines run. The variables are named as in Sizes.
func (p *Process) Holds(variables []string) (map[string][]rt.Code, error) {
	e, err := p.ask(rt.Request{Op: "holds", Variables: variables}, "holds")
	return e.Holds, err
}

// Free sets variables to zero that no code of a cell can use any more, and returns those that it did not leave for a
// running goroutine. The variables are named as in Sizes.
func (p *Process) Free(variables []string) ([]string, error) {
	e, err := p.ask(rt.Request{Op: "free", Variables: variables}, "freed")
	return e.Freed, err
}

// Stopped reports whether the last run was interrupted, however it ended.
func (p *Process) Stopped() bool { return p.stopped.Load() }

// Interrupt tells run n to stop: its own loops end, the process and the child processes of the run get SIGINT, and a
// goroutine that waits is left behind.
func (p *Process) Interrupt(n int) error { return p.request(rt.Request{Op: "interrupt", N: n}) }

// Kill ends the worker at once, with all processes it started.
func (p *Process) Kill() {
	if p.cmd.Process != nil {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// Pid returns the worker's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Gone returns a channel that is closed when the worker has ended.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// Lost returns how the worker ended; nil while it runs.
func (p *Process) Lost() error {
	select {
	case <-p.gone:
		return p.lost
	default:
		return nil
	}
}

// Close ends the worker and waits until it is gone.
func (p *Process) Close() {
	p.Kill()
	<-p.gone
}

// Input sends input to the running cell: a line, newline included, or end of file. It replies to WantInput of run n,
// or, if n is 0, sends input that was not requested. It does nothing if the run is over.
func (p *Process) Input(n int, line string, eof bool) error {
	return p.request(rt.Request{Op: "input", N: n, Value: line, EOF: eof})
}
