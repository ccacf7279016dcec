//go:build linux

package rt

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// failed is the panic that ends a cell whose last expression is an error.
type failed struct{ err error }

func failureOf(v any) *Failure {
	if f, ok := v.(failed); ok {
		return &Failure{Kind: "error", Type: fmt.Sprintf("%T", f.err), Message: panicText(f.err)}
	}
	return &Failure{Kind: "panic", Type: fmt.Sprintf("%T", v), Message: panicsText(v), Frames: stackFrom(true)}
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
	case failed:
		return panicText(x.err)
	case error:
		return cut(x.Error())
	case fmt.Stringer:
		return cut(x.String())
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.String:
		return cut(r.String())
	case reflect.Func:
		return Text(v)
	default:
		return bareText(r)
	}
}

// bodyCaller is the function that calls a cell's body: stacks end before it.
const bodyCaller = "nb/rt.(*current).run"

// stackFrom returns the calling goroutine's stack down to the cell's body; with recovering, from the panic on that it
// has just recovered. The frames of earlier panics, whose deferred functions panicked too, follow.
func stackFrom(recovering bool) []Frame {
	pcs := make([]uintptr, 200)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var all []Frame
	for {
		f, more := frames.Next()
		if f.Function == bodyCaller {
			break
		}
		switch {
		case recovering && f.Function == "runtime.gopanic":
			all, recovering = all[:0], false // the frames so far belong to recovering
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
