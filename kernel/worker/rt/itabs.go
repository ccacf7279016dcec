//go:build linux

package rt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"unsafe"
)

// An interface with methods holds the address of a table that joins the interface with the value's type. Compiled code
// tests x.(T) and the cases of a type switch by that address: it takes for granted that there is one table for each
// pair. With plugins there can be two. If a library needs a table that no code has brought, as fmt does when it asks a
// value for String, the runtime makes it; a plugin that is opened later brings its own, and its tests of values with
// the other table fail, or panic with "types from different scopes". So the references of each opened plugin are set to
// the tables that the runtime uses.

// itab is the beginning of such a table (internal/abi.ITab).
type itab struct {
	inter, typ unsafe.Pointer
	hash       uint32 // of typ, for type switches; 0 if the runtime made the table
}

// joinItabs sets the references to tables in a plugin that has been opened, before its code runs.
func joinItabs(plugin string) error {
	slots, err := itabSlots(plugin)
	if err != nil || len(slots) == 0 {
		return err
	}
	base, err := loadAddress(plugin)
	if err != nil {
		return err
	}
	for _, offset := range slots {
		address := base + offset
		slot := *(**unsafe.Pointer)(unsafe.Pointer(&address)) // outside Go's memory
		own := (*itab)(*slot)
		used := usedItab(own)
		if used == nil || used == own || used.inter != own.inter || used.typ != own.typ {
			continue
		}
		if err := writable(unsafe.Pointer(slot), unsafe.Sizeof(*slot)); err != nil {
			return err
		}
		if used.hash == 0 { // made by the runtime, in memory that can be written
			used.hash = own.hash
		}
		*slot = unsafe.Pointer(used)
	}
	return nil
}

// usedItab returns the table that the runtime uses for the interface and the type of another one; nil if there is none.
func usedItab(t *itab) (used *itab) {
	defer func() {
		if recover() != nil {
			used = nil
		}
	}()
	type empty struct{ typ, data unsafe.Pointer }
	of := func(typ unsafe.Pointer) reflect.Type {
		return reflect.TypeOf(*(*any)(unsafe.Pointer(&empty{typ: typ})))
	}
	v := reflect.New(of(t.inter)).Elem()
	v.Set(reflect.Zero(of(t.typ)))
	return *(**itab)(v.Addr().UnsafePointer())
}

// itabSlots returns the addresses, relative to where an ELF file is loaded, at which the dynamic linker
// writes addresses of tables.
func itabSlots(file string) (slots []uintptr, err error) {
	defer func() {
		if v := recover(); v != nil { // a length or offset beyond the end
			slots, err = nil, fmt.Errorf("%s: no ELF file as expected: %v", file, v)
		}
	}()
	data, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(data, []byte("\x7fELF\x02\x01")) { // 64 bits, little endian
		return nil, err
	}
	const sectionSize, symbolSize, relocationSize = 64, 24, 24
	const rela, dynsym = 4, 11 // types of sections
	le := binary.LittleEndian
	section := func(i int) []byte { return data[int(le.Uint64(data[0x28:]))+i*sectionSize:][:sectionSize] }
	content := func(s []byte) []byte { return data[le.Uint64(s[24:]):][:le.Uint64(s[32:])] }
	for i := range int(le.Uint16(data[0x3c:])) {
		s := section(i)
		if le.Uint32(s[4:]) != rela || le.Uint32(section(int(le.Uint32(s[40:])))[4:]) != dynsym {
			continue
		}
		symbols := section(int(le.Uint32(s[40:])))
		names := content(section(int(le.Uint32(symbols[40:]))))
		for r := content(s); len(r) >= relocationSize; r = r[relocationSize:] {
			symbol := content(symbols)[le.Uint32(r[12:])*symbolSize:]
			if bytes.HasPrefix(names[le.Uint32(symbol):], []byte("go:itab.")) && le.Uint64(r[16:]) == 0 {
				slots = append(slots, uintptr(le.Uint64(r)))
			}
		}
	}
	return slots, nil
}

// loadAddress returns where a shared object is loaded.
func loadAddress(file string) (uintptr, error) {
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return 0, err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		// "7f00a000-7f00b000 r--p 00000000 fe:01 1234   /path"
		if strings.HasSuffix(lines.Text(), " "+file) {
			start, _, _ := strings.Cut(lines.Text(), "-")
			address, err := strconv.ParseUint(start, 16, 64)
			return uintptr(address), err
		}
	}
	return 0, fmt.Errorf("%s is not among the mappings of this process", file)
}
