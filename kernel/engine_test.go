package kernel

import (
	"archive/zip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestRequirement(t *testing.T) {
	line := requirement("a==1", []string{"00", "11"})
	if want := "a==1 --hash=sha256:00 --hash=sha256:11\n"; line != want {
		t.Errorf("got %q, want %q", line, want)
	}
	seen := map[string]bool{}
	pinned := regexp.MustCompile(`(?m)^[a-z0-9-]+==[0-9.]+ --hash=sha256:(.*)$`).FindAllStringSubmatch(cudaRequirements, -1)
	if packages := strings.Count(cudaRequirements, "=="); len(pinned) < 14 || len(pinned) != packages-1 { // one in the comment
		t.Errorf("%d packages of CUDA are pinned, of %d", len(pinned), packages-1)
	}
	hashes := slices.Concat(onnxWheelHashes, openVINO.hashes, oneDNN.hashes)
	for _, p := range pinned {
		hashes = append(hashes, p[1])
	}
	for _, h := range hashes {
		if sum, err := hex.DecodeString(h); err != nil || len(sum) != 32 || seen[h] {
			t.Errorf("%q is no SHA-256 sum, or is there twice", h)
		}
		seen[h] = true
	}
}

// addEngine adds the engine of that name, as Install does.
func addEngine(ctx context.Context, name string, to installation, step stepFunc) error {
	e, err := engineNamed(name)
	if err != nil {
		return err
	}
	return e.add(ctx, to, step)
}

