package backend

import (
	"strings"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
)

// kind describes how an engine is opened, beyond its configuration.
type kind struct {
	// registered is the engine's name in package compute; empty if it is the word itself.
	registered string
	// option is added to the engine's options unless they set it already.
	option string
	// prepare runs before the engine is opened; it may be nil.
	prepare func() error
	// opened runs after the engine was opened, before it compiles anything; it may be nil.
	opened func(compute.Backend)
}

// onnxKind is ONNX Runtime. Without the option it allocates the memory of a run in one block in addition to the memory
// of the first run: a quarter more at the peak of a training step, and no faster.
var onnxKind = kind{option: "mem_pattern=false", prepare: prepareONNX}

// kinds has a row for each word that GOMLX_BACKEND may begin with. "go" is TLKit's pure-Go engine, which runs
// operations that it has no kernels for on GoMLX's; "onednn" is the same with oneDNN's kernels; "gomlx" is GoMLX's
// pure-Go engine alone.
var kinds = map[string]kind{
	"go":          {registered: goengine.Name},
	"gomlx":       {registered: "go"},
	"onnx":        onnxKind,
	"onnxruntime": onnxKind,
	"onednn":      {prepare: prepareOneDNN},
	"openvino":    {prepare: prepareOpenVINO},
	"xla":         {opened: keepPrograms},
}

// kindOf returns the row of a configuration.
func kindOf(config string) kind {
	word, _, _ := strings.Cut(config, ":")
	return kinds[word]
}

// inferenceOnly reports whether a configuration names an engine that has no gradients, so that it is never the engine
// of [Default] or [Steps]. The word of such an engine is its name in package compute, too.
func inferenceOnly(config string) bool {
	word, _, _ := strings.Cut(config, ":")
	return traits.Named(word).InferenceOnly
}

// resolve converts one of our configurations, such as "onnx:cpu", to that of package compute. prepare, if not nil, must
// run before the engine is opened. A word without a row is passed to package compute unchanged.
func resolve(config string) (resolved string, prepare func() error) {
	word, options, _ := strings.Cut(config, ":")
	k := kinds[word]
	if k.registered != "" {
		word = k.registered
	}
	if name, _, _ := strings.Cut(k.option, "="); !strings.Contains(options, name) {
		if options != "" {
			options += ","
		}
		options += k.option
	}
	if options == "" {
		return word, k.prepare
	}
	return word + ":" + options, k.prepare
}
