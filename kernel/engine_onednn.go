package kernel

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// oneDNN is Intel's oneDNN 3.2 (Apache-2.0), in the build of its own publisher for GCC's OpenMP runtime, libgomp: 39 MB to
// fetch, 55 MB of disk. Later wheels (2024 and on) need libraries of Intel's compiler. The sum is that of the wheel as the
// package index lists it (pip install --dry-run --report, 2026-11-29).
var oneDNN = unpacked{
	name:   "onednn",
	wheel:  "onednn-cpu-gomp==2023.2.0",
	hashes: []string{"2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb"},
	files: []string{
		"onednn_cpu_gomp-2023.2.0.data/data/share/doc/onednn/LICENSE",
		"onednn_cpu_gomp-2023.2.0.data/data/share/doc/onednn/THIRD-PARTY-PROGRAMS",
		"onednn_cpu_gomp-2023.2.0.data/data/lib/libdnnl.so.3.2",
	},
}

// mendOneDNN is what helps where the library does not open.
const mendOneDNN = "install GCC's OpenMP runtime if libgomp.so.1 is missing (on Debian: apt install libgomp1), else remove the file and " +
	"run ./install.sh --engine onednn; until then training steps run on pure Go"

// addOneDNN installs oneDNN. An error says, too, that it is there and does not open.
func addOneDNN(ctx context.Context, p Prefix, venv string, step func(format string, args ...any)) error {
	if err := oneDNN.add(ctx, p, venv, step); err != nil {
		return err
	}
	if err := opens(ctx, venv, oneDNN.library(p)); err != nil {
		return fmt.Errorf("kernel: engine onednn does not open here: %w; %s", err, mendOneDNN)
	}
	return nil
}

// opens opens a library in a Python process, with all that it needs.
func opens(ctx context.Context, venv, library string) error {
	open := exec.CommandContext(ctx, venvProgram(venv, "python"), "-c", "import ctypes, sys\ntry: ctypes.CDLL(sys.argv[1])\nexcept OSError as e: sys.exit(str(e))", library)
	if out, err := open.CombinedOutput(); err != nil {
		return commandError("opening "+library, err, string(out))
	}
	return nil
}

// checkOneDNN tests whether an installed oneDNN opens; ok is false where it is not installed.
func checkOneDNN(ctx context.Context, p Prefix, m *Manifest) (c Check, ok bool) {
	library := oneDNN.library(p)
	if _, err := os.Stat(library); err != nil {
		return c, false
	}
	c = Check{Name: "onednn", OK: true, Detail: library, Mend: mendOneDNN}
	if err := opens(ctx, m.Venv, library); err != nil {
		c.OK, c.Detail = false, err.Error()
	}
	return c, true
}
