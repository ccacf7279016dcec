//go:build linux

package rt

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"reflect"
	"strings"
	"time"
)

// maxText is how much of a value's text is shown.
const maxText = 20_000

// Show shows the value of a cell's last expression.
func Show(v any) {
	if c := running.Load(); c != nil {
		send(Event{Op: "result", N: c.n, Data: Bundle(v)})
	}
}

// ShowErr ends the cell if its last expression, of type error, is not nil.
func ShowErr(err error) {
	if err != nil {
		panic(failed{err})
	}
}

// ShowN shows the values of a call that returns several.
func ShowN(vs ...any) {
	if len(vs) == 1 {
		Show(vs[0])
		return
	}
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = Text(v)
	}
	if c := running.Load(); c != nil {
		send(Event{Op: "result", N: c.n, Data: map[string]any{"text/plain": strings.Join(parts, ", ")}})
	}
}

// ShowNErr is ShowN for a call whose last value is an error: nil is not shown.
func ShowNErr(vs ...any) {
	if err, ok := vs[len(vs)-1].(error); ok {
		ShowErr(err)
	}
	ShowN(vs[:len(vs)-1]...)
}

// QuietErr ends the cell if the last value, an error, is not nil, and shows
// nothing: for fmt.Println and its like.
func QuietErr(vs ...any) {
	if err, ok := vs[len(vs)-1].(error); ok {
		ShowErr(err)
	}
}

// Bundle is how a value is shown: its own MIME bundle if it has one, a picture
// for an image, else text.
func Bundle(v any) map[string]any {
	switch x := v.(type) {
	case interface {
		Bundle() (map[string]any, error)
	}:
		if isNil(v) {
			break
		}
		b, err := x.Bundle()
		if err != nil {
			panic(failed{fmt.Errorf("%T.Bundle: %w", v, err)})
		}
		return sendable(b)
	case interface{ MIMEBundle() map[string]any }:
		if isNil(v) {
			break
		}
		return sendable(x.MIMEBundle())
	case image.Image:
		var buf bytes.Buffer
		if isNil(v) || png.Encode(&buf, x) != nil {
			break
		}
		b := x.Bounds()
		return map[string]any{"image/png": buf.Bytes(), "text/plain": fmt.Sprintf("%T %dx%d", v, b.Dx(), b.Dy())}
	}
	return map[string]any{"text/plain": Text(v)}
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// sendable turns text that came as bytes into strings; other bytes go as base64,
// which is what encoding/json does.
func sendable(b map[string]any) map[string]any {
	out := make(map[string]any, len(b))
	for mime, v := range b {
		if data, ok := v.([]byte); ok && (strings.HasPrefix(mime, "text/") || strings.HasSuffix(mime, "+xml")) {
			v = string(data)
		}
		out[mime] = v
	}
	return out
}

// Text is a value as text: what fmt's %v gives, %+v for structs.
func Text(v any) string {
	format := "%v"
	if _, ok := v.(fmt.Stringer); !ok && v != nil {
		t := reflect.TypeOf(v)
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Array {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() {
			format = "%+v"
		}
		if reflect.TypeOf(v).Kind() == reflect.Func {
			return reflect.TypeOf(v).String()
		}
	}
	s := fmt.Sprintf(format, v)
	if len(s) > maxText {
		s = s[:maxText] + fmt.Sprintf("… (%d more bytes)", len(s)-maxText)
	}
	return s
}

// sizes measures the variables that cells declared.
func sizes() map[string]int64 {
	all := map[string]int64{}
	if running.Load() != nil {
		return all // the cell may be writing them
	}
	for n, c := range cells {
		for name, ptr := range c.vars {
			budget := 10_000
			all[fmt.Sprintf("%d.%s", n, name)] = sizeOf(reflect.ValueOf(ptr).Elem(), map[uintptr]bool{}, &budget)
		}
	}
	return all
}

// sizeOf follows a value as far as the budget of visited values goes.
func sizeOf(v reflect.Value, seen map[uintptr]bool, budget *int) int64 {
	return int64(v.Type().Size()) + beyond(v, seen, budget)
}

// flat reports whether values of the type refer to no further memory.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return flat(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return t.Kind() <= reflect.Complex128
}

func beyond(v reflect.Value, seen map[uintptr]bool, budget *int) (total int64) {
	if *budget--; *budget < 0 {
		return 0
	}
	switch v.Kind() {
	case reflect.String:
		return int64(v.Len())
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return 0
		}
		seen[v.Pointer()] = true
		return sizeOf(v.Elem(), seen, budget)
	case reflect.Interface:
		if !v.IsNil() {
			return sizeOf(v.Elem(), seen, budget)
		}
	case reflect.Slice:
		if v.IsNil() || seen[v.Pointer()] {
			return 0
		}
		seen[v.Pointer()] = true
		total = int64(v.Cap()) * int64(v.Type().Elem().Size())
		if flat(v.Type().Elem()) {
			return total
		}
		fallthrough
	case reflect.Array:
		if flat(v.Type().Elem()) {
			return total
		}
		for i := 0; i < v.Len() && *budget > 0; i++ {
			total += beyond(v.Index(i), seen, budget)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			total += beyond(v.Field(i), seen, budget)
		}
	case reflect.Map:
		if v.IsNil() || seen[v.Pointer()] {
			return 0
		}
		seen[v.Pointer()] = true
		t := v.Type()
		total = int64(v.Len()) * int64(t.Key().Size()+t.Elem().Size()+1)
		// Not followed further: ranging over a map that a goroutine of a cell
		// writes would end the process.
	}
	return total
}
