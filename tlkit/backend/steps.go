package backend

import (
	"fmt"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// Steps returns the engine for training steps; the first call opens it. It is the pure-Go engine on a processor for
// which that has vectors of 512 bits, else oneDNN where that is installed, and else the engine of [Default], except
// where that one is ONNX Runtime on a processor for which the pure-Go engine has vectors at all: ONNX Runtime infers
// faster there, and pure Go trains faster (bench/README.md; ONNX Runtime's format has no gradients, so that they are
// built from several of its operations). GOMLX_BACKEND selects one engine for both.
func Steps() (*Engine, error) {
	return beside(&steps, func(forward *Engine) *Engine {
		for _, c := range stepCandidates(os.Getenv, forward.Config, SIMD, SIMD && kernels.Wide()) {
			b, err := open(c)
			if err == nil {
				return &Engine{Backend: b, Config: c.config, Why: c.why}
			}
			fmt.Fprintf(Notify, "tlkit: engine %q can't be used for training steps (%s)\n", c.config, firstLine(err))
		}
		return forward
	})
}

// stepCandidates lists the engines that may be faster for training steps than that of the given configuration, which
// computes them if none of them opens.
func stepCandidates(getenv func(string) string, config string, simd, wide bool) (list []candidate) {
	if asked := getenv("GOMLX_BACKEND"); asked != "" && !inferenceOnly(asked) || onGPU(config) || wide && config == "go" {
		return nil
	}
	why := "training steps are faster on it than on " + config
	if wide {
		return []candidate{{config: "go", why: why}}
	}
	if oneDNNLibrary(getenv) != "" {
		list = append(list, candidate{config: "onednn", why: why})
	}
	if config == "onnx:cpu" && simd {
		list = append(list, candidate{config: "go", why: why})
	}
	return list
}
