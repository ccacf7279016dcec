package session

import (
	"time"
)

// Config sets where a session works and with which tools.
type Config struct {
	// Workspace is a folder with the go.mod and go.sum that cells compile against, everything resolved. The session
	// copies it and never writes to it.
	Workspace string
	// Dir is the session's own folder, for sources, plugins and pipes. Close does not remove it.
	Dir string
	// Go is the go program; empty means the one on PATH.
	Go string
	// Env is the environment of builds, in the form of os.Environ; nil means this process's own.
	Env []string
	// CommandEnv is the environment of the worker and of commands; nil means Env.
	CommandEnv []string
	// WorkDir is the folder in which the worker starts and to which %cd is relative; empty means the current one.
	WorkDir string
	// Packages are the workspace's import paths. Cells may use them by name without an import line, and the session
	// looks them up before the first cell needs them.
	Packages []string
	// Cache is a folder that outlives the session, for the compiled worker; empty means that each session builds
	// its own (a second or two).
	Cache string
	// Offline keeps builds from the network (GOPROXY=off). It does not restrict `!*go get` in a cell.
	Offline bool
	// OutputLimit is how many bytes of stdout and stderr together one cell may show; 0 means 1 MiB. Output beyond it is
	// dropped, except for the last lines.
	OutputLimit int
	// Logf gets one line for each event that matters to developers only; may be nil.
	Logf func(format string, args ...any)
}

// Cell is one execute request.
type Cell struct {
	// Code is the cell's text, magic lines (%, !) included.
	Code string
	// Count is the execution count by which messages name the cell ("cell 3"). It must grow from one stored cell to the
	// next.
	Count int
	// ID is Jupyter's id of the notebook cell, if the client sent it; it stays the same when a cell is run again.
	ID string
	// Silent cells show no result and are not kept for %rerun.
	Silent bool
	// Fields are values of the cell's form fields by name, from a page; nil when the cell is run by hand, with the
	// values in its text. A run with fields is not kept for %rerun.
	Fields map[string]string
	// UserExpressions are evaluated after the cell, if it succeeded; Session puts the results in Values.
	UserExpressions map[string]string
	// Values receives one entry for each of UserExpressions, in the protocol's own form ({"status": "ok", "data": ...,
	// "metadata": ...} or an error).
	Values map[string]any
}

// Error is the reason why a cell failed, in the protocol's form.
type Error struct {
	// Name is the kind: "CompileError", "Panic", "Error" (the last expression was a non-nil error), "Interrupted",
	// "WorkerLost", "MagicError" (a % or ! line).
	Name string
	// Value is the message, in one line or a few.
	Value string
	// Traceback are the lines to show, ANSI colours allowed.
	Traceback []string
}

// Error returns name and value.
func (e *Error) Error() string { return e.Name + ": " + e.Value }

// Output receives what a running cell shows. Calls come from several goroutines, one at a time, and none comes after
// Execute has returned, except for the output of goroutines of earlier cells between two cells (see
// Session.SetIdleOutput).
type Output interface {
	// Stream is text for "stdout" or "stderr", whole UTF-8 sequences.
	Stream(name, text string)
	// Display shows a MIME bundle. A non-empty displayID makes it updatable.
	Display(bundle, metadata map[string]any, displayID string)
	// Update replaces what was shown under displayID before.
	Update(bundle, metadata map[string]any, displayID string)
	// Result is the value of the cell's last expression.
	Result(bundle, metadata map[string]any)
	// ClearOutput clears the cell's output, at once or (wait) with the next output.
	ClearOutput(wait bool)
	// Input requests a line (without newline) from the user. If Input fails, for instance because the client allows no
	// stdin, the cell reads end of file.
	Input(prompt string, password bool) (string, error)
	// Comm passes on a request of gonbui/comms (widgets) to the front end.
	Comm(CommRequest)
	// NextInput puts a text into the next cell, or, with replace, into this one (payload "set_next_input").
	NextInput(text string, replace bool)
	// Page shows help text in the front end's pager (payload "page").
	Page(bundle map[string]any)
}

// CommRequest is a message of gonbui/comms from a cell to the front end. Replies and the values of subscribed addresses
// go back through Session.SendComm.
type CommRequest struct {
	// Kind decides which of the other fields are used.
	Kind CommKind
	// Address is the name that both sides use, such as "/slider/1".
	Address string
	// Value is the value that CommSend sends: int, float64, string, slices and maps of them.
	Value any
}

// Magic is a magic in the form that completion shows.
type Magic struct {
	// Name includes its % or %%; Args are the possible arguments; Help is one line.
	Name, Args, Help string
}

// Candidate is a text that may stand at a cursor.
type Candidate struct {
	// Text replaces the part of it that the user has typed. Kind is "var", "const", "type", "func", "field", "import",
	// "keyword", "word" or "file". Detail is a type or signature.
	Text, Kind, Detail string
}

// CommKind is the kind of a CommRequest.
type CommKind int

// The kinds of CommRequest, after gonb/gonbui/protocol.
const (
	CommStart       CommKind = iota // install the front end's side (GoNB's %widgets)
	CommSend                        // set Value at Address
	CommRead                        // request the value at Address: the reply comes with SendComm
	CommSubscribe                   // from now on, every change at Address comes with SendComm
	CommUnsubscribe                 // no longer
)

// Name is one name of the session, for %who and completion.
type Name struct {
	Name string
	// Kind is "var", "const", "type", "func", "method" or "import".
	Kind string
	// Type is the Go type, or for an import the path.
	Type string
	// Size is the memory of a variable's value in bytes, as far as it can be followed cheaply; -1 when unknown or not a
	// variable.
	Size int64
	// Cell is the execution count of the cell that declared it.
	Cell int
	// Stale is empty, or gives the reason why the name can't be used and the cell to run again.
	Stale string
}

// Timing holds the durations of the last cell's phases, for %time and measurements.
type Timing struct {
	// Check to Run are the phases of a cell, in order.
	Check, Compile, Link, Open, Run time.Duration
	// Again reports whether the cell's code was loaded by an earlier run.
	Again bool
	// FirstOutput is from Execute's start to the first output, 0 if there was none.
	FirstOutput time.Duration
	// Total is the whole of Execute.
	Total time.Duration
}

// Form is what a front end draws for a cell with form fields.
type Form struct {
	// Title is the text of the cell's //@title, or empty.
	Title string
	// Fields are in the order of the text.
	Fields []Field
	// Problems tell which //@param comments make no field, and why: one line each.
	Problems []string
}

// Field is one form field.
type Field struct {
	// Name is the variable's name.
	Name string
	// Kind is "slider", "integer", "number", "string", "date", "boolean", "dropdown", or "markdown" for a line of text
	// (//@markdown), which has a Value alone.
	Kind string
	// Value is the value in the text: a number as written, a string without quotes, "true" or "false".
	Value string
	// Options are the values of a dropdown.
	Options []string
	// Free reports that a dropdown takes other values, too (allow-input).
	Free bool
	// Placeholder is shown in an empty text.
	Placeholder string
	// Min, Max and Step bound a slider or a number; NaN where the comment sets none. A slider has all three.
	Min, Max, Step float64
}
