//go:build linux && slow

package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

// TestARM64 compiles worker and cells for arm64 and runs them in an emulator: values stay, and a panic ends the cell
// only. On Debian: apt install qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross.
func TestARM64(t *testing.T) {
	const cc, emulator, libraries = "aarch64-linux-gnu-gcc", "qemu-aarch64-static", "/usr/aarch64-linux-gnu"
	for _, program := range []string{cc, emulator} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	t.Setenv("CC", cc)
	workspace := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module w\n\ngo 1.27.0\n", "go.sum": ""} {
		if err := os.WriteFile(filepath.Join(workspace, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(t.Context(), Config{GOARCH: "arm64", Workspace: workspace, Dir: t.TempDir(), Packages: []string{"encoding/json"}, Offline: true,
		Go: filepath.Join(strings.TrimSpace(string(goroot)), "bin", "go"), Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	program, err := b.Worker(t.Context(), worker.Source())
	if err != nil {
		t.Fatal(err)
	}
	if b.lib == nil {
		t.Fatal("no shared library")
	}
	defer func() {
		if !isFile(filepath.Join(b.lib.dir, extldName)) {
			t.Error("no script was made for the external linker")
		}
	}()
	start := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(start, fmt.Appendf(nil, "#!/bin/sh\nexec %s -L %s %s\n", emulator, libraries, program), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := worker.Start(worker.Config{Program: start, Dir: b.cfg.Dir, Sink: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const head = "package cell\nimport rt \"nb/rt\"\n"
	for i, c := range []struct {
		src     string
		imports []string
		fails   string
	}{
		{src: head + "var M = map[string]int{\"a\": 1}\nfunc run() { M[\"b\"] = 2 }\nfunc init() { rt.Register(1, run, nil) }\n"},
		{src: head + "import c \"nb/r1\"\nfunc run() { if len(c.M) != 2 { panic(\"values\") }; panic(\"as asked\") }\nfunc init() { rt.Register(2, run, nil) }\n",
			imports: []string{"nb/r1"}, fails: "as asked"},
		{src: head + "import c \"nb/r1\"\nimport \"encoding/json\"\nfunc run() { if s, _ := json.Marshal(c.M); string(s) != `{\"a\":1,\"b\":2}` { panic(string(s)) } }\nfunc init() { rt.Register(3, run, nil) }\n",
			imports: []string{"nb/r1", "encoding/json"}},
	} {
		plugin, err := b.Cell(t.Context(), Package{N: i + 1, Files: map[string]string{"cell.go": c.src}, Imports: append(c.imports, rtPath)})
		if err != nil {
			t.Fatalf("cell %d: %v", i+1, err)
		}
		if info, err := os.Stat(plugin.File); err != nil || info.Size() > 1<<20 {
			t.Errorf("cell %d: not linked against the library: %v", i+1, err)
		}
		_, failure, err := p.Run(i+1, plugin.File, worker.With{Args: []string{"cell"}})
		if err != nil || (failure == nil) != (c.fails == "") || failure != nil && !strings.Contains(fmt.Sprint(*failure), c.fails) {
			t.Fatalf("cell %d: %v, %+v, want %q", i+1, err, failure, c.fails)
		}
	}
}
