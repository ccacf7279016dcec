// Package traits has the differences between engines in one table. Code that builds or runs a network differently on
// different engines looks up a trait here, and never compares names.
package traits

import "github.com/gomlx/compute"

// Traits are the ways in which one engine differs from another. The zero value is right for an unknown engine: with it,
// networks are built from slices and matrix products, which every engine has.
type Traits struct {
	// NativeForward: the engine's own convolution is fast. Without it, a convolution is built as patches and one matrix
	// product.
	NativeForward bool
	// NativeGradient: GoMLX's own gradient of the convolution runs on the engine, and runs fast.
	NativeGradient bool
	// DepthwiseTaps: a depthwise convolution and its gradients are built from one slice and one product per tap of the
	// kernel, though other convolutions are native.
	DepthwiseTaps bool
	// GatherPatches: one Gather is the fastest way to cut out windows. Without it, strided slices and a concatenation
	// are used.
	GatherPatches bool
	// NegativePad: cropping by negative padding copies whole rows, where Slice moves single values.
	NegativePad bool
	// ChannelsFirst: the engine computes images with their channels first (tlkit/nn/lowering_onnxruntime.go).
	ChannelsFirst bool
	// Fused: the engine has convolution with its gradients, pooling and batch norm as single operations
	// (tlkit/nn/lowering_go.go).
	Fused bool
	// Exported: the graph is written as an ONNX model (tlkit/internal/onnx/write). Layers are built from ONNX's
	// operations, and without gradients.
	Exported bool
	// InferenceOnly: the engine has no gradients and no random numbers, so that it trains nothing.
	InferenceOnly bool
	// Bfloat16: the engine rounds the operands of products to bfloat16. Others compute all of a float32
	// network in float32.
	Bfloat16 bool
	// FoldsConstants: a network whose values are constants of the graph runs faster. ONNX Runtime and
	// OpenVINO then store kernels in the layout that is fastest on the processor, and fold each batch norm
	// into the convolution before it.
	FoldsConstants bool
	// FrozenApart: a training step is faster when the frozen stages are a graph of their own, whose values are
	// constants.
	FrozenApart bool
}

// table has a row for each engine, by its compute.Backend.Name.
//
// The choices for convolution were measured on 2 cores with AVX-512, 3x3 convolution 64 to 64 channels at 56x56, batch
// 8 (1.85 GFLOP): GoMLX's pure-Go engine with patches 35 ms (its own convolution: seconds), ONNX Runtime native 18 ms.
// In ONNX Runtime the gradient of a strided convolution has no native form (input dilation is missing), so that
// gradients are hand-written there, too.
var table = map[string]Traits{
	"TLKit Go":      ownEngine,
	"onednn":        ownEngine,
	"onednn:bf16":   inBfloat16(ownEngine),
	"Go Backend":    {GatherPatches: true, NegativePad: true},
	"onnxruntime":   {NativeForward: true, ChannelsFirst: true, FoldsConstants: true, FrozenApart: true},
	"xla":           {NativeForward: true, NativeGradient: true, DepthwiseTaps: true},
	"ONNX export":   {NativeForward: true, NativeGradient: true, Exported: true},
	"openvino":      openVINO,
	"openvino:bf16": inBfloat16(openVINO),
}

var (
	// ownEngine is TLKit's Go engine, whatever computes its convolutions (package onednn).
	ownEngine = Traits{NativeForward: true, Fused: true}
	openVINO  = Traits{NativeForward: true, NativeGradient: true, Exported: true, FoldsConstants: true, FrozenApart: true, InferenceOnly: true}
)

func inBfloat16(t Traits) Traits {
	t.Bfloat16 = true
	return t
}

// Of returns the traits of an engine.
func Of(engine compute.Backend) Traits { return Named(engine.Name()) }

// Named returns the traits of the engine of that compute.Backend.Name.
func Named(name string) Traits { return table[name] }

// Known reports whether the table has a row for the engine.
func Known(engine compute.Backend) bool {
	_, ok := table[engine.Name()]
	return ok
}
