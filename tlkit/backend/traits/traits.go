// Package traits says how engines differ, in one table. Code that must build or run a network otherwise on one engine
// than on another looks a trait up here, and never compares names.
package traits

import "github.com/gomlx/compute"

// Traits are the ways in which one engine differs from another. The zero value is right for an engine that nothing is
// known of: it is given slices and matrix products, which every engine has.
type Traits struct {
	// NativeForward: the engine's own convolution is fast. Elsewhere patches and one matrix product take its place.
	NativeForward bool
	// NativeGradient: GoMLX's own gradient of the convolution runs on the engine, and runs fast.
	NativeGradient bool
	// GatherPatches: one Gather cuts windows out fastest. Elsewhere strided slices and a concatenation do.
	GatherPatches bool
	// NegativePad: cropping by negative padding copies whole rows, where Slice moves single values.
	NegativePad bool
	// ChannelsFirst: the engine computes images with their channels first (tlkit/nn/lowering_onnxruntime.go).
	ChannelsFirst bool
	// Fused: the engine has convolution with its gradients, pooling and batch norm as single operations
	// (tlkit/nn/lowering_go.go).
	Fused bool
	// Exported: the graph is only written to a file (tlkit/internal/onnx/write). Layers are built as ONNX has them, and
	// without gradients.
	Exported bool
	// FoldsConstants: a network whose values are constants of the graph runs faster. ONNX Runtime lays kernels out as
	// the processor likes them, and folds each batch norm into the convolution before it.
	FoldsConstants bool
	// FrozenApart: a training step is faster when the frozen stages are a graph of their own, whose values are constants.
	FrozenApart bool
}

// table has a row for each engine, by the name that the engine gives itself (compute.Backend.Name).
//
// The choices for convolution were measured on 2 cores with AVX-512, 3x3 convolution 64 to 64 channels at 56x56, batch 8
// (1.85 GFLOP): GoMLX's pure-Go engine with patches 35 ms (its own convolution: seconds), ONNX Runtime native 18 ms. In
// ONNX Runtime the gradient of a strided convolution has no native form (input dilation is missing), so that gradients
// are written out there, too.
var table = map[string]Traits{
	"TLKit Go":    {NativeForward: true, Fused: true},
	"Go Backend":  {GatherPatches: true, NegativePad: true},
	"onnxruntime": {NativeForward: true, ChannelsFirst: true, FoldsConstants: true, FrozenApart: true},
	"xla":         {NativeForward: true, NativeGradient: true},
	"ONNX export": {NativeForward: true, NativeGradient: true, Exported: true},
}

// Of returns the traits of an engine.
func Of(engine compute.Backend) Traits { return table[engine.Name()] }

// Known reports whether the table has a row for the engine.
func Known(engine compute.Backend) bool {
	_, ok := table[engine.Name()]
	return ok
}
