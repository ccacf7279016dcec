package goengine_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
)

func engine(t *testing.T) compute.Backend {
	t.Helper()
	b, err := goengine.New("")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func random(seed uint64, dims ...int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(seed, 1))
	n := 1
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(values, dims...)
}

func results(t *testing.T, b compute.Backend, f func(in []*Node) []*Node, inputs ...*tensors.Tensor) []*tensors.Tensor {
	t.Helper()
	e, err := NewExec(b, f)
	if err != nil {
		t.Fatal(err)
	}
	args := make([]any, len(inputs))
	for i, in := range inputs {
		if args[i], err = in.LocalClone(); err != nil {
			t.Fatal(err)
		}
	}
	var out []*tensors.Tensor
	for range 2 { // the second run meets used memory
		if out, err = e.Call(args...); err != nil {
			t.Fatalf("%+v", err)
		}
	}
	return out
}

// TestAgainstGoMLX holds computations that this engine does itself, in part or not at all, against GoMLX's engine.
func TestAgainstGoMLX(t *testing.T) {
	x := random(1, 3, 7, 5, 40)
	row, image, pixel, plane := random(2, 40), random(3, 3, 1, 1, 40), random(4, 3, 7, 5, 1), random(5, 1, 7, 5, 40)
	stripes := random(6, 3, 1, 5, 1)
	a, b := random(7, 50, 70), random(8, 70, 33)
	tests := map[string]struct {
		f  func(in []*Node) []*Node
		in []*tensors.Tensor
	}{
		"broadcasts": {func(in []*Node) []*Node {
			y := in[0]
			for i, other := range in[1:] {
				if other.Rank() == 1 {
					other = Reshape(other, 1, 1, 1, -1)
				}
				y = Add(Mul(y, other), AddScalar(other, float64(i)))
			}
			return []*Node{y, Sub(in[0], in[3]), Div(in[3], MaxScalar(Abs(in[0]), 0.5))}
		}, []*tensors.Tensor{x, row, image, pixel, plane, stripes}},
		"truth": {func(in []*Node) []*Node {
			y, r := in[0], Reshape(in[1], 1, 1, 1, -1)
			yes := LogicalOr(LogicalAnd(GreaterThan(y, r), LessOrEqual(y, ScalarOne(y.Graph(), y.DType()))), LogicalNot(GreaterOrEqual(y, Neg(r))))
			return []*Node{Where(yes, y, ZerosLike(y)), ConvertDType(yes, dtypes.Float32), Where(Equal(y, y), Neg(y), y),
				Where(NotEqual(y, r), Sqrt(Abs(y)), Rsqrt(AddScalar(Abs(y), 1))), Where(LessThan(y, r), Min(y, r), Max(y, r))}
		}, []*tensors.Tensor{x, row}},
		"sums": {func(in []*Node) []*Node {
			y := in[0]
			return []*Node{ReduceSum(y), ReduceSum(y, 0, 1, 2), ReduceSum(y, 1, 2), ReduceSum(y, 3), ReduceSum(y, 0, 3), ReduceMax(y, 1, 2),
				ReduceMean(y, 2), ReduceSum(y, 1, 2, 3)}
		}, []*tensors.Tensor{x}},
		"sums of chains": {func(in []*Node) []*Node {
			y, r := in[0], Reshape(in[1], 1, 1, 1, -1)
			z := Add(Mul(y, r), in[2]) // read by sums and by others
			sum := Add(y, in[2])
			return []*Node{ReduceSum(Mul(y, r)), ReduceSum(Square(y), 0, 1, 2), ReduceSum(Mul(y, in[2]), 1, 2), ReduceSum(Exp(y), 3), ReduceMean(Abs(y), 2),
				ReduceSum(z, -1), ReduceSum(z, 0, 1, 2), Mul(z, r), Add(Mul(sum, y), Mul(sum, r)), Mul(y, Inverse(AddScalar(Exp(Neg(y)), 1)))}
		}, []*tensors.Tensor{x, row, image}},
		"sums of long chains": {func(in []*Node) []*Node {
			y := Mul(in[0], Reshape(in[1], 1, -1))
			return []*Node{ReduceMean(Square(in[0]), 0), ReduceMean(Abs(in[0]), 1), ReduceMean(y, 0), ReduceMean(Mul(in[2], in[2]), 1), ReduceSum(Neg(in[2]), 0)}
		}, []*tensors.Tensor{random(10, 700, 1537), random(11, 1537), random(12, 3, 5000)}},
		"products": {func(in []*Node) []*Node {
			a, b := in[0], in[1]
			at, bt := Transpose(a, 0, 1), Transpose(b, 0, 1)
			return []*Node{MatMul(a, b), DotGeneral(a, []int{1}, nil, bt, []int{1}, nil), DotGeneral(at, []int{0}, nil, b, []int{0}, nil),
				DotGeneral(at, []int{0}, nil, bt, []int{1}, nil), DotGeneral(in[2], []int{3}, nil, in[2], []int{3}, nil),
				DotGeneral(in[2], []int{0, 1, 2}, nil, in[2], []int{0, 1, 2}, nil), DotGeneral(in[2], []int{3}, []int{0}, in[2], []int{3}, []int{0})}
		}, []*tensors.Tensor{a, b, random(9, 2, 3, 4, 6)}},
		"many products": {func(in []*Node) []*Node {
			a, b := in[0], in[1] // [2, 3, 4, 6] and [2, 3, 6, 5]
			at, bt := Transpose(a, 2, 3), Transpose(b, 2, 3)
			two := []int{0, 1}
			return []*Node{DotGeneral(a, []int{3}, two, b, []int{2}, two), DotGeneral(at, []int{2}, two, b, []int{2}, two),
				DotGeneral(a, []int{3}, two, bt, []int{3}, two), DotGeneral(at, []int{2}, two, bt, []int{3}, two),
				DotGeneral(SliceAxis(a, 1, AxisElem(0)), []int{3}, two, SliceAxis(b, 1, AxisElem(2)), []int{2}, two)}
		}, []*tensors.Tensor{random(9, 2, 3, 4, 6), random(10, 2, 3, 6, 5)}},
		"moves": {func(in []*Node) []*Node {
			y := in[0]
			g := y.Graph()
			return []*Node{TransposeAllAxes(y, 3, 1, 0, 2), TransposeAllAxes(y, 0, 3, 1, 2), Transpose(y, 1, 2), Reverse(y, 1, 3), Reverse(y, 0),
				Slice(y, AxisRange(1), AxisRange(0, 7).Stride(3), AxisElem(2), AxisRange(5, 39).Stride(2)), Slice(y, AxisElem(0)),
				Concatenate([]*Node{y, Slice(y, AxisRange(), AxisRange(), AxisRange(), AxisRange(3, 9)), in[1]}, -1), Concatenate([]*Node{in[1], in[1]}, 0),
				Pad(y, Scalar(g, y.DType(), 2), compute.PadAxis{}, compute.PadAxis{Start: 2, End: 1}, compute.PadAxis{Interior: 2}, compute.PadAxis{Start: 1}),
				Pad(y, ScalarZero(g, y.DType()), compute.PadAxis{}, compute.PadAxis{Start: -2, End: 3}, compute.PadAxis{Start: 1, End: -2, Interior: 1},
					compute.PadAxis{Start: -3, End: -30}),
				ExpandAndBroadcast(in[2], []int{3, 7, 5, 40}, []int{0, 1, 2}), ReduceMax(y, -1), ReduceMax(Reshape(y, 3, -1), 1),
				Concatenate([]*Node{ReduceMax(y, -1), ReduceMax(Neg(y), -1)}, 0)}
		}, []*tensors.Tensor{x, random(11, 3, 7, 5, 1), row}},
		"slices among zeros": {func(in []*Node) []*Node {
			y := in[0]
			zero := ScalarZero(y.Graph(), y.DType())
			whole := compute.PadAxis{}
			among := func(from, to int, fill *Node) *Node { // columns of y
				part := Slice(y, AxisRange(), AxisRange(), AxisRange(), AxisRange(from, to))
				return Pad(part, fill, whole, whole, whole, compute.PadAxis{Start: from, End: 40 - to})
			}
			a, b, c := among(0, 10, zero), among(10, 25, zero), among(25, 40, zero)
			rows := Pad(Slice(y, AxisRange(0, 1)), zero, compute.PadAxis{End: 2}, whole, whole, whole)
			corner := Pad(Slice(y, AxisRange(), AxisRange(), AxisRange(0, 2), AxisRange(0, 10)), zero, whole, whole, compute.PadAxis{End: 3}, compute.PadAxis{End: 30})
			apart := Pad(Slice(y, AxisRange(), AxisRange(), AxisRange(), AxisRange(0, 8)), zero, whole, whole, whole, compute.PadAxis{Start: 10, End: 15, Interior: 1})
			return []*Node{Add(a, b), Add(Add(b, a), c), Add(c, Add(a, b)), Add(a, c), Add(b, b), Add(among(0, 12, zero), b), Add(a, rows),
				Add(a, among(10, 25, OnesLike(zero))), Add(corner, b), Add(Add(a, apart), c), Add(Add(c, b), y), Mul(Add(a, b), b)}
		}, []*tensors.Tensor{x}},
		"computed again": {func(in []*Node) []*Node {
			y := AddScalar(in[0], 0.5)
			s := Inverse(AddScalar(Exp(Neg(y)), 1))
			e := Erf(y)
			column := Reshape(ReduceSum(y, -1), 3, 7, 5, 1)
			centred := Sub(y, column)
			return []*Node{Mul(y, s), Mul(Mul(s, OneMinus(s)), e), s, Mul(e, s), Mul(centred, in[1]), Mul(Div(centred, AddScalar(Abs(column), 1)), s)}
		}, []*tensors.Tensor{x, random(12, 3, 7, 5, 40)}},
		"read again and again": {func(in []*Node) []*Node {
			y := in[0]
			for range 40 { // each value is read twice
				y = Mul(y, OneMinus(y))
			}
			return []*Node{y}
		}, []*tensors.Tensor{random(13, 3, 7, 5, 40)}},
		"a chain's end that another one computes, too": {func(in []*Node) []*Node {
			v := Convolve(in[0], in[1]).PadSame().Done()
			p := in[2]
			for i := range 23 {
				if p = Neg(p); i%2 == 0 {
					p = Abs(p)
				}
			}
			m := Add(Neg(BroadcastToShape(Reshape(in[3], 1, 1, 1, -1), v.Shape())), Abs(v))
			return []*Node{Add(Mul(p, m), m)}
		}, []*tensors.Tensor{random(14, 2, 7, 6, 8), random(15, 3, 3, 8, 24), random(16, 2, 7, 6, 24), random(17, 24)}},
		"one activation of a product": {func(in []*Node) []*Node {
			t := Add(MatMul(in[0], in[1]), Reshape(in[2], 1, -1))
			return []*Node{Mul(t, MulScalar(AddScalar(Erf(MulScalar(t, 0.7)), 1), 0.5))}
		}, []*tensors.Tensor{random(18, 30, 20), random(19, 20, 40), row}},
		"bytes": {func(in []*Node) []*Node {
			y := ConvertDType(in[0], dtypes.Float32)
			return []*Node{y, MulScalar(y, 0.5), ConvertDType(in[0], dtypes.Int32)}
		}, []*tensors.Tensor{tensors.FromFlatDataAndDimensions([]uint8{0, 1, 127, 128, 254, 255}, 2, 3)}},
		"names of one value": {func(in []*Node) []*Node {
			y := Reshape(in[0], -1, 40)
			z := Identity(Reshape(AddScalar(y, 1), 3, -1))
			return []*Node{in[0], y, z, z, Identity(in[1]), Const(y.Graph(), []float32{1, 2}), Reshape(Transpose(z, 0, 1), -1), Softmax(z, -1)}
		}, []*tensors.Tensor{x, row}},
		"closures": {func(in []*Node) []*Node {
			g := in[0].Graph()
			far := MulScalar(in[1], 2) // computed here, read inside the loop
			state := shapes.Make(dtypes.Float32, 40)
			cond := NewClosure(g, func(g *Graph) []*Node {
				n := Parameter(g, "n", shapes.Scalar[int32]())
				_ = Parameter(g, "y", state)
				return []*Node{LessThan(n, Const(g, int32(3)))}
			})
			body := NewClosure(g, func(g *Graph) []*Node {
				n := Parameter(g, "n", shapes.Scalar[int32]())
				y := Parameter(g, "y", state)
				return []*Node{AddScalar(n, 1), Add(y, far)}
			})
			looped := While(cond, body, Const(g, int32(0)), AddScalar(in[1], 1))[1]
			chosen := If(GreaterThan(ReduceAllSum(in[1]), ScalarZero(g, dtypes.Float32)),
				NewClosure(g, func(*Graph) []*Node { return []*Node{MulScalar(looped, 3)} }),
				NewClosure(g, func(*Graph) []*Node { return []*Node{Neg(looped)} }))[0]
			near := MulScalar(in[1], 5)
			both := If(GreaterThan(ReduceAllSum(in[1]), ScalarZero(g, dtypes.Float32)),
				NewClosure(g, func(*Graph) []*Node { return []*Node{near, near} }),
				NewClosure(g, func(*Graph) []*Node { return []*Node{near, Identity(near)} }))
			return []*Node{AddScalar(chosen, 1), Sort(Reshape(in[0], 3, -1), -1, true), both[0], both[1]}
		}, []*tensors.Tensor{x, row}},
		"large": {func(in []*Node) []*Node {
			y := Mul(in[0], Reshape(in[1], 1, -1))
			return []*Node{y, ReduceSum(y, 0), ReduceSum(y, 1), Add(ReduceSum(y, 0), in[1])}
		}, []*tensors.Tensor{random(10, 700, 1537), random(11, 1537)}},
		"other types": {func(in []*Node) []*Node {
			d := ConvertDType(in[0], dtypes.Float64)
			i := ConvertDType(MulScalar(in[0], 10), dtypes.Int32)
			return []*Node{Add(d, d), Add(i, i), ReduceSum(i, 0), Sub(ConvertDType(d, dtypes.Float32), in[0])}
		}, []*tensors.Tensor{x}},
		"what follows a convolution": {func(in []*Node) []*Node {
			x, w, gate := in[0], in[1], in[2]
			channel := Reshape(in[3], 1, 1, 1, -1)
			conv := func(stride int) *Node { return Convolve(x, w).Strides(stride).PadSame().Done() }
			y := conv(1)
			norm := MaxScalar(Add(Mul(y, channel), AddScalar(channel, 1)), 0)
			half := conv(2)
			wide := Convolve(x, w).PaddingPerDim([][2]int{{2, 2}, {1, 1}}).InputDilationPerAxis(2, 2).Done()
			slow := Convolve(Slice(x, AxisRange(), AxisRange(0, 5)), w).PadSame().Done()
			sum := Add(slow, Slice(norm, AxisRange(), AxisRange(0, 5)))
			return []*Node{
				norm, // nobody else reads y
				Max(Mul(half, gate), MulScalar(half, .1)), // a value per image
				half,               // read twice
				MulScalar(wide, 3), // written in phases
				MinScalar(sum, 1),  // with a sum
				AddScalar(MatMul(Reshape(in[4], 6, 10), in[5]), 1),
				Where(GreaterThan(MatMul(in[5], in[5]), in[5]), in[5], Neg(in[5])),
			}
		}, []*tensors.Tensor{random(14, 2, 7, 6, 8), random(15, 3, 3, 8, 24), random(16, 2, 1, 1, 24), random(17, 24), random(18, 3, 20), random(19, 10, 10)}},
		"one axis of convolution": {func(in []*Node) []*Node {
			return []*Node{Convolve(in[0], in[1]).PadSame().Done()}
		}, []*tensors.Tensor{random(12, 2, 9, 3), random(13, 3, 3, 4)}},
	}
	gomlx, err := gobackend.New("")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			want := results(t, gomlx, c.f, c.in...)
			got := results(t, engine(t), c.f, c.in...)
			for i := range want {
				if !got[i].Shape().Equal(want[i].Shape()) {
					t.Errorf("result %d has shape %s, want %s", i, got[i].Shape(), want[i].Shape())
				} else if !got[i].InDelta(want[i], 2e-3) {
					t.Errorf("result %d differs: %.200s..., want %.200s...", i, got[i], want[i])
				}
			}
		})
	}
}

