package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/go-xla/installer"
)

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
