//go:build !linux

package session

import (
	"context"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// Session exists on Linux only; here New returns the reason.
type Session struct{}

// New fails with one line: the reason why there can be no live cells.
func New(context.Context, Config) (*Session, error) { return nil, build.Supported() }

// Execute does nothing.
func (*Session) Execute(context.Context, *Cell, Output) *Error { return nil }

// Interrupt does nothing.
func (*Session) Interrupt() {}

// Stop does nothing.
func (*Session) Stop() {}

// Restart does nothing.
func (*Session) Restart() error { return nil }

// Close does nothing.
func (*Session) Close() error { return nil }

// SetIdleOutput does nothing.
func (*Session) SetIdleOutput(Output) {}

// SendComm does nothing.
func (*Session) SendComm(string, any) error { return nil }

// Names returns nothing.
func (*Session) Names() []Name { return nil }

// SourceDir returns nothing.
func (*Session) SourceDir() string { return "" }

// CompletionFile returns nothing.
func (*Session) CompletionFile(string, int) ([]byte, int) { return nil, -1 }

// Candidates returns nothing.
func (*Session) Candidates(context.Context, string, int) (int, []Candidate) { return 0, nil }

// Words returns nothing.
func (*Session) Words(context.Context, string, int) (int, []Candidate, bool) { return 0, nil, false }

// Describe returns nothing.
func (*Session) Describe(context.Context, string) string { return "" }

// IsComplete reports every code as complete.
func (*Session) IsComplete(string) (status, indent string) { return "complete", "" }

// LastTiming returns nothing.
func (*Session) LastTiming() Timing { return Timing{} }

// Magics returns nothing.
func Magics() []Magic { return nil }

// Form returns nil: there are no cells.
func (s *Session) Form(string) *Form { return nil }
