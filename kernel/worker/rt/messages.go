//go:build linux

package rt

import (
	"encoding/json"
	"os"
	"sync"
)

// Request is what the kernel asks of the worker.
type Request struct {
	// Op is "run", "interrupt", "input", "sizes", "env" or "chdir".
	Op string
	// N is the number of the run ("run"), which run to interrupt, or which one
	// asked for input; 0 is the one in progress.
	N int
	// Plugin is the file to open ("run").
	Plugin string
	// Again is the run whose code to call instead of opening a plugin ("run"); 0 for none.
	Again int `json:",omitempty"`
	// Args are os.Args for the cell ("run").
	Args []string
	// Name and Value are an environment variable ("env"), or Value the folder
	// ("chdir") or a line with its end ("input").
	Name, Value string
	// EOF says that there is no more input ("input").
	EOF bool `json:",omitempty"`
}

// Event is what the worker tells the kernel.
type Event struct {
	// Op is "ready", "opened", "result", "input", "held", "done", "sizes", "ok" or
	// "error". "held" says that C code or a loop of a library holds the run, which
	// was to stop.
	Op string
	// N is the run's number.
	N int `json:",omitempty"`
	// Data is the MIME bundle of a "result".
	Data map[string]any `json:",omitempty"`
	// Failure says why a run failed ("done"); nil when it succeeded.
	Failure *Failure `json:",omitempty"`
	// Stopped says that the run was interrupted, however it ended ("done").
	Stopped bool `json:",omitempty"`
	// Text is an error's message.
	Text string `json:",omitempty"`
	// Sizes are bytes by variable ("sizes"), keyed "run.name".
	Sizes map[string]int64 `json:",omitempty"`
}

// Failure is how a cell ended when it did not end well.
type Failure struct {
	// Kind is "panic", "error", "interrupted", "exit", "goexit" or "open".
	Kind string
	// Type is the Go type of the panic's or error's value.
	Type string
	// Message is its text.
	Message string
	// Began says that the cell's code was there to run; without, nothing of it exists.
	Began bool
	// Set are the variables of the cell that have their values.
	Set []string
	// Frames is the stack, innermost first, without runtime's own part.
	Frames []Frame
}

// Frame is one line of a stack: the function Func at a Line of File.
type Frame struct {
	Func, File string
	Line       int
}

var events struct {
	sync.Mutex
	enc *json.Encoder
}

// send writes one event. The kernel is gone when it fails, and so is the worker then.
func send(e Event) {
	events.Lock()
	defer events.Unlock()
	if events.enc == nil {
		return
	}
	if err := events.enc.Encode(e); err != nil {
		if _, broken := err.(*os.PathError); broken {
			os.Exit(3)
		}
		// A bundle that is no JSON: say so in its place.
		events.enc.Encode(Event{Op: e.Op, N: e.N, Data: map[string]any{"text/plain": "(can't be shown: " + err.Error() + ")"}})
	}
}
