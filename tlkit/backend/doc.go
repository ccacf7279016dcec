// Package backend picks the engine that computes: XLA through PJRT (CUDA, then CPU), ONNX Runtime, or GoMLX's pure-Go
// engine, which is always there. It is the one place that decides, and it can say why.
//
// GOMLX_BACKEND overrides the choice ("go", "onnx:cpu", "xla:cpu", "xla:cuda", ...). An engine that is wanted or
// installed but does not work is a one-line notice, and the next one is used. Nothing is ever downloaded from here:
// engines are installed by install.sh.
package backend
