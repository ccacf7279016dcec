//go:build linux

package rt

import (
	"fmt"
	"reflect"
	"strconv"
)

// Field returns the value of a form field: the one that the page sent for the present run, or value, which the cell's
// text has. It panics if T can't hold what the page sent.
func Field[T any](name string, value T) T {
	c := running.Load()
	if c == nil {
		return value
	}
	text, ok := c.fields[name]
	if !ok {
		return value
	}
	if err := setText(reflect.ValueOf(&value).Elem(), text); err != nil {
		panic(fmt.Sprintf("form field %s: %v", name, err))
	}
	return value
}

// setText sets a number, string or boolean.
func setText(v reflect.Value, text string) (err error) {
	switch k := v.Kind(); {
	case k == reflect.String:
		v.SetString(text)
	case k == reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	case v.CanInt():
		var n int64
		n, err = strconv.ParseInt(text, 0, v.Type().Bits())
		v.SetInt(n)
	case v.CanUint():
		var n uint64
		n, err = strconv.ParseUint(text, 0, v.Type().Bits())
		v.SetUint(n)
	case v.CanFloat():
		var x float64
		x, err = strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(x)
	default:
		err = fmt.Errorf("a %s can't be set", v.Type())
	}
	if err != nil {
		return fmt.Errorf("%q does not fit %s", text, v.Type())
	}
	return nil
}
