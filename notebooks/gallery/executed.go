package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

// executedCopy returns a lesson with its outputs: from the folder dir, or by executing it if dir is "".
func executedCopy(dir, name string) ([]byte, error) {
	if dir == "" {
		scratch, err := os.MkdirTemp("", "gallery-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(scratch)
		path, err := execute(name, scratch)
		if err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	}
	data, err := os.ReadFile(filepath.Join(dir, name+".ipynb"))
	if !japanese(name) || !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	if data, err = os.ReadFile(filepath.Join(dir, strings.TrimPrefix(name, "ja/")+".ipynb")); err != nil {
		return nil, err
	}
	translation, err := os.ReadFile(filepath.Join("notebooks", name+".ipynb"))
	if err != nil {
		return nil, err
	}
	return withOutputs(translation, data)
}

// withOutputs returns a Japanese lesson with the outputs of the executed English one, cell by cell. It is an error if
// they have other cells.
func withOutputs(translation, executed []byte) ([]byte, error) {
	var t, e map[string]any
	if err := json.Unmarshal(translation, &t); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(executed, &e); err != nil {
		return nil, err
	}
	to, _ := t["cells"].([]any)
	from, _ := e["cells"].([]any)
	if len(to) != len(from) {
		return nil, fmt.Errorf("the translation has %d cells, the executed lesson %d; run go run ./notebooks/translate", len(to), len(from))
	}
	for i := range to {
		a, _ := to[i].(map[string]any)
		b, _ := from[i].(map[string]any)
		if a["id"] != b["id"] {
			return nil, fmt.Errorf("cell %d of the translation is %v, of the executed lesson %v; run go run ./notebooks/translate", i+1, a["id"], b["id"])
		}
		for _, k := range []string{"outputs", "execution_count"} {
			if v, ok := b[k]; ok {
				a[k] = v
			}
		}
	}
	if info, ok := e["metadata"]; ok {
		t["metadata"] = info
	}
	return json.Marshal(t)
}

// execute runs a copy of the lesson in dir, so that the files it makes do not land in the repository, and returns the
// executed copy.
func execute(name, dir string) (string, error) {
	tlkernel, err := installdir.Dir(os.Getenv, "bin", "tlkernel")
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join("notebooks", name+".ipynb"))
	if err != nil {
		return "", err
	}
	in, out := filepath.Join(dir, filepath.Base(name)+".ipynb"), filepath.Join(dir, "executed.ipynb")
	if err := os.WriteFile(in, data, 0o644); err != nil {
		return "", err
	}
	cmd := exec.Command(tlkernel, "exec", in, "-o", out, "--html", "none")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TLKIT_RUNS=") })
	if japanese(name) {
		cmd.Env = append(cmd.Env, "TLKIT_LANG=ja")
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w; ./install.sh installs the kernel", cmd, err)
	}
	return out, nil
}
