//go:build linux

package rt

import (
	"reflect"
	"strings"
)

// Named returns a function that registers the type of a value under the name that it has in the cell's text,
// "main.Point", where the path of the cell's package would be in it: files are read by other sessions and programs.
// plain is what the library does by itself; it takes a type of that name that a changed cell declares anew.
func Named(register func(name string, value any), plain func(value any)) func(value any) {
	return func(value any) {
		t, star := reflect.TypeOf(value), ""
		if t != nil && t.Kind() == reflect.Pointer && t.Name() == "" {
			t, star = t.Elem(), "*"
		}
		if t == nil || !strings.HasPrefix(t.PkgPath(), "nb/") || t.Name() == "" {
			plain(value)
			return
		}
		defer func() {
			if recover() != nil { // the name is that of an earlier version of the type
				plain(value)
			}
		}()
		register(star+"main."+t.Name(), value)
	}
}
