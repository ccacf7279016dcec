package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// sharedName is the library that holds every package of the workspace, once.
const sharedName = "libcells.so"

// shared is the library as the linker must see it. A plugin linked against it
// holds its own code only: some 20 KB instead of megabytes, and a link of
// milliseconds, because the linker reads not the library but a stub of the few
// symbols that the plugin refers to.
type shared struct {
	dir      string
	packages map[string]bool
	addModD  string // archive of package nb/amd
	// noAddModD is the same package without code, for plugins that hold all they need.
	noAddModD string
	hash      []byte // the library's ABI hash note
	syms      map[string]symbol
	always    []string // symbols that every stub has
	file      *elf.File
	relocs    *elf.Section // .rela.dyn: first the relative ones, by offset
	relative  int          // how many those are
}

// symbol is what a stub repeats of one.
type symbol struct {
	value, size uint64
	info, other byte
}

const amdPath = "nb/amd"

// The linker places runtime.addmoduledata in every plugin, but with -linkshared
// it has no code for it, as the runtime is in the library (Go 1.27). So each
// plugin gets it from this package: the same six instructions as in
// runtime/asm_amd64.s, with the offset of moduledata.next read from there.
const amdSource = `#include "textflag.h"

TEXT runtime·addmoduledata(SB),NOSPLIT|NOFRAME,$0-0
	PUSHQ	R15
	MOVQ	runtime·lastmoduledatap(SB), AX
	MOVQ	DI, %d(AX)
	MOVQ	DI, runtime·lastmoduledatap(SB)
	POPQ	R15
	RET
`

