//go:build linux

package rt

import (
	"sync"
	"weak"
)

// muxes are the functions that cells have registered for patterns of muxes of their own, which keep them alive.
var muxes struct {
	sync.Mutex
	by map[pattern]any // a weak.Pointer[served[W, R]]; a pattern's mux is a weak.Pointer, too
}

// served is a handler whose function a later run may replace.
type served[W, R any] struct {
	mu  sync.Mutex
	run int // the last one that registered it
	fun func(W, R)
	of  any // the handler whose method that is; for holds
}

// ServeHTTP calls the function.
func (s *served[W, R]) ServeHTTP(w W, r R) {
	s.mu.Lock()
	fun := s.fun
	s.mu.Unlock()
	fun(w, r)
}

// replace makes fun the handler's function if an earlier run registered the present one.
func (s *served[W, R]) replace(run int, fun func(W, R), of any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := s.run != run && fun != nil
	if again {
		s.run, s.fun, s.of = run, fun, of
	}
	return again
}

// HandleIn returns the method HandleFunc of a mux for cells, like HandleFunc of this package.
func HandleIn[M, W, R, H any](mux *M, handle func(*M, string, H), handleFunc func(*M, string, func(W, R))) func(string, func(W, R)) {
	return func(text string, fun func(W, R)) { handleIn(mux, handle, handleFunc, text, fun, nil) }
}

// handleIn registers a function, which is the method of the handler of unless that is nil.
func handleIn[M, W, R, H any](mux *M, handle func(*M, string, H), handleFunc func(*M, string, func(W, R)), text string, fun func(W, R), of any) {
	key, run := pattern{weak.Make(mux), text}, present()
	muxes.Lock()
	known, _ := muxes.by[key].(weak.Pointer[served[W, R]])
	muxes.Unlock()
	if s := known.Value(); s != nil && s.replace(run, fun, of) {
		return
	}
	s := &served[W, R]{run: run, fun: fun, of: of}
	h, ok := any(s).(H)
	if !ok || fun == nil {
		handleFunc(mux, text, fun)
		return
	}
	handle(mux, text, h)
	muxes.Lock()
	defer muxes.Unlock()
	if muxes.by == nil {
		muxes.by = map[pattern]any{}
	}
	muxes.by[key] = weak.Make(s)
}

// HandlesIn returns the method Handle of a mux for cells.
func HandlesIn[M, W, R, H any](mux *M, handle func(*M, string, H), handleFunc func(*M, string, func(W, R))) func(string, H) {
	return func(text string, h H) {
		if s, ok := any(h).(interface{ ServeHTTP(W, R) }); ok {
			handleIn(mux, handle, handleFunc, text, s.ServeHTTP, h)
		} else {
			handle(mux, text, h)
		}
	}
}

// present returns the number of the run in progress; 0 if there is none.
func present() int {
	if c := running.Load(); c != nil {
		return c.n
	}
	return 0
}
