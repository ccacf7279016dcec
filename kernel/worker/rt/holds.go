//go:build linux

package rt

import (
	"bufio"
	"maps"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A value may hold code of a cell that its variable's type does not name: a function, or a type in an interface. The
// kernel must know which, when a cell declares that code anew.

// Code is code of a cell that a value holds: a type, or the function at Line of File.
type Code struct {
	// Run is the number of the run whose plugin has the code.
	Run int
	// Type is a type's name, as in the cell's text; empty for a function.
	Type string
	// Func is a function's name without its package, as in stacks: "f", "(*T).m", "f.func1". The first function of a
	// plugin has none.
	Func string
	// File and Line are the place of the function: File is "cell 3".
	File string
	Line int
}

// Goroutines is the name for the code that goroutines run, beside the names of variables.
const Goroutines = "goroutines"

// Unread is the name under which holds says that it has looked into no variable, because goroutines of cells run.
const Unread = "unread"

// The walk through the values ends after so many of them.
const valuesOfOne, valuesOfAll = 10_000, 200_000

// holds returns the code of cells that variables hold, and that goroutines run. The names of variables are those of
// sizes.
func holds(variables []string) map[string][]Code {
	all := map[string][]Code{}
	if running.Load() != nil {
		return all // the cell may be writing them
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a function of time.AfterFunc may begin to write
	w := &walk{rest: valuesOfAll, hiding: map[reflect.Type]bool{}}
	if !w.alone() {
		variables = nil
		all[Unread] = nil
	}
	for _, variable := range variables {
		run, name, _ := strings.Cut(variable, ".")
		n, _ := strconv.Atoi(run)
		if c := cells[n]; c != nil && c.vars[name] != nil {
			if found := w.variable(c.vars[name]); len(found) > 0 {
				all[variable] = found
			}
		}
	}
	if running, _ := w.goroutines(); len(running) > 0 {
		all[Goroutines] = running
	}
	return all
}

// walk goes through the values of variables.
type walk struct {
	rest    int                   // how many more values are visited
	hiding  map[reflect.Type]bool // the results of hidesCode
	plugins []span                // nil as long as no function was found

	// Of the present variable:
	left  int // how many more values are visited
	seen  map[place]bool
	types map[reflect.Type]bool
	found map[Code]bool
}

// alone reports whether only the worker's own goroutines are there. Another one may write what is read: a map, which
// would end the process, or an interface of which one word is old and one is new. So the walk ends.
func (w *walk) alone() bool {
	if noOthers() {
		return true
	}
	w.left, w.rest = 0, 0
	return false
}

// place is a visited value.
type place struct {
	at unsafe.Pointer
	t  reflect.Type
}

// variable returns the code that the variable at a pointer holds.
func (w *walk) variable(pointer any) (found []Code) {
	most := min(w.rest, valuesOfOne)
	w.left, w.seen, w.types, w.found = most, map[place]bool{}, map[reflect.Type]bool{}, map[Code]bool{}
	defer func() {
		_ = recover() // of a value that changed while it was read
		w.rest -= most - max(0, w.left)
		found = slices.Collect(maps.Keys(w.found))
	}()
	w.value(reflect.ValueOf(pointer).Elem())
	return nil
}

func (w *walk) value(v reflect.Value) {
	if w.left--; w.left < 0 || !w.hides(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			w.typ(v.Elem().Type())
			w.value(v.Elem())
		}
	case reflect.Func:
		if !v.IsNil() {
			w.function(v.Pointer())
		}
	case reflect.Pointer:
		if !v.IsNil() && w.first(v.UnsafePointer(), v.Type()) {
			w.value(v.Elem())
		}
	case reflect.Slice:
		if v.Len() > 0 && w.first(v.UnsafePointer(), v.Type()) {
			w.elements(v)
		}
	case reflect.Array:
		w.elements(v)
	case reflect.Map:
		if v.Len() > 0 && w.first(v.UnsafePointer(), v.Type()) && w.alone() {
			for all := v.MapRange(); w.left > 0 && all.Next(); {
				w.value(all.Key())
				w.value(all.Value())
			}
		}
	case reflect.Struct:
		w.structure(v)
	}
}

// first reports whether a value was not visited before.
func (w *walk) first(at unsafe.Pointer, t reflect.Type) bool {
	p := place{at, t}
	before := w.seen[p]
	w.seen[p] = true
	return !before
}

func (w *walk) elements(v reflect.Value) {
	for i := 0; i < v.Len() && w.left > 0; i++ {
		w.value(v.Index(i))
	}
}

// structure visits the fields of a struct, and what the types of packages sync and sync/atomic hide behind a pointer
// without a type.
func (w *walk) structure(v reflect.Value) {
	t := v.Type()
	switch {
	case !v.CanAddr():
	case t == reflect.TypeFor[sync.Map]():
		(*sync.Map)(v.Addr().UnsafePointer()).Range(func(key, value any) bool {
			w.value(reflect.ValueOf(&key).Elem())
			w.value(reflect.ValueOf(&value).Elem())
			return w.left > 0
		})
		return
	case t.PkgPath() == "sync/atomic" && strings.HasPrefix(t.Name(), "Pointer[") && t.Field(0).Type.Kind() == reflect.Array:
		pointer := t.Field(0).Type.Elem() // _ [0]*T
		at := atomic.LoadPointer((*unsafe.Pointer)(v.Addr().UnsafePointer()))
		if pointer.Kind() == reflect.Pointer && at != nil && w.first(at, pointer) {
			w.value(reflect.NewAt(pointer.Elem(), at).Elem())
		}
		return
	}
	for i := range v.NumField() {
		w.value(v.Field(i))
	}
}

// hides reports whether values of a type may hold functions, or types that it does not name.
func (w *walk) hides(t reflect.Type) bool {
	known, ok := w.hiding[t]
	if !ok {
		known = hidesCode(t, map[reflect.Type]bool{})
		w.hiding[t] = known
	}
	return known
}

func hidesCode(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface, reflect.Func:
		return true
	case reflect.Map:
		return hidesCode(t.Key(), seen) || hidesCode(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return hidesCode(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if hidesCode(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// cellType matches a cell's type among the type arguments in the name of another one.
var cellType = regexp.MustCompile(`\bnb/r(\d+)\.([^][,;{}() ]+)`)

// typ records the types of cells of which a type is made.
func (w *walk) typ(t reflect.Type) {
	if w.types[t] {
		return
	}
	w.types[t] = true
	if name := t.Name(); name != "" {
		name, args, _ := strings.Cut(name, "[")
		if run, ok := strings.CutPrefix(t.PkgPath(), "nb/r"); ok {
			w.addType(run, name)
		}
		for _, m := range cellType.FindAllStringSubmatch(args, -1) {
			w.addType(m[1], m[2])
		}
		return
	}
	switch t.Kind() {
	case reflect.Map:
		w.typ(t.Key())
		w.typ(t.Elem())
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		w.typ(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			w.typ(t.Field(i).Type)
		}
	case reflect.Func:
		for in := range t.Ins() {
			w.typ(in)
		}
		for out := range t.Outs() {
			w.typ(out)
		}
	}
}

func (w *walk) addType(run, name string) {
	if n, err := strconv.Atoi(run); err == nil {
		w.found[Code{Run: n, Type: strings.TrimPrefix(name, fieldMark)}] = true
	}
}

// function records a cell's function.
func (w *walk) function(pc uintptr) {
	var f runtime.Frame
	for frames, more := runtime.CallersFrames([]uintptr{pc + 1}), true; more; { // the last one is not inlined
		f, more = frames.Next()
	}
	w.frame(f)
}

// frame records the function of a call if it is a cell's.
func (w *walk) frame(f runtime.Frame) {
	if w.plugins == nil {
		w.plugins = plugins()
	}
	i := slices.IndexFunc(w.plugins, func(s span) bool { return f.PC >= s.start && f.PC < s.end })
	if i >= 0 {
		_, name, _ := strings.Cut(f.Function, ".")
		w.found[Code{Run: w.plugins[i].run, Func: name, File: f.File, Line: f.Line}] = true
	}
}

// mostGoroutines is how many goroutines are looked at.
const mostGoroutines = 1000

// goroutines returns the functions of cells that goroutines run, and whether it looked at all goroutines.
func (w *walk) goroutines() (code []Code, all bool) {
	w.found = map[Code]bool{}
	records := make([]runtime.StackRecord, runtime.NumGoroutine()+10)
	n, ok := runtime.GoroutineProfile(records)
	if !ok {
		return nil, false // there are more by now
	}
	for _, r := range records[:min(n, mostGoroutines)] {
		for frames, more := runtime.CallersFrames(r.Stack()), len(r.Stack()) > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			w.frame(f)
		}
	}
	return slices.Collect(maps.Keys(w.found)), n <= mostGoroutines
}

// span is a part of the memory into which the plugin of a run is loaded.
type span struct {
	start, end uintptr
	run        int
}

// opened are the runs of the plugins that were opened, by file.
var opened = map[string]int{}

// plugins returns where the plugins of cells are.
func plugins() []span {
	all := []span{}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return all
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		// "7f00a000-7f00b000 r-xp 00000000 fe:01 1234   /path (deleted)"
		_, file, _ := strings.Cut(lines.Text(), "/")
		run := opened["/"+strings.TrimSuffix(file, " (deleted)")]
		where, _, _ := strings.Cut(lines.Text(), " ")
		from, to, _ := strings.Cut(where, "-")
		start, err := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if run != 0 && err == nil && err2 == nil {
			all = append(all, span{uintptr(start), uintptr(end), run})
		}
	}
	return all
}

// ownGoroutines are the names of the worker's own goroutines.
var ownGoroutines = map[string]bool{}

// noteGoroutines records the present goroutines as the worker's own.
func noteGoroutines() {
	for _, g := range goroutines() {
		ownGoroutines[g.name] = true
	}
}

// noOthers reports whether only the worker's own goroutines are there.
func noOthers() bool {
	stopping.Lock()
	ended := stopping.ended // it has its result, and may not be gone yet
	if stopping.left[ended] != nil {
		ended = ""
	}
	stopping.Unlock()
	return !slices.ContainsFunc(goroutines(), func(g goroutine) bool { return !ownGoroutines[g.name] && g.name != ended })
}