func TestAddEngines(t *testing.T) {
	with, without := Prefix(filepath.Join(t.TempDir(), "tlkit[1]")), Prefix(t.TempDir()) // a bracket is no pattern
	if err := os.MkdirAll(with.libDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	version := onnxWheel[strings.LastIndex(onnxWheel, "=")+1:]
	if err := os.WriteFile(filepath.Join(with.libDir(), "libonnxruntime.so."+version), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	damaged := Prefix(t.TempDir())
	for prefix, files := range map[string][]string{openVINO.dir(with): openVINO.files, openVINO.dir(damaged): openVINO.files[5:], oneDNN.dir(with): oneDNN.files} {
		if err := os.MkdirAll(prefix, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if err := os.WriteFile(filepath.Join(prefix, filepath.Base(name)), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		prefix Prefix
		line   string // what is told, a part of it
		err    string
	}{
		{"go", without, "nothing to install", ""},
		{"onnx", with, ", unchanged: engine onnx", ""},
		{"onnx", without, "", "onnxruntime"},
		{"auto", with, ", unchanged: engine onnx", ""},
		{"auto", without, "the pure-Go engine computes", ""}, // no Python there: no failure
		{"tpu", without, "", `unknown engine "tpu"; known: auto, go, onnx, openvino, onednn, xla, cuda`},
	}
	if hasUnpacked {
		tests = append(tests, []struct {
			name   string
			prefix Prefix
			line   string
			err    string
		}{
			{"openvino", with, "engine openvino, unchanged", ""},
			{"openvino", without, "", "openvino==2026.4.1"},
			{"openvino", damaged, "", "openvino==2026.4.1"},
			{"auto", with, "engine openvino, unchanged", ""},
			{"auto", without, "engine openvino can't be had", ""},
			{"onednn", without, "", "onednn-cpu-gomp==2023.2.0"},
			{"onednn", with, "engine onednn, unchanged", "the environment's Python fails"}, // there is none
			{"auto", with, "engine onednn can't be had", ""},
		}...)
	}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" { // named, it is installed without a GPU too; here it is there
		home := filepath.Dir(filepath.Dir(string(with)))
		t.Setenv("HOME", home)
		plugin := filepath.Join(home, ".local", "lib", "go-xla", "nvidia", "pjrt_c_api_cuda_plugin.so")
		if err := os.MkdirAll(filepath.Dir(plugin), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(plugin, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, tests[0])
		tests[len(tests)-1].name, tests[len(tests)-1].line = "cuda", "engine cuda; no NVIDIA GPU here"
	}
	for _, tt := range tests {
		var lines []string
		step := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
		err := addEngine(t.Context(), tt.name, installation{prefix: tt.prefix, venv: filepath.Join(t.TempDir(), "no-venv")}, step)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("engine %q: error %v, want %q", tt.name, err, tt.err)
		}
		told := strings.Join(lines, "|")
		if !strings.Contains(told, tt.line) || strings.Contains(told, "\n") || len(lines) > 1 && tt.name != "auto" {
			t.Errorf("engine %q told %q, want one line with %q", tt.name, told, tt.line)
		}
	}
}

// TestOneDNNThatDoesNotOpen: it is removed, and doctor tells a library that does not open from a Python that fails.
func TestOneDNNThatDoesNotOpen(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || !hasUnpacked {
		t.Skipf("for linux/amd64 with python3: %v", err)
	}
	venv, p := t.TempDir(), Prefix(t.TempDir())
	for _, dir := range []string{filepath.Join(venv, "bin"), oneDNN.dir(p)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range oneDNN.files {
		if err := os.WriteFile(filepath.Join(oneDNN.dir(p), filepath.Base(name)), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if c, ok := checkOneDNN(t.Context(), p, &Manifest{Venv: venv}); !ok || c.OK || strings.Contains(c.Mend, "libgomp") {
		t.Errorf("without Python: %v, %+v", ok, c)
	}
	if err := os.Symlink(python, filepath.Join(venv, "bin", "python")); err != nil {
		t.Fatal(err)
	}
	if c, ok := checkOneDNN(t.Context(), p, &Manifest{Venv: venv}); !ok || c.OK || !strings.Contains(c.Mend, "apt install libgomp1") {
		t.Errorf("an empty library: %v, %+v", ok, c)
	}
	if err := addOneDNN(t.Context(), installation{prefix: p, venv: venv}, func(string, ...any) {}); err == nil || !strings.Contains(err.Error(), "apt install libgomp1") {
		t.Errorf("error %v, want one that names libgomp1", err)
	}
	if _, err := os.Stat(oneDNN.dir(p)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a library that does not open: %v", err)
	}
}

// TestOneDNNWithoutOpenMP: nothing is fetched and nothing stays where the system has no libgomp. A script is in the
// place of Python there.
func TestOneDNNWithoutOpenMP(t *testing.T) {
	if !hasUnpacked {
		t.Skip("oneDNN is for linux/amd64")
	}
	venv, p := t.TempDir(), Prefix(t.TempDir())
	script := "#!/bin/sh\n[ \"$3\" = libgomp.so.1 ] || exit 1\necho 'libgomp.so.1: cannot open shared object file'\nexit 77\n"
	for name, text := range map[string]string{filepath.Join(venv, "bin", "python"): script, oneDNN.library(p): ""} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := addOneDNN(t.Context(), installation{prefix: p, venv: venv}, func(string, ...any) { t.Error("a step is reported") })
	if err == nil || !strings.Contains(err.Error(), "libgomp.so.1: cannot open") || !strings.Contains(err.Error(), "apt install libgomp1") {
		t.Errorf("error %v, want one that names libgomp1", err)
	}
	if _, err := os.Stat(oneDNN.dir(p)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a library that can't open: %v", err)
	}
}

// TestPluginsForAll: what root installs for all users is in a folder where go-xla looks for all of them.
func TestPluginsForAll(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	own := filepath.Join(home, ".local", "lib", "go-xla")
	if runtime.GOOS != "linux" {
		t.Skip("the folders of Linux")
	}
	for _, tt := range []struct {
		prefix Prefix
		uid    int
		want   string
	}{
		{"/opt/tlkit", 0, systemXLA},
		{Prefix(home + "-2/tlkit"), 0, systemXLA},
		{Prefix(filepath.Join(home, ".local/share/tlkit")), 0, own},
		{"/opt/tlkit", 1000, own},
	} {
		if got, err := xlaDir(tt.prefix, tt.uid); err != nil || got != tt.want {
			t.Errorf("plugins of %s, installed by user %d: %s (%v), want %s", tt.prefix, tt.uid, got, err, tt.want)
		}
	}
}

// TestInstallerNamesEngines: install.sh describes exactly the engines of EngineNames.
func TestInstallerNamesEngines(t *testing.T) {
	help, err := exec.Command("bash", filepath.Join("..", "install.sh"), "-h").Output()
	if err != nil {
		t.Skipf("no bash: %v", err)
	}
	_, text, _ := strings.Cut(string(help), "--engine NAME ")
	_, text, _ = strings.Cut(text, ": ")
	text, _, _ = strings.Cut(text, "\n  --")
	var names []string
	for _, described := range regexp.MustCompile(`\s*(\w+) \([^)]*\),?`).FindAllStringSubmatch(text, -1) {
		names = append(names, described[1])
	}
	if !slices.Equal(names, EngineNames()) {
		t.Errorf("install.sh -h describes the engines %q, EngineNames are %q", names, EngineNames())
	}
}

// TestInstalledXLA: a plugin that is there is found in a home folder of any name.
func TestInstalledXLA(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the folders of Linux")
	}
	home := filepath.Join(t.TempDir(), "home[1]") // a bracket is no pattern
	t.Setenv("HOME", home)
	prefix := Prefix(filepath.Join(home, ".local", "share", "tlkit"))
	dir, err := xlaDir(prefix, os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pjrt_c_api_cpu_v1_plugin.so"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel() // nothing is fetched
	if found, origin, err := installXLA(ended, prefix, "no-venv"); found != dir || origin != "unchanged" || err != nil {
		t.Errorf("%q, %q, %v; want %q, unchanged", found, origin, err, dir)
	}
}

// TestExtractLibrary: ONNX Runtime's library takes the place of that of another version, in a folder of any name.
func TestExtractLibrary(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lib[1]") // a bracket is no pattern
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"libonnxruntime.so.1.0.0", "libother.so"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	wheels := t.TempDir()
	tinyWheel(t, wheels, "onnxruntime", []string{"onnxruntime/capi/libonnxruntime.so.2.0.0"})
	to, err := extractLibrary(filepath.Join(wheels, "onnxruntime-1-py3-none-any.whl"), dir)
	if want := filepath.Join(dir, "libonnxruntime.so.2.0.0"); err != nil || to != want {
		t.Errorf("%q, %v; want %q", to, err, want)
	}
	if got, want := filesBelow(t, dir), []string{"libonnxruntime.so.2.0.0", "libother.so"}; !slices.Equal(got, want) {
		t.Errorf("the folder has %q, want %q", got, want)
	}
}

// TestDownloadWheel: pip's wheel is found in a temporary folder of any name.
func TestDownloadWheel(t *testing.T) {
	venv, wheels := offlinePip(t)
	name := slices.Sorted(maps.Keys(cudaWheels))[0]
	pinned, hash, _ := strings.Cut(strings.TrimSpace(tinyWheel(t, wheels, name, cudaWheels[name])), " --hash=sha256:")
	dir := filepath.Join(t.TempDir(), "tmp[1]") // a bracket is no pattern
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	wheel, err := downloadWheel(t.Context(), venv, dir, pinned, []string{hash})
	if err != nil || filepath.Dir(wheel) != dir || filepath.Ext(wheel) != ".whl" {
		t.Errorf("%q, %v; want a wheel in %s", wheel, err, dir)
	}
}

// TestExtractUnpacked holds that the files that are kept come out of a wheel, those of an earlier version go, and a
// wheel that lacks one leaves no library that a program would open.
func TestExtractUnpacked(t *testing.T) {
	wheel := func(names []string) string {
		path := filepath.Join(t.TempDir(), "openvino.whl")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		for _, name := range append(names, "openvino/libs/libopenvino_intel_gpu_plugin.so") {
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(w, name)
		}
		if err := errors.Join(z.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dir := filepath.Join(t.TempDir(), "openvino")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"libopenvino_c.so.2540", "libopenvino.so.2540"} {
		if err := os.WriteFile(filepath.Join(dir, old), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := openVINO.extract(wheel(openVINO.files[:5]), dir); err == nil {
		t.Error("a wheel that lacks files was accepted")
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "libopenvino_c.*")); len(found) > 0 {
		t.Errorf("%s is left of a wheel that lacks files", found)
	}
	if size, err := openVINO.extract(wheel(openVINO.files), dir); err != nil || size < 100 {
		t.Errorf("%d bytes, %v", size, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != len(openVINO.files) {
		t.Errorf("%d files, %v, want %d", len(left), err, len(openVINO.files))
	}
}
