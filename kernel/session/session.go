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
	err := s.stoppedCell(ctx, s.execute(ctx, cell, out, state), state)
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
