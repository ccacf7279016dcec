package nn_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// variable is a layer's variable by its path in the store, as the graph holds it.
type variable struct {
	path  string
	value *tensors.Tensor
}

// layerGradients is valueAndGradients for a layer with variables: the value, then the gradients of x and of vars.
func layerGradients(t *testing.T, b compute.Backend, layer func(s *nn.Scope, x *Node) *Node, x *tensors.Tensor, vars ...variable) []*tensors.Tensor {
	t.Helper()
	store := model.NewStore()
	for _, v := range vars {
		store.VariableWithValue(v.path, tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float32](v.value), v.value.Shape().Dimensions...)).SetTrainable(true)
	}
	e := model.MustNewExec(b, store, func(_ *model.Scope, x *Node) []*Node {
		store.SetTraining(x.Graph(), true)
		y := layer(nn.NewScope(store, &nn.Pass{}), x)
		n := y.Shape().Size()
		ramp := AddScalar(Sin(Iota(y.Graph(), Reshape(y, n).Shape(), 0)), 0.3)
		of := []*Node{x}
		for _, v := range vars {
			of = append(of, store.GetVariable(v.path).NodeValue(x.Graph()))
		}
		return append([]*Node{y}, Gradient(ReduceAllSum(Mul(Reshape(y, n), ramp)), of...)...)
	})
	own, err := x.LocalClone()
	if err != nil {
		t.Fatal(err)
	}
	return e.MustCall(own)
}

func TestLayerNorm(t *testing.T) {
	x, scale, offset := random(1, 2, 3, 7), random(2, 7), random(3, 7)
	want := valueAndGradients(t, engines(t)["go"], func(in []*Node) *Node {
		centred := Sub(in[0], ReduceAndKeep(in[0], ReduceMean, -1))
		y := Div(centred, Sqrt(AddScalar(ReduceAndKeep(Square(centred), ReduceMean, -1), 1e-6)))
		return Add(Mul(y, Reshape(in[1], 1, 1, 7)), Reshape(in[2], 1, 1, 7))
	}, x, scale, offset)
	for name, b := range engines(t) {
		got := layerGradients(t, b, func(s *nn.Scope, x *Node) *Node { return nn.LayerNorm(s, x, 1e-6) }, x,
			variable{"/weight", scale}, variable{"/bias", offset})
		compare(t, name, got, want, 1e-4)
	}
}

func TestSmoothActivations(t *testing.T) {
	x := random(4, 5, 40)
	for name, b := range engines(t) {
		for what, f := range map[string][2]func(in []*Node) *Node{
			"gelu": {func(in []*Node) *Node { return nn.GELU(in[0]) }, func(in []*Node) *Node {
				return Mul(in[0], MulScalar(AddScalar(Erf(DivScalar(in[0], math.Sqrt2)), 1), 0.5))
			}},
			"silu": {func(in []*Node) *Node { return nn.SiLU(in[0]) }, func(in []*Node) *Node {
				return Div(in[0], AddScalar(Exp(Neg(in[0])), 1))
			}},
			"quick gelu": {func(in []*Node) *Node { return nn.QuickGELU(in[0]) }, func(in []*Node) *Node {
				return Div(in[0], AddScalar(Exp(MulScalar(in[0], -1.702)), 1))
			}},
			"gelu of tanh": {func(in []*Node) *Node { return nn.GELUTanh(in[0]) }, func(in []*Node) *Node {
				cube := Mul(Mul(in[0], in[0]), in[0])
				u := MulScalar(Add(in[0], MulScalar(cube, 0.044715)), math.Sqrt(2/math.Pi))
				return Mul(in[0], MulScalar(AddScalar(Tanh(u), 1), 0.5))
			}},
		} {
			compare(t, name+" "+what, valueAndGradients(t, b, f[0], x), valueAndGradients(t, engines(t)["go"], f[1], x), 1e-4)
		}
		// Phi(1) = 0.8413447, as in any table of the normal distribution; sigmoid(1) = 0.7310586. The last two are
		// PyTorch's.
		for what, f := range map[float32]func(*Node) *Node{0.8413447: nn.GELU, 0.7310586: nn.SiLU, 0.8457958: nn.QuickGELU, 0.841192: nn.GELUTanh} {
			got := tensors.MustCopyFlatData[float32](MustNewExec(b, f).MustCall1([]float32{1}))[0]
			if math.Abs(float64(got-what)) > 2e-6 {
				t.Errorf("%s: f(1) = %v, want %v", name, got, what)
			}
		}
	}
}

