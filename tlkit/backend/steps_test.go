package backend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStepCandidates(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libdnnl.so")
	if err := os.WriteFile(library, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	found := oneDNNLibrary(func(string) string { return library }) != "" // not on every system
	for _, c := range []struct {
		chosen, config, library string
		simd, wide              bool
		want                    string
	}{
		{"", "onnx:cpu", "", true, false, "go"},
		{"", "onnx:cpu", "", false, false, ""}, // without vector instructions pure Go is the slower one
		{"", "xla:cuda", library, true, false, ""},
		{"", "xla:cpu", "", true, false, ""}, // chosen only where ONNX Runtime is not installed
		{"", "go", "", true, false, ""},
		{"onnx:cpu", "onnx:cpu", library, true, false, ""}, // the user's choice is for all
		{"openvino", "onnx:cpu", "", true, false, "go"},    // it computes no steps
		{"", "onnx:cpu", library, true, false, "onednn go"},
		{"", "onnx:cpu", library, false, false, "onednn"},
		{"", "go", library, true, false, "onednn"},
		{"", "xla:cpu", library, true, false, "onednn"},
		{"", "onnx:cpu", library, true, true, "go"}, // as fast as oneDNN with vectors of 512 bits
		{"", "xla:cpu", "", true, true, "go"},
		{"", "go", library, true, true, ""},
		{"", "xla:cuda", library, true, true, ""},
	} {
		env := map[string]string{"GOMLX_BACKEND": c.chosen, "ONEDNN_LIBRARY_PATH": c.library, "TLKIT_HOME": t.TempDir()}
		var got []string
		for _, s := range stepCandidates(func(k string) string { return env[k] }, c.config, c.simd, c.wide) {
			got = append(got, s.config)
		}
		want := c.want
		if !found {
			want = strings.TrimSpace(strings.TrimPrefix(want, "onednn"))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%+v: steps on %q, want %q", c, text, want)
		}
	}
}

func TestSteps(t *testing.T) {
	forward, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	e, err := Steps()
	if err != nil || e == nil {
		t.Fatal(err)
	}
	if again, _ := Steps(); again != e {
		t.Error("a second call opened another engine")
	}
	if e != forward && e.Config != "go" && e.Config != "onednn" {
		t.Errorf("steps run on %s, inference on %s", e.Config, forward.Config)
	}
}
