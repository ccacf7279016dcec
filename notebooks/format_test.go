package notebooks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// validate is a program in Python that prints the notebooks that are none by nbformat's schema, and why.
const validate = `import sys, nbformat
for path in sys.argv[1:]:
    try:
        nbformat.validate(nbformat.read(path, as_version=nbformat.NO_CONVERT))
    except Exception as e:
        print(path + ": " + str(e).splitlines()[0])`

// TestFormat: lessons, their Japanese copies and the executed pages are notebooks by nbformat's own schema, and a
// notebook with a cell without a source is none.
func TestFormat(t *testing.T) {
	python := filepath.Join(prefix(t), "venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Skipf("%v; run ./install.sh first", err)
	}
	bad := filepath.Join(t.TempDir(), "bad.ipynb")
	if err := os.WriteFile(bad, []byte(`{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "id": "a"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-W", "error", "-c", validate, bad}
	for _, dir := range []string{".", "ja", "../docs/gallery", "../docs/gallery/ja"} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.ipynb"))
		if err != nil || len(paths) < 10 {
			t.Fatalf("%d notebooks in %s (%v), want at least 10", len(paths), dir, err)
		}
		args = append(args, paths...)
	}
	out, err := exec.Command(python, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if !strings.HasPrefix(lines[0], bad+": ") {
		t.Errorf("a notebook without a source counts as one: %q", lines[0])
	}
	for _, l := range lines[1:] {
		t.Error(l)
	}
}
