//go:build linux

package rt

import (
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"unsafe"
)

// A cell's unexported fields are exported in its package under a marked name, so that other cells can use them. The
// program must not see that: reflect, and so fmt and encoders, must see the fields under their own names, unexported.

// fieldMark is the prefix of the name of such a field; see kernel/session.
const fieldMark = "Ꞌ"

// structType is the runtime's description of a struct (internal/abi.StructType).
type structType struct {
	common  [48]byte
	pkgPath *byte
	fields  []structField
}

type structField struct {
	name   *byte
	typ    unsafe.Pointer
	offset uintptr
}

// names keeps the new names alive: the garbage collector does not scan the runtime's descriptions.
var names []*byte

// HideFields gives fields of struct types their own names back. A cell's package calls it, with pointers to the types,
// when it is initialised: before any value of the types exists.
func HideFields(pointers ...any) {
	seen := map[reflect.Type]bool{}
	for _, p := range pointers {
		hideFields(reflect.TypeOf(p), seen)
	}
}

// hideFields visits a type and the types that it is made of.
func hideFields(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Map:
		hideFields(t.Key(), seen)
		hideFields(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		hideFields(t.Elem(), seen)
	case reflect.Struct:
		hidden := false
		for i := range t.NumField() {
			hidden = hidden || strings.HasPrefix(t.Field(i).Name, fieldMark)
			hideFields(t.Field(i).Type, seen)
		}
		if hidden {
			rename(t)
		}
	}
}

// rename changes the names in the runtime's description of a struct.
func rename(t reflect.Type) {
	fields := make([]reflect.StructField, t.NumField())
	for i := range fields {
		fields[i] = t.Field(i)
	}
	s := (*structType)((*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1])
	if len(s.fields) != len(fields) || s.fields[len(fields)-1].offset != fields[len(fields)-1].Offset {
		return // this Go version describes structs differently: the names stay as they are
	}
	if writable(unsafe.Pointer(s), unsafe.Sizeof(*s)) != nil || writable(unsafe.Pointer(&s.fields[0]), uintptr(len(fields))*unsafe.Sizeof(s.fields[0])) != nil {
		return
	}
	for i, f := range fields {
		if own, ok := strings.CutPrefix(f.Name, fieldMark); ok {
			s.fields[i].name = newName(own, string(f.Tag), f.Anonymous)
		}
	}
	s.pkgPath = newName("main", "", false)
}

// newName returns a name in the runtime's form (internal/abi.NewName), not exported.
func newName(name, tag string, embedded bool) *byte {
	b := []byte{0}
	if embedded {
		b[0] |= 1 << 3
	}
	text := func(s string) {
		n := len(s)
		for ; n >= 0x80; n >>= 7 {
			b = append(b, byte(n)|0x80)
		}
		b = append(append(b, byte(n)), s...)
	}
	text(name)
	if tag != "" {
		b[0] |= 1 << 1
		text(tag)
	}
	names = append(names, &b[0])
	return &b[0]
}

// writable makes memory that holds a plugin's constants writable.
func writable(p unsafe.Pointer, n uintptr) error {
	page := uintptr(syscall.Getpagesize())
	start := uintptr(p) &^ (page - 1)
	end := (uintptr(p) + n + page - 1) &^ (page - 1)
	if _, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, start, end-start, syscall.PROT_READ|syscall.PROT_WRITE); errno != 0 {
		return fmt.Errorf("mprotect: %w", errno)
	}
	return nil
}
