package language

import (
	"context"
	"go/token"
	"os"
	"slices"
	"sync"
	"time"
)

// Source shows the session to a language server.
type Source interface {
	// SourceDir returns the folder of a module in which the file from CompletionFile type-checks; empty while there is
	// none.
	SourceDir() string
	// CompletionFile returns a Go file that contains code and sees the session's names, and the offset in that file
	// that corresponds to byte offset cursor of code; -1 if there is no Go code at cursor.
	CompletionFile(code string, cursor int) (src []byte, offset int)
	// Names returns the session's names.
	Names() []Name
	// Candidates lists the texts known to the session that fit at a byte offset, and the offset at which they begin.
	Candidates(ctx context.Context, code string, cursor int) (start int, all []Candidate)
	// Words does the same inside a string; ok is false elsewhere.
	Words(ctx context.Context, code string, cursor int) (start int, all []Candidate, ok bool)
	// Describe returns a description of a name or pkg.Name; empty if it is not known.
	Describe(ctx context.Context, name string) string
}

// Candidate is a text that fits at a cursor.
type Candidate struct {
	// Text replaces the part of it that was typed. Kind is one of Name's kinds, or "field", "keyword", "word" or
	// "file". Detail is a type or signature.
	Text, Kind, Detail string
}

// Name is a name that a cell declared.
type Name struct {
	// Name and Type are as in Go.
	Name, Type string
	// Kind is "var", "const", "type", "func", "method" or "import".
	Kind string
	// Cell is the number of the cell; Stale is the reason why the name can't be used now.
	Cell  int
	Stale string
}

// Command is a line of a cell that is not Go, such as a magic.
type Command struct {
	// Name includes its % or %%; Args describes its arguments; Help is one line of help.
	Name, Args, Help string
}

// Config configures a Service.
type Config struct {
	// Source is the session.
	Source Source
	// Gopls is the program's path; empty means that there is none.
	Gopls string
	// Env returns the program's environment; nil means os.Environ. When it changes, the program is started again.
	Env func() []string
	// Commands are the commands that a line may begin with instead of Go.
	Commands []Command
	// Logf gets a line for each event that a user does not see; may be nil.
	Logf func(format string, args ...any)
}

// Service completes and explains code. It is safe for concurrent use.
type Service struct {
	cfg  Config
	turn chan struct{}   // held while a request uses gopls
	life context.Context // ends with Close, and gopls with it
	stop context.CancelFunc

	mu       sync.Mutex
	server   *server
	starting chan struct{} // closed when the current start of gopls has ended
	failures int
}

// maxFailures is the number of failures after which gopls is not started again.
const maxFailures = 3

// startTime is the limit for loading the workspace.
const startTime = 2 * time.Minute

// New returns a service; it starts nothing yet.
func New(cfg Config) *Service {
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	if cfg.Env == nil {
		cfg.Env = os.Environ
	}
	life, stop := context.WithCancel(context.Background())
	return &Service{cfg: cfg, turn: make(chan struct{}, 1), life: life, stop: stop}
}

// Start starts gopls, unless it runs, and returns at once.
func (s *Service) Start() { s.begin() }

// begin returns a channel that is closed once gopls runs or has failed.
func (s *Service) begin() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		select {
		case <-s.server.gone:
			s.cfg.Logf("gopls has ended: %v", s.server.cmd.ProcessState)
			s.server = nil
			s.failures++
		default:
		}
	}
	if s.starting != nil {
		return s.starting
	}
	started := make(chan struct{})
	dir, env := s.cfg.Source.SourceDir(), s.cfg.Env()
	if s.server != nil && !slices.Equal(env, s.server.cmd.Env) {
		s.server.close()
		s.server = nil
	}
	if s.server != nil || s.life.Err() != nil || s.cfg.Gopls == "" || s.failures >= maxFailures || dir == "" {
		close(started)
		return started
	}
	s.starting = started
	go func() {
		ctx, cancel := context.WithTimeout(s.life, startTime)
		defer cancel()
		server, err := startServer(ctx, s.life, s.cfg.Gopls, dir, env)
		if err == nil {
			err = s.warm(ctx, server)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.starting = nil
		defer close(started)
		if err != nil {
			s.failures++
			s.cfg.Logf("no gopls: %v", err)
			if server != nil {
				server.close()
			}
			return
		}
		if s.life.Err() != nil {
			server.close()
			return
		}
		s.server = server
	}()
	return started
}

// warm sends gopls its first request, about fmt and the packages that cells have imported, so that it loads and
// type-checks them.
func (s *Service) warm(ctx context.Context, server *server) error {
	code := "fmt."
	for _, n := range s.cfg.Source.Names() {
		if n.Kind == "import" && token.IsIdentifier(n.Name) {
			code = "_ = " + n.Name + ".x\n" + code
		}
	}
	text, offset := s.cfg.Source.CompletionFile(code, len(code))
	if offset < 0 {
		return nil
	}
	if err := server.show(ctx, text); err != nil {
		return err
	}
	_, err := server.complete(ctx, text, offset)
	return err
}

// Close ends gopls at once, also while it is still starting: Jupyter gives a kernel few seconds to end, and gopls has
// nothing to save.
func (s *Service) Close() {
	s.stop()
	s.mu.Lock()
	starting := s.starting
	s.mu.Unlock()
	if starting != nil {
		<-starting
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.close()
		s.server = nil
	}
}

// with runs f with gopls, if gopls is ready before ctx ends. Only one f runs at a time. It reports whether f ran and
// succeeded.
func (s *Service) with(ctx context.Context, f func(*server) error) bool {
	select {
	case <-s.begin():
	case <-ctx.Done():
		return false
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return false
	}
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	if server == nil {
		return false
	}
	err := f(server)
	if err != nil {
		s.cfg.Logf("gopls: %v", err)
	}
	return err == nil
}

// ready reports whether gopls takes requests now; it starts gopls if needed.
func (s *Service) ready() bool {
	select {
	case <-s.begin():
	default:
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server != nil
}
