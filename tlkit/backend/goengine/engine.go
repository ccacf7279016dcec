package goengine

import (
	"runtime"
	"strconv"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// Name is the name under which this engine is registered with package compute.
const Name = "tlgo"

// FullName is the engine's name (Engine.Name), and the key of its row in tlkit/backend/traits.
const FullName = "TLKit Go"

func init() { compute.Register(Name, New) }

// Engine is a compute.Backend: see the package comment.
type Engine struct {
	Parts
	inner  compute.Backend
	memory memory
	done   bool
}

// Parts are what an engine computes with. EngineName is its name, and What a line about it. The operations of a plan
// run one after the other, each on the Team; Kernels has those for convolutions and products. NewRunner, if not nil, is
// called for each plan; what it returns calls its argument, which runs the plan, on the thread that the Team needs.
type Parts struct {
	EngineName, What string
	Kernels          kernels.Set
	Team             kernels.Team
	NewRunner        func() func(run func())
}

// New opens an engine. The configuration is passed on to GoMLX's pure-Go engine; the options are the same.
func New(config string) (compute.Backend, error) {
	cores := strconv.Itoa(runtime.GOMAXPROCS(0)) + " cores"
	return NewWith(config, Parts{EngineName: FullName, What: FullName + " engine on " + cores,
		Kernels: kernels.Go(kernels.Goroutines), Team: kernels.Goroutines})
}

// NewWith opens an engine of other parts.
func NewWith(config string, parts Parts) (compute.Backend, error) {
	inner, err := gobackend.New(config)
	if err != nil {
		return nil, err
	}
	return &Engine{Parts: parts, inner: inner}, nil
}

// Name of the engine: FullName, or that of another set of kernels.
func (e *Engine) Name() string { return e.EngineName }

// String is Name.
func (e *Engine) String() string { return e.Name() }

// Description returns a line about the engine: its kernels, its cores and GoMLX's engine under it.
func (e *Engine) Description() string { return e.What + ", over " + e.inner.Description() }

// NumDevices is 1.
func (e *Engine) NumDevices() int { return 1 }

// DeviceDescription of the one device.
func (e *Engine) DeviceDescription(n compute.DeviceNum) string { return e.inner.DeviceDescription(n) }

// lacking are operations of GoMLX's engine that this one leaves out: those on dynamic shapes, and fused ones that this
// engine computes faster from their parts.
var lacking = []compute.OpType{
	compute.OpTypeDynamicBroadcastInDim, compute.OpTypeDynamicIota, compute.OpTypeDynamicPad, compute.OpTypeDynamicDimensionSize,
	compute.OpTypeDynamicShape, compute.OpTypeDynamicReshape, compute.OpTypeFusedDense, compute.OpTypeFusedDenseVJP,
	compute.OpTypeFusedScaledDotProductAttention, compute.OpTypeFusedAttentionQKVProjection, compute.OpTypeFusedQuantizedDense,
	compute.OpTypeQuantizedEmbeddingLookup,
}

// Capabilities are those of GoMLX's pure-Go engine with batch normalisation, and without dynamic shapes: plans are made
// for fixed shapes.
func (e *Engine) Capabilities() compute.Capabilities {
	c := e.inner.Capabilities().Clone()
	c.DynamicShapes = 0
	c.PreferConstantsForVariables = false
	for _, op := range lacking {
		delete(c.Operations, op)
	}
	c.Operations[compute.OpTypeBatchNormForTraining] = true
	c.Operations[compute.OpTypeBatchNormGradient] = true
	// GoMLX's layers check for these operations, and have alternatives without them.
	for _, op := range []compute.OpType{compute.OpTypeFusedGelu, compute.OpTypeFusedDense, compute.OpTypeFusedDenseVJP,
		compute.OpTypeFusedScaledDotProductAttention, compute.OpTypeFusedScaledDotProductAttentionVJP,
		compute.OpTypeFusedAttentionQKVProjection, compute.OpTypeFusedQuantizedDense, compute.OpTypeQuantizedEmbeddingLookup} {
		c.Operations[op] = false
	}
	return c
}

// Builder starts a computation.
func (e *Engine) Builder(name string) compute.Builder { return newBuilder(e, name) }

// Finalize releases the memory of the engine.
func (e *Engine) Finalize() {
	e.done = true
	e.inner.Finalize()
	e.memory.drop()
}

// IsFinalized reports whether Finalize was called.
func (e *Engine) IsFinalized() bool { return e.done }

// HasSharedBuffers is true: tensors are in Go's memory.
func (e *Engine) HasSharedBuffers() bool { return true }

// NewSharedBuffer returns a buffer whose values can be written directly.
func (e *Engine) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	if own := e.large(device, shape); own != nil {
		return own, own.flat, nil
	}
	inner, flat, err := e.inner.NewSharedBuffer(device, shape)
	if err != nil {
		return nil, nil, err
	}
	return &buffer{engine: e, inner: inner, flat: flat, shape: shape.Clone()}, flat, nil
}

// BufferFromFlatData copies values into a buffer.
func (e *Engine) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	if own := e.large(device, shape); own != nil {
		if from, ok := flat.([]float32); ok && len(from) == shape.Size() {
			copy(own.flat.([]float32), from)
			return own, nil
		}
	}
	inner, err := e.inner.BufferFromFlatData(device, flat, shape)
	if err != nil {
		return nil, err
	}
	return e.wrap(inner)
}

// large returns a buffer of this engine for many values of float32; nil for others.
func (e *Engine) large(device compute.DeviceNum, shape shapes.Shape) *buffer {
	if e.done || device != 0 || shape.DType != dtypes.Float32 || shape.Size() < kernels.ManyFloats {
		return nil
	}
	return &buffer{engine: e, flat: kernels.NewFloats(shape.Size()), shape: shape.Clone()}
}

func (e *Engine) wrap(inner compute.Buffer) (*buffer, error) {
	flat, err := inner.Data()
	if err != nil {
		return nil, err
	}
	shape, err := inner.Shape()
	if err != nil {
		return nil, err
	}
	return &buffer{engine: e, inner: inner, flat: flat, shape: shape}, nil
}

// buffer is a tensor: either one of GoMLX's engine (inner), or values of this engine.
type buffer struct {
	engine *Engine
	inner  compute.Buffer
	flat   any
	shape  shapes.Shape
	// donated: a run has taken over the values, and there is nothing left to finalize.
	donated bool
}

func (b *buffer) Backend() compute.Backend { return b.engine }

func (b *buffer) Finalize() error {
	if b.donated {
		return nil
	}
	if b.flat == nil {
		return errors.New("tlgo: buffer was finalized before")
	}
	b.flat = nil
	if inner := b.inner; inner != nil {
		b.inner = nil
		return inner.Finalize()
	}
	return nil
}

func (b *buffer) Shape() (shapes.Shape, error)          { return b.shape.Clone(), nil }
func (b *buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }
func (b *buffer) ToFlatData(flat any) error             { dtypes.CopyAnySlice(flat, b.flat); return nil }
func (b *buffer) Data() (any, error) {
	if b.flat == nil {
		return nil, errors.New("tlgo: buffer was finalized")
	}
	return b.flat, nil
}

func (b *buffer) CopyToDevice(n compute.DeviceNum) (compute.Buffer, error) {
	return b.engine.BufferFromFlatData(n, b.flat, b.shape)
}
