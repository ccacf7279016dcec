//go:build cgo && (linux || darwin)

package backend

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	onnxbackend "github.com/gomlx/compute-onnx"
	"github.com/gomlx/compute-onnx/support/onnxruntime"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

const onnxLibraryEnv = "ONNXRUNTIME_SHARED_LIBRARY_PATH"

// onnxSilentEnv keeps ONNX Runtime (seen in 1.32.0) from making an identity for the user, below ~/.cache/Microsoft, and
// from reporting its use to Microsoft. It is read when the library opens.
const onnxSilentEnv = "ORT_DISABLE_TELEMETRY"

// native lists the installed engines that are not pure Go, fastest first. ONNX Runtime comes before XLA on a CPU: for
// every measured network, XLA was slower there in inference and training, and it takes minutes to compile the gradient
// of depthwise convolutions.
func native(getenv func(string) string) []candidate {
	var list []candidate
	// A package that a notebook imports may link go-xla's installer, which would download plugins here.
	xla.EnableAutoInstall(false)
	plugins := xla.GetAvailablePlugins()
	if i := slices.IndexFunc(plugins, pjrt.IsCUDAName); i >= 0 && hasNVIDIA() {
		list = append(list, candidate{config: "xla:" + plugins[i], why: "an NVIDIA GPU and the PJRT CUDA plugin are installed"})
	}
	onnx := onnxLibrary(getenv) != ""
	i := slices.IndexFunc(plugins, func(p string) bool { return strings.HasPrefix(p, "cpu") })
	if onnx {
		why := "ONNX Runtime is installed"
		if i >= 0 {
			why += "; so is XLA for the CPU, which GOMLX_BACKEND=xla:" + plugins[i] + " takes"
		}
		list = append(list, candidate{config: "onnx:cpu", why: why})
	}
	if i >= 0 {
		list = append(list, candidate{config: "xla:" + plugins[i], why: "the PJRT CPU plugin is installed"})
	}
	return list
}

func hasNVIDIA() bool {
	_, err := os.Stat("/dev/nvidiactl")
	return err == nil
}

// onnxLibrary returns the ONNX Runtime library to use: that named by the environment variable, else that installed by
// install.sh under TLKIT_HOME, else that of GoMLX's own installer; "" if there is none.
func onnxLibrary(getenv func(string) string) string {
	if path := installed(getenv, onnxLibraryEnv, "", "libonnxruntime.so*", "libonnxruntime*.dylib"); path != "" {
		return path
	}
	if dir, err := onnxruntime.GetInstallPath(); err == nil {
		if name, err := onnxruntime.GetLibFilename(); err == nil {
			if path := filepath.Join(dir, name); fileExists(path) {
				return path
			}
		}
	}
	return ""
}

// installed returns the library that an environment variable names, else the first file that a pattern fits in a folder
// of install.sh's lib; "" if there is none.
func installed(getenv func(string) string, variable, folder string, patterns ...string) string {
	if path, err := envpath.From(getenv, variable); path != "" && err == nil {
		return path
	}
	dir, err := installdir.Dir(getenv, "lib", folder)
	if err != nil {
		return ""
	}
	for _, pattern := range patterns {
		if found, _ := infolder.Glob(dir, pattern); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// prepareONNX sets the path of the library, and keeps the engine from downloading one, from reporting its use, and its
// memory from growing.
func prepareONNX() error {
	onnxbackend.EnableAutoInstall(false)
	path := onnxLibrary(os.Getenv)
	if path == "" {
		return errors.New("no ONNX Runtime library found; install.sh --engine onnx installs one, or name it in " + onnxLibraryEnv)
	}
	returnFreed()
	return errors.Join(os.Setenv(onnxSilentEnv, "1"), os.Setenv(onnxLibraryEnv, path))
}