// TestSpreadNorms: several chains that read the result of a norm compute it from the norm's input, also where one needs
// it for a broadcast that no chain computes, where a sum or another operation reads it, and where it is a result. The
// norm's gradient goes on from the chain that computes its adjoint.
func TestSpreadNorms(t *testing.T) {
	x := random(1, 3, 7, 5, 10)
	in := []*tensors.Tensor{x, random(2, 10), random(3, 10), random(4, 3, 1, 5, 1), random(5, 1, 7, 1, 10), random(6, 3, 7, 5, 10)}
	for name, others := range map[string]func(y *Node, in []*Node) []*Node{
		"chains alone": func(y *Node, in []*Node) []*Node { return []*Node{Where(GreaterThan(y, in[5]), y, Neg(y))} },
		"no chain":     func(y *Node, in []*Node) []*Node { return []*Node{Add(Mul(y, in[3]), in[4])} },
		"a sum":        func(y *Node, in []*Node) []*Node { return []*Node{ReduceSum(y, 1, 2)} },
		"another":      func(y *Node, in []*Node) []*Node { return []*Node{Sin(y)} },
		"a result":     func(y *Node, in []*Node) []*Node { return []*Node{y} },
	} {
		f := func(fused bool) func(in []*Node) []*Node {
			return func(in []*Node) []*Node {
				x, scale, offset := in[0], in[1], in[2]
				wide := func(v *Node) *Node { return Reshape(v, 1, 1, 1, -1) }
				var y, mean *Node
				if fused {
					y, mean, _ = InternalBatchNormForTraining(x, scale, offset, 1e-3, 3)
				} else {
					mean = ReduceMean(x, 0, 1, 2)
					centred := Sub(x, wide(mean))
					y = Add(Mul(Div(centred, Sqrt(AddScalar(wide(ReduceMean(Square(centred), 0, 1, 2)), 1e-3))), wide(scale)), wide(offset))
				}
				swish := Mul(y, Inverse(AddScalar(Exp(Neg(y)), 1)))
				grads := Gradient(ReduceAllSum(Mul(swish, in[5])), x, scale, offset)
				return append(append(others(y, in), grads...), swish, Mul(y, in[5]), mean)
			}
		}
		want, got := results(t, engine(t), f(false), in...), results(t, engine(t), f(true), in...)
		for i := range want {
			if !got[i].InDelta(want[i], 1e-4) {
				t.Errorf("%s: result %d differs: %.200s..., want %.200s...", name, i, got[i], want[i])
			}
		}
	}
}

