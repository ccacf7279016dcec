//go:build linux

package worker

import (
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// Config says how to start a worker.
type Config struct {
	// Program is the worker that build.Builder.Worker made.
	Program string
	// Dir is a folder for the worker's pipes.
	Dir string
	// WorkDir is where the worker runs; empty means the current folder.
	WorkDir string
	// Env is the worker's environment; what gonbui needs is added.
	Env []string
	// Sink receives what the worker shows.
	Sink Sink
}

// Sink receives what the worker shows, one call at a time.
type Sink interface {
	// Stream is output on "stdout" or "stderr", cut anywhere.
	Stream(name string, data []byte)
	// Display is what gonbui sends: something to show, an input request, or a message of comms.
	Display(protocol.DisplayData)
	// Result is the MIME bundle of a cell's last expression.
	Result(data map[string]any)
	// WantInput says that the cell reads from standard input; answer with Process.Input.
	WantInput()
}

// LostError says that the worker ended by itself or was killed.
type LostError struct {
	// State is how it ended, such as "exit status 2" or "signal: killed".
	State string
	// Output is the end of what it wrote to stderr.
	Output string
}

// Error gives how the worker ended.
func (e *LostError) Error() string { return "worker: the process ended: " + e.State }

// Process is a running worker.
type Process struct {
	cfg   Config
	cmd   *exec.Cmd
	enc   *json.Encoder
	encMu sync.Mutex
	pipes []*pipe
	gonb  *gonbPipes

	mu     sync.Mutex // held while anything is delivered to the Sink
	tail   []byte     // end of stderr
	events chan rt.Event
	ready  chan struct{}
	opened atomic.Int64 // when the last plugin was open, UnixNano
	gone   chan struct{}
	lost   *LostError // set before gone is closed

	stdinMu sync.Mutex
	stdin   *os.File
	input   string // path of the FIFO that is descriptor 0
}

// Start launches a worker and waits until it is ready.
func Start(cfg Config) (*Process, error) {
	p := &Process{cfg: cfg, events: make(chan rt.Event, 4), ready: make(chan struct{}), gone: make(chan struct{})}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	dir, err := os.MkdirTemp(cfg.Dir, "pipes-")
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	defer func() {
		if err != nil {
			p.closePipes()
			os.RemoveAll(dir)
		}
	}()
	if p.gonb, err = openGonbPipes(dir); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	p.input = filepath.Join(dir, "stdin")
	if err = syscall.Mkfifo(p.input, 0o600); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	// Open for both first: opening for one waits for the other.
	both, err := os.OpenFile(p.input, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	defer both.Close()
	readEnd, err := openBlocking(p.input)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	defer readEnd.Close()
	if p.stdin, err = os.OpenFile(p.input, os.O_WRONLY, 0); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}

	p.cmd = exec.Command(cfg.Program)
	p.cmd.Dir = cfg.WorkDir
	p.cmd.Env = workerEnv(cfg.Env, p.gonb)
	p.cmd.Stdin = readEnd
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	for _, name := range []string{"stdout", "stderr"} {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
		theirs = append(theirs, w)
		p.pipes = append(p.pipes, &pipe{name: name, file: r})
		if name == "stdout" {
			p.cmd.Stdout = w
		} else {
			p.cmd.Stderr = w
		}
	}
	reqR, reqW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	evR, evW, err := os.Pipe()
	if err != nil {
		reqR.Close()
		reqW.Close()
		return nil, fmt.Errorf("worker: %w", err)
	}
	theirs = append(theirs, reqR, evW)
	p.cmd.ExtraFiles = []*os.File{reqR, evW}
	p.enc = json.NewEncoder(reqW)

	started := make(chan error)
	go func() {
		// Pdeathsig counts for the thread that started the process: keep it.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		werr := p.cmd.Wait()
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // what it left running
		reqW.Close()
		p.drain()
		state := "exit status 0"
		if werr != nil {
			state = werr.Error()
		}
		p.lost = &LostError{State: state, Output: string(p.tail)}
		close(p.gone)
		p.closePipes()
		os.RemoveAll(dir)
	}()
	if err = <-started; err != nil {
		reqW.Close()
		evR.Close()
		return nil, fmt.Errorf("worker: %w", err)
	}
	for _, q := range p.pipes {
		go p.readLoop(q.file, func(data []byte) { p.output(q.name, data) })
	}
	go p.readLoop(p.gonb.out, p.fromGonbui)
	go p.eventLoop(evR)
	select {
	case <-p.ready:
		return p, nil
	case <-p.gone:
		return nil, p.lost
	case <-time.After(30 * time.Second):
		p.Kill()
		err = errors.New("worker: not ready after 30 seconds")
		return nil, err
	}
}

// openBlocking opens a FIFO for reading without Go's poller: the worker inherits a
// descriptor in blocking mode, and a read of it can be seen (rt.watchStdin).
func openBlocking(path string) (*os.File, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
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

func (p *Process) closePipes() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.pipes {
		q.file.Close()
	}
	if p.gonb != nil {
		p.gonb.out.Close()
		p.gonb.back.Close()
		p.gonb.frames.close()
	}
	p.stdinMu.Lock()
	defer p.stdinMu.Unlock()
	if p.stdin != nil {
		p.stdin.Close()
		p.stdin = nil
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
			p.drain() // what was printed before comes before
			p.mu.Lock()
			p.cfg.Sink.Result(e.Data)
			p.mu.Unlock()
		case "input":
			p.drain()
			p.mu.Lock()
			p.cfg.Sink.WantInput()
			p.mu.Unlock()
		case "done":
			p.drain()
			p.answer(e)
		default:
			p.answer(e)
		}
	}
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

// wait returns why the worker is gone, and gives it a moment to be.
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

// Run opens a plugin and runs its cell. It returns how long opening took, and
// nil or how the cell failed; the error is a *LostError when the worker ended.
// Only one of Run, Again, Setenv, Chdir and Sizes may be in progress.
func (p *Process) Run(n int, plugin string, args []string) (opening time.Duration, failure *rt.Failure, err error) {
	return p.run(rt.Request{Op: "run", N: n, Plugin: plugin, Args: args})
}

// Again runs the code of an earlier run once more, under a new number.
func (p *Process) Again(n, code int, args []string) (failure *rt.Failure, err error) {
	_, failure, err = p.run(rt.Request{Op: "run", N: n, Again: code, Args: args})
	return failure, err
}

func (p *Process) run(r rt.Request) (opening time.Duration, failure *rt.Failure, err error) {
	start := time.Now()
	p.opened.Store(0)
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

// Sizes returns what variables take, in bytes, keyed "run.name" with the name in cell code.
func (p *Process) Sizes() (map[string]int64, error) {
	e, err := p.ask(rt.Request{Op: "sizes"}, "sizes")
	return e.Sizes, err
}

// Interrupt asks run n to stop: its own loops end, and the process gets SIGINT.
func (p *Process) Interrupt(n int) error { return p.request(rt.Request{Op: "interrupt", N: n}) }

// Kill ends the worker at once, with all processes it started.
func (p *Process) Kill() {
	if p.cmd.Process != nil {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// Pid is the worker's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Gone is closed when the worker has ended.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// Lost says how the worker ended; nil while it runs.
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

// Input answers WantInput: with a line, newline included, or end of file.
func (p *Process) Input(line string, eof bool) error {
	p.stdinMu.Lock()
	defer p.stdinMu.Unlock()
	if p.stdin == nil {
		return os.ErrClosed
	}
	if !eof {
		_, err := p.stdin.WriteString(line)
		return err
	}
	// Without a writer the pipe is at its end; a new writer opens it again.
	p.stdin.Close()
	time.Sleep(100 * time.Millisecond)
	var err error
	fd, err := syscall.Open(p.input, syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		p.stdin = nil
		return err
	}
	p.stdin = os.NewFile(uintptr(fd), p.input)
	return nil
}

// SendComm delivers a value from the front end to gonbui/comms. It may be of any
// type that gonb's protocol registers; other numbers and []any are converted.
func (p *Process) SendComm(address string, value any) error {
	return p.gonb.send(protocol.CommValue{Address: address, Value: plain(value)})
}

// plain turns what encoding/json makes of a value into what gonbui expects.
func plain(v any) any {
	switch x := v.(type) {
	case bool:
		if x {
			return 1
		}
		return 0
	case []any:
		var numbers []float64
		var texts []string
		for _, e := range x {
			switch e := e.(type) {
			case float64:
				numbers = append(numbers, e)
			case string:
				texts = append(texts, e)
			}
		}
		if len(texts) > 0 {
			return texts
		}
		return numbers
	case map[string]any:
		numbers, texts := map[string]float64{}, map[string]string{}
		for k, e := range x {
			switch e := e.(type) {
			case float64:
				numbers[k] = e
			case string:
				texts[k] = e
			}
		}
		if len(texts) > 0 {
			return texts
		}
		return numbers
	}
	return v
}

// gonbPipes are the two FIFOs of gonbui. Both are open for reading and writing
// here, so that neither side ever waits for the other to open or sees an end.
type gonbPipes struct {
	out, back *os.File
	mu        sync.Mutex
	enc       *gob.Encoder
	frames    frameReader
}

func openGonbPipes(dir string) (*gonbPipes, error) {
	g := &gonbPipes{}
	for name, f := range map[string]**os.File{"gonb": &g.out, "gonb_back": &g.back} {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return nil, err
		}
		var err error
		if *f, err = os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0); err != nil {
			return nil, err
		}
	}
	g.enc = gob.NewEncoder(g.back)
	return g, nil
}

func (g *gonbPipes) send(v protocol.CommValue) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.back.SetWriteDeadline(time.Now().Add(2 * time.Second))
	if err := g.enc.Encode(&v); err != nil {
		return fmt.Errorf("worker: the value for %s is not read by any cell: %w", v.Address, err)
	}
	return nil
}
