package build

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"maps"
	"os"
	"reflect"
	"slices"
)

// The sections of a stub that symbols are in, and the addresses of two of them.
const (
	stubText = 6 + iota
	stubData
	stubTLS

	stubTextAddr = 0x1000
	stubDataAddr = 0x100000
)

// stub writes an ELF library with the named symbols only, for the linkers. Type descriptors have their data, because
// Go's linker reads it.
func (s *shared) stub(file string, names map[string]bool) error {
	for _, name := range s.always {
		names[name] = true
	}
	dynsym, dynstr, types, err := s.stubSymbols(slices.Sorted(maps.Keys(names)))
	if err != nil {
		return err
	}
	soname := dynstr.Len()
	dynstr.WriteString(sharedName + "\x00")
	le := binary.LittleEndian
	var dynamic bytes.Buffer
	binary.Write(&dynamic, le, []uint64{uint64(elf.DT_SONAME), uint64(soname), uint64(elf.DT_NULL), 0})
	note := func(typ uint32, desc []byte) []byte {
		var n bytes.Buffer
		binary.Write(&n, le, []uint32{4, uint32(len(desc)), typ})
		n.WriteString("Go\x00\x00")
		n.Write(desc)
		return n.Bytes()
	}
	w := newELFWriter()
	alloc := uint64(elf.SHF_ALLOC)
	w.section(".note.go.abihash", elf.Section64{Type: uint32(elf.SHT_NOTE), Flags: alloc, Addr: 0x200, Addralign: 4}, note(2, s.hash))
	w.section(".note.go.deps", elf.Section64{Type: uint32(elf.SHT_NOTE), Addralign: 4}, note(3, nil))
	w.section(".dynsym", elf.Section64{Type: uint32(elf.SHT_DYNSYM), Flags: alloc, Addr: 0x10000000, Link: 4, Info: 1, Addralign: 8, Entsize: elf.Sym64Size}, dynsym.Bytes())
	w.section(".dynstr", elf.Section64{Type: uint32(elf.SHT_STRTAB), Flags: alloc, Addr: 0x20000000, Addralign: 1}, dynstr.Bytes())
	w.section(".rela.dyn", elf.Section64{Type: uint32(elf.SHT_RELA), Flags: alloc, Addr: 0x30000000, Link: 3, Addralign: 8, Entsize: 24}, nil)
	w.section(".text", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: alloc | uint64(elf.SHF_EXECINSTR), Addr: stubTextAddr, Addralign: 16}, make([]byte, 16))
	w.section(".data.rel.ro", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: alloc | uint64(elf.SHF_WRITE), Addr: stubDataAddr, Addralign: 16}, append(types.Bytes(), make([]byte, 16)...))
	w.section(".tbss", elf.Section64{Type: uint32(elf.SHT_NOBITS), Flags: alloc | uint64(elf.SHF_WRITE|elf.SHF_TLS), Addr: 0x40000000, Size: 8, Addralign: 8}, nil)
	w.section(".dynamic", elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Flags: alloc | uint64(elf.SHF_WRITE), Addr: 0x50000000, Link: 4, Addralign: 8, Entsize: 16}, dynamic.Bytes())
	all, err := w.finish(s.file.Machine)
	if err != nil {
		return err
	}
	return os.WriteFile(file, all, 0o644)
}

// stubSymbols returns a stub's symbol table, its strings, and the data of its type descriptors.
func (s *shared) stubSymbols(names []string) (dynsym, dynstr, types *bytes.Buffer, err error) {
	dynsym, dynstr, types = new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
	dynsym.Write(make([]byte, elf.Sym64Size))
	dynstr.WriteByte(0)
	for _, name := range names {
		sym := s.syms[name]
		out := elf.Sym64{Name: uint32(dynstr.Len()), Info: sym.info, Other: sym.other, Size: sym.size}
		dynstr.WriteString(name + "\x00")
		switch elf.ST_TYPE(sym.info) {
		case elf.STT_FUNC:
			out.Shndx, out.Value = stubText, stubTextAddr
		case elf.STT_TLS:
			out.Shndx = stubTLS
		default:
			for types.Len()%8 != 0 {
				types.WriteByte(0)
			}
			out.Shndx, out.Value = stubData, stubDataAddr+uint64(types.Len())
			if len(name) > 5 && name[:5] == "type:" && sym.size >= 48 {
				s.copyType(types, sym, stubDataAddr)
			} else {
				types.Write(make([]byte, 8))
			}
		}
		if err := binary.Write(dynsym, binary.LittleEndian, out); err != nil {
			return nil, nil, nil, err
		}
	}
	return dynsym, dynstr, types, nil
}

