//go:build linux

package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

// Session is a live kernel without its protocol: names, a runner for their code, and the history of cells. Execute
// calls run one after another; all other methods may be called at any time, also while a cell runs.
type Session struct {
	cfg  Config
	ctx  context.Context // ends with Close
	stop context.CancelFunc

	ready    chan struct{} // closed when builder and first worker exist, or startErr holds the error
	startErr error
	b        *build.Builder
	program  string // the compiled worker
	fset     *token.FileSet
	libs     *libraries

	exec    sync.Mutex // one cell at a time
	out     *sink
	names   *names
	runner  *runner
	history history
	words   wordsKnown // the words that packages offer inside strings
	docs    docs

	env *environment
	// For the executing goroutine only:
	args     []string // os.Args of the cells from here on
	runFiles []string // what %run runs, each by the one before
}

// New starts a session. The worker is built and launched in the background, so New returns at once; the first Execute
// waits for it and reports its failure. New fails when plugins can't be loaded on this machine; see build.Supported.
func New(ctx context.Context, cfg Config) (*Session, error) {
	if err := build.Supported(); err != nil {
		return nil, err
	}
	cfg.OutputLimit = cmp.Or(cfg.OutputLimit, 1<<20)
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	if cfg.Env == nil {
		cfg.Env = os.Environ()
	}
	if cfg.CommandEnv == nil {
		cfg.CommandEnv = cfg.Env
	}
	if cfg.WorkDir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("session: %w", err)
		}
		cfg.WorkDir = dir
	}
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	s := &Session{cfg: cfg, ready: make(chan struct{}), fset: token.NewFileSet(), names: newNames(), runner: newRunner(),
		env: newEnvironment(cfg.CommandEnv, cfg.WorkDir)}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.out = newSink(s)
	go func() {
		defer close(s.ready)
		s.startErr = s.start()
	}()
	return s, nil
}

func (s *Session) start() error {
	var err error
	s.b, err = build.New(s.ctx, build.Config{Go: s.cfg.Go, Env: s.cfg.Env, Workspace: s.cfg.Workspace, Dir: s.cfg.Dir,
		Cache: s.cfg.Cache, Offline: s.cfg.Offline, Packages: s.cfg.Packages, Logf: s.cfg.Logf})
	if err != nil {
		return err
	}
	s.libs = newLibraries(s.fset, s.b)
	s.env.modDir = s.b.ModDir()
	if s.program, err = s.b.Worker(s.ctx, worker.Source()); err != nil {
		return err
	}
	if err := s.launch(); err != nil {
		return err
	}
	if err := s.selfTest(); err != nil {
		s.process().Close()
		return err
	}
	if len(s.cfg.Packages) > 0 {
		go func() {
			// The packages that cells probably import are looked up in advance.
			if err := s.b.Resolve(s.ctx, s.cfg.Packages...); err != nil {
				s.cfg.Logf("looking up the workspace's packages: %v", err)
			}
		}()
	}
	return nil
}

