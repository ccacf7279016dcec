//go:build linux

package rt

import (
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// free sets variables to zero that no function value and no pointer reaches, and returns their names, as in sizes. It
// leaves them alone while a goroutine runs code of a cell, which may use them.
func free(variables []string) (freed []string) {
	if running.Load() != nil {
		return nil
	}
	w := &walk{}
	if code, all := w.goroutines(); !all || len(code) > 0 {
		return nil
	}
	for _, variable := range variables {
		run, name, _ := strings.Cut(variable, ".")
		n, _ := strconv.Atoi(run)
		if c := cells[n]; c != nil && c.vars[name] != nil {
			clearValue(reflect.ValueOf(c.vars[name]).Elem())
			delete(c.vars, name)
		}
		freed = append(freed, variable)
	}
	return freed
}

// clearValue lets go of what a variable holds. The pages of one that holds no pointers go back to the system.
func clearValue(v reflect.Value) {
	if !flat(v.Type()) {
		v.SetZero()
		return
	}
	page := uintptr(os.Getpagesize())
	at := v.Addr().UnsafePointer()
	before := -uintptr(at) & (page - 1) // up to the first whole page
	if size := v.Type().Size(); size >= before+page {
		whole := (size - before) &^ (page - 1)
		_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Add(at, before)), whole), syscall.MADV_DONTNEED)
	}
}
