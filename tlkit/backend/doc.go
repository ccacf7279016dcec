// Package backend chooses the engine for computations: XLA through PJRT (CUDA, then CPU), ONNX Runtime, or GoMLX's
// pure-Go engine, which is always available ([Default]). Training steps may run on another one ([Steps]), such as
// oneDNN, and so may networks in inference mode ([Inference]): OpenVINO computes nothing else. No other package chooses
// an engine. [Describe] gives the reasons.
//
// GOMLX_BACKEND overrides the choice ("go", "onnx:cpu", "xla:cpu", "xla:cuda", "openvino", "onednn", ...). If a
// requested or installed engine does not work, a one-line notice is printed and the next one is used. This package
// downloads nothing: install.sh installs engines.
package backend
