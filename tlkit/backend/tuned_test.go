package backend

import "testing"

func TestTuned(t *testing.T) {
	for config, want := range map[string]string{
		"go":                        "go",
		"onnx":                      "onnx:mem_pattern=false",
		"onnx:cpu":                  "onnx:cpu,mem_pattern=false",
		"onnx:cpu,mem_pattern=true": "onnx:cpu,mem_pattern=true",
		"xla:cuda":                  "xla:cuda",
	} {
		if got := tuned(config); got != want {
			t.Errorf("tuned(%q) = %q, want %q", config, got, want)
		}
	}
}
