//go:build linux

package rt

import (
	"reflect"
	"runtime"
	"slices"
	"testing"
)

// TestDeepCallers: the frame pointers of a deep stack lead to the functions that runtime.Callers names, also below
// calls by package reflect and of a deferred function.
func TestDeepCallers(t *testing.T) {
	names := func(pcs []uintptr) (all []string) {
		for _, pc := range pcs {
			all = append(all, runtime.FuncForPC(pc-1).Name())
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	var deep, want []string
	var descend func(n int)
	descend = func(n int) {
		switch {
		case n == 0:
			deep = names(distinct(deepCallers()))
			pcs := make([]uintptr, 1<<20)
			want = names(pcs[:runtime.Callers(1, pcs)])
		case n%1000 == 0:
			reflect.ValueOf(descend).Call([]reflect.Value{reflect.ValueOf(n - 1)})
		case n == 5555:
			defer func() {
				recover()
				descend(n - 1)
			}()
			panic("down")
		default:
			descend(n - 1)
		}
	}
	descend(20_000)
	for _, name := range want {
		if !slices.Contains(deep, name) {
			t.Errorf("%s is not found by frame pointers", name)
		}
	}
	if !slices.Contains(deep, "runtime.gopanic") || !slices.Contains(deep, "reflect.Value.Call") {
		t.Errorf("found %q", deep)
	}
}
