package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// unpacked is an engine that is some files of a Python wheel for Linux on x86-64, in a folder of its own.
type unpacked struct {
	// name is the engine's, and the folder's below lib, in which package backend looks for it.
	name string
	// wheel is the package with its version, and hashes are the SHA-256 sums of its files.
	wheel  string
	hashes []string
	// files are those of the wheel that are kept. The library that package backend looks for is last, so that a folder
	// that is half filled is taken for an empty one.
	files []string
}

// hasUnpacked: the wheels are for this system. On others, neither results nor speed have been measured.
const hasUnpacked = runtime.GOOS == "linux" && runtime.GOARCH == "amd64"

func (e unpacked) dir(p Prefix) string { return filepath.Join(p.libDir(), e.name) }

// library is the file that package backend looks for.
func (e unpacked) library(p Prefix) string {
	return filepath.Join(e.dir(p), path.Base(e.files[len(e.files)-1]))
}

// add installs the engine and reports the folder with its size.
func (e unpacked) add(ctx context.Context, to installation, step stepFunc) error {
	if !hasUnpacked {
		return fmt.Errorf("kernel: engine %s is for linux/amd64, and this is %s/%s; --engine onnx has one for it", e.name, runtime.GOOS, runtime.GOARCH)
	}
	dir := e.dir(to.prefix)
	missing := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, path.Base(name)))
		return err != nil
	}
	if !slices.ContainsFunc(e.files, missing) {
		step("%s: engine %s, unchanged", dir, e.name)
		return nil
	}
	tmp, err := os.MkdirTemp("", "tlkit-engine-")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	wheel, err := downloadWheel(ctx, to.venv, tmp, e.wheel, e.hashes)
	if err != nil {
		return fmt.Errorf("%w (there may be none for this Python; the other engines need nothing of it)", err)
	}
	size, err := e.extract(wheel, dir)
	if err != nil {
		return fmt.Errorf("kernel: engine %s: %w", e.name, err)
	}
	step("%s: engine %s, %d MB, from the Python package %s", dir, e.name, size/1e6, e.wheel)
	return nil
}

// extract extracts the files that are kept into dir, removes all others there, and returns their size in bytes.
func (e unpacked) extract(wheel, dir string) (size int64, err error) {
	// First of all the library of an earlier version goes, so that nothing loads it among files of this one.
	old, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for _, o := range old {
		if !slices.ContainsFunc(e.files[:len(e.files)-1], func(name string) bool { return path.Base(name) == o.Name() }) {
			if err := os.RemoveAll(filepath.Join(dir, o.Name())); err != nil {
				return 0, err
			}
		}
	}
	for _, name := range e.files {
		var perm os.FileMode = 0o644
		if strings.Contains(path.Base(name), ".so") {
			perm = 0o755
		}
		to, err := extract(wheel, dir, perm, func(n string) bool { return n == name })
		if err != nil {
			return 0, err
		}
		info, err := os.Stat(to)
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, nil
}
