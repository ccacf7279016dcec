//go:build linux

package rt

import "sync"

// published are the runs that last made the variables of package expvar, by name.
var published struct {
	sync.Mutex
	by map[string]int
}

// Published returns a function such as expvar.NewInt for cells: a variable of that name and type that an
// earlier run has made is set to its first value, as a cell that is run again does. Within a run, the second
// one is an error as in Go.
func Published[V, T any](get func(string) V, make func(string) T) func(string) T {
	return func(name string) T {
		run := present()
		published.Lock()
		earlier, known := published.by[name]
		published.Unlock()
		v, same := any(get(name)).(T)
		if known && same && earlier != run {
			setFirst(v)
		} else {
			v = make(name)
		}
		published.Lock()
		defer published.Unlock()
		if published.by == nil {
			published.by = map[string]int{}
		}
		published.by[name] = run
		return v
	}
}

// setFirst gives a variable of package expvar the value that a new one has.
func setFirst[T any](v T) {
	switch v := any(v).(type) {
	case interface{ Set(int64) }:
		v.Set(0)
	case interface{ Set(float64) }:
		v.Set(0)
	case interface{ Set(string) }:
		v.Set("")
	case interface{ Init() T }:
		v.Init()
	}
}
