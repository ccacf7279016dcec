//go:build linux

package rt

import (
	"fmt"
	"log"
	"runtime"
	"slices"
	"strings"
)

// Here returns the run in progress, for the body of a cell.
func Here() *current { return running.Load() }

// Set notes that variables of the cell have their values: should the cell fail, they stay.
func (c *current) Set(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = append(c.set, names...)
}

func (c *current) whatIsSet() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.set)
}

// Exit is os.Exit for a cell: it ends the cell, as a failure that says the status. What
// the cell deferred runs.
func Exit(status int) {
	c := running.Load()
	if c == nil {
		runtime.Goexit() // a goroutine that an earlier cell left
	}
	c.exit.CompareAndSwap(nil, &Failure{Kind: "exit", Message: fmt.Sprintf("exit status %d", status)})
	if goroutine() != c.body {
		stopping.Lock()
		if running.Load() == c {
			stop.Store(1)
		}
		stopping.Unlock()
	}
	runtime.Goexit()
}

// goroutine is the number of the calling goroutine.
func goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), " [")
	return name
}

// Fatal is log.Fatal for a cell.
func Fatal(v ...any) {
	log.Output(2, fmt.Sprint(v...))
	Exit(1)
}

// Fatalf is log.Fatalf for a cell.
func Fatalf(format string, v ...any) {
	log.Output(2, fmt.Sprintf(format, v...))
	Exit(1)
}

// Fatalln is log.Fatalln for a cell.
func Fatalln(v ...any) {
	log.Output(2, fmt.Sprintln(v...))
	Exit(1)
}
