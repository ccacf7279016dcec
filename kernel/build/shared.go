package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// sharedName is the library that holds every package of the workspace, once.
const sharedName = "libcells.so"

// shared is the library as the linker must see it. A plugin linked against it holds its own code only: some 20 KB
// instead of megabytes. The link takes milliseconds, because the linker does not read the library but a stub of the few
// symbols to which the plugin refers.
type shared struct {
	dir      string
	packages map[string]bool
	addModD  string // archive of package nb/amd
	// noAddModD is the same package without code, for plugins that hold all packages that they need.
	noAddModD string
	hash      []byte // the library's ABI hash note
	syms      map[string]symbol
	always    []string // symbols that every stub has
	file      *elf.File
	relocs    *elf.Section // .rela.dyn: first the relative ones, by offset
	relative  int          // the number of relative ones
}

// symbol is a symbol's data that a stub repeats.
type symbol struct {
	value, size uint64
	info, other byte
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

// target returns the address in the pointer at an address, or 0.
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

// refs collects the names that a package, and those packages outside of the library that it imports, need from the
// library.
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

// mangled returns the linker's name for long symbols of types (cmd/link/internal/ld, typeSymbolMangle).
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
	maps.Copy(export, b.export)
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
