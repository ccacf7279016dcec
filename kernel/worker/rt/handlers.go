//go:build linux

package rt

import "sync"

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
	run int // the last one that registered it
	fun any
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
			h.run, h.fun = run, fun
		}
		handlers.Unlock()
		switch {
		case again:
			return
		case fun == nil:
			register(text, nil) // panics
			return
		}
		h = &handler{run, fun}
		register(text, func(w W, r R) {
			handlers.Lock()
			fun := h.fun.(func(W, R))
			handlers.Unlock()
			fun(w, r)
		})
		handlers.Lock()
		defer handlers.Unlock()
		if handlers.by == nil {
			handlers.by = map[pattern]*handler{}
		}
		handlers.by[key] = h
	}
}

// present returns the number of the run in progress; 0 if there is none.
func present() int {
	if c := running.Load(); c != nil {
		return c.n
	}
	return 0
}
