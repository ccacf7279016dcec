// Package openvino is an engine for networks in inference mode: Intel's OpenVINO (Apache-2.0), called through its C
// API. A graph built on it is recorded and written as an ONNX model of fixed sizes (tlkit/internal/onnx/write), which
// OpenVINO compiles for the processor. Networks should be built with their weights as constants: OpenVINO then keeps
// them in the layout that is fastest, and joins each batch norm with its convolution.
//
// There are no gradients, no random numbers and no control flow: a graph with an operation that the writer lacks has an
// error that wraps compute.ErrNotImplemented when it is built or compiled. All values are float32, whatever else the
// processor has instructions for, since OpenVINO by itself would take bfloat16 where it is fast; with the option bf16
// it does, and inputs and outputs stay float32.
//
// The library is opened at run time from a file, so that programs start without it, and only from the folder or the
// file that the caller names.
package openvino