// TestSelfAttention holds the layer against the definition, head by head, differentiated by GoMLX.
func TestSelfAttention(t *testing.T) {
	const n, width, heads = 4, 6, 2
	x, w, wb := random(1, 2, n, width), random(2, width, 3*width), random(3, 3*width)
	o, ob := random(4, width, width), random(5, width)
	want := valueAndGradients(t, engines(t)["go"], func(in []*Node) *Node {
		qkv := Add(DotGeneral(in[0], []int{2}, nil, in[1], []int{0}, nil), Reshape(in[2], 1, 1, 3*width))
		var joined []*Node
		for h := range heads {
			part := func(i int) *Node {
				return SliceAxis(qkv, 2, AxisRange(i*width+h*width/heads, i*width+(h+1)*width/heads))
			}
			scores := DivScalar(DotGeneral(part(0), []int{2}, []int{0}, part(1), []int{2}, []int{0}), math.Sqrt(width/heads))
			joined = append(joined, DotGeneral(Softmax(scores), []int{2}, []int{0}, part(2), []int{1}, []int{0}))
		}
		y := Concatenate(joined, 2)
		return Add(DotGeneral(y, []int{2}, nil, in[3], []int{0}, nil), Reshape(in[4], 1, 1, width))
	}, x, w, wb, o, ob)
	for name, b := range engines(t) {
		got := layerGradients(t, b, func(s *nn.Scope, x *Node) *Node { return nn.SelfAttention(s, x, heads) }, x,
			variable{"/in_proj_weight", w}, variable{"/in_proj_bias", wb}, variable{"/out_proj/weight", o}, variable{"/out_proj/bias", ob})
		compare(t, name, got, want, 1e-3)
	}
}

func TestSqueezeExcite(t *testing.T) {
	x, w1, b1, w2, b2 := random(1, 2, 3, 3, 6), random(2, 1, 1, 6, 2), random(3, 2), random(4, 1, 1, 2, 6), random(5, 6)
	want := valueAndGradients(t, engines(t)["go"], func(in []*Node) *Node {
		mean := ReduceMean(in[0], 1, 2)
		h := Add(MatMul(mean, Reshape(in[1], 6, 2)), Reshape(in[2], 1, 2))
		h = Add(MatMul(Mul(h, Logistic(h)), Reshape(in[3], 2, 6)), Reshape(in[4], 1, 6))
		return Mul(in[0], Reshape(Logistic(h), 2, 1, 1, 6))
	}, x, w1, b1, w2, b2)
	for name, b := range engines(t) {
		got := layerGradients(t, b, func(s *nn.Scope, x *Node) *Node {
			return nn.SqueezeExcite(s, x, 2).Activation(nn.SiLU).Done()
		}, x, variable{"/fc1/weight", w1}, variable{"/fc1/bias", b1}, variable{"/fc2/weight", w2}, variable{"/fc2/bias", b2})
		compare(t, name, got, want, 1e-4)
	}
}

// TestLookup: each row's gradient is the sum of the places that took it.
func TestLookup(t *testing.T) {
	table := random(1, 4, 2)
	flat := tensors.MustCopyFlatData[float32](table)
	for name, b := range engines(t) {
		got := valueAndGradients(t, b, func(in []*Node) *Node { return nn.Lookup(in[0], []int64{2, 0, 2, 2}) }, table)
		value, gradient := tensors.MustCopyFlatData[float32](got[0]), tensors.MustCopyFlatData[float32](got[1])
		for i, row := range []int{2, 0, 2, 2} {
			if value[2*i] != flat[2*row] || value[2*i+1] != flat[2*row+1] {
				t.Errorf("%s: row %d is %v, want %v", name, i, value[2*i:2*i+2], flat[2*row:2*row+2])
			}
		}
		ramp := func(i int) float64 { return math.Sin(float64(i)) + 0.3 }
		want := []float64{ramp(2), ramp(3), 0, 0, ramp(0) + ramp(4) + ramp(6), ramp(1) + ramp(5) + ramp(7), 0, 0}
		for i := range want {
			if math.Abs(float64(gradient[i])-want[i]) > 1e-5 {
				t.Errorf("%s: gradient %v, want %v", name, gradient, want)
				break
			}
		}
	}
}