// buildShared links the library from all packages known so far, and makes nb/amd.
func (b *Builder) buildShared(ctx context.Context, tmp string) error {
	cfg := filepath.Join(tmp, "importcfg")
	if err := b.importcfg(cfg); err != nil {
		return err
	}
	b.mu.Lock()
	var args, names []string
	for path, export := range b.export {
		args = append(args, path+"="+export)
		names = append(names, path)
	}
	b.mu.Unlock()
	sort.Strings(args)
	sort.Strings(names)
	lib := filepath.Join(tmp, sharedName)
	flags := []string{"-e", "-importcfg", cfg, "-linkshared", "-buildmode=shared", "-s", "-w", "-o", lib}
	// What has no body only shows when all is linked, which takes most of a minute: the
	// list is kept for the next library.
	kept := filepath.Join(filepath.Dir(tmp), "undefined-"+b.settings)
	var missing []string
	if data, err := os.ReadFile(kept); err == nil {
		missing = strings.Fields(string(data))
	}
	for try := 1; ; try++ {
		all := args
		if len(missing) > 0 {
			archive, err := b.defineMissing(ctx, tmp, cfg, missing)
			if err != nil {
				return err
			}
			all = append(slices.Clone(args), "nb/undef="+archive)
		}
		_, err := b.run(ctx, tmp, nil, filepath.Join(b.toolDir, "link"), append(slices.Clone(flags), all...)...)
		if err == nil {
			break
		}
		more := undefined(err)
		if try == 3 || ctx.Err() != nil || len(more)+len(missing) == 0 {
			return err
		}
		if len(more) == 0 {
			missing = nil // the list of another library does not fit
		}
		missing = append(missing, more...)
	}
	if len(missing) > 0 {
		if err := os.WriteFile(kept, []byte(joinLines(missing)), 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(tmp, "packages"), []byte(joinLines(names)), 0o644); err != nil {
		return err
	}
	next, err := moduledataNext(lib)
	if err != nil {
		return err
	}
	asm, goFile := filepath.Join(tmp, "amd.s"), filepath.Join(tmp, "amd.go")
	if err := os.WriteFile(asm, fmt.Appendf(nil, amdSource, next), 0o644); err != nil {
		return err
	}
	// Imported by name, so that the linker knows the fingerprints of the packages
	// that it loads by itself.
	if err := os.WriteFile(goFile, []byte("package amd\n\nimport (\n\t_ \"runtime\"\n\t_ \"runtime/cgo\"\n)\n"), 0o644); err != nil {
		return err
	}
	if err := b.compile(ctx, tmp, amdPath, cfg, filepath.Join(tmp, "amd.empty.a"), nil, []string{goFile}); err != nil {
		return err
	}
	asmFlags := b.asmFlags(amdPath)
	abis, object, archive := filepath.Join(tmp, "amd.abis"), filepath.Join(tmp, "amd.o"), filepath.Join(tmp, "amd.a")
	if _, err := b.run(ctx, tmp, nil, filepath.Join(b.toolDir, "asm"), append(asmFlags, "-gensymabis", "-o", abis, asm)...); err != nil {
		return err
	}
	if err := b.compile(ctx, tmp, amdPath, cfg, archive, []string{"-symabis", abis}, []string{goFile}); err != nil {
		return err
	}
	if _, err := b.run(ctx, tmp, nil, filepath.Join(b.toolDir, "asm"), append(asmFlags, "-o", object, asm)...); err != nil {
		return err
	}
	_, err = b.run(ctx, tmp, nil, b.goCmd, "tool", "pack", "r", archive, object)
	return err
}

var undefinedSymbol = regexp.MustCompile(`(?m)undefined symbol in relocation: (\S+)$|relocation target (\S+) not defined`)

// undefined are the symbols that the linker misses.
func undefined(err error) []string {
	var names []string
	for _, m := range undefinedSymbol.FindAllStringSubmatch(err.Error(), -1) {
		if name := m[1] + m[2]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// defineMissing gives a body, which traps, to functions that have none: methods that
// the compiler always replaces by instructions (package simd). A library holds
// all methods of its types, also those that could never be called.
func (b *Builder) defineMissing(ctx context.Context, tmp, cfg string, names []string) (string, error) {
	var text bytes.Buffer
	text.WriteString("#include \"textflag.h\"\n")
	for _, name := range names {
		name = strings.NewReplacer(".", "·", "/", "∕").Replace(name)
		fmt.Fprintf(&text, "\nTEXT %s<ABIInternal>(SB),NOSPLIT|NOFRAME,$0-0\n\tINT\t$3\n\tRET\n", name)
	}
	asm, goFile := filepath.Join(tmp, "undef.s"), filepath.Join(tmp, "undef.go")
	object, archive := filepath.Join(tmp, "undef.o"), filepath.Join(tmp, "undef.a")
	if err := os.WriteFile(asm, text.Bytes(), 0o644); err != nil {
		return "", err
	}
	if err := os.WriteFile(goFile, []byte("package undef\n"), 0o644); err != nil {
		return "", err
	}
	if err := b.compile(ctx, tmp, "nb/undef", cfg, archive, nil, []string{goFile}); err != nil {
		return "", err
	}
	// The assembler allows functions of Go's own calling convention for few packages.
	if _, err := b.run(ctx, tmp, nil, filepath.Join(b.toolDir, "asm"), append(b.asmFlags("reflect"), "-o", object, asm)...); err != nil {
		return "", err
	}
	return archive, b.pack(ctx, tmp, archive, []string{object})
}

func (b *Builder) asmFlags(path string) []string {
	return []string{"-p", path, "-dynlink", "-I", filepath.Join(filepath.Dir(filepath.Dir(b.toolDir)), "include"), "-D", "GOOS_linux", "-D", "GOARCH_amd64"}
}

func joinLines(lines []string) string {
	var buf bytes.Buffer
	for _, l := range lines {
		buf.WriteString(l + "\n")
	}
	return buf.String()
}

// moduledataNext finds the offset of moduledata.next in the code of the library's own
// runtime.addmoduledata: mov %rdi, OFFSET(%rax).
func moduledataNext(lib string) (uint32, error) {
	f, err := elf.Open(lib)
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	defer f.Close()
	syms, err := f.DynamicSymbols()
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	for _, s := range syms {
		if s.Name != "runtime.addmoduledata.abi0" {
			continue
		}
		code := make([]byte, s.Size)
		sect := f.Sections[s.Section]
		if _, err := sect.ReadAt(code, int64(s.Value-sect.Addr)); err != nil {
			return 0, fmt.Errorf("build: %w", err)
		}
		mov := []byte{0x48, 0x89, 0xb8}
		if i := bytes.Index(code, mov); i >= 0 && i+7 <= len(code) {
			if next := binary.LittleEndian.Uint32(code[i+3:]); next < 1<<12 {
				return next, nil
			}
		}
	}
	return 0, errors.New("build: runtime.addmoduledata of this Go is not as expected")
}

// openShared reads the library's symbols.
func openShared(dir string) (*shared, error) {
	f, err := elf.Open(filepath.Join(dir, sharedName))
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	s := &shared{dir: dir, packages: map[string]bool{}, addModD: filepath.Join(dir, "amd.a"), noAddModD: filepath.Join(dir, "amd.empty.a"), syms: map[string]symbol{}, file: f}
	names, err := os.ReadFile(filepath.Join(dir, "packages"))
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	for _, name := range bytes.Fields(names) {
		s.packages[string(name)] = true
	}
	note := f.Section(".note.go.abihash")
	rela := f.Section(".rela.dyn")
	if note == nil || rela == nil {
		return nil, fmt.Errorf("build: %s lacks its notes", sharedName)
	}
	data, err := note.Data()
	if err != nil || len(data) < 16 {
		return nil, fmt.Errorf("build: %s: its ABI hash can't be read: %w", sharedName, err)
	}
	s.hash = data[16:]
	s.relocs = rela
	if n, err := f.DynValue(elf.DT_RELACOUNT); err == nil && len(n) == 1 {
		s.relative = int(n[0])
	} else {
		return nil, fmt.Errorf("build: %s: its relocations are not sorted", sharedName)
	}
	syms, err := f.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	for _, sym := range syms {
		if sym.Section != elf.SHN_UNDEF {
			s.syms[sym.Name] = symbol{sym.Value, sym.Size, sym.Info, sym.Other}
			if linkersOwn(sym.Name) {
				s.always = append(s.always, sym.Name)
			}
		}
	}
	return s, nil
}

// target is the address that the pointer at an address holds, or 0.
func (s *shared) target(at uint64) uint64 {
	var r [24]byte
	read := func(i int) uint64 {
		if _, err := s.relocs.ReadAt(r[:], int64(i)*24); err != nil {
			return 0
		}
		return binary.LittleEndian.Uint64(r[:])
	}
	i := sort.Search(s.relative, func(i int) bool { return read(i) >= at })
	if i == s.relative || read(i) != at {
		return 0
	}
	return binary.LittleEndian.Uint64(r[16:])
}

// bytesAt reads n bytes at an address of the library.
func (s *shared) bytesAt(addr, n uint64) []byte {
	for _, sect := range s.file.Sections {
		if sect.Type == elf.SHT_PROGBITS && sect.Flags&elf.SHF_ALLOC != 0 && addr >= sect.Addr && addr+n <= sect.Addr+sect.Size {
			data := make([]byte, n)
			if _, err := sect.ReadAt(data, int64(addr-sect.Addr)); err != nil {
				return nil
			}
			return data
		}
	}
	return nil
}

// linkersOwn reports whether the linker may refer to a symbol by itself.
func linkersOwn(name string) bool {
	return name == "type:runtime.moduledata" || name == "internal/runtime/sys.DITSupported" || strings.HasPrefix(name, "runtime.") && strings.Count(name, ".") <= 2 && !strings.Contains(name, "(") &&
		name != "runtime.addmoduledata.abi0" || name == "go:link.abihash."+sharedName
}

// refs collects the names that a package, and those it imports outside of the library,
// need from it.
func (s *shared) refs(path string, export map[string]string, seen map[string]bool, names map[string]bool) error {
	if seen[path] || s.packages[path] || path == "unsafe" || path == "C" {
		return nil
	}
	seen[path] = true
	o, err := readObject(export[path])
	if err != nil {
		return err
	}
	for _, r := range o.refs {
		for _, name := range []string{r, mangled(r), r + ".abiinternal", r + ".abi0", mangled(r) + ".abiinternal"} {
			if _, ok := s.syms[name]; ok {
				names[name] = true
			}
		}
	}
	for _, imp := range o.imports {
		if err := s.refs(imp, export, seen, names); err != nil {
			return err
		}
	}
	return nil
}

// mangled is the name that the linker gives long symbols of types
// (cmd/link/internal/ld, typeSymbolMangle).
func mangled(name string) string {
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		h[0] ^= 0xff // cmd/internal/hash
		return base64.StdEncoding.EncodeToString(h[:6])
	}
	isType := strings.HasPrefix(name, "type:")
	switch {
	case !isType && !strings.Contains(name, "@"), strings.HasPrefix(name, "type:runtime."), strings.HasPrefix(name, "go:string."),
		len(name) <= 14 && !strings.Contains(name, "@"):
		return name
	case isType && name[5] == '.':
		return "type:." + sum(name[5:])
	case isType:
		return "type:" + sum(name[5:])
	}
	i, j := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if j == -1 || j <= i {
		j = len(name)
	}
	return name[:i+1] + sum(name[i+1:j]) + name[j:]
}

// stub writes an ELF library with the named symbols only, for the linkers. Type
// descriptors have their data, which Go's linker looks into.
func (s *shared) stub(file string, names map[string]bool) error {
	for _, name := range s.always {
		names[name] = true
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)

	const (
		text = 6 + iota
		data
		tbss
	)
	const textAddr, dataAddr = 0x1000, 0x100000
	le := binary.LittleEndian
	var dynsym, dynstr, types bytes.Buffer
	dynsym.Write(make([]byte, elf.Sym64Size))
	dynstr.WriteByte(0)
	for _, name := range sorted {
		sym := s.syms[name]
		out := elf.Sym64{Name: uint32(dynstr.Len()), Info: sym.info, Other: sym.other, Size: sym.size}
		dynstr.WriteString(name + "\x00")
		switch elf.ST_TYPE(sym.info) {
		case elf.STT_FUNC:
			out.Shndx, out.Value = text, textAddr
		case elf.STT_TLS:
			out.Shndx = tbss
		default:
			for types.Len()%8 != 0 {
				types.WriteByte(0)
			}
			out.Shndx, out.Value = data, dataAddr+uint64(types.Len())
			if len(name) > 5 && name[:5] == "type:" && sym.size >= 48 {
				s.copyType(&types, sym, dataAddr)
			} else {
				types.Write(make([]byte, 8))
			}
		}
		if err := binary.Write(&dynsym, le, out); err != nil {
			return err
		}
	}
	soname := dynstr.Len()
	dynstr.WriteString(sharedName + "\x00")

	var dynamic bytes.Buffer
	binary.Write(&dynamic, le, []uint64{uint64(elf.DT_SONAME), uint64(soname), uint64(elf.DT_NULL), 0})
	note := func(typ uint32, desc []byte) []byte {
		var n bytes.Buffer
		binary.Write(&n, le, []uint32{4, uint32(len(desc)), typ})
		n.WriteString("Go\x00\x00")
		n.Write(desc)
		return n.Bytes()
	}
	var out bytes.Buffer
	out.Write(make([]byte, 64))
	var headers []elf.Section64
	var shstr bytes.Buffer
	shstr.WriteByte(0)
	section := func(name string, h elf.Section64, content []byte) {
		for out.Len()%16 != 0 {
			out.WriteByte(0)
		}
		h.Name, h.Off = uint32(shstr.Len()), uint64(out.Len())
		shstr.WriteString(name + "\x00")
		if h.Type != uint32(elf.SHT_NOBITS) {
			h.Size = uint64(len(content))
			out.Write(content)
		}
		headers = append(headers, h)
	}
	alloc := uint64(elf.SHF_ALLOC)
	headers = append(headers, elf.Section64{})
	section(".note.go.abihash", elf.Section64{Type: uint32(elf.SHT_NOTE), Flags: alloc, Addr: 0x200, Addralign: 4}, note(2, s.hash))
	section(".note.go.deps", elf.Section64{Type: uint32(elf.SHT_NOTE), Addralign: 4}, note(3, nil))
	section(".dynsym", elf.Section64{Type: uint32(elf.SHT_DYNSYM), Flags: alloc, Addr: 0x10000000, Link: 4, Info: 1, Addralign: 8, Entsize: elf.Sym64Size}, dynsym.Bytes())
	section(".dynstr", elf.Section64{Type: uint32(elf.SHT_STRTAB), Flags: alloc, Addr: 0x20000000, Addralign: 1}, dynstr.Bytes())
	section(".rela.dyn", elf.Section64{Type: uint32(elf.SHT_RELA), Flags: alloc, Addr: 0x30000000, Link: 3, Addralign: 8, Entsize: 24}, nil)
	section(".text", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: alloc | uint64(elf.SHF_EXECINSTR), Addr: textAddr, Addralign: 16}, make([]byte, 16))
	section(".data.rel.ro", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: alloc | uint64(elf.SHF_WRITE), Addr: dataAddr, Addralign: 16}, append(types.Bytes(), make([]byte, 16)...))
	section(".tbss", elf.Section64{Type: uint32(elf.SHT_NOBITS), Flags: alloc | uint64(elf.SHF_WRITE|elf.SHF_TLS), Addr: 0x40000000, Size: 8, Addralign: 8}, nil)
	section(".dynamic", elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Flags: alloc | uint64(elf.SHF_WRITE), Addr: 0x50000000, Link: 4, Addralign: 8, Entsize: 16}, dynamic.Bytes())
	section(".shstrtab", elf.Section64{Type: uint32(elf.SHT_STRTAB), Addralign: 1}, append(shstr.Bytes(), ".shstrtab\x00"...))
	for out.Len()%8 != 0 {
		out.WriteByte(0)
	}
	head := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: uint64(out.Len()), Ehsize: 64, Shentsize: 64, Shnum: uint16(len(headers)), Shstrndx: uint16(len(headers) - 1)}
	copy(head.Ident[:], "\x7fELF\x02\x01\x01")
	if err := binary.Write(&out, le, headers); err != nil {
		return err
	}
	var hb bytes.Buffer
	if err := binary.Write(&hb, le, head); err != nil {
		return err
	}
	all := out.Bytes()
	copy(all, hb.Bytes())
	return os.WriteFile(file, all, 0o644)
}

