//go:build slow && linux && amd64

package kernels

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOnARM64 runs this package's tests of convolutions for arm64 in an emulator: the kernels for NEON are right, and
// equal to those for x86-64. On Debian: apt install qemu-user-static.
func TestOnARM64(t *testing.T) {
	const emulator = "qemu-aarch64-static"
	if _, err := exec.LookPath(emulator); err != nil {
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "kernels.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0", "GOEXPERIMENT=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), emulator, program, "-test.short", "-test.run", "TestConvolutions|TestLongSums|TestEqualOnAllProcessors").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