// TestBatchNormParts: a chain goes on from a norm also where others read its statistics, before or in the chain.
func TestBatchNormParts(t *testing.T) {
	f := func(fused bool) func(in []*Node) []*Node {
		return func(in []*Node) []*Node {
			x, scale, offset := in[0], in[1], in[2]
			wide := func(v *Node) *Node { return Reshape(v, 1, 1, 1, -1) }
			var y, mean, variance *Node
			if fused {
				y, mean, variance = InternalBatchNormForTraining(x, scale, offset, 1e-3, 3)
			} else {
				mean = ReduceMean(x, 0, 1, 2)
				centred := Sub(x, wide(mean))
				variance = ReduceMean(Mul(centred, centred), 0, 1, 2)
				y = Add(Mul(Div(centred, Sqrt(AddScalar(wide(variance), 1e-3))), wide(scale)), wide(offset))
			}
			loss := ReduceAllSum(Mul(y, Sin(y)))
			grads := Gradient(loss, x, scale, offset)
			z, m2, v2 := y, mean, variance
			if fused {
				z, m2, v2 = InternalBatchNormForTraining(AddScalar(x, 1), scale, offset, 1e-3, 3)
			} else {
				m2 = AddScalar(mean, 1)
			}
			return append(grads, MaxScalar(y, 0), MulScalar(mean, 2), variance, Add(z, wide(MulScalar(m2, 3))), Sqrt(v2))
		}
	}
	x := random(1, 3, 9, 11, 37)
	in := []*tensors.Tensor{x, random(2, 37), random(3, 37)}
	want, got := results(t, engine(t), f(false), in...), results(t, engine(t), f(true), in...)
	for i := range want {
		if !got[i].InDelta(want[i], 1e-3) {
			t.Errorf("result %d differs: %.200s..., want %.200s...", i, got[i], want[i])
		}
	}
}