// TestWindows: windows go row by row, MergeWindows undoes them, and Roll turns as torch.roll.
func TestWindows(t *testing.T) {
	for name, b := range engines(t) {
		run := func(f func(x *Node) *Node, x any) string {
			return fmt.Sprint(tensors.MustCopyFlatData[float32](MustNewExec(b, f).MustCall1(x)))
		}
		image := func() *tensors.Tensor {
			return tensors.FromFlatDataAndDimensions([]float32{0, 1, 2, 3, 4, 5, 6, 7}, 1, 2, 4, 1)
		}
		for _, c := range []struct {
			what, want string
			f          func(x *Node) *Node
		}{
			{"partition", "[0 1 4 5 2 3 6 7]", func(x *Node) *Node { return nn.PartitionWindows(x, 2, 2) }},
			{"merge", "[0 1 2 3 4 5 6 7]", func(x *Node) *Node { return nn.MergeWindows(nn.PartitionWindows(x, 2, 2), 2, 2, 2, 4) }},
			{"roll 1", "[3 0 1 2 7 4 5 6]", func(x *Node) *Node { return nn.Roll(x, 2, 1) }},
			{"roll -1", "[1 2 3 0 5 6 7 4]", func(x *Node) *Node { return nn.Roll(x, 2, -1) }},
			{"roll 0", "[0 1 2 3 4 5 6 7]", func(x *Node) *Node { return Identity(nn.Roll(x, 2, 0)) }},
			{"pad", "[0 1 2 3 0 4 5 6 7 0 0 0 0 0 0]", func(x *Node) *Node { return nn.PadEnd(x, 1, 1) }},
		} {
			if got := run(c.f, image()); got != c.want {
				t.Errorf("%s: %s is %s, want %s", name, c.what, got, c.want)
			}
		}
	}
}

// TestStochasticDepth: in training each image is dropped or scaled as a whole, at about the rate; else x comes back.
func TestStochasticDepth(t *testing.T) {
	const images, rate = 2000, 0.25
	for name, b := range engines(t) {
		run := func(training bool) []float32 {
			e := MustNewExec(b, func(x, state *Node) *Node {
				s := nn.NewScope(model.NewStore(), &nn.Pass{Training: training, RNG: state})
				return Identity(nn.StochasticDepth(s, x, rate))
			})
			ones := make([]float32, 2*images)
			for i := range ones {
				ones[i] = 1
			}
			state, err := RNGStateFromSeed(1)
			if err != nil {
				t.Fatal(err)
			}
			return tensors.MustCopyFlatData[float32](e.MustCall1(tensors.FromFlatDataAndDimensions(ones, images, 1, 2), state))
		}
		dropped := 0
		for i, y := 0, run(true); i < len(y); i += 2 {
			switch {
			case y[i] != y[i+1]:
				t.Fatalf("%s: image %d is dropped in parts: %v", name, i/2, y[i:i+2])
			case y[i] == 0:
				dropped++
			case math.Abs(float64(y[i])-1/(1-rate)) > 1e-6:
				t.Fatalf("%s: a kept image is scaled by %g, want %g", name, y[i], 1/(1-rate))
			}
		}
		if dropped < 400 || dropped > 600 { // 500 expected, standard deviation 19
			t.Errorf("%s: %d of %d images dropped, want about %d", name, dropped, images, int(images*rate))
		}
		for _, v := range run(false) {
			if v != 1 {
				t.Fatalf("%s: a value changed to %g outside training", name, v)
			}
		}
	}
}