// launch starts a worker.
func (s *Session) launch() error {
	dir, _ := s.env.folder()
	if !isFolder(dir) { // a cell removed it
		dir = s.cfg.WorkDir
		s.env.changed(nil, nil, dir)
	}
	return s.runner.launch(worker.Config{Program: s.program, Dir: s.cfg.Dir, WorkDir: dir, Env: s.env.list(), Sink: s.out})
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// selfTest tests that the linker keeps a map literal that only a later cell uses; see package build. With a cache, the
// test runs once per worker program.
func (s *Session) selfTest() error {
	marker := filepath.Join(filepath.Dir(s.program), "maps-kept")
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	rt := build.RuntimePath
	first := "package cell\nimport rt \"" + rt + "\"\nvar M = map[string]int{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5, \"f\": 6, \"g\": 7, \"h\": 8, \"i\": 9, \"j\": 10, \"k\": 11}\nfunc run() {}\nfunc init() { rt.Register(%d, run, nil) }\n"
	second := "package cell\nimport rt \"" + rt + "\"\nimport c \"%s\"\nfunc run() { if len(c.M) != 11 { panic(\"map literal lost\") } }\nfunc init() { rt.Register(%d, run, nil) }\n"
	n1, n2 := s.runner.takeRun(), s.runner.takeRun()
	for _, p := range []build.Package{
		{N: n1, Files: map[string]string{"t.go": fmt.Sprintf(first, n1)}, Imports: []string{rt}},
		{N: n2, Files: map[string]string{"t.go": fmt.Sprintf(second, build.Path(n1), n2)}, Imports: []string{rt, build.Path(n1)}},
	} {
		plugin, err := s.b.Cell(s.ctx, p)
		if err != nil {
			return fmt.Errorf("session: self-test of plugins: %w", err)
		}
		_, failure, err := s.process().Run(p.N, plugin.File, worker.With{Args: []string{"selftest"}})
		os.Remove(plugin.File)
		if err != nil {
			return fmt.Errorf("session: self-test of plugins: %w", err)
		}
		if failure != nil {
			return fmt.Errorf("session: this Go toolchain loses values between plugins (%s): live cells would go wrong silently; use the GoNB kernel", failure.Message)
		}
	}
	s.b.Drop(n1)
	s.b.Drop(n2)
	return os.WriteFile(marker, nil, 0o644)
}

// waitReady waits for the first worker.
func (s *Session) waitReady(ctx context.Context) error {
	select {
	case <-s.ready:
		return s.startErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Execute runs one cell and returns when it has ended: nil, or the reason why it failed.
func (s *Session) Execute(ctx context.Context, cell *Cell, out Output) *Error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	state := &runState{cancel: cancel}
	s.runner.wait(state)
	s.exec.Lock()
	defer s.exec.Unlock()
	start := time.Now()
	s.runner.begin(state)
	defer s.runner.end()
	s.out.begin(out, start)
	err := s.stoppedCell(s.execute(ctx, cell, out, state), state)
	s.out.lastAnswer(ctx)
	if !cell.Silent && cell.Fields == nil {
		s.history.add(cell, err == nil)
	}
	first := s.out.end()
	s.runner.ran(time.Since(start), first)
	if err == nil && len(cell.UserExpressions) > 0 {
		s.userExpressions(ctx, cell, out, state)
	}
	return err
}

// stopped reports whether the cell was interrupted. Interrupts until its next run cancel its context.
func (s *Session) stopped(ctx context.Context, state *runState) bool {
	return !s.runner.starts(state, 0) || ctx.Err() != nil
}

func (s *Session) execute(ctx context.Context, cell *Cell, out Output, state *runState) *Error {
	if err := s.waitReady(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			return interrupted()
		}
		return &Error{"KernelError", err.Error(), []string{err.Error()}}
	}
	if s.stopped(ctx, state) {
		return interrupted()
	}
	select {
	case <-s.process().Gone(): // it died between two cells
		return s.workerLost(s.process().Lost(), nil)
	default:
	}
	s.words.forget()
	code := cellText(cell.Code)
	switch on := asksHelp(code); on.name {
	case "":
	case "%help":
		return (&call{Session: s, ctx: ctx, out: out}).showHelp()
	default:
		return s.showHelpOn(ctx, on)
	}
	m := splitMagic(code)
	m.count = cell.Count
	if m.cellMagic != "" {
		return s.runCellMagic(ctx, m, out)
	}
	err := s.runParts(ctx, cell, m, out, state)
	if lacks := m.endCapture(); err == nil {
		err = lacks
	}
	if m.timeit != nil {
		s.names.dropImports(slices.Collect(maps.Keys(timeitImports)))
	}
	if err == nil && m.time {
		s.out.text("stdout", s.timeText())
	}
	return err
}

func interrupted() *Error {
	return &Error{"Interrupted", "interrupted", []string{"interrupted"}}
}

func (s *Session) process() *worker.Process { return s.runner.process() }

// Restart forgets everything and starts a fresh worker.
func (s *Session) Restart() error {
	if err := s.waitReady(s.ctx); err != nil {
		return err
	}
	s.runner.abandon()
	s.exec.Lock()
	defer s.exec.Unlock()
	s.args = nil
	s.history.clear()
	return s.fresh(false)
}

// fresh starts a new worker. With lost, it records the names as gone.
func (s *Session) fresh(lost bool) error {
	s.process().Close()
	s.names.forget(lost)
	s.b.ForgetRuns()
	return s.launch()
}

// Close ends the worker and all processes that it started.
func (s *Session) Close() error {
	s.stop() // also a start that is under way
	<-s.ready
	if p := s.process(); p != nil {
		p.Close()
	}
	return nil
}

// SetIdleOutput sets the receiver of what goroutines of earlier cells print while no cell runs; nil drops it. During a
// cell, all output goes to that cell.
func (s *Session) SetIdleOutput(out Output) { s.out.setIdle(out) }

// SendComm delivers a value from the front end to gonbui/comms in the worker.
func (s *Session) SendComm(address string, value any) error {
	select {
	case <-s.ready:
	default:
		return errors.New("session: the worker is not there yet")
	}
	if p := s.process(); p != nil {
		return p.SendComm(address, value)
	}
	return s.startErr
}

// SourceDir returns a module folder (go.mod, go.sum) in which the file that CompletionFile returns type-checks; for a
// language server.
func (s *Session) SourceDir() string { return filepath.Join(s.cfg.Dir, "mod") }

// LastTiming returns the timing of the last executed cell.
func (s *Session) LastTiming() Timing { return s.runner.lastTiming() }