// TestNaN: what is no number stays none, also where GoMLX's engine lets it pass for one.
func TestNaN(t *testing.T) {
	nan := float32(math.NaN())
	in := tensors.FromFlatDataAndDimensions([]float32{nan, 1, nan, -1, 2, 3, 4, 5, nan, 7}, 10)
	out := results(t, engine(t), func(in []*Node) []*Node {
		return []*Node{MaxScalar(in[0], 0), MinScalar(in[0], 0), Max(ZerosLike(in[0]), in[0])}
	}, in)
	for i, o := range out {
		for j, v := range tensors.MustCopyFlatData[float32](o) {
			if want := j == 0 || j == 2 || j == 8; math.IsNaN(float64(v)) != want {
				t.Errorf("result %d, value %d is %g", i, j, v)
			}
		}
	}
}

// TestInputsStay: what the caller keeps is not overwritten, though memory is reused where it can be.
func TestInputsStay(t *testing.T) {
	e, err := NewExec(engine(t), func(x, y *Node) []*Node {
		z := Add(Mul(x, y), y)
		return []*Node{z, Sub(z, x)}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{64, 4200} { // with the second number, the values are this engine's own buffers
		inputsStay(t, e, random(1, rows, 64), random(2, rows, 64))
	}
}

func inputsStay(t *testing.T, e *Exec, x, y *tensors.Tensor) {
	before := tensors.MustCopyFlatData[float32](x)
	var first []float32
	for i := range 3 {
		out, err := e.Call(x, y)
		if err != nil {
			t.Fatal(err)
		}
		z := tensors.MustCopyFlatData[float32](out[0])
		if i == 0 {
			first = z
		}
		for j, v := range tensors.MustCopyFlatData[float32](x) {
			if v != before[j] || z[j] != first[j] {
				t.Fatalf("run %d: input %g, was %g; result %g, was %g", i, v, before[j], z[j], first[j])
			}
		}
	}
}

// TestLargeBuffers: buffers of many values are copies, are read by GoMLX's engine, and end once.
func TestLargeBuffers(t *testing.T) {
	b := engine(t)
	values := make([]float32, 600*500)
	for i := range values {
		values[i] = float32(i % 7)
	}
	large, err := b.BufferFromFlatData(0, values, shapes.Make(dtypes.Float32, 600, 500))
	if err != nil {
		t.Fatal(err)
	}
	clear(values)
	builder := b.Builder("sums")
	x, err := builder.Main().Parameter("x", shapes.Make(dtypes.Float32, 600, 500), nil)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := builder.Main().CumSum(x, 1, compute.CumSumOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := builder.Main().Return([]compute.Value{sums}, nil); err != nil {
		t.Fatal(err)
	}
	e, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Execute([]compute.Buffer{large}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := out[0].ToFlatData(values); err != nil || values[1] != 1 || values[6] != 21 || values[500] != 500%7 {
		t.Errorf("sums of 0, 1, ... 6 in turn are %v, at the second row %v (%v)", values[:7], values[500], err)
	}
	if err := large.Finalize(); err != nil {
		t.Fatal(err)
	}
	if err := large.Finalize(); err == nil {
		t.Error("a buffer that ends twice: no error")
	}
}

// TestAtOnce runs one plan in several goroutines.
func TestAtOnce(t *testing.T) {
	e, err := NewExec(engine(t), func(x, w *Node) []*Node {
		return []*Node{MaxScalar(Convolve(x, w).PadSame().Done(), 0), Softmax(Reshape(x, 2, -1), -1)}
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			x, w := random(uint64(i), 2, 9, 9, 8), random(99, 3, 3, 8, 16)
			var first []float32
			for range 5 {
				out, err := e.Call(x, w)
				if err != nil {
					t.Error(err)
					return
				}
				got := tensors.MustCopyFlatData[float32](out[0])
				if first == nil {
					first = got
				}
				for j := range got {
					if got[j] != first[j] {
						t.Errorf("goroutine %d: value %d is %g, was %g", i, j, got[j], first[j])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestErrors(t *testing.T) {
	b := engine(t)
	if _, err := b.Builder("empty").Compile(); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("compiling without Return: %v, want an error that names the computation", err)
	}
	builder := b.Builder("sum")
	x, err := builder.Main().Parameter("x", shapes.Make(dtypes.Float32, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := builder.Main().Add(x, "no value"); err == nil || !strings.Contains(err.Error(), "operand #1") {
		t.Errorf("adding a string: %v, want an error that names the operand", err)
	}
	if err := builder.Main().Return([]compute.Value{x}, nil); err != nil {
		t.Fatal(err)
	}
	e, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Execute(nil, nil, 0); err == nil {
		t.Error("no inputs for one parameter: no error")
	}
	wrong, err := b.BufferFromFlatData(0, []float32{1, 2, 3}, shapes.Make(dtypes.Float32, 3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Execute([]compute.Buffer{wrong}, nil, 0); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("three values for a parameter of two: %v, want an error that names it", err)
	}
	if err := wrong.Finalize(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Execute([]compute.Buffer{wrong}, nil, 0); err == nil {
		t.Error("a finalized input: no error")
	}
}
