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

// loud tells when a cell has printed that it has begun.
type loud struct {
	quiet
	begun chan struct{}
}

// Stream waits for "begun".
func (l *loud) Stream(_ string, data []byte) {
	if strings.Contains(string(data), "begun") {
		l.begun <- struct{}{}
	}
}

// TestARM64 compiles worker and cells for arm64 and runs them in an emulator: values stay, and a panic, an interrupt of
// a loop or of a wait, and log.Fatal end the cell only. On Debian: apt install qemu-user-static gcc-aarch64-linux-gnu
// libc6-dev-arm64-cross.
func TestARM64(t *testing.T) {
	const cc, emulator, libraries = "aarch64-linux-gnu-gcc", "qemu-aarch64-static", "/usr/aarch64-linux-gnu"
	for _, program := range []string{cc, emulator} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	t.Setenv("CC", cc)
	b, program := smallWorker(t, t.TempDir(), "arm64")
	defer func() {
		if !isFile(filepath.Join(b.lib.dir, extldName)) {
			t.Error("no script was made for the external linker")
		}
	}()
	start := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(start, fmt.Appendf(nil, "#!/bin/sh\nexec %s -L %s %s\n", emulator, libraries, program), 0o755); err != nil {
		t.Fatal(err)
	}
	said := &loud{begun: make(chan struct{}, 10)}
	p, err := worker.Start(worker.Config{Program: start, Dir: b.cfg.Dir, Sink: said})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const head = "package cell\nimport rt \"nb/rt\"\n"
	for i, c := range []struct {
		src     string
		imports []string
		fails   string
		stop    bool // interrupt it once it prints
	}{
		{src: head + "var M = map[string]int{\"a\": 1}\nfunc run() { M[\"b\"] = 2 }\nfunc init() { rt.Register(1, run, nil) }\n"},
		{src: head + "import c \"nb/r1\"\nfunc run() { if len(c.M) != 2 { panic(\"values\") }; panic(\"as asked\") }\nfunc init() { rt.Register(2, run, nil) }\n",
			imports: []string{"nb/r1"}, fails: "as asked"},
		{src: head + "import c \"nb/r1\"\nimport \"encoding/json\"\nfunc run() { if s, _ := json.Marshal(c.M); string(s) != `{\"a\":1,\"b\":2}` { panic(string(s)) } }\nfunc init() { rt.Register(3, run, nil) }\n",
			imports: []string{"nb/r1", "encoding/json"}},
		{src: head + "import c \"nb/r1\"\nfunc run() { c.M[\"d\"] = 4; print(\"begun\\n\"); for { rt.C() } }\nfunc init() { rt.Register(4, run, nil) }\n",
			imports: []string{"nb/r1"}, fails: "interrupted", stop: true},
		{src: head + "var ch = make(chan int)\nfunc run() { print(\"begun\\n\"); <-ch }\nfunc init() { rt.Register(5, run, nil) }\n", fails: "interrupted", stop: true},
		{src: head + "import \"log\"\nfunc run() { log.Fatal(\"x\") }\nfunc init() { rt.Register(6, run, nil) }\n", imports: []string{"log"}, fails: "exit status 1"},
		{src: head + "import c \"nb/r1\"\nfunc run() { if len(c.M) != 3 { panic(\"values\") }; var p *int; *p = 1 }\nfunc init() { rt.Register(7, run, nil) }\n",
			imports: []string{"nb/r1"}, fails: "nil pointer"},
	} {
		plugin, err := b.Cell(t.Context(), Package{N: i + 1, Files: map[string]string{"cell.go": c.src}, Imports: append(c.imports, rtPath)})
		if err != nil {
			t.Fatalf("cell %d: %v", i+1, err)
		}
		if info, err := os.Stat(plugin.File); err != nil || info.Size() > 1<<20 {
			t.Errorf("cell %d: not linked against the library: %v", i+1, err)
		}
		if c.stop {
			go func() {
				<-said.begun
				p.Interrupt(i + 1)
			}()
		}
		_, failure, err := p.Run(i+1, plugin.File, worker.With{Args: []string{"cell"}})
		if err != nil || (failure == nil) != (c.fails == "") || failure != nil && !strings.Contains(fmt.Sprint(*failure), c.fails) {
			t.Fatalf("cell %d: %v, %+v, want %q", i+1, err, failure, c.fails)
		}
	}
}
