package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// onnxWheel is the Python package that carries ONNX Runtime's shared library; only that library is taken from it.
const onnxWheel = "onnxruntime==1.32.0"

// onnxWheelHashes are the SHA-256 sums of that version's wheels as the package index lists them (pip install --dry-run
// --report, 2026-11-25), for CPython 3.11 to 3.14 in this order; pip accepts no other file. A new version needs new
// ones.
var onnxWheelHashes = []string{
	// Linux, x86-64
	"5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
	"99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8",
	"02ea12a28c069ea8510093d95a7f6ff8126bfd9fc5c0d3381c03b80fb2b424ba",
	"48b878f9551d465aa79ee94ecaf49a1f6b5d27f2975efa775ded374db14d0af1",
	// Linux, arm64
	"2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
	"e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054",
	"54d02baff2df38777b4c3cc7af326406fe8b8a48f54720f4c446d2d327920a79",
	"4135431395c1f37de0811f452c20a8b774f51812fda6c49611ed9899bbdbeeb4",
	// macOS, arm64
	"366b9e53d07812cc5c92822cecf7563b76a8a0f32ba3bb8dd232a206ac3bcb6c",
	"d52510bbbcc880c13b826f7d75cdf33ac5cf0bb864d960000fc29ce73f0cb83e",
	"27bf5dad46355a8a435c9c4e1556464d99ca834ea44e0f452909712068b8821b",
	"ab327b736552324af8d2a38bef5a65ed773f67184a36ff642beec7f5b4e9b03f",
}

// addONNX puts the library of ONNX Runtime into the folder of libraries.
func addONNX(ctx context.Context, to installation, step stepFunc) error {
	library, fresh, err := installONNX(ctx, to.prefix, to.venv)
	if err != nil {
		return err
	}
	if !fresh {
		library += ", unchanged"
	}
	step("%s: engine onnx", library)
	return nil
}

// installONNX returns the path of ONNX Runtime's library, fetched if it is not there, and whether it is new.
func installONNX(ctx context.Context, p Prefix, venv string) (library string, fresh bool, err error) {
	version := onnxWheel[strings.LastIndex(onnxWheel, "=")+1:]
	if found, _ := infolder.Glob(p.libDir(), "libonnxruntime*"+version+"*"); len(found) > 0 {
		return found[0], false, nil
	}
	tmp, err := os.MkdirTemp("", "tlkit-engine-")
	if err != nil {
		return "", false, fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	wheel, err := downloadWheel(ctx, venv, tmp, onnxWheel, onnxWheelHashes)
	if err != nil {
		return "", false, fmt.Errorf("%w (there may be none for this system and Python; the pure-Go engine needs nothing)", err)
	}
	library, err = extractLibrary(wheel, p.libDir())
	if err != nil {
		return "", false, fmt.Errorf("kernel: engine onnx: %w", err)
	}
	return library, true, nil
}

// extractLibrary extracts ONNX Runtime's shared library from a wheel into dir, and removes libraries of other versions
// there.
func extractLibrary(wheel, dir string) (string, error) {
	to, err := extract(wheel, dir, 0o755, func(name string) bool {
		base := path.Base(name)
		isLibrary := strings.HasPrefix(base, "libonnxruntime.so") || strings.HasPrefix(base, "libonnxruntime.") && strings.HasSuffix(base, ".dylib")
		return path.Dir(name) == "onnxruntime/capi" && isLibrary
	})
	if err != nil {
		return "", err
	}
	old, _ := infolder.Glob(dir, "libonnxruntime.*")
	for _, o := range old {
		if o == to {
			continue
		}
		if err := os.Remove(o); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return to, nil
}
