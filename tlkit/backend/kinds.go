package backend

import (
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
)

// kind is what opening an engine takes beyond its configuration.
type kind struct {
	// registered is the name under which package compute knows the engine; empty if it is the word itself.
	registered string
	// option is added to the engine's options unless they set it already.
	option string
	// prepare runs before the engine is opened; it may be nil.
	prepare func() error
}

// onnxKind is ONNX Runtime. Without the option it plans the memory of a run in one block beside what the first run took:
// a quarter more at the peak of a training step, and no faster.
var onnxKind = kind{option: "mem_pattern=false", prepare: prepareONNX}

// kinds has a row for each word that GOMLX_BACKEND may begin with. "go" is TLKit's pure-Go engine, which leaves to
// GoMLX's what it has nothing better for; "gomlx" is GoMLX's alone.
var kinds = map[string]kind{
	"go":          {registered: goengine.Name},
	"gomlx":       {registered: "go"},
	"onnx":        onnxKind,
	"onnxruntime": onnxKind,
	"xla":         {},
}

// resolve returns the configuration that package compute takes for one of ours, such as "onnx:cpu", and what must run
// before it is opened. A word without a row is left to package compute.
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
