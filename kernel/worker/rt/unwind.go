//go:build linux

package rt

import (
	"errors"
	"iter"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// manner is how a goroutine was told to end.
type manner int

const (
	notTold  manner = iota
	byGoexit        // its deferred functions run undisturbed
	byPanic         // a library may recover from it; then the goroutine is told again
)

// interruption is the panic that ends a goroutine below a library that recovers from errors of the functions it calls,
// as GoMLX does while it builds a graph. runtime.Goexit would skip the rest of that library's function, and what it
// keeps would wait for ever for the end of the work: the next call with the same shapes would hang.
type interruption struct{}

// Error returns the message that users of the library see if they print the error.
func (interruption) Error() string { return "interrupted" }

// isInterruption reports whether the value of a panic comes from an interruption, also wrapped by a library.
func isInterruption(v any) bool {
	if f, ok := v.(failed); ok {
		v = f.err
	}
	err, ok := v.(error)
	return ok && errors.As(err, &interruption{})
}

// otherTime is how long a goroutine that the cell started may take to leave a library that recovers from errors. It is
// less than stopRest waits.
const otherTime = 300 * time.Millisecond

// tell returns how the calling goroutine must end now, notTold if it goes on. before is how it was told earlier. Only
// the goroutine that runs the cell's body may panic: nothing recovers from the panic of another, which would end the
// worker. told is when the cell's goroutines were told to end.
func tell(before manner, body bool, told time.Time) manner {
	if before == byGoexit {
		return notTold
	}
	recovers, unwinds := callers()
	switch {
	case before == byPanic && unwinds:
		return notTold
	case recovers && body:
		return byPanic
	case recovers && time.Since(told) < otherTime:
		return notTold
	}
	return byGoexit
}

// leave ends the calling goroutine.
func (m manner) leave() {
	switch m {
	case byGoexit:
		runtime.Goexit()
	case byPanic:
		panic(interruption{})
	}
}

// callers reports whether one of the functions that called this one recovers from errors, and whether the goroutine
// runs its deferred functions because of a panic or of runtime.Goexit.
func callers() (recovers, unwinds bool) {
	for frames := runtime.CallersFrames(callersOnce()); ; {
		f, more := frames.Next()
		// exceptions.Try and TryCatch of github.com/gomlx/exceptions, and of its copy in GoMLX.
		recovers = recovers || strings.Contains(f.Function, "/exceptions.Try")
		unwinds = unwinds || f.Function == "runtime.gopanic" || f.Function == "runtime.Goexit"
		if !more {
			return recovers, unwinds
		}
	}
}

// callersOnce returns the program counters of the calls in progress, each once: those of a deep recursion are few.
func callersOnce() []uintptr {
	pcs := make([]uintptr, 4096)
	if n := runtime.Callers(0, pcs); n < len(pcs) {
		return distinct(slices.Values(pcs[:n]))
	}
	return distinct(deepCallers())
}

// deepCallers yields the program counters of the calls in progress. It follows the frame pointers: runtime.Callers
// takes seconds for the millions of calls of a full stack.
func deepCallers() iter.Seq[uintptr] {
	return func(yield func(uintptr) bool) {
		const result = unsafe.Sizeof(uintptr(0)) // where a call's return address is, after the caller's frame pointer
		// The stack may move, so that a frame's distance from its end is kept.
		for left := stackEnd() - framePointer(); left >= 2*result; {
			frame := unsafe.Add(record(), stackEnd()-left-uintptr(record()))
			caller := *(*uintptr)(frame)
			if !yield(*(*uintptr)(unsafe.Add(frame, result))) {
				return
			}
			if next := stackEnd() - caller; next < left {
				left = next
			} else {
				return // the last frame has no caller
			}
		}
	}
}

// distinct returns each program counter once.
func distinct(pcs iter.Seq[uintptr]) (once []uintptr) {
	seen := map[uintptr]bool{}
	var last [64]uintptr // most calls of a recursion are found here, which is faster
	for pc := range pcs {
		recent := &last[pc/4%uintptr(len(last))]
		if *recent != pc && !seen[pc] {
			seen[pc] = true
			once = append(once, pc)
		}
		*recent = pc
	}
	return once
}
