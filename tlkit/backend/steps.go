package backend

import "os"

// Steps returns the engine for training steps; the first call opens it. It is the engine of [Default], except where
// that one is ONNX Runtime on a processor for which the pure-Go engine has vector instructions: ONNX Runtime infers
// faster there, and pure Go trains faster (bench/README.md; ONNX Runtime's format has no gradients, so that they are
// built from several of its operations). GOMLX_BACKEND selects one engine for both.
func Steps() (*Engine, error) {
	return beside(&steps, func(forward *Engine) *Engine {
		if stepsInGo(os.Getenv, forward.Config, SIMD) {
			// Without the second engine the first one trains, too.
			if e, err := Open("go"); err == nil {
				e.Why = "training steps are faster on it than on " + forward.Config
				return e
			}
		}
		return forward
	})
}

// stepsInGo reports whether training steps run on the pure-Go engine while inference runs on the engine of the given
// configuration.
func stepsInGo(getenv func(string) string, config string, simd bool) bool {
	asked := getenv("GOMLX_BACKEND")
	return (asked == "" || inferenceOnly(asked)) && config == "onnx:cpu" && simd
}
