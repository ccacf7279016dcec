package kernel

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// cudaWheels are small wheels with the names and places of the real ones: their files by the name of the package.
var cudaWheels = map[string][]string{
	"jax-cuda13-pjrt": {cudaLibrary, "jax_plugins/xla_cuda13/__init__.py"},
	"nvidia-cublas":   {"nvidia/cu13/lib/libcublas.so.13", "nvidia/cu13/lib/libcublasLt.so.13"},
	"nvidia-compiler": {"nvidia/cu13/bin/ptxas", "nvidia/cu13/bin/nvlink", "nvidia/cu13/nvvm/libdevice/libdevice.10.bc"},
	"nvidia-cudnn":    {"nvidia/cudnn/lib/libcudnn.so.9"},
}

// cudaTree is what they make of lib/go-xla, links with their targets.
var cudaTree = []string{
	"go-xla/nvidia/bin/ptxas -> ../cu13/bin/ptxas",
	"go-xla/nvidia/cu13/bin/nvlink",
	"go-xla/nvidia/cu13/bin/ptxas",
	"go-xla/nvidia/cu13/lib/libcublas.so.13",
	"go-xla/nvidia/cu13/lib/libcublasLt.so.13",
	"go-xla/nvidia/cu13/nvvm/libdevice/libdevice.10.bc",
	"go-xla/nvidia/cudnn/lib/libcudnn.so.9",
	"go-xla/nvidia/pjrt_c_api_cuda_plugin.so",
	"libcublas.so.13 -> go-xla/nvidia/cu13/lib/libcublas.so.13",
	"libcublasLt.so.13 -> go-xla/nvidia/cu13/lib/libcublasLt.so.13",
}

// tinyWheel writes version 1 of a package, whose files hold their own names, and returns the line that pins it.
func tinyWheel(t *testing.T, dir, name string, files []string) string {
	t.Helper()
	var data bytes.Buffer
	z := zip.NewWriter(&data)
	base := strings.ReplaceAll(name, "-", "_") + "-1"
	texts := map[string]string{
		base + ".dist-info/METADATA": "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1\n",
		base + ".dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		base + ".dist-info/RECORD":   "",
	}
	for _, file := range files {
		texts[file] = file
	}
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		h := &zip.FileHeader{Name: file}
		h.SetMode(0o755)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, texts[file])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, base+"-py3-none-any.whl"), data.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data.Bytes())
	return requirement(name+"==1", []string{hex.EncodeToString(sum[:])})
}

