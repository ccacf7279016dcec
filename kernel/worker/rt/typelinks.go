//go:build linux

package rt

import (
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// compiledTypes returns the types of the program and of each plugin, which reflect searches by name. Only the worker
// has them; see compiledtypes.go.
var compiledTypes = func() (first []unsafe.Pointer, plugins [][]unsafe.Pointer) { return nil, nil }

// sortTypes sorts the types of the plugin that was opened last. The linker has sorted them by names that package
// session replaces afterwards, so that reflect.SliceOf and the like would not find the types that compiled code uses.
func sortTypes() {
	if _, plugins := compiledTypes(); len(plugins) > 0 {
		slices.SortStableFunc(plugins[len(plugins)-1], func(a, b unsafe.Pointer) int {
			return strings.Compare(typeAt(a).String(), typeAt(b).String())
		})
	}
}

// typeAt returns the type that a description of the runtime describes.
func typeAt(description unsafe.Pointer) reflect.Type {
	t := reflect.TypeFor[int]()
	(*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1] = description
	return t
}
