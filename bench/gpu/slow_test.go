//go:build slow

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// TestPackAndRun packs the archive, unpacks it elsewhere and runs it on the pure-Go engine without Python: layers,
// gradients and golden logits must be right, and a model's times come back.
func TestPackAndRun(t *testing.T) {
	testutil.Shared(t, "golden/torchvision")
	t.Chdir(filepath.Join("..", ".."))
	file, to := filepath.Join(t.TempDir(), "a.tar.gz"), t.TempDir()
	if err := pack(file); err != nil {
		t.Fatal(err)
	}
	unpack(t, file, to)
	out := filepath.Join(to, "gpu.json")
	cmd := exec.Command(filepath.Join(to, packed, "gpu"), "run", "--engine", "go", "--python", "", "--json", out, "--networks", "^(resnet18|mobilenet_v2)$", "--model", "resnet18", "--batch", "2", "--steps", "3", "--limit", "20m")
	cmd.Dir, cmd.Stderr = to, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	rep := read(t, out)
	for _, one := range rep.Tests {
		if !one.Passed || strings.Contains(one.Tail, "no tests to run") {
			t.Errorf("%s failed:\n%s", one.Name, one.Tail)
		}
	}
	if len(rep.Times) != 1 || !(rep.Times[0].TrainS > 0) || len(rep.Failures) > 0 {
		t.Errorf("times %+v, failures %q", rep.Times, rep.Failures)
	}
}
