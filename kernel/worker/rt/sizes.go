//go:build linux

package rt

import (
	"fmt"
	"reflect"
)

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

// sizeOf returns the size of a value with the memory that it refers to, as far as the budget of visited values goes.
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
		// The elements are not followed: ranging over a map that a goroutine of a cell writes would end the process.
	}
	return total
}
