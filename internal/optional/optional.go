// Package optional reads a function's last argument where that is a struct of options which may be left out.
package optional

import (
	"fmt"
	"reflect"
)

// One returns the options given, or the zero value if there are none. function, such as "zoo: Summary", is named in the
// error for more than one.
func One[T any](function string, opts []T) (o T, err error) {
	switch len(opts) {
	case 0:
		return o, nil
	case 1:
		return opts[0], nil
	}
	return o, fmt.Errorf("%s takes at most one %s, got %d", function, reflect.TypeFor[T]().Name(), len(opts))
}
