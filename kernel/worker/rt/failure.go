//go:build linux

package rt

import (
	"fmt"
	"runtime"
	"strings"
)

// failed is the panic that ends a cell whose last expression is an error.
type failed struct{ err error }

func failureOf(v any) *Failure {
	if f, ok := v.(failed); ok {
		return &Failure{Kind: "error", Type: fmt.Sprintf("%T", f.err), Message: panicText(f.err)}
	}
	return &Failure{Kind: "panic", Type: fmt.Sprintf("%T", v), Message: panicText(v), Frames: stack()}
}

// panicText returns the text of a panic's value or of an error, bounded in size. The value's own method may panic too.
func panicText(v any) (text string) {
	defer func() {
		e := recover()
		_, isError := v.(error)
		switch {
		case e != nil && isNil(v) && isError:
			text = fmt.Sprintf("a nil %T in an interface, which is not equal to nil; where there is no error, return nil itself", v)
		case e != nil:
			text = cut(fmt.Sprintf("(%T value whose own text panics: %v)", v, e))
		}
	}()
	switch x := v.(type) {
	case error:
		return cut(x.Error())
	case fmt.Stringer:
		return cut(x.String())
	}
	return cut(fmt.Sprint(v))
}

// bodyCaller is the function that calls a cell's body: stacks end before it.
const bodyCaller = "nb/rt.(*current).run"

// stack returns the panicking goroutine's stack, from the panic to the cell's body.
func stack() []Frame { return stackFrom(true) }

// stackFrom returns the calling goroutine's stack down to the cell's body, with panicked from the panic on.
func stackFrom(panicked bool) []Frame {
	pcs := make([]uintptr, 200)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var all []Frame
	for {
		f, more := frames.Next()
		if f.Function == bodyCaller {
			break
		}
		switch {
		case panicked && (f.Function == "runtime.gopanic" || f.Function == "runtime.sigpanic"):
			all = all[:0] // the frames so far belong to recovering
		case strings.HasPrefix(f.Function, "runtime.") && len(all) == 0:
		default:
			all = append(all, Frame{f.Function, f.File, f.Line})
		}
		if !more {
			break
		}
	}
	return all
}
