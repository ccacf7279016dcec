//go:build linux

package build

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

// TestPrune: which of a cache's workers stay when one is started.
func TestPrune(t *testing.T) {
	root := t.TempDir()
	const day = 24 * time.Hour
	ages := []time.Duration{20 * day, time.Hour, 2 * time.Hour, 3 * time.Hour, 2 * day, 3 * day, 23 * time.Hour, 8 * day}
	stays := []bool{true, true, true, true, false, false, true, false} // the first is started now
	dir := func(i int) string { return filepath.Join(root, fmt.Sprintf("worker-%d", i)) }
	for i, age := range ages {
		if err := os.Mkdir(dir(i), 0o755); err != nil {
			t.Fatal(err)
		}
		mark := filepath.Join(dir(i), "used")
		if err := os.WriteFile(mark, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(mark, when, when); err != nil {
			t.Fatal(err)
		}
	}
	prune(root, dir(0))
	for i := range ages {
		if got := isDir(dir(i)); got != stays[i] {
			t.Errorf("worker %d, unused for %s: there %v, want %v", i, ages[i], got, stays[i])
		}
	}
}

// TestLock: a second one waits for the first, or for its context.
func TestLock(t *testing.T) {
	root := t.TempDir()
	unlock, err := lock(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if _, err := lock(ctx, root); err == nil {
		t.Error("two hold the lock")
	}
	time.AfterFunc(50*time.Millisecond, unlock)
	unlock2, err := lock(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	unlock2()
}

// TestOfThisGo: an optional file of package rt that refers to a function which another Go does not have is left out, so
// that the worker links there too.
func TestOfThisGo(t *testing.T) {
	goroot := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(goroot, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(goroot, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("src/reflect/type.go", "package reflect\n\nfunc here() int\n")
	b := &Builder{goCmd: filepath.Join(goroot, "bin", "go"), cfg: Config{Logf: t.Logf}}
	optional := func(name string) string {
		return "//go:build ignore\n\npackage rt\n\n//go:linkname f " + name + "\nfunc f() int\n"
	}
	got := b.ofThisGo(map[string]string{"a.go": "package rt\n\n//go:linkname f reflect.gone\nfunc f() int\n", "b.go": optional("reflect.here"),
		"c.go": optional("reflect.gone"), "d.go": optional("nothere.f")})
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"a.go", "b.go"}) {
		t.Errorf("kept %q, want a.go, which is not optional, and b.go", names)
	}
}

// TestOptionalFiles: this Go has what the optional files of package rt refer to.
func TestOptionalFiles(t *testing.T) {
	source := worker.Source()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	b := &Builder{goCmd: filepath.Join(strings.TrimSpace(string(goroot)), "bin", "go"), cfg: Config{Logf: t.Logf}}
	if kept := b.ofThisGo(source); len(kept) != len(source) {
		t.Errorf("%d of %d files of package rt can be had with the Go in %s", len(kept), len(source), goroot)
	}
}
