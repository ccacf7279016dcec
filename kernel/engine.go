package kernel

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// onnxWheel is the Python package that carries ONNX Runtime's shared library;
// only that library is taken from it.
const onnxWheel = "onnxruntime==1.32.0"

// libDir is where package backend looks for engines' libraries.
func (p Prefix) libDir() string { return p.join("lib") }

// installEngine adds an engine that is faster than the pure-Go one. "onnx" is
// the only name so far. It returns the library's path, and whether it was new.
func installEngine(ctx context.Context, p Prefix, venv, name string) (library string, fresh bool, err error) {
	if name != "onnx" {
		return "", false, fmt.Errorf("kernel: unknown engine %q; known: onnx", name)
	}
	version := onnxWheel[strings.LastIndex(onnxWheel, "=")+1:]
	if found, _ := filepath.Glob(filepath.Join(p.libDir(), "libonnxruntime*"+version+"*")); len(found) > 0 {
		return found[0], false, nil
	}
	tmp, err := os.MkdirTemp("", "tlkit-engine-")
	if err != nil {
		return "", false, fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	pip := exec.CommandContext(ctx, venvProgram(venv, "python"), "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-input", "--no-deps", "--only-binary=:all:", "--dest", tmp, onnxWheel)
	if out, err := pip.CombinedOutput(); err != nil {
		return "", false, commandError("kernel: fetching "+onnxWheel+" (there may be none for this system and Python; the pure-Go engine needs nothing)", err, string(out))
	}
	wheels, _ := filepath.Glob(filepath.Join(tmp, "*.whl"))
	if len(wheels) != 1 {
		return "", false, fmt.Errorf("kernel: pip download of %s gave %d wheels, expected 1", onnxWheel, len(wheels))
	}
	library, err = extractLibrary(wheels[0], p.libDir())
	if err != nil {
		return "", false, fmt.Errorf("kernel: engine onnx: %w", err)
	}
	return library, true, nil
}

// extractLibrary takes ONNX Runtime's shared library out of a wheel into dir,
// in place of other versions of it.
func extractLibrary(wheel, dir string) (string, error) {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return "", err
	}
	defer z.Close()
	for _, f := range z.File {
		base := path.Base(f.Name)
		isLibrary := strings.HasPrefix(base, "libonnxruntime.so") || strings.HasPrefix(base, "libonnxruntime.") && strings.HasSuffix(base, ".dylib")
		if path.Dir(f.Name) != "onnxruntime/capi" || !isLibrary {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return "", err
		}
		defer in.Close()
		data, err := io.ReadAll(in) // about 35 MB; the zip's checksum is verified at its end
		if err != nil {
			return "", fmt.Errorf("%s in %s: %w", f.Name, filepath.Base(wheel), err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		to := filepath.Join(dir, base)
		if err := writeFileAtomic(to, data, 0o755); err != nil {
			return "", err
		}
		old, _ := filepath.Glob(filepath.Join(dir, "libonnxruntime.*"))
		for _, o := range old {
			if o != to {
				if err := os.Remove(o); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return "", err
				}
			}
		}
		return to, nil
	}
	return "", fmt.Errorf("%s holds no onnxruntime/capi/libonnxruntime library", filepath.Base(wheel))
}
