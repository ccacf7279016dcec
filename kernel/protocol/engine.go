package protocol

import "context"

// Engine runs cells. The server calls Execute for one cell at a time, and
// everything else at any time, also while a cell runs.
type Engine interface {
	// Execute runs one cell to its end. What it shows goes to out, which stays
	// valid afterwards for goroutines that outlive their cell. ctx ends when the
	// kernel shuts down.
	Execute(ctx context.Context, cell *Cell, out *Output) *Error
	// Interrupt asks the running cell to end, and returns at once; without a
	// running cell it does nothing.
	Interrupt()
	// Stop asks the running cell to end because the kernel does, and returns at
	// once. A cell that was interrupted already is left to end as it does.
	Stop()
	// IsComplete tells whether code could be run as it is: "complete",
	// "incomplete" (indent is then what the next line should begin with),
	// "invalid" or "unknown".
	IsComplete(code string) (status, indent string)
	// Deliver passes on a value that a widget sent to an address.
	Deliver(address string, value any)
}

// Language answers questions about code that is being edited. Positions count
// unicode code points. Both calls return when ctx ends, with what they have.
type Language interface {
	// Complete lists what may stand at the cursor.
	Complete(ctx context.Context, code string, cursor int) Completion
	// Inspect describes what is at the cursor, as a MIME bundle; nil if nothing
	// is known.
	Inspect(ctx context.Context, code string, cursor int) map[string]any
}

// Cell is the code to run.
type Cell struct {
	// Code is the cell's text.
	Code string
	// ID is the notebook's name of the cell, the same each time it is run; may be empty.
	ID string
	// Count is the number the cell is shown with, In [Count].
	Count int
	// Silent says that the client wants no output and no trace in the history.
	Silent bool
	// Expressions are to be evaluated after the cell, if it succeeded.
	Expressions map[string]string
	// Values is where the engine puts their values, in the specification's form for
	// user_expressions.
	Values map[string]any
}

// Error is why a cell failed.
type Error struct {
	// Name is the kind of failure, such as "compile error" or "panic".
	Name string
	// Value is the message in one line.
	Value string
	// Traceback are the lines to show; ANSI colours are allowed.
	Traceback []string
}

// Completion lists what may stand in place of the code from Start to End.
type Completion struct {
	// Matches are texts to insert, best first.
	Matches []string
	// Types are what the matches are ("function", "module", ...), one each, or none at all.
	Types []string
	// Details are signatures or types for display, Docs documentation, one each, or
	// none at all.
	Details, Docs []string
	// Start and End are positions in the code.
	Start, End int
}

// Info describes the kernel to its clients.
type Info struct {
	// Implementation and ImplementationVersion name the kernel.
	Implementation, ImplementationVersion string
	// GoVersion is the language's version, such as "1.27.0".
	GoVersion string
	// Banner is what a console shows at its start.
	Banner string
	// HelpLinks are titles and addresses for the help menu.
	HelpLinks [][2]string
}
