package build

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// anyLinkname is the linker's flag that allows package rt to use variables of other packages.
const anyLinkname = "-checklinkname=0"

const amdPath = "nb/amd"

// The linker places runtime.addmoduledata in every plugin, but with -linkshared it has no code for it, because the
// runtime is in the library (Go 1.27). So each plugin gets it from package nb/amd, with the offset of moduledata.next
// read from the library.

// buildShared links the library from all packages known so far, and makes nb/amd.
func (b *Builder) buildShared(ctx context.Context, tmp string) error {
	cfg, lib := filepath.Join(tmp, "importcfg"), filepath.Join(tmp, sharedName)
	if err := b.importcfg(cfg); err != nil {
		return err
	}
	b.mu.Lock()
	packages := maps.Clone(b.export)
	b.mu.Unlock()
	if err := b.linkLibrary(ctx, tmp, cfg, lib, packages); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(packages))
	if err := os.WriteFile(filepath.Join(tmp, "packages"), []byte(joinLines(names)), 0o644); err != nil {
		return err
	}
	return b.compileAMD(ctx, tmp, cfg, lib)
}

// linkLibrary links packages, given by import path and archive. Only the link of all packages finds the methods without
// a body, and it takes most of a minute: their list is kept for the next library.
func (b *Builder) linkLibrary(ctx context.Context, tmp, cfg, lib string, packages map[string]string) error {
	var args []string
	for path, archive := range packages {
		args = append(args, path+"="+archive)
	}
	slices.Sort(args)
	flags := []string{anyLinkname, "-e", "-importcfg", cfg, "-linkshared", "-buildmode=shared", "-s", "-w", "-o", lib}
	kept := filepath.Join(filepath.Dir(tmp), "undefined-"+b.settings)
	var missing []string
	if data, err := os.ReadFile(kept); err == nil {
		missing = strings.Fields(string(data))
	}
	for try := 1; ; try++ {
		all := args
		if len(missing) > 0 {
			archive, err := b.missingPackage(ctx, tmp, cfg, missing)
			if err != nil {
				return err
			}
			all = append(slices.Clone(args), "nb/undef="+archive)
		}
		err := b.linkHost(ctx, tmp, append(slices.Clone(flags), all...)...)
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
	if len(missing) == 0 {
		return nil
	}
	return atomicfile.WriteBytes(kept, []byte(joinLines(missing)))
}

// compileAMD makes package nb/amd for a library: amd.a with the code of addmoduledata, amd.empty.a without.
func (b *Builder) compileAMD(ctx context.Context, tmp, cfg, lib string) error {
	next, err := b.arch.moduledataNext(lib)
	if err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(tmp, name) }
	if err := os.WriteFile(at("amd.s"), fmt.Appendf(nil, b.arch.addModuleData, next), 0o644); err != nil {
		return err
	}
	// Imported by name, so that the linker knows the fingerprints of the packages that it loads by itself.
	if err := os.WriteFile(at("amd.go"), []byte("package amd\n\nimport (\n\t_ \"runtime\"\n\t_ \"runtime/cgo\"\n)\n"), 0o644); err != nil {
		return err
	}
	goFiles := []string{at("amd.go")}
	if err := b.compile(ctx, tmp, amdPath, cfg, at("amd.empty.a"), nil, goFiles); err != nil {
		return err
	}
	return b.compileWith(ctx, tmp, amdPath, cfg, at("amd.a"), goFiles, at("amd.s"))
}

// compileWith compiles a package of Go files and one file of assembly.
func (b *Builder) compileWith(ctx context.Context, tmp, path, cfg, archive string, goFiles []string, asm string) error {
	base := strings.TrimSuffix(asm, ".s")
	assemble := func(args ...string) error {
		_, err := b.run(ctx, tmp, nil, filepath.Join(b.toolDir, "asm"), slices.Concat(b.asmFlags(path), args, []string{asm})...)
		return err
	}
	if err := assemble("-gensymabis", "-o", base+".abis"); err != nil {
		return err
	}
	if err := b.compile(ctx, tmp, path, cfg, archive, []string{"-symabis", base + ".abis"}, goFiles); err != nil {
		return err
	}
	if err := assemble("-o", base+".o"); err != nil {
		return err
	}
	return b.pack(ctx, tmp, archive, []string{base + ".o"})
}

var undefinedSymbol = regexp.MustCompile(`(?m)undefined symbol in relocation: (\S+)$|relocation target (\S+) not defined`)

// undefined returns the symbols that the linker misses.
func undefined(err error) []string {
	var tool *ToolError
	if !errors.As(err, &tool) {
		return nil
	}
	var names []string
	for _, m := range undefinedSymbol.FindAllStringSubmatch(tool.Text, -1) {
		if name := m[1] + m[2]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// defineMissing makes an object file with a body that traps for functions without one: methods that the compiler always
// replaces by instructions (package simd). A library holds all methods of its types, including those that can never be
// called; so does a plugin whose code looks methods up by name.
func (b *Builder) defineMissing(ctx context.Context, tmp string, names []string) (object string, err error) {
	var text bytes.Buffer
	text.WriteString("#include \"textflag.h\"\n")
	for _, name := range names {
		name = strings.NewReplacer(".", "·", "/", "∕").Replace(name)
		fmt.Fprintf(&text, "\nTEXT %s<ABIInternal>(SB),NOSPLIT|NOFRAME,$0-0\n\t%s\n\tRET\n", name, b.arch.trap)
	}
	asm := filepath.Join(tmp, "undef.s")
	object = filepath.Join(tmp, "undef.o")
	if err := os.WriteFile(asm, text.Bytes(), 0o644); err != nil {
		return "", err
	}
	// The assembler allows functions with Go's own calling convention in few packages only.
	_, err = b.run(ctx, tmp, nil, filepath.Join(b.toolDir, "asm"), append(b.asmFlags("reflect"), "-o", object, asm)...)
	return object, err
}

// missingPackage makes an archive of a package that defines the missing functions.
func (b *Builder) missingPackage(ctx context.Context, tmp, cfg string, names []string) (archive string, err error) {
	object, err := b.defineMissing(ctx, tmp, names)
	if err != nil {
		return "", err
	}
	goFile, archive := filepath.Join(tmp, "undef.go"), filepath.Join(tmp, "undef.a")
	if err := os.WriteFile(goFile, []byte("package undef\n"), 0o644); err != nil {
		return "", err
	}
	if err := b.compile(ctx, tmp, "nb/undef", cfg, archive, nil, []string{goFile}); err != nil {
		return "", err
	}
	return archive, b.pack(ctx, tmp, archive, []string{object})
}

func (b *Builder) asmFlags(path string) []string {
	return []string{"-p", path, "-dynlink", "-I", filepath.Join(filepath.Dir(filepath.Dir(b.toolDir)), "include"), "-D", "GOOS_linux", "-D", "GOARCH_" + b.cfg.GOARCH}
}

func joinLines(lines []string) string {
	var buf bytes.Buffer
	for _, l := range lines {
		buf.WriteString(l + "\n")
	}
	return buf.String()
}

// moduledataNext finds the offset of moduledata.next in the code of the library's own runtime.addmoduledata.
func (a arch) moduledataNext(lib string) (uint32, error) {
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
		if next, ok := a.nextOffset(code); ok && next < 1<<12 {
			return next, nil
		}
	}
	return 0, errors.New("build: runtime.addmoduledata of this Go is not as expected")
}