// elfWriter writes an ELF library, section by section.
type elfWriter struct {
	out      bytes.Buffer
	sections []elf.Section64
	names    bytes.Buffer // of the sections
}

func newELFWriter() *elfWriter {
	w := &elfWriter{sections: make([]elf.Section64, 1)} // the first one is empty
	w.out.Write(make([]byte, 64))                       // for the header
	w.names.WriteByte(0)
	return w
}

// section adds a section; it sets the name, offset and size in its header h.
func (w *elfWriter) section(name string, h elf.Section64, content []byte) {
	for w.out.Len()%16 != 0 {
		w.out.WriteByte(0)
	}
	h.Name, h.Off = uint32(w.names.Len()), uint64(w.out.Len())
	w.names.WriteString(name + "\x00")
	if h.Type != uint32(elf.SHT_NOBITS) {
		h.Size = uint64(len(content))
		w.out.Write(content)
	}
	w.sections = append(w.sections, h)
}

// finish adds the names of the sections and the headers, and returns the library.
func (w *elfWriter) finish(machine elf.Machine) ([]byte, error) {
	w.section(".shstrtab", elf.Section64{Type: uint32(elf.SHT_STRTAB), Addralign: 1}, append(w.names.Bytes(), ".shstrtab\x00"...))
	for w.out.Len()%8 != 0 {
		w.out.WriteByte(0)
	}
	head := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Shoff: uint64(w.out.Len()), Ehsize: 64, Shentsize: 64,
		Shnum: uint16(len(w.sections)), Shstrndx: uint16(len(w.sections) - 1)}
	copy(head.Ident[:], "\x7fELF\x02\x01\x01")
	var hb bytes.Buffer
	if err := binary.Write(&hb, binary.LittleEndian, head); err != nil {
		return nil, err
	}
	if err := binary.Write(&w.out, binary.LittleEndian, w.sections); err != nil {
		return nil, err
	}
	all := w.out.Bytes()
	copy(all, hb.Bytes())
	return all, nil
}

// copyType appends a type descriptor and, after it, the pointer mask to which its GCData field points.
func (s *shared) copyType(types *bytes.Buffer, sym symbol, base uint64) {
	desc := s.bytesAt(sym.value, sym.size)
	if desc == nil {
		types.Write(make([]byte, 48))
		return
	}
	const gcData = 32 // internal/abi.Type: Size_, PtrBytes, Hash and flags, Equal, GCData
	ptrBytes := binary.LittleEndian.Uint64(desc[8:])
	mask := s.bytesAt(s.target(sym.value+gcData), (ptrBytes/8+7)/8)
	at := base + uint64(types.Len()) + uint64(len(desc))
	at = (at + 7) &^ 7
	binary.LittleEndian.PutUint64(desc[gcData:], at)
	// A variable in a plugin needs the pointer map of its type. For structs and arrays Go's linker would follow
	// relocations to the parts, which the stub lacks; for other kinds it uses the mask, which holds the same.
	const kind, tflag, onDemand = 23, 20, 1 << 4 // internal/abi.Type; TFlagGCMaskOnDemand
	if k := reflect.Kind(desc[kind]); (k == reflect.Struct || k == reflect.Array) && desc[tflag]&onDemand == 0 {
		desc[kind] = byte(reflect.UnsafePointer)
	}
	types.Write(desc)
	for types.Len()%8 != 0 {
		types.WriteByte(0)
	}
	types.Write(mask)
}
