//go:build linux

package rt

import (
	"fmt"
	"reflect"
)

// Named returns a function that registers the type of a value. plain is what the library does by itself: it gives the
// type the name main.Point, by which files are read by other sessions and programs. It refuses a type that a changed cell
// declares anew, since the name is that of the earlier one; that type gets a name with a number.
func Named(register func(name string, value any), plain func(value any)) func(value any) {
	return func(value any) {
		refused := panics(func() { plain(value) })
		t, star := reflect.TypeOf(value), ""
		if t != nil && t.Kind() == reflect.Pointer && t.Name() == "" {
			t, star = t.Elem(), "*"
		}
		if refused != nil && (t == nil || t.PkgPath() != "main") {
			panic(refused)
		}
		for version := 2; refused != nil && version < 1000; version++ {
			refused = panics(func() { register(fmt.Sprintf("%smain.%s·%d", star, t.Name(), version), value) })
		}
	}
}

// panics calls f and returns the value with which it panics.
func panics(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}
