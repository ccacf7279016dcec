package backend

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/write"
)

func TestResolve(t *testing.T) {
	for config, want := range map[string]string{
		"go":                        "tlgo",
		"go:sequential":             "tlgo:sequential",
		"gomlx":                     "go",
		"onnx":                      "onnx:mem_pattern=false",
		"onnx:cpu":                  "onnx:cpu,mem_pattern=false",
		"onnxruntime:cpu":           "onnxruntime:cpu,mem_pattern=false",
		"onnx:cpu,mem_pattern=true": "onnx:cpu,mem_pattern=true",
		"xla:cuda":                  "xla:cuda",
		"openvino:threads=2":        "openvino:threads=2",
		"onednn":                    "onednn",
		"onednn:bf16":               "onednn:bf16",
		"other:x":                   "other:x",
	} {
		got, prepare := resolve(config)
		if got != want {
			t.Errorf("resolve(%q) = %q, want %q", config, got, want)
		}
		if library := strings.HasPrefix(config, "on") || strings.HasPrefix(config, "openvino"); (prepare != nil) != library {
			t.Errorf("resolve(%q) prepares something: %v, want %v", config, prepare != nil, library)
		}
	}
}

// TestEveryEngineHasARow holds the two tables against the engines that are linked: each that package compute knows can
// be named, and each that opens here, and the recorder of ONNX files, has a row of traits.
func TestEveryEngineHasARow(t *testing.T) {
	rows := map[string]bool{}
	for _, word := range append(slices.Collect(maps.Keys(kinds)), "onednn:bf16", "openvino:bf16") {
		rows[word] = true
		if k := kinds[word]; k.registered != "" {
			rows[k.registered] = true
		}
		e, err := Open(word)
		if err != nil {
			t.Logf("engine %s does not open here: %v", word, err)
			continue
		}
		if !traits.Known(e.Backend) {
			t.Errorf("engine %s calls itself %q: it has no row in tlkit/backend/traits", word, e.Backend.Name())
		}
		if got, want := strings.HasSuffix(word, ":bf16"), traits.Of(e.Backend).Bfloat16; got != want {
			t.Errorf("%s: the traits say %v for bfloat16", word, want)
		}
		if got, want := inferenceOnly(word), traits.Of(e.Backend).InferenceOnly; got != want {
			t.Errorf("inferenceOnly(%q) is %v, the traits say %v", word, got, want)
		}
	}
	// go-xla registers itself under the names of its languages, too.
	for _, alias := range []string{"stablehlo", "hlo", "shlo"} {
		rows[alias] = true
	}
	for _, name := range compute.List() {
		if !rows[name] {
			t.Errorf("engine %q is linked, but has no row in kinds", name)
		}
	}
	if !traits.Known(write.New()) {
		t.Errorf("%q has no row in tlkit/backend/traits", write.Name)
	}
}
