package backend

import (
	"fmt"
	"os"
	"strings"
)

// Inference returns the engine for networks in inference mode that are built with their weights as constants, such as
// predictions and frozen features; the first call opens it. It is OpenVINO where that is installed, which is faster
// there than every other engine (bench/README.md), and else the engine of [Default]. It may have no gradients and no
// random numbers, and an error of a graph that it can't compute wraps compute.ErrNotImplemented: such a graph is for
// [Default]. GOMLX_BACKEND selects one engine for all; with GOMLX_BACKEND=openvino the others are as without it.
func Inference() (*Engine, error) {
	return beside(&infer, func(general *Engine) *Engine {
		c, ok := inferenceCandidate(os.Getenv, general.Config)
		if !ok {
			return general
		}
		b, err := open(c)
		if err != nil {
			fmt.Fprintf(Notify, "tlkit: engine %q can't be used (%s); %s computes instead\n", c.config, firstLine(err), general.Config)
			return general
		}
		return &Engine{Backend: b, Config: c.config, Why: c.why}
	})
}

// inferenceCandidate returns the engine that may be faster for networks in inference mode than that of the given
// configuration.
func inferenceCandidate(getenv func(string) string, config string) (c candidate, ok bool) {
	asked := getenv("GOMLX_BACKEND")
	switch {
	case inferenceOnly(asked):
		return candidate{config: asked, why: "GOMLX_BACKEND asks for it"}, true
	case asked != "" || onGPU(config) || openVINOLibrary(getenv) == "":
		return c, false
	}
	return candidate{config: "openvino", why: "OpenVINO is installed, and infers faster"}, true
}

// onGPU reports whether a configuration is an engine on a graphics processor.
func onGPU(config string) bool {
	return strings.HasPrefix(config, "xla:") && !strings.HasPrefix(config, "xla:cpu")
}
