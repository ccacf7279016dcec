//go:build linux

package rt

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"sync"
)

// handlers are the functions that cells have registered for patterns of http.DefaultServeMux.
var handlers struct {
	sync.Mutex
	by map[pattern]*handler
}

type pattern struct {
	mux  any // the http.DefaultServeMux at that time
	text string
}

type handler struct {
	run   int // the last one that registered it
	fun   any
	place string // of the call in its cell: "cell 3:1"
}

// HandleFunc returns http.HandleFunc for cells: it replaces the function that an earlier run registered for a pattern
// of the mux, as a cell that is run again does. Within a run, the second function for a pattern is an error as in Go.
func HandleFunc[M comparable, W, R any](mux *M, register func(string, func(W, R))) func(string, func(W, R)) {
	return func(text string, fun func(W, R)) {
		key, run := pattern{*mux, text}, present()
		handlers.Lock()
		h := handlers.by[key]
		again := h != nil && fun != nil && h.run != run
		if again {
			h.run, h.fun, h.place = run, fun, callerPlace()
		}
		handlers.Unlock()
		switch {
		case again:
			return
		case fun == nil:
			register(text, nil) // panics
			return
		}
		h = &handler{run, fun, callerPlace()}
		if v := panicOf(func() {
			register(text, func(w W, r R) {
				handlers.Lock()
				fun := h.fun.(func(W, R))
				handlers.Unlock()
				fun(w, r)
			})
		}); v != nil {
			panic(h.conflict(*mux, v))
		}
		handlers.Lock()
		defer handlers.Unlock()
		if handlers.by == nil {
			handlers.by = map[pattern]*handler{}
		}
		handlers.by[key] = h
	}
}

// callerPlace returns the place in a cell of a call of the caller of callerPlace.
func callerPlace() string {
	_, file, line, _ := runtime.Caller(2)
	return fmt.Sprintf("%s:%d", file, line)
}

// conflictText matches what net/http says about two patterns, of which the places are those of its callers.
var conflictText = regexp.MustCompile(`(?s)^(pattern (".*") \(registered at )handlers\.go:\d+(\) conflicts with pattern (".*") \(registered at )handlers\.go:\d+(\).*)$`)

// panicOf returns the value with which a function panics; nil if it does not.
func panicOf(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// conflict gives the value of a panic about the handler's pattern and another one their places in cells.
func (h *handler) conflict(mux, v any) any {
	m := conflictText.FindStringSubmatch(fmt.Sprint(v))
	if m == nil {
		return v
	}
	other, _ := strconv.Unquote(m[4])
	handlers.Lock()
	defer handlers.Unlock()
	if first := handlers.by[pattern{mux, other}]; first != nil {
		return errors.New(m[1] + h.place + m[3] + first.place + m[5])
	}
	return v
}

// present returns the number of the run in progress; 0 if there is none.
func present() int {
	if c := running.Load(); c != nil {
		return c.n
	}
	return 0
}
