package hub

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// stubs stand for JupyterHub, so that the spawner's module can be imported without it.
const stubs = `
import sys, types
from pathlib import Path
for name, has in {"jupyterhub": "", "jupyterhub.spawner": "LocalProcessSpawner", "traitlets": "Unicode"}.items():
    sys.modules[name] = module = types.ModuleType(name)
    if has:
        setattr(module, has, type(has, (), {"__init__": lambda self, *a, **k: None}))
import tlkit_spawner
tlkit_spawner.CGROUPS = Path(sys.argv[1])
s = tlkit_spawner.LocalSpawner()
s.limits, s.mem_limit, s.cpu_limit = "cgroup2", 1 << 30, 1.5
print(s.make_groups("ada"))
`

// TestSpawnerGroups: the first user's server after a restart of the machine finds controllers in its control group, and
// a kernel without accounting of swap is no hindrance.
func TestSpawnerGroups(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	root := t.TempDir()
	start := func() {
		t.Helper()
		cmd := exec.Command(python, "-B", "-c", stubs, root)
		cmd.Env = append(os.Environ(), "PYTHONPATH=.")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	want := func(file, text string) {
		t.Helper()
		if have, err := os.ReadFile(filepath.Join(root, file)); err != nil || string(have) != text {
			t.Errorf("%s: %q, %v; want %q", file, have, err, text)
		}
	}
	start()
	want("cgroup.subtree_control", "+memory +cpu +pids")
	want("tlkit-hub/cgroup.subtree_control", "+memory +cpu +pids")
	want("tlkit-hub/ada/memory.max", "1073741824")
	want("tlkit-hub/ada/cpu.max", "150000 100000")
	swap := "tlkit-hub/ada/memory.swap.max"
	if _, err := os.Stat(filepath.Join(root, swap)); err == nil {
		t.Error("a file for swap was written where the kernel has none; control groups refuse that")
	}
	if err := os.WriteFile(filepath.Join(root, swap), []byte("max"), 0o644); err != nil {
		t.Fatal(err)
	}
	start()
	want(swap, "0")
}
