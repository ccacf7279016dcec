//go:build linux

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

// TestBlanks: the library, the worker and cells are linked in folders whose names have blanks, brackets and quotes.
func TestBlanks(t *testing.T) {
	for _, name := range []string{"two words", "O'Brien [1]"} {
		t.Run(name, func(t *testing.T) {
			b, program := smallWorker(t, filepath.Join(t.TempDir(), name), "")
			p, err := worker.Start(worker.Config{Program: program, Dir: b.cfg.Dir, Sink: quiet{}})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			for n := 1; n <= 2; n++ { // the first cell is linked by the compiler, the second by the script
				src := fmt.Sprintf("package cell\nimport rt \"nb/rt\"\nfunc run() {}\nfunc init() { rt.Register(%d, run, nil) }\n", n)
				plugin, err := b.Cell(t.Context(), Package{N: n, Files: map[string]string{"cell.go": src}, Imports: []string{rtPath}})
				if err != nil {
					t.Fatalf("cell %d: %v", n, err)
				}
				if info, err := os.Stat(plugin.File); err != nil || info.Size() > 1<<20 {
					t.Errorf("cell %d: not linked against the library: %v", n, err)
				}
				if _, failure, err := p.Run(n, plugin.File, worker.With{Args: []string{"cell"}}); err != nil || failure != nil {
					t.Fatalf("cell %d: %v, %+v", n, err, failure)
				}
				if !isFile(filepath.Join(b.lib.dir, extldName)) {
					t.Error("no script was made for the external linker")
				}
			}
		})
	}
}

// smallWorker compiles a worker with a shared library of few packages, in folders of dir, for a GOARCH ("" is this
// machine's).
func smallWorker(t *testing.T, dir, arch string) (b *Builder, program string) {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	workspace, cells := filepath.Join(dir, "workspace"), filepath.Join(dir, "cells")
	for _, d := range []string{workspace, cells} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"go.mod": "module w\n\ngo 1.27.0\n", "go.sum": ""} {
		if err := os.WriteFile(filepath.Join(workspace, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err = New(t.Context(), Config{GOARCH: arch, Workspace: workspace, Dir: cells, Packages: []string{"encoding/json"}, Offline: true,
		Go: filepath.Join(strings.TrimSpace(string(goroot)), "bin", "go"), Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if program, err = b.Worker(t.Context(), worker.Source()); err != nil {
		t.Fatal(err)
	}
	if b.lib == nil {
		t.Fatal("no shared library")
	}
	return b, program
}
