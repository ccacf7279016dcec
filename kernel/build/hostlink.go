package build

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Go's linker writes one object file, go.o, and has the C compiler link it. Go 1.27 describes some addresses in it
// wrongly. Code that may be in a library loads the address of a variable from a table, the global offset table, which
// has an entry for each symbol. Variables without a symbol of their own, as the pointer masks of types, are "symbol +
// offset" to the linker (FoldSubSymbolOffset in cmd/link/internal/ld/data.go). For such a load the C linker takes the
// entry that lies so many bytes behind that of the symbol: the address of something else. The runtime has one such
// load, in runtime.stkobjinit: with a wrong mask for the frames of functions of reflect.MakeFunc, which GoMLX calls all
// the time, the garbage collector takes numbers for pointers and frees what is in use. So these loads are corrected in
// go.o before it is linked: the code computes the address, without the table.

// collector is a script in place of the C compiler: it records the call that would link go.o, and passes others on.
const collector = `#!/bin/sh
for arg; do
	case $arg in */go.o) printf '%%s\0' "$@" > %[2]s; exit ;; esac
done
exec %[1]s "$@"
`

// linkHost runs Go's linker with flags and arguments, in a folder, for a program or library that holds the runtime.
func (b *Builder) linkHost(ctx context.Context, dir string, flags ...string) error {
	tmp, err := os.MkdirTemp(dir, "link-")
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	defer os.RemoveAll(tmp)
	script, call := filepath.Join(tmp, "extld"), filepath.Join(tmp, "call")
	if err := os.WriteFile(script, fmt.Appendf(nil, collector, compilerInShell(), ShellQuote(call)), 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	objects := filepath.Join(tmp, "objects")
	if err := os.Mkdir(objects, 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	args := append([]string{"-linkmode=external", "-tmpdir=" + objects, extldFlag(script)}, flags...)
	said, err := b.run(ctx, dir, nil, filepath.Join(b.toolDir, "link"), args...)
	if err != nil {
		return err
	}
	b.logLines("link", said)
	words, err := os.ReadFile(call)
	if err != nil {
		return fmt.Errorf("build: Go's linker did not call the C compiler: %w", err)
	}
	if err := b.arch.correctLoads(filepath.Join(objects, "go.o")); err != nil {
		return err
	}
	said, err = b.compiler(ctx, dir, strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")...)
	b.logLines("link", said)
	return err
}

// correctLoads changes the loads from the global offset table in an object file that have an offset.
func (a arch) correctLoads(file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	defer f.Close()
	w, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	defer w.Close()
	for _, s := range f.Sections {
		if s.Type != elf.SHT_RELA || int(s.Info) >= len(f.Sections) || f.Sections[s.Info].Flags&elf.SHF_EXECINSTR == 0 {
			continue
		}
		if err := a.correctSection(w, s, f.Sections[s.Info]); err != nil {
			return fmt.Errorf("build: %s: %w", file, err)
		}
	}
	return w.Close()
}

// correctSection changes those of a section of code, which its relocations list.
func (a arch) correctSection(w *os.File, relocs, code *elf.Section) error {
	const size = 24 // of a relocation: where, type and symbol, what is added
	data, err := relocs.Data()
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	for at := 0; at+size <= len(data); at += size {
		where, kind, add := le.Uint64(data[at:]), le.Uint32(data[at+8:]), int64(le.Uint64(data[at+16:]))
		to, ok := a.direct[kind]
		if !ok || add == to.none {
			continue
		}
		text := make([]byte, to.before+4) // the instruction
		from := int64(where) - to.before
		if _, err := code.ReadAt(text, from); err != nil {
			return err
		}
		if !to.change(text) {
			return fmt.Errorf("a load from the global offset table with the offset %d is not as expected: % x", add-to.none, text)
		}
		if _, err := w.WriteAt(text, int64(code.Offset)+from); err != nil {
			return err
		}
		le.PutUint32(data[at+8:], to.kind)
		if _, err := w.WriteAt(data[at+8:at+12], int64(relocs.Offset)+int64(at)+8); err != nil {
			return err
		}
	}
	return nil
}

// direct is how a load from the global offset table becomes a computation of the address.
type direct struct {
	none   int64  // what a relocation without an offset adds
	kind   uint32 // the relocation for the address itself
	before int64  // the bytes of the instruction before the relocated four
	change func(text []byte) bool
}

var (
	fromHereAMD64 = direct{-4, uint32(elf.R_X86_64_PC32), 3, loadToAddress}
	directAMD64   = map[uint32]direct{uint32(elf.R_X86_64_GOTPCREL): fromHereAMD64, uint32(elf.R_X86_64_GOTPCRELX): fromHereAMD64,
		uint32(elf.R_X86_64_REX_GOTPCRELX): fromHereAMD64}
)

// loadToAddress changes mov x(%rip), %reg to lea x(%rip), %reg.
func loadToAddress(text []byte) bool {
	const mov, lea, fromHere = 0x8b, 0x8d, 0x05
	if text[0]&^4 != 0x48 || text[1] != mov || text[2]&^0x38 != fromHere {
		return false
	}
	text[1] = lea
	return true
}

var directARM64 = map[uint32]direct{
	uint32(elf.R_AARCH64_ADR_GOT_PAGE): {0, uint32(elf.R_AARCH64_ADR_PREL_PG_HI21), 0, func([]byte) bool { return true }},
	uint32(elf.R_AARCH64_LD64_GOT_LO12_NC): {0, uint32(elf.R_AARCH64_ADD_ABS_LO12_NC), 0, func(text []byte) bool {
		const ldr, add, registers = 0xf9400000, 0x91000000, 1<<10 - 1 // ldr x, [y, #n] and add x, y, #n
		word := binary.LittleEndian.Uint32(text)
		if word&0xffc00000 != ldr {
			return false
		}
		binary.LittleEndian.PutUint32(text, add|word&registers)
		return true
	}},
}
