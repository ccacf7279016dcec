//go:build cgo && (linux || darwin)

package openvino

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/write"
)

// Name is the engine's name, also its key in package compute and in tlkit/backend/traits.
const Name = "openvino"

// Bfloat16 is the option with which networks are computed in bfloat16, most values between operations among them.
// NameBfloat16 is the name of an engine with it, and the key of its row in tlkit/backend/traits.
const (
	Bfloat16     = "bf16"
	NameBfloat16 = Name + ":" + Bfloat16
)

// LibraryEnv is the environment variable that names the file of OpenVINO's C library, such as libopenvino_c.so.2641.
// The other files of OpenVINO are beside it.
const LibraryEnv = "OPENVINO_C_LIBRARY_PATH"

func init() { compute.Register(Name, New) }

// Engine is a compute.Backend for networks in inference mode: see the package comment. Its tensors are in Go's memory,
// and OpenVINO reads and writes them there.
type Engine struct {
	version  string
	threads  int
	bfloat16 bool

	mu   sync.RWMutex   // write-locked to finalize
	core unsafe.Pointer // nil after Finalize
}

// New opens the library that LibraryEnv names. The configuration is empty or has options, separated by commas:
// "cpu", which is the only device, "threads=N", by default as many as Go uses (GOMAXPROCS), and Bfloat16.
func New(config string) (compute.Backend, error) {
	e := &Engine{threads: runtime.GOMAXPROCS(0)}
	for option := range strings.SplitSeq(config, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		switch n, err := strconv.Atoi(value); {
		case key == "" || option == "cpu":
		case option == Bfloat16:
			e.bfloat16 = true
		case key == "threads" && err == nil && n > 0:
			e.threads = n
		default:
			return nil, fmt.Errorf("openvino: option %q is not known; there are cpu, threads=N and %s", option, Bfloat16)
		}
	}
	path, err := envpath.Get(LibraryEnv)
	if err != nil {
		return nil, fmt.Errorf("openvino: %w", err)
	}
	if path == "" {
		return nil, errors.New("openvino: no library; set " + LibraryEnv + " to libopenvino_c.so")
	}
	if e.version, err = open(path); err != nil {
		return nil, err
	}
	if e.core, err = newCore(); err != nil {
		return nil, err
	}
	if e.bfloat16 && !computesBfloat16(e.core) {
		e.Finalize()
		return nil, errors.New("openvino: option " + Bfloat16 + ": OpenVINO finds no instructions for bfloat16 " +
			"(AVX512-BF16 or AMX) on this processor; compute in float32, without the option")
	}
	return e, nil
}

// Name is the engine's name, [Name] or [NameBfloat16].
func (e *Engine) Name() string {
	if e.bfloat16 {
		return NameBfloat16
	}
	return Name
}

// String is the engine's name.
func (e *Engine) String() string { return e.Name() }

// Description has OpenVINO's version and the number of threads.
func (e *Engine) Description() string {
	in := ""
	if e.bfloat16 {
		in = ", in bfloat16"
	}
	return fmt.Sprintf("OpenVINO %s on %d threads%s", e.version, e.threads, in)
}

// precision is OpenVINO's name for the type that networks are computed in.
func (e *Engine) precision() string {
	if e.bfloat16 {
		return "bf16"
	}
	return "f32"
}

// NumDevices is 1, the processor.
func (e *Engine) NumDevices() int { return 1 }

// DeviceDescription describes the processor.
func (e *Engine) DeviceDescription(compute.DeviceNum) string { return "the processor, in OpenVINO" }

// Capabilities lists the types, and no operations: one that is missing has an error that wraps
// compute.ErrNotImplemented when a graph is built or compiled.
func (e *Engine) Capabilities() compute.Capabilities {
	c := compute.Capabilities{Operations: map[compute.OpType]bool{}, DTypes: map[dtypes.DType]bool{}}
	for t := range types {
		c.DTypes[t] = true
	}
	return c
}

// Builder starts a computation.
func (e *Engine) Builder(name string) compute.Builder {
	r := write.New()
	return &builder{Builder: r.Builder(name), recorder: r, engine: e, name: name}
}

// Finalize frees OpenVINO's core. Compiled networks stay valid until they are finalized.
func (e *Engine) Finalize() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.core != nil {
		freeCore(e.core)
		e.core = nil
	}
}

// IsFinalized reports whether Finalize was called.
func (e *Engine) IsFinalized() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.core == nil
}

// HasSharedBuffers is true: tensors are in Go's memory.
func (e *Engine) HasSharedBuffers() bool { return true }

// NewSharedBuffer returns a buffer of zeros and its values, which may be written directly.
func (e *Engine) NewSharedBuffer(_ compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	if _, ok := types[shape.DType]; !ok {
		return nil, nil, fmt.Errorf("openvino: values of type %s: %w", shape.DType, compute.ErrNotImplemented)
	}
	b := &buffer{engine: e, shape: shape.Clone(), flat: dtypes.MakeAnySlice(shape.DType, shape.Size())}
	return b, b.flat, nil
}

// BufferFromFlatData copies values into a buffer.
func (e *Engine) BufferFromFlatData(n compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	b, to, err := e.NewSharedBuffer(n, shape)
	if err != nil {
		return nil, err
	}
	dtypes.CopyAnySlice(to, flat)
	return b, nil
}

// buffer is a tensor in Go's memory.
type buffer struct {
	engine *Engine
	shape  shapes.Shape
	flat   any // nil after Finalize
	// donated: a run has taken the values, and there is nothing left to finalize.
	donated bool
}

var errFinalized = errors.New("openvino: the buffer was finalized before")

func (b *buffer) Backend() compute.Backend              { return b.engine }
func (b *buffer) Shape() (shapes.Shape, error)          { return b.shape.Clone(), nil }
func (b *buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }

func (b *buffer) Finalize() error {
	if b.donated {
		return nil
	}
	if b.flat == nil {
		return errFinalized
	}
	b.flat = nil
	return nil
}

func (b *buffer) ToFlatData(flat any) error {
	if b.flat == nil {
		return errFinalized
	}
	dtypes.CopyAnySlice(flat, b.flat)
	return nil
}

func (b *buffer) Data() (any, error) {
	if b.flat == nil {
		return nil, errFinalized
	}
	return b.flat, nil
}

func (b *buffer) CopyToDevice(n compute.DeviceNum) (compute.Buffer, error) {
	return b.engine.BufferFromFlatData(n, b.flat, b.shape)
}
