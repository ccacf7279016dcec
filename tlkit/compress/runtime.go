//go:build cgo && (linux || darwin)

package compress

import (
	"os"
	"slices"

	"github.com/gomlx/compute"
	onnxbackend "github.com/gomlx/compute-onnx"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// runtime is a file that ONNX Runtime runs as it is.
type runtime struct {
	backend    compute.Backend
	executable compute.Executable
	model      *zoo.Model // whose images the file takes
}

func openRuntime(b compute.Backend, path string, m *zoo.Model) (network, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	executable, err := onnxbackend.LoadModel(b, f)
	if err != nil {
		return nil, err
	}
	return &runtime{backend: b, executable: executable, model: m}, nil
}

func (r *runtime) close() { r.executable.Finalize() }

func (r *runtime) logits(pix []uint8, n int) ([][]float32, error) {
	size := r.model.ImageSize()
	in, err := r.backend.BufferFromFlatData(0, planes(r.model, pix), shapes.Make(dtypes.Float32, n, 3, size, size))
	if err != nil {
		return nil, err
	}
	defer in.Finalize()
	out, err := r.executable.Execute([]compute.Buffer{in}, nil, 0)
	if err != nil {
		return nil, err
	}
	defer out[0].Finalize()
	shape, err := out[0].Shape()
	if err != nil {
		return nil, err
	}
	flat := make([]float32, shape.Size())
	if err := out[0].ToFlatData(flat); err != nil {
		return nil, err
	}
	return slices.Collect(slices.Chunk(flat, shape.Dimensions[1])), nil
}
