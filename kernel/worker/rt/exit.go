//go:build linux

package rt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"unsafe"
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
	if first := head(); !strings.Contains(first, "run:") && !strings.Contains(first, `"run"`) {
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

// Catching returns a function that calls f in the same way in a goroutine that a library starts. That has the labels of
// the caller: the goroutines of timers inherit none.
func Catching(f func()) func() {
	l := labels()
	return func() {
		setLabels(l)
		defer Caught()
		f()
	}
}

// CatchingOf is Catching for a function with a parameter.
func CatchingOf[T any](f func(T)) func(T) {
	l := labels()
	return func(x T) {
		setLabels(l)
		defer Caught()
		f(x)
	}
}

// CatchingErr is Catching for a function that returns an error. A panic is an error for the library.
func CatchingErr(f func() error) func() error {
	l := labels()
	return func() (err error) {
		setLabels(l)
		err = errPanicked
		defer Caught()
		return f()
	}
}

// errPanicked is the error of a function that ended by a panic.
var errPanicked = errors.New("a goroutine of the cell ended by a panic")

// Cleaning is CatchingOf for runtime.AddCleanup, whose goroutines call the functions of many cells.
func Cleaning[T any](f func(T)) func(T) {
	call := CatchingOf(f)
	return func(x T) {
		defer setLabels(labels())
		call(x)
	}
}

// SetFinalizer is runtime.SetFinalizer for cells: the line may run again, where Go ends the process because the
// object has a finalizer.
func SetFinalizer(obj, f any) {
	if f != nil {
		runtime.SetFinalizer(obj, nil)
	}
	runtime.SetFinalizer(obj, finalizing(f))
}

// finalizing is Cleaning for runtime.SetFinalizer, which takes a function of any type, or nil.
func finalizing(f any) any {
	call := reflect.ValueOf(f)
	if call.Kind() != reflect.Func || call.IsNil() {
		return f // runtime.SetFinalizer knows what to say
	}
	l := labels()
	return reflect.MakeFunc(call.Type(), func(args []reflect.Value) (results []reflect.Value) {
		for t := range call.Type().Outs() {
			results = append(results, reflect.Zero(t)) // the runtime drops them
		}
		defer setLabels(labels())
		setLabels(l)
		defer Caught()
		call.Call(args)
		return results
	}).Interface()
}

// Going is Catching for any function of a go statement, for those whose types the cell's text can't write.
func Going[F any](f F) F {
	call := reflect.ValueOf(f)
	return reflect.MakeFunc(call.Type(), func(args []reflect.Value) (results []reflect.Value) {
		for t := range call.Type().Outs() {
			results = append(results, reflect.Zero(t)) // those of a call that ends by a panic
		}
		defer Caught()
		if call.Type().IsVariadic() {
			call.CallSlice(args)
		} else {
			call.Call(args)
		}
		return results
	}).Interface().(F)
}

// labels and setLabels are the labels of the calling goroutine, which those that it starts inherit.
//
//go:linkname labels runtime/pprof.runtime_getProfLabel
func labels() unsafe.Pointer

//go:linkname setLabels runtime/pprof.runtime_setProfLabel
func setLabels(unsafe.Pointer)

// tester is what InTest needs of *testing.T, *testing.B and *testing.F.
type tester interface {
	Helper()
	Log(...any)
	FailNow()
}

// Testing returns a function that calls the function f of a test.
func Testing[T tester](f func(T)) func(T) {
	return func(t T) {
		defer InTest(t)
		f(t)
	}
}

// Fuzzing is Testing for a function with more parameters, which f.Fuzz takes as any.
func Fuzzing(f any) any {
	call := reflect.ValueOf(f)
	if call.Kind() != reflect.Func || call.Type().NumIn() == 0 || !call.Type().In(0).Implements(reflect.TypeFor[tester]()) {
		return f // f.Fuzz says what it wants
	}
	return reflect.MakeFunc(call.Type(), func(args []reflect.Value) []reflect.Value {
		defer InTest(args[0].Interface().(tester))
		return call.Call(args)
	}).Interface()
}

// InTest is deferred in the functions that package testing calls. A panic, the cell's end or an interrupt fails the
// test; package testing would end the process.
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

// setLabel marks the calling goroutine, and those that it starts, as the run's. The cell's number is for
// readers of dumps.
func (c *current) setLabel() {
	labels := pprof.Labels("cell", strconv.Itoa(c.count), "run", strconv.Itoa(c.n))
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
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

// endCell makes the goroutines of the running cell end, with f as the cell's failure. It returns how the caller must
// end, notTold if it is none of them.
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
	case !c.owns():
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
