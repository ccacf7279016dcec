package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// oneDNN is Intel's oneDNN 3.2 (Apache-2.0), in the build of its own publisher for GCC's OpenMP runtime, libgomp: 39 MB
// to fetch, 55 MB of disk. Later wheels (2024 and on) need libraries of Intel's compiler. The sum is that of the wheel
// as the package index lists it (pip install --dry-run --report, 2026-11-29).
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

// openMP is the library that oneDNN needs of the system.
const openMP = "libgomp.so.1"

// mendOpenMP installs openMP.
const mendOpenMP = "install GCC's OpenMP runtime if " + openMP + " is missing (on Debian: apt install libgomp1)"

// addOneDNN installs oneDNN. Where it does not open, it is removed, so that no program tries it, and the
// error says why.
func addOneDNN(ctx context.Context, to installation, step stepFunc) error {
	var refused *openError
	if hasUnpacked && errors.As(opens(ctx, to.venv, openMP), &refused) {
		return removeOneDNN(to.prefix, refused)
	}
	if err := oneDNN.add(ctx, to, step); err != nil {
		return err
	}
	err := opens(ctx, to.venv, oneDNN.library(to.prefix))
	if errors.As(err, &refused) {
		return removeOneDNN(to.prefix, refused)
	}
	return err
}

// removeOneDNN removes oneDNN, and returns an error with the reason.
func removeOneDNN(p Prefix, reason error) error {
	if err := os.RemoveAll(oneDNN.dir(p)); err != nil {
		return fmt.Errorf("kernel: engine onednn does not open here: %w; and it can't be removed: %w", reason, err)
	}
	return fmt.Errorf("kernel: engine onednn does not open here, and is not installed: %w; %s, then run %s --engine onednn; "+
		"training steps run as without it", reason, mendOpenMP, p.installer())
}

// openError is that the system's loader refuses a library.
type openError struct{ library, why string }

func (e *openError) Error() string { return "opening " + e.library + ": " + e.why }

// opens opens a library in a Python process, with all that it needs. The error is an openError, or Python's failure.
func opens(ctx context.Context, venv, library string) error {
	const refused = 77 // no exit status of Python's own
	script := fmt.Sprintf("import ctypes, sys\ntry: ctypes.CDLL(sys.argv[1])\nexcept OSError as e: print(e); sys.exit(%d)", refused)
	out, err := exec.CommandContext(ctx, venvProgram(venv, "python"), "-c", script, library).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == refused {
		return &openError{library: library, why: oneLine(errors.New(string(out)))}
	}
	if err != nil {
		return commandError("kernel: the environment's Python fails, which was to open "+library, err, string(out))
	}
	return nil
}

// checkOneDNN tests whether an installed oneDNN opens; ok is false where it is not installed.
func checkOneDNN(ctx context.Context, p Prefix, m *Manifest) (c Check, ok bool) {
	library := oneDNN.library(p)
	if _, err := os.Stat(library); err != nil {
		return c, false
	}
	c = Check{Name: "onednn", OK: true, Detail: library}
	if err := opens(ctx, m.Venv, library); err != nil {
		c.OK, c.Detail, c.Mend = false, err.Error(), "run "+p.installer()+", which sets Python's environment up again"
		if refused := (*openError)(nil); errors.As(err, &refused) {
			c.Mend = mendOpenMP + ", else remove the file and run " + p.installer() + " --engine onednn; until then training steps run as without it"
		}
	}
	return c, true
}
