//go:build linux

package rt

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
)

// Exit is os.Exit for a cell: it ends the cell, with all its goroutines, as a failure whose message is the status.
// Their deferred functions run.
func Exit(status int) { exit(status).leave() }

// exitCalled runs inside os.Exit, whoever calls it (log.Fatal, flag.Parse, a library), in place of the end of the
// process. It returns, and the process ends, only if no cell started the goroutine. again restores this hook, which
// os.Exit takes away and guards until the goroutine has ended.
//
//lint:ignore U1000 exithook.go calls it, which only kernel/build compiles
func exitCalled(again func()) {
	keepLabels()
	if first := head(); !strings.Contains(first, "cell:") && !strings.Contains(first, `"cell"`) {
		return
	}
	go again()
	exit(exitStatus())
	runtime.Goexit() // the hook's caller throws at a panic
}

// exitStatus returns the argument of the os.Exit that is being called; 1 if it can't be read.
//
//lint:ignore U1000 exitCalled calls it
func exitStatus() int {
	buf := make([]byte, 16<<10)
	_, args, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), "\nos.Exit(0x")
	if end := strings.IndexAny(args, "?)"); end > 0 {
		if n, err := strconv.ParseUint(args[:end], 16, 64); err == nil {
			return int(n)
		}
	}
	return 1
}

// Caught is deferred in the goroutines that cells start. It makes a panic that nothing else recovers a failure of the
// cell; without it the process would end.
func Caught() {
	if v := recover(); v != nil && !isInterruption(v) {
		caught(failureOf(v))
	}
}

func caught(f *Failure) {
	if endCell(f) != notTold {
		return
	}
	fmt.Fprintf(os.Stderr, "A goroutine of an earlier cell ended by a panic%s: %s\n", f.place(), f.Message)
}

// place returns the innermost line of a cell in parentheses, or "".
func (f *Failure) place() string {
	own := ownRenumber()
	for _, frame := range f.Frames {
		frame = own.frame(frame)
		if strings.HasPrefix(frame.File, "cell ") {
			return fmt.Sprintf(" (%s, line %d)", frame.File, frame.Line)
		}
	}
	return ""
}

// Catching returns a function that calls f in the same way in a goroutine that a library starts.
//
//go:noinline
func Catching(f func()) func() {
	c := running.Load()
	return func() {
		c.adopt()
		defer Caught()
		f()
	}
}

// CatchingErr is Catching for a function that returns an error.
//
//go:noinline
func CatchingErr(f func() error) func() error {
	c := running.Load()
	return func() error {
		c.adopt()
		defer Caught()
		return f()
	}
}

// tester is what InTest needs of *testing.T, *testing.B and *testing.F.
type tester interface {
	Helper()
	Log(...any)
	FailNow()
}

// InTest is deferred in functions of cells that take a *testing.T or the like. A panic, the cell's end or an interrupt
// fails the test; package testing would end the process.
func InTest(t tester) {
	t.Helper()
	if v := recover(); v != nil && !isInterruption(v) {
		f := failureOf(v)
		t.Log("panic: " + f.Message + f.place())
		t.FailNow()
	}
	if why := whyTold(self()); why != "" {
		t.Log(why)
		t.FailNow()
	}
}

// whyTold returns why a goroutine was told to end; empty if it was not.
func whyTold(name string) string {
	stopping.Lock()
	defer stopping.Unlock()
	c := running.Load()
	switch {
	case c == nil || c.told[name] == notTold:
		return ""
	case c.exit.Load() != nil:
		return c.exit.Load().Message
	}
	return "interrupted"
}

// adopt makes the calling goroutine one of the run's. The goroutines of timers inherit no label.
func (c *current) adopt() {
	if c != nil {
		c.label()
	}
}

// label marks the calling goroutine, and those that it starts, as the run's.
func (c *current) label() {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("cell", strconv.Itoa(c.n))))
}

// exit makes the goroutines of the running cell end, and returns how the caller must end. If the caller belongs to an
// earlier cell, only the caller ends.
func exit(status int) manner {
	message := fmt.Sprintf("exit status %d", status)
	how := endCell(&Failure{Kind: "exit", Message: message, Frames: stackFrom(false)})
	if how == notTold {
		fmt.Fprintf(os.Stderr, "A goroutine of an earlier cell called os.Exit (%s): it ended, nothing else did.\n", message)
		return byGoexit
	}
	return how
}

// endCell makes the goroutines of the running cell end, with f as the cell's failure. It returns how the caller must end,
// notTold if it is none of them.
func endCell(f *Failure) manner {
	keepLabels()
	name := self()
	stopping.Lock()
	defer stopping.Unlock()
	c := running.Load()
	switch {
	case c == nil:
		return notTold
	case c.told[name] == byGoexit: // it ends already; this is one of its deferred functions
		c.exit.CompareAndSwap(nil, f)
		return byGoexit
	case !labelled(head(), c.n):
		return notTold
	}
	how := byGoexit
	if recovers, _ := callers(); recovers && name == c.body {
		how = byPanic
	}
	c.told[name] = how
	c.exit.CompareAndSwap(nil, f)
	c.halt()
	return how
}
