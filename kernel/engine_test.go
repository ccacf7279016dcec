package kernel

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/go-xla/installer"
)

func TestRequirement(t *testing.T) {
	line := requirement("a==1", []string{"00", "11"})
	if want := "a==1 --hash=sha256:00 --hash=sha256:11\n"; line != want {
		t.Errorf("got %q, want %q", line, want)
	}
	seen := map[string]bool{}
	for _, h := range onnxWheelHashes {
		if sum, err := hex.DecodeString(h); err != nil || len(sum) != 32 || seen[h] {
			t.Errorf("%q is no SHA-256 sum, or is there twice", h)
		}
		seen[h] = true
	}
}

func TestAddEngines(t *testing.T) {
	with, without := Prefix(t.TempDir()), Prefix(t.TempDir())
	if err := os.MkdirAll(with.libDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	version := onnxWheel[strings.LastIndex(onnxWheel, "=")+1:]
	if err := os.WriteFile(filepath.Join(with.libDir(), "libonnxruntime.so."+version), nil, 0o755); err != nil {
		t.Fatal(err)
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
		{"tpu", without, "", `unknown engine "tpu"; known: auto, go, onnx, xla, cuda`},
	}
	if !installer.HasNvidiaGPU() {
		tests = append(tests, tests[0])
		tests[len(tests)-1].name, tests[len(tests)-1].line = "cuda", "no NVIDIA GPU here"
	}
	for _, tt := range tests {
		var lines []string
		step := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
		err := addEngines(t.Context(), tt.prefix, filepath.Join(t.TempDir(), "no-venv"), tt.name, false, step)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("engine %q: error %v, want %q", tt.name, err, tt.err)
		}
		if told := strings.Join(lines, "\n"); !strings.Contains(told, tt.line) || strings.Contains(told, "\n") {
			t.Errorf("engine %q told %q, want one line with %q", tt.name, told, tt.line)
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
	if !slices.Equal(names, EngineNames) {
		t.Errorf("install.sh -h describes the engines %q, EngineNames are %q", names, EngineNames)
	}
}
