// Package write turns a GoMLX graph into an ONNX model. It is an engine that computes nothing: a [Recorder] takes
// down what a network is built of, and writes it as ONNX nodes, in ONNX's own layout (batch, channels, height, width)
// with Conv, BatchNormalization, MaxPool and Gemm as PyTorch's exporter writes them. Neither cgo nor ONNX Runtime is
// needed.
//
// GoMLX keeps channels last. A value's axes are therefore not transposed where the graph says so, but remembered, and
// only what really depends on their order (a Reshape, a matrix product) makes them so: convolutional networks come
// out without a single Transpose.
//
// The batch axis is free in the model written, though the graph is built for a number: the network is recorded with
// [Batch] images, a prime that no layer has as a size, and every dimension that it divides is the batch.
package write