// copyType appends a type descriptor, and behind it the pointer mask that its
// GCData field leads to.
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
	// relocations to the parts, which the stub has not; for other kinds it takes the mask, which holds the same.
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

// linkShared links a run against the library.
func (b *Builder) linkShared(ctx context.Context, dir string, n int, plugin, archive string) error {
	s := b.lib
	if b.spoil != nil {
		if err := b.spoil(n); err != nil {
			return err
		}
	}
	b.mu.Lock()
	export := make(map[string]string, len(b.export)+1)
	for path, file := range b.export {
		export[path] = file
	}
	b.mu.Unlock()
	export[amdPath] = s.addModD
	names := map[string]bool{}
	if err := s.refs(Path(n), export, map[string]bool{}, names); err != nil {
		return err
	}
	delete(names, "runtime.addmoduledata.abi0")
	stub := filepath.Join(dir, sharedName)
	if err := s.stub(stub, names); err != nil {
		return err
	}
	var cfg bytes.Buffer
	for path, file := range export {
		fmt.Fprintf(&cfg, "packagefile %s=%s\n", path, file)
		if s.packages[path] {
			fmt.Fprintf(&cfg, "packageshlib %s=%s\n", path, stub)
		}
	}
	file := filepath.Join(dir, "importcfg.link")
	if err := os.WriteFile(file, cfg.Bytes(), 0o644); err != nil {
		return err
	}
	extld, done := b.externalLinker(dir)
	if err := b.link(ctx, file, plugin, archive, extld, "-buildmode=plugin", "-linkshared", "-r", s.dir, "-pluginpath="+Path(n)); err != nil {
		return err
	}
	done(ctx)
	return nil
}