// offlinePip returns an environment whose pip knows the wheels of one folder alone.
func offlinePip(t *testing.T) (venv, wheels string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil || !hasUnpacked || exec.Command(python, "-m", "pip", "--version").Run() != nil {
		t.Skip("for linux/amd64 with python3 and pip")
	}
	venv, wheels = t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(venv, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	// A script, because a link would make Python look for its modules beside it.
	script := "#!/bin/sh\nexec '" + python + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(venv, "bin", "python"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", wheels)
	return venv, wheels
}

// filesBelow lists the files of a folder but the wheels' records, links with their targets.
func filesBelow(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, ".dist-info/") {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		if target, err := os.Readlink(path); err == nil {
			name += " -> " + target
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestInstallCUDA: the plugin comes to stand beside NVIDIA's libraries, whole or not at all.
func TestInstallCUDA(t *testing.T) {
	venv, wheels := offlinePip(t)
	var pins string
	for _, name := range slices.Sorted(maps.Keys(cudaWheels)) {
		pins += tinyWheel(t, wheels, name, cudaWheels[name])
	}
	lib := filepath.Join(t.TempDir(), "lib[1]") // a bracket is no pattern
	dir := filepath.Join(lib, "go-xla")
	// A killed installation leaves a folder: ours by its name, go-xla's without a plugin.
	half := []string{"go-xla/nvidia.part/nvidia/cu13/lib/libcublas.so.13", "go-xla/nvidia/cu13/lib/libcublas.so.12"}
	for _, name := range half {
		if err := os.MkdirAll(filepath.Join(lib, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(lib, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	silent := func(string, ...any) {}
	wrong := strings.Replace(pins, "sha256:", "sha256:"+strings.Repeat("0", 64)+" #", 1)
	if err := installCUDA(t.Context(), venv, dir, wrong, silent); err == nil || !strings.Contains(err.Error(), "DO NOT MATCH THE HASHES") {
		t.Errorf("another sum: error %v, want pip's", err)
	}
	if left := filesBelow(t, lib); !slices.Equal(left, half[1:]) {
		t.Errorf("after another sum there is %q, want only %q", left, half[1:])
	}
	if err := installCUDA(t.Context(), venv, dir, pins, silent); err != nil {
		t.Fatal(err)
	}
	if got := filesBelow(t, lib); !slices.Equal(got, cudaTree) {
		t.Errorf("installed:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(cudaTree, "\n"))
	}
	for name, want := range map[string]string{
		"go-xla/nvidia/" + cudaPlugin: cudaLibrary,
		"go-xla/nvidia/bin/ptxas":     "nvidia/cu13/bin/ptxas",
		"libcublasLt.so.13":           "nvidia/cu13/lib/libcublasLt.so.13",
	} {
		path := filepath.Join(lib, name)
		info, err := os.Stat(path)
		if text, _ := os.ReadFile(path); err != nil || string(text) != want || info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s: %v; it holds %q, want %q, and must be executable", name, err, text, want)
		}
	}
	if records, _ := infolder.Glob(dir, "nvidia/*.dist-info/METADATA"); len(records) != len(cudaWheels) {
		t.Errorf("%d records of wheels, with their licences, want %d", len(records), len(cudaWheels))
	}
	told := func(format string, args ...any) { t.Errorf("a plugin that is there: "+format, args...) }
	if err := installCUDA(t.Context(), "no-venv", dir, wrong, told); err != nil {
		t.Errorf("a plugin that is there: %v", err)
	}
}

// TestInstallCUDAWithoutCompiler: wheels that lack a file which the plugin opens are no installation.
func TestInstallCUDAWithoutCompiler(t *testing.T) {
	venv, wheels := offlinePip(t)
	var pins string
	for _, name := range []string{"jax-cuda13-pjrt", "nvidia-cublas", "nvidia-cudnn"} {
		pins += tinyWheel(t, wheels, name, cudaWheels[name])
	}
	lib := t.TempDir()
	err := installCUDA(t.Context(), venv, filepath.Join(lib, "go-xla"), pins, func(string, ...any) {})
	if err == nil || !strings.Contains(err.Error(), "nvidia/bin/ptxas") {
		t.Errorf("error %v, want one that names nvidia/bin/ptxas", err)
	}
	if left := filesBelow(t, lib); len(left) > 0 {
		t.Errorf("there is %q, want nothing", left)
	}
}

// TestEngineThatCantBeHad: an engine that is named fails the installation; auto goes on with the next, and names it.
func TestEngineThatCantBeHad(t *testing.T) {
	p := Prefix(t.TempDir())
	to := installation{prefix: p, venv: filepath.Join(t.TempDir(), "no-venv"), hasGPU: true}
	t.Setenv("HOME", "") // so there is no folder for XLA's plugins
	for _, name := range EngineNames() {
		if name == "auto" || name == "go" {
			continue
		}
		err := addEngine(t.Context(), name, to, func(format string, args ...any) { t.Errorf(name+": "+format, args...) })
		if err == nil {
			t.Errorf("engine %s: no error", name)
		}
	}
	if err := os.MkdirAll(p.libDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(onnxWheel, "==")
	if err := os.WriteFile(filepath.Join(p.libDir(), "libonnxruntime.so."+version), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	var lines []string
	err := addEngine(t.Context(), "auto", to, func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) })
	if err != nil || len(lines) < 2 || !strings.Contains(lines[0], "engine cuda can't be had, engine onnx is next: ") ||
		!strings.HasSuffix(lines[1], ": engine onnx") {
		t.Errorf("auto with a GPU: error %v, told %q; want that CUDA's engine can't be had and that there is ONNX Runtime", err, lines)
	}
}
