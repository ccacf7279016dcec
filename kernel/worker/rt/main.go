//go:build linux

package rt

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// cell is the code and the variables that a plugin registers from its init function.
type cell struct {
	run  func()
	vars map[string]any
}

// cells are the registered cells by run number. The init functions of plugins write it; they run inside plugin.Open, in
// the same goroutine that reads it.
var cells = map[int]*cell{}

// Register registers a cell: run is the cell's body, vars are pointers to the variables that it declared. The init
// function of a cell's package calls it. Register runs none of the cell's code.
func Register(n int, run func(), vars map[string]any) { cells[n] = &cell{run, vars} }

// startedAgain is what a program reads that starts its own file, as it could outside of cells.
const startedAgain = "The code of cells can't be started again as a program of its own: os.Executable is the kernel's worker. " +
	"Write the program to a file (%%writefile), build it (!go build FILE), and start that."

// Main is the worker's main function: it serves requests until the kernel is gone. openDisplay opens the pipes
// of GoNB's display library, whose packets begin before a cell writes the first one; nil if the worker does
// not have the library.
func Main(openDisplay func() error) {
	if len(os.Args) > 1 || !isPipe(3) || !isPipe(4) {
		fmt.Fprintln(os.Stderr, startedAgain)
		os.Exit(2)
	}
	in, out := os.NewFile(3, "requests"), os.NewFile(4, "events")
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	events.enc = json.NewEncoder(out)
	// Loops that listen for SIGINT (signal.NotifyContext) get it; the signal itself ends nothing.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	runs := make(chan Request, 1)
	go func() {
		for r := range runs {
			run(r)
		}
	}()
	keepOutputs()
	input.open()
	go watchInput()
	if openDisplay != nil && openDisplay() == nil {
		writePackets()
	}
	noteSurroundings()
	noteGoroutines()
	send(Event{Op: "ready"})
	dec := json.NewDecoder(in)
	for {
		var r Request
		if err := dec.Decode(&r); err != nil {
			pipeFailed(err)
		}
		serve(r, runs)
	}
}

// isPipe reports whether a descriptor is a pipe. The runtime may have others.
func isPipe(fd int) bool {
	var s syscall.Stat_t
	return syscall.Fstat(fd, &s) == nil && s.Mode&syscall.S_IFMT == syscall.S_IFIFO
}

// serve carries out a request, or passes it to the goroutine that runs cells.
func serve(r Request, runs chan<- Request) {
	switch r.Op {
	case "run":
		runs <- r
	case "interrupt":
		interrupt(r.N)
	case "input":
		go input.take(r)
	case "sizes":
		send(Event{Op: "sizes", Sizes: sizes()})
	case "holds":
		send(Event{Op: "holds", Holds: holds(r.Variables)})
	case "free":
		send(Event{Op: "freed", Freed: free(r.Variables)})
	case "packets":
		writePackets()
	case "env":
		reply(os.Setenv(r.Name, r.Value))
	case "chdir":
		reply(os.Chdir(r.Value))
	}
}

// reply tells the kernel that a request was carried out, or why not. The kernel knows its own changes of the
// surroundings.
func reply(err error) {
	noteSurroundings()
	if err != nil {
		send(Event{Op: "error", Text: err.Error()})
		return
	}
	send(Event{Op: "ok"})
}
