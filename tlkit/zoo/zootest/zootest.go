// Package zootest compares models with PyTorch's results for the same weights and input. Weights and input follow a
// formula (splitmix64, seeded with the FNV-1a hash of the state-dict key), so that no weight files are needed.
package zootest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// File is one golden file: a model's state-dict keys and shapes, and its logits for the formula's weights and input.
type File struct {
	Model     string    `json:"model"`              // the zoo's name
	Source    string    `json:"source"`             // which program computed the logits
	Input     []int     `json:"input"`              // [1, 3, height, width]
	NumParams int       `json:"num_params"`         // trained values
	NotFilled []string  `json:"buffers_not_filled"` // keys that the formula leaves alone
	StateDict []Tensor  `json:"state_dict"`         // in the order of the file
	Logits    []float64 `json:"logits"`             // one per class
	Argmax    int       `json:"argmax"`             // index of the largest logit
	Std       float64   `json:"std"`                // standard deviation of the logits
}

// Tensor is an entry of a state dict: [key, shape] in the file.
type Tensor struct {
	Key   string
	Shape []int
}

// UnmarshalJSON reads [key, shape].
func (t *Tensor) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&t.Key, &t.Shape})
}

// Read reads one golden file.
func Read(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f File
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("golden file %s: %w", filepath.Base(path), err)
	}
	if len(f.Input) != 4 || len(f.Logits) == 0 {
		return nil, fmt.Errorf("golden file %s: input %v and %d logits, expected four dimensions and at least one logit",
			filepath.Base(path), f.Input, len(f.Logits))
	}
	return &f, nil
}

// Uniform returns n values of the formula, in [-1, 1), for a name.
func Uniform(name string, n int) []float64 {
	seed := uint64(0xcbf29ce484222325)
	for i := range len(name) {
		seed = (seed ^ uint64(name[i])) * 0x100000001b3
	}
	values := make([]float64, n)
	for i := range values {
		z := seed + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		values[i] = float64(z>>40)/(1<<23) - 1
	}
	return values
}

// Weights returns the formula's values for an entry of a state dict.
func Weights(key string, shape []int) []float32 {
	n := 1
	for _, d := range shape {
		n *= d
	}
	u := Uniform(key, n)
	rule := func(u float64) float64 { return 0.1 * u }
	switch {
	case strings.HasSuffix(key, "running_var"):
		rule = func(u float64) float64 { return 1 + 0.5*math.Abs(u) }
	case strings.HasSuffix(key, "running_mean"):
	case len(shape) >= 2:
		fanIn := 1
		for _, d := range shape[1:] {
			fanIn *= d
		}
		bound := math.Sqrt(6 / float64(fanIn))
		rule = func(u float64) float64 { return u * bound }
	case strings.HasSuffix(key, "weight"):
		rule = func(u float64) float64 { return 1 + 0.1*u }
	}
	values := make([]float32, n)
	for i, v := range u {
		values[i] = float32(rule(v))
	}
	return values
}

// Build returns the golden file's model with the formula's weights. It fails where keys, shapes or the number of
// parameters differ from the file's.
func (f *File) Build() (*zoo.Model, error) {
	spec, err := zoo.Info(f.Model)
	if err != nil {
		return nil, err
	}
	spec.InputSize = f.Input[2]
	entries := make([]weights.Entry, 0, len(f.StateDict))
	skip := map[string]bool{}
	for _, k := range f.NotFilled {
		skip[k] = true
	}
	for _, t := range f.StateDict {
		var values []float32
		if skip[t.Key] { // not weights: index tables and the like, which the model makes itself; the shape counts
			n := 1
			for _, d := range t.Shape {
				n *= d
			}
			values = make([]float32, n)
		} else {
			values = Weights(t.Key, t.Shape)
		}
		tensor, err := weights.NewTensor(t.Shape, values)
		if err != nil {
			return nil, err
		}
		entries = append(entries, weights.Entry{Key: t.Key, Tensor: tensor})
	}
	sd, err := weights.New(entries)
	if err != nil {
		return nil, err
	}
	m, err := zoo.FromStateDict(spec, make([]string, len(f.Logits)), sd)
	if err != nil {
		return nil, err
	}
	if n, _ := m.NumParams(); n != f.NumParams {
		return nil, fmt.Errorf("model %q has %d parameters, the golden file %d", f.Model, n, f.NumParams)
	}
	return m, nil
}

// Result is the outcome of a comparison.
type Result struct {
	// Error is the largest difference of a logit, over the standard deviation of the expected logits.
	Error float64
	// Tolerance is the largest Error that counts as agreement: 1e-3, or 1e-2 for ill-conditioned nets (deviation above
	// 1e3).
	Tolerance float64
	// Argmax is the index of the largest logit.
	Argmax int
}

// OK reports whether the logits agree.
func (r Result) OK() bool { return r.Error <= r.Tolerance }

// Compare computes the logits on an engine and compares them with the file's.
func (f *File) Compare(engine compute.Backend) (Result, error) {
	m, err := f.Build()
	if err != nil {
		return Result{}, err
	}
	logits, err := Logits(engine, m, f.input())
	if err != nil {
		return Result{}, fmt.Errorf("model %q: %w", f.Model, err)
	}
	r := Result{Tolerance: 1e-3}
	if f.Std > 1e3 {
		r.Tolerance = 1e-2
	}
	for i, want := range f.Logits {
		d := math.Abs(float64(logits[i])-want) / f.Std
		if !(d <= r.Error) { // also true for NaN
			r.Error = d
		}
		if logits[i] > logits[r.Argmax] {
			r.Argmax = i
		}
	}
	return r, nil
}

// Double computes the logits in double precision, on the pure-Go engine: the weights are the same float32 values.
func (f *File) Double() ([]float64, error) {
	m, err := f.Build()
	if err != nil {
		return nil, err
	}
	engine, err := compute.NewWithConfig("go")
	if err != nil {
		return nil, err
	}
	defer engine.Finalize()
	exec, err := nn.NewModelExec(engine, m.Store(), func(_ *model.Scope, x *Node) *Node {
		m.Store().SetTraining(x.Graph(), true)
		return m.Forward(&nn.Pass{Double: true}, ConvertDType(x, dtypes.Float64))
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	out, err := exec.Call1(f.input())
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", f.Model, err)
	}
	return tensors.MustCopyFlatData[float64](out), nil
}

// input returns the formula's image as [1, height, width, 3].
func (f *File) input() *tensors.Tensor {
	h, w := f.Input[2], f.Input[3]
	u := Uniform("input", 3*h*w)
	nhwc := make([]float32, len(u))
	for c := range 3 {
		for p := range h * w {
			nhwc[p*3+c] = float32(u[c*h*w+p])
		}
	}
	return tensors.FromFlatDataAndDimensions(nhwc, 1, h, w, 3)
}

// Logits runs a model on normalised images [1, height, width, 3].
func Logits(engine compute.Backend, m *zoo.Model, images *tensors.Tensor) ([]float32, error) {
	exec, err := nn.NewModelExec(engine, m.Store(), func(_ *model.Scope, x *Node) *Node {
		build := func() *Node { return m.Forward(&nn.Pass{}, x) }
		if traits.Of(engine).InferenceOnly {
			return m.Constant(x, build) // as such an engine has a network everywhere
		}
		m.Store().SetTraining(x.Graph(), true) // weights as inputs: no second copy as constants
		return build()
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	out, err := exec.Call1(images)
	if err != nil {
		return nil, err
	}
	return tensors.MustCopyFlatData[float32](out), nil
}
