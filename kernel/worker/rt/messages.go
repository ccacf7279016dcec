//go:build linux

package rt

import (
	"encoding/json"
	"errors"
	"os"
	"sync"
	"syscall"
)

// Request is a message from the kernel to the worker.
type Request struct {
	// Op is "run", "interrupt", "input", "sizes", "holds", "free", "packets", "env" or "chdir".
	Op string
	// N is the number of the run ("run"), the run to interrupt ("interrupt"), or the run that requested the input
	// ("input"); 0 is the run in progress.
	N int
	// Count is the number that the user sees at the cell ("run"); stack dumps have it.
	Count int `json:",omitempty"`
	// Plugin is the file to open ("run").
	Plugin string
	// Again is the run whose code to call instead of opening a plugin ("run"); 0 means none.
	Again int `json:",omitempty"`
	// Renumber changes places in that code to show; nil means that none change.
	Renumber *Renumber `json:",omitempty"`
	// Args are os.Args for the cell ("run").
	Args []string
	// Fields are the values of form fields that the page changed, by name ("run"); see Field.
	Fields map[string]string `json:",omitempty"`
	// Variables are the variables to look into ("holds") or to set to zero ("free"), as "run.name".
	Variables []string `json:",omitempty"`
	// Name and Value are an environment variable ("env"); Value alone is the folder ("chdir") or a line with its line
	// end ("input").
	Name, Value string
	// EOF means that there is no more input ("input").
	EOF bool `json:",omitempty"`
}

// Event is a message from the worker to the kernel.
type Event struct {
	// Op is "ready", "opened", "result", "input", "held", "changed", "done", "sizes", "holds", "freed", "ok" or
	// "error". "held" means that C code or a loop of a library holds the run, which should stop, or, with Deferred, a
	// deferred function of the cell.
	Op string
	// N is the run's number.
	N int `json:",omitempty"`
	// Data is the MIME bundle of a "result".
	Data map[string]any `json:",omitempty"`
	// Failure is the reason why a run failed ("done"); nil if it succeeded.
	Failure *Failure `json:",omitempty"`
	// Deferred means that another interrupt would end the run ("held").
	Deferred bool `json:",omitempty"`
	// Stopped means that the run was interrupted, however it ended ("done").
	Stopped bool `json:",omitempty"`
	// Set are environment variables with a new value, Unset those that are gone, and Dir is the folder, empty if it is
	// the same ("changed").
	Set   map[string]string `json:",omitempty"`
	Unset []string          `json:",omitempty"`
	Dir   string            `json:",omitempty"`
	// Taken is how many replies to requests for input the worker had when it sent this one ("input").
	Taken int `json:",omitempty"`
	// Password: what the user types is not to be shown ("input").
	Password bool `json:",omitempty"`
	// Text is an error's message.
	Text string `json:",omitempty"`
	// Sizes are bytes by variable ("sizes"), keyed "run.name".
	Sizes map[string]int64 `json:",omitempty"`
	// Holds is the code of cells by the variable that holds it ("holds").
	Holds map[string][]Code `json:",omitempty"`
	// Freed are the variables that were set to zero ("freed").
	Freed []string `json:",omitempty"`
}

// Failure describes how a cell failed.
type Failure struct {
	// Kind is "panic", "error", "interrupted", "exit", "overflow", "eof", "goexit", "open" or "returned". "returned" is
	// no fault: the body returned before its end, so that not all variables may have their values.
	Kind string
	// Type is the Go type of the panic's or error's value.
	Type string
	// Message is its text.
	Message string
	// Began means that the cell's code was loaded; if false, nothing of the cell exists.
	Began bool
	// Set are the variables of the cell that have their values.
	Set []string
	// Frames is the stack, innermost first, without the runtime's own part.
	Frames []Frame
}

// Frame is one entry of a stack: the function Func at a Line of File.
type Frame struct {
	Func, File string
	Line       int
}

var events struct {
	sync.Mutex
	enc *json.Encoder
}

// send writes one event. If that fails, the kernel is gone, and the worker exits.
func send(e Event) {
	events.Lock()
	defer events.Unlock()
	if events.enc == nil {
		return
	}
	if err := events.enc.Encode(e); err != nil {
		if _, broken := err.(*os.PathError); broken {
			pipeFailed(err)
		}
		// The bundle can't be encoded as JSON: send the error in its place.
		events.enc.Encode(Event{Op: e.Op, N: e.N, Data: map[string]any{"text/plain": "(can't be shown: " + err.Error() + ")"}})
	}
}

// pipeFailed ends the worker, whose pipes to the kernel are closed. If the kernel is there, a cell has closed them; the
// last words go to stderr.
func pipeFailed(err error) {
	if errors.Is(err, syscall.EBADF) {
		syscall.Write(2, []byte("\nfatal error: code of a cell closed the descriptors through which the kernel reaches the worker, 3 and 4\n"))
	}
	syscall.Exit(3)
}
