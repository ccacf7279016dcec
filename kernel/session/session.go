package session

import (
	"context"
	"errors"
)

// Session is a live kernel without its protocol. Execute calls come one after
// another; all other methods may be called at any time, also while a cell runs.
type Session struct {
	cfg Config
}

// New starts a session: the worker is built and launched in the background, so
// that New returns at once; the first Execute waits for it and reports what failed.
// It fails when plugins can't be had on this machine; see build.Supported.
func New(ctx context.Context, cfg Config) (*Session, error) {
	return nil, errors.New("session: not written yet")
}

// Execute runs one cell and returns when it ended: nil, or why it failed.
func (s *Session) Execute(ctx context.Context, cell *Cell, out Output) *Error { return nil }

// Interrupt stops the running cell: the first call stops the cell's own loops and
// sends the worker SIGINT; a second one, when the cell still runs, ends the worker.
// Without a running cell it does nothing.
func (s *Session) Interrupt() {}

// Restart forgets everything and starts a fresh worker.
func (s *Session) Restart() error { return nil }

// Close ends the worker and what it started.
func (s *Session) Close() error { return nil }

// SetIdleOutput says who gets what goroutines of earlier cells print while no
// cell runs; nil drops it. During a cell, all output goes to that cell.
func (s *Session) SetIdleOutput(out Output) {}

// SendComm delivers a value from the front end to gonbui/comms in the worker.
func (s *Session) SendComm(address string, value any) error { return nil }

// Names returns the session's names, sorted; what %who shows.
func (s *Session) Names() []Name { return nil }

// SourceDir is a module folder (go.mod, go.sum) in which the file that
// CompletionFile returns type-checks; for a language server.
func (s *Session) SourceDir() string { return "" }

// CompletionFile returns a Go file in which a language server sees the session's
// names and the cell, and the byte offset in it that corresponds to cursor, a
// byte offset in code. offset is -1 when the cursor is on a magic line.
func (s *Session) CompletionFile(code string, cursor int) (src []byte, offset int) { return nil, -1 }

// IsComplete judges whether code can be run as it is: "complete", "incomplete"
// (then indent is what the next line should start with), or "invalid".
func (s *Session) IsComplete(code string) (status, indent string) { return "complete", "" }

// LastTiming tells where the time of the last executed cell went.
func (s *Session) LastTiming() Timing { return Timing{} }
