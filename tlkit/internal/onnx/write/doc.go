// Package write converts a GoMLX graph to an ONNX model. It is an engine that computes nothing: a [Recorder] records
// the operations of a network, and writes them as ONNX nodes, in ONNX's own layout (batch, channels, height, width)
// with Conv, BatchNormalization, MaxPool and Gemm as PyTorch's exporter writes them. Neither cgo nor ONNX Runtime is
// needed.
//
// GoMLX keeps channels last. Where the graph transposes a value, the writer only stores the new order of its axes. It
// writes a Transpose only for an operation that depends on the order (a Reshape, a matrix product), so convolutional
// networks are written without a single Transpose.
//
// The batch axis is free in the written model, though the graph is built for a fixed number: the network is recorded
// with [Batch] images, a prime that no layer has as a size, and every dimension divisible by it depends on the batch.
package write
