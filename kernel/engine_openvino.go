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

// openvinoWheel is the Python package that carries OpenVINO (Apache-2.0). Of its 59 MB only the libraries that compute
// ONNX models on the processor are kept, 92 MB, with the licences.
const openvinoWheel = "openvino==2026.4.1"

// openvinoWheelHashes are the SHA-256 sums of that version's wheels for Linux on x86-64 as the package index lists them
// (pip install --dry-run --report, 2026-11-29), for CPython 3.11 to 3.14 in this order.
var openvinoWheelHashes = []string{
	"2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf",
	"6b4375c17ddcac83a5180349e2e2bb811185c261066e2a920659892d58ef0e3b",
	"a9b637846c579d7b81b17b6585e0c7b1947574e8d13cf83d7307ce50cd2c352e",
	"3631dd889dccf3d5087775948590a6609a662f90c24a9cf85bb4dfa0cdd7fd2f",
}

// openvinoFiles are the files of the wheel that are kept. The C library is last: package backend looks for it, so that a
// folder that is half filled is taken for an empty one.
var openvinoFiles = []string{
	"openvino-2026.4.1.dist-info/licenses/LICENSE",
	"openvino-2026.4.1.dist-info/licenses/licensing/onednn_third-party-programs.txt",
	"openvino-2026.4.1.dist-info/licenses/licensing/onetbb_third-party-programs.txt",
	"openvino-2026.4.1.dist-info/licenses/licensing/runtime-third-party-programs.txt",
	"openvino/libs/libtbb.so.12",
	"openvino/libs/libtbbmalloc.so.2",
	"openvino/libs/libopenvino.so.2641",
	"openvino/libs/libopenvino_onnx_frontend.so.2641",
	"openvino/libs/libopenvino_intel_cpu_plugin.so",
	"openvino/libs/libopenvino_c.so.2641",
}

// hasOpenVINO: the wheels above are for this system. On others, neither its results nor its speed have been measured.
const hasOpenVINO = runtime.GOOS == "linux" && runtime.GOARCH == "amd64"

// openvinoDir returns the folder in which package backend looks for OpenVINO.
func (p Prefix) openvinoDir() string { return filepath.Join(p.libDir(), "openvino") }

// addOpenVINO installs OpenVINO and reports the folder with its size.
func addOpenVINO(ctx context.Context, p Prefix, venv string, step func(format string, args ...any)) error {
	if !hasOpenVINO {
		return fmt.Errorf("kernel: engine openvino is for linux/amd64, and this is %s/%s; --engine onnx has one for it", runtime.GOOS, runtime.GOARCH)
	}
	dir := p.openvinoDir()
	missing := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, path.Base(name)))
		return err != nil
	}
	if !slices.ContainsFunc(openvinoFiles, missing) {
		step("%s: engine openvino, unchanged", dir)
		return nil
	}
	tmp, err := os.MkdirTemp("", "tlkit-engine-")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	wheel, err := downloadWheel(ctx, venv, tmp, openvinoWheel, openvinoWheelHashes)
	if err != nil {
		return fmt.Errorf("%w (there may be none for this Python; the other engines need nothing of it)", err)
	}
	size, err := extractOpenVINO(wheel, dir)
	if err != nil {
		return fmt.Errorf("kernel: engine openvino: %w", err)
	}
	step("%s: engine openvino, %d MB", dir, size/1e6)
	return nil
}

// extractOpenVINO extracts the files that are kept into dir, removes all others there, and returns their size in bytes.
func extractOpenVINO(wheel, dir string) (size int64, err error) {
	// First of all the C library of an earlier version goes, so that nothing loads it among files of this one.
	old, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for _, o := range old {
		kept := slices.ContainsFunc(openvinoFiles, func(name string) bool { return path.Base(name) == o.Name() })
		if !kept || strings.HasPrefix(o.Name(), "libopenvino_c.") {
			if err := os.RemoveAll(filepath.Join(dir, o.Name())); err != nil {
				return 0, err
			}
		}
	}
	for _, name := range openvinoFiles {
		var perm os.FileMode = 0o755
		if strings.Contains(name, "/licenses/") {
			perm = 0o644
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
