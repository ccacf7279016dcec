//go:build linux

package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// The variable second has no symbol: its address is that of first, plus 8. Entries of the table that follow that of
// first have other addresses.
const (
	loadsAMD64 = `
	.globl firstAddress, secondAddress, otherAddress
firstAddress: movq first@GOTPCREL(%rip), %rax
	ret
secondAddress: movq first@GOTPCREL+8(%rip), %rax
	ret
otherAddress: movq other@GOTPCREL(%rip), %rax
	ret
	.data
first: .quad 1
second: .quad 2
	.globl other
other: .quad 3
	.section .note.GNU-stack,"",@progbits
`
	loadsARM64 = `
	.globl firstAddress, secondAddress, otherAddress
firstAddress: adrp x0, :got:first
	ldr x0, [x0, :got_lo12:first]
	ret
secondAddress: adrp x0, :got:first+8
	ldr x0, [x0, :got_lo12:first+8]
	ret
otherAddress: adrp x0, :got:other
	ldr x0, [x0, :got_lo12:other]
	ret
	.data
	.balign 8
first: .quad 1
second: .quad 2
	.globl other
other: .quad 3
	.section .note.GNU-stack,"",%progbits
`
	loadsMain = `
long *firstAddress(void), *secondAddress(void), *otherAddress(void);
int main(void) { return *firstAddress() == 1 && *secondAddress() == 2 && *otherAddress() == 3 ? 0 : 1; }
`
)

// TestCorrectLoads: a load with an offset from the global offset table becomes the address of symbol and offset; loads
// without an offset stay.
func TestCorrectLoads(t *testing.T) {
	for _, c := range []struct{ arch, compiler, emulator, loads string }{
		{"amd64", "x86_64-linux-gnu-gcc", "", loadsAMD64},
		{"arm64", "aarch64-linux-gnu-gcc", "qemu-aarch64-static", loadsARM64},
	} {
		t.Run(c.arch, func(t *testing.T) {
			compiler := []string{c.compiler}
			if c.arch == runtime.GOARCH {
				compiler, c.emulator = CCompiler(), ""
			}
			if _, err := exec.LookPath(compiler[0]); err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			object, program := filepath.Join(dir, "go.o"), filepath.Join(dir, "program")
			for name, text := range map[string]string{"loads.s": c.loads, "main.c": loadsMain} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			run := func(args ...string) error {
				cmd := exec.Command(args[0], args[1:]...)
				cmd.Dir, cmd.Stdout, cmd.Stderr = dir, t.Output(), t.Output()
				return cmd.Run()
			}
			if err := run(append(compiler, "-c", "-o", object, "loads.s")...); err != nil {
				t.Fatal(err)
			}
			if err := arches[c.arch].correctLoads(object); err != nil {
				t.Fatal(err)
			}
			if err := run(append(compiler, "-static", "-o", program, "main.c", object)...); err != nil {
				t.Fatal(err)
			}
			start := []string{program}
			if c.emulator != "" {
				if _, err := exec.LookPath(c.emulator); err != nil {
					t.Skip(err)
				}
				start = []string{c.emulator, program}
			}
			if err := run(start...); err != nil {
				t.Errorf("the program reads other variables: %v", err)
			}
		})
	}
}
