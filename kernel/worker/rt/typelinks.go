//go:build linux

package rt

import (
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// compiledTypes returns the types of the program and of each plugin, which reflect searches by name. It is set in the
// worker only, by compiledtypes.go.
var compiledTypes = func() (first []unsafe.Pointer, plugins [][]unsafe.Pointer) { return nil, nil }

// newestTypes returns the types of the plugin that was opened last.
func newestTypes() []unsafe.Pointer {
	_, plugins := compiledTypes()
	if len(plugins) == 0 {
		return nil
	}
	return plugins[len(plugins)-1]
}

// typeAt returns the type that a description of the runtime describes.
func typeAt(description unsafe.Pointer) reflect.Type {
	t := reflect.TypeFor[int]()
	(*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1] = description
	return t
}

// sortTypes sorts the types of the plugin that was opened last by name. The linker has sorted them, by the names that
// package session has replaced; reflect.SliceOf and the like would not find the types that compiled code uses.
func sortTypes() {
	slices.SortStableFunc(newestTypes(), func(a, b unsafe.Pointer) int {
		return strings.Compare(typeAt(a).String(), typeAt(b).String())
	})
}
