package backend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInferenceCandidate(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libopenvino_c.so")
	if err := os.WriteFile(library, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ asked, library, config, want string }{
		{"", library, "onnx:cpu", "openvino"},
		{"", library, "go", "openvino"},
		{"", library, "xla:cpu", "openvino"},
		{"", library, "xla:cuda", ""}, // a graphics processor is faster
		{"", "", "onnx:cpu", ""},
		{"onnx:cpu", library, "onnx:cpu", ""}, // the user's choice is for all
		{"openvino:threads=1", "", "go", "openvino:threads=1"},
	} {
		env := map[string]string{"GOMLX_BACKEND": c.asked, "OPENVINO_C_LIBRARY_PATH": c.library, "TLKIT_HOME": t.TempDir()}
		got, ok := inferenceCandidate(func(k string) string { return env[k] }, c.config)
		if got.config != c.want || ok != (c.want != "") {
			t.Errorf("%+v: %q, %v", c, got.config, ok)
		}
	}
}

// TestInferenceIsNeverDefault: GOMLX_BACKEND may name an engine without gradients; it computes inference alone.
func TestInferenceIsNeverDefault(t *testing.T) {
	env := map[string]string{"GOMLX_BACKEND": "openvino", "TLKIT_HOME": t.TempDir()}
	for _, c := range candidates(func(k string) string { return env[k] }) {
		if strings.HasPrefix(c.config, "openvino") {
			t.Errorf("candidate %q for all computations", c.config)
		}
	}
}

// TestInferenceWithoutLibrary: an engine for inference that was asked for and is not there gives a line, and that of
// Default computes.
func TestInferenceWithoutLibrary(t *testing.T) {
	t.Setenv("GOMLX_BACKEND", "openvino")
	t.Setenv("OPENVINO_C_LIBRARY_PATH", "")
	t.Setenv("TLKIT_HOME", t.TempDir())
	mu.Lock()
	before := infer
	infer = nil
	mu.Unlock()
	var told strings.Builder
	Notify = &told
	t.Cleanup(func() {
		mu.Lock()
		infer = before
		mu.Unlock()
		Notify = os.Stderr
	})
	e, err := Inference()
	all, _ := Default()
	if err != nil || e != all {
		t.Errorf("Inference() = %v, %v, want the engine of Default", e, err)
	}
	if line := told.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "--engine openvino") {
		t.Errorf("told %q, want one line that says how to install it", line)
	}
}
