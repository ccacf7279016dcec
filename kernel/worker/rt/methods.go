//go:build linux

package rt

import (
	"reflect"
	"strings"
	"unsafe"
)

// uncommon is the runtime's description of a type's methods (internal/abi.UncommonType). The exported ones come first.
type uncommon struct {
	pkgPath  int32
	methods  uint16
	exported uint16
	offset   uint32
	_        uint32
}

// uncommonAt is where the description stands, after that of the kind.
var uncommonAt = map[reflect.Kind]uintptr{reflect.Struct: 80, reflect.Pointer: 56, reflect.Func: 56, reflect.Slice: 56, reflect.Array: 72, reflect.Chan: 64, reflect.Map: 136}

// HideMethods makes reflect, and with it templates and remote procedure calls, see only the methods of types that are
// exported under their own names. A cell's package calls it like [HideFields]. Interfaces find all methods as before.
func HideMethods(pointers ...any) {
	for _, p := range pointers {
		t := reflect.TypeOf(p)
		hideMethods(t)
		hideMethods(t.Elem())
	}
}

// HideUnnamed does the same, and gives fields their own names back, for all types of the plugin that was opened last:
// also for those that its package can't name, which are types that functions declare and instances of generic types
// that a generic function of another cell may have made. A cell's package calls it when it is initialised.
func HideUnnamed() {
	sections, offsets := typelinks()
	last, seen := len(sections)-1, map[reflect.Type]bool{}
	for _, offset := range offsets[last] {
		t := reflect.TypeFor[int]()
		(*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1] = unsafe.Add(sections[last], offset)
		if t.Kind() == reflect.Pointer && strings.HasPrefix(t.Elem().PkgPath(), "nb/") {
			hideMethods(t)
			hideMethods(t.Elem())
			hideFields(t.Elem(), seen)
		}
	}
}

// typelinks returns the types of each part of the program, a plugin being one: offsets to the beginning of its section.
//
//go:linkname typelinks reflect.typelinks
func typelinks() (sections []unsafe.Pointer, offsets [][]int32)

func hideMethods(t reflect.Type) {
	const common, flagsAt, hasUncommon = 48, 20, 1
	if t.Kind() == reflect.Interface {
		return
	}
	n, hidden := t.NumMethod(), 0
	for hidden < n && strings.HasPrefix(t.Method(n-1-hidden).Name, fieldMark) { // sorted last
		hidden++
	}
	if hidden == 0 {
		return
	}
	at := uncommonAt[t.Kind()]
	if at == 0 {
		at = common
	}
	p := (*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1]
	u := (*uncommon)(unsafe.Add(p, at))
	if *(*byte)(unsafe.Add(p, flagsAt))&hasUncommon == 0 || int(u.exported) != n || u.methods < u.exported {
		return // this Go version describes types differently: the methods stay as they are
	}
	if writable(unsafe.Pointer(u), unsafe.Sizeof(*u)) == nil {
		u.exported -= uint16(hidden)
	}
}
