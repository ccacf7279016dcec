package protocol

import "context"

// Engine runs cells. The server calls Execute for one cell at a time, and the other methods at any time, also while a
// cell runs.
type Engine interface {
	// Execute runs one cell to its end. The cell's output goes to out, which stays valid afterwards for goroutines that
	// outlive their cell. ctx ends when the kernel shuts down.
	Execute(ctx context.Context, cell *Cell, out *Output) *Error
	// Interrupt tells the running cell to end, and returns at once; if no cell runs, it does nothing.
	Interrupt()
	// Stop tells the running cell to end because the kernel shuts down, and returns at once. It leaves a cell alone
	// that was already interrupted and is ending.
	Stop()
	// IsComplete reports whether code can be run as it is: "complete", "incomplete" (indent is then the text to begin
	// the next line with), "invalid" or "unknown".
	IsComplete(code string) (status, indent string)
	// Deliver passes on a value that a widget sent to an address.
	Deliver(address string, value any)
}

// Language completes and explains code that is being edited. Positions count Unicode code points. Both methods return
// when ctx ends, with the results they have by then.
type Language interface {
	// Complete lists the texts that fit at the cursor.
	Complete(ctx context.Context, code string, cursor int) Completion
	// Inspect describes the code at the cursor, as a MIME bundle; nil if nothing is known about it.
	Inspect(ctx context.Context, code string, cursor int) map[string]any
}

// Cell is the code to run.
type Cell struct {
	// Code is the cell's text.
	Code string
	// ID is the notebook's id of the cell, the same at each run; may be empty.
	ID string
	// Count is the number that the notebook shows with the cell, In [Count].
	Count int
	// Silent means no output and no entry in the history.
	Silent bool
	// Fields are values of the cell's form fields by name, if the page has changed one; else nil, and the values in the
	// cell's text count.
	Fields map[string]string
	// Expressions are to be evaluated after the cell, if the cell succeeded.
	Expressions map[string]string
	// Values receives the expressions' values from the engine, in the specification's form for user_expressions.
	Values map[string]any
}

// Error describes how a cell failed.
type Error struct {
	// Name is the kind of failure, such as "compile error" or "panic".
	Name string
	// Value is the message in one line.
	Value string
	// Traceback are the lines to show; ANSI colours are allowed.
	Traceback []string
}

// Completion lists the texts that may replace the code from Start to End.
type Completion struct {
	// Matches are the texts to insert, best first.
	Matches []string
	// Types are the kinds of the matches ("function", "module", ...), one for each match, or none at all.
	Types []string
	// Details are signatures or types to display, and Docs are documentation: one for each match, or none at all.
	Details, Docs []string
	// Start and End are positions in the code, in code points.
	Start, End int
}

// Info describes the kernel to its clients.
type Info struct {
	// Implementation and ImplementationVersion name the kernel.
	Implementation, ImplementationVersion string
	// GoVersion is the language's version, such as "1.27.0".
	GoVersion string
	// Banner is the text that a console shows when it starts.
	Banner string
	// HelpLinks are titles and addresses for the help menu.
	HelpLinks [][2]string
}
