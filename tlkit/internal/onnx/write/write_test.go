package write_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/write"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

const b = write.Batch

// record writes the graph that build makes of an input of the given dimensions (images come channels first).
func record(t *testing.T, dims []int, build func(s *nn.Scope, x *Node) *Node) (*onnx.ModelProto, []string, error) {
	t.Helper()
	store := model.NewStore()
	params := map[string]nn.Param{}
	recorder := write.New()
	err := exceptions.TryCatch[error](func() {
		g := NewGraph(recorder, "test")
		store.SetTraining(g, true)
		pass := &nn.Pass{Record: func(p nn.Param) { params[p.Path()] = p }}
		y := build(nn.NewScope(store, pass), Parameter(g, "x", shapes.Make(dtypes.Float32, dims...)))
		if err := g.Compile(y); !errors.Is(err, write.ErrRecorded) {
			t.Errorf("Compile gives %v", err)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return recorder.Model(write.Options{Input: "x", Output: "y", Parameter: func(name string, dims []int) (write.Tensor, error) {
		tensor := write.Tensor{Name: name, Dims: dims}
		for i := range dims {
			tensor.Axes = append(tensor.Axes, i)
		}
		switch p := params[name]; {
		case name == "x" && len(dims) == 4:
			tensor.Dims, tensor.Axes = []int{dims[0], dims[3], dims[1], dims[2]}, []int{0, 2, 3, 1}
		case name != "x" && p.Layout == nn.ConvKernel:
			tensor = write.Tensor{Name: p.Key, Dims: p.Shape, Axes: []int{2, 3, 1, 0}}
		case name != "x" && p.Layout == nn.LinearWeight:
			tensor = write.Tensor{Name: p.Key, Dims: p.Shape, Axes: []int{1, 0}}
		case name != "x":
			tensor.Name = p.Key
		}
		return tensor, nil
	}})
}

func ops(m *onnx.ModelProto) []string {
	var list []string
	for _, n := range m.Graph.Node {
		list = append(list, n.OpType)
	}
	return list
}

// TestLayers: layers come out as PyTorch's exporter writes them, biases inside, and nothing is transposed.
func TestLayers(t *testing.T) {
	images, rows := []int{b, 8, 8, 3}, []int{b, 5}
	for _, c := range []struct {
		name    string
		dims    []int
		build   func(s *nn.Scope, x *Node) *Node
		ops     []string
		weights []string
	}{
		{"block", images, func(s *nn.Scope, x *Node) *Node {
			y := nn.ReLU(nn.BatchNorm(s.In("bn"), nn.Conv2D(s.In("conv"), x, 4, 3).Pad(1).Done()).Done())
			y = nn.Conv2D(s.In("more"), y, 4, 3).Pad(1).Bias().Done()
			return nn.Linear(s.In("fc"), nn.GlobalMeanPool(nn.MaxPool2D(y, 2).Done()), 2)
		}, []string{"Conv", "BatchNormalization", "Relu", "Conv", "MaxPool", "ReduceSum", "Mul", "ReduceSum", "Mul", "Gemm"},
			[]string{"conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "more.weight", "more.bias", "fc.weight", "fc.bias"}},
		{"flattened", images, func(s *nn.Scope, x *Node) *Node { return nn.Linear(s.In("fc"), nn.Flatten(x), 2) },
			[]string{"Reshape", "Gemm"}, []string{"fc.weight", "fc.bias"}},
		{"squeeze and excitation", images, func(s *nn.Scope, x *Node) *Node { return nn.Flatten(nn.SqueezeExcite(s, x, 2).Done()) }, nil,
			[]string{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}},
		{"bias used twice", rows, func(s *nn.Scope, x *Node) *Node { // then it can't go into the Gemm
			y := nn.LinearWith(s, x, 2, nn.Constant(1), nil)
			return Add(Add(y, Reshape(s.Param(x.Graph(), "bias", nn.Plain, nn.Constant(0), 2), 1, 2)), y)
		}, []string{"Gemm", "Reshape", "Add", "Add"}, []string{"weight", "bias"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, weights, err := record(t, c.dims, c.build)
			if err != nil {
				t.Fatal(err)
			}
			got := ops(m)
			if c.ops != nil && !slices.Equal(got, c.ops) || slices.Contains(got, "Transpose") {
				t.Errorf("operations %q, want %q", got, c.ops)
			}
			if !slices.Equal(weights, c.weights) {
				t.Errorf("weights %q, want %q", weights, c.weights)
			}
			in, out := m.Graph.Input[0].Type.GetTensorType().Shape.Dim, m.Graph.Output[0].Type.GetTensorType().Shape.Dim
			if in[0].GetDimParam() != "batch" || out[0].GetDimParam() != "batch" || m.Graph.Output[0].Name != "y" {
				t.Errorf("input %v, output %v", in, out)
			}
			if len(c.dims) == 4 && in[1].GetDimValue() != 3 {
				t.Errorf("input %v, want channels first", in)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(s *nn.Scope, x *Node) *Node
		want  string
	}{
		{"an unknown operation", func(_ *nn.Scope, x *Node) *Node { return Sign(x) }, "Sign"},
		{"a constant of the batch's size", func(_ *nn.Scope, x *Node) *Node {
			return Add(x, Iota(x.Graph(), x.Shape(), 0))
		}, "batch"},
		{"the batch in two places", func(_ *nn.Scope, x *Node) *Node {
			y := MatMul(x, Transpose(x, 0, 1))
			return Reshape(y, 1, b, b)
		}, "several places"},
	} {
		_, _, err := record(t, []int{b, 5}, c.build)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
