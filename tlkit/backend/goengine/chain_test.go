package goengine

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// TestChains holds the steps of plans: what a chain reads twice, and what only a sum reads, costs no memory and no
// pass.
func TestChains(t *testing.T) {
	for _, test := range []struct {
		what  string
		graph func(b *graphs) []val
		want  string
	}{
		{"one value on two ways", func(b *graphs) []val { // x*(x+y) + (x+y)*y
			s := b.op(b.f.Add, b.x, b.y)
			return []val{b.op(b.f.Add, b.op(b.f.Mul, b.x, s), b.op(b.f.Mul, s, b.y))}
		}, "chain"},
		{"a sum of products", func(b *graphs) []val { return []val{b.sum(b.op(b.f.Mul, b.x, b.y), 0)} }, "chain and sum"},
		{"sums of what others read", func(b *graphs) []val { // x+1 is computed again, as it costs less than its memory
			s := b.op(b.f.Add, b.x, b.one)
			return []val{b.sum(s, 1), b.op(b.f.Mul, s, b.y)}
		}, "chain and sum, chain"},
		{"a dear value that others read", func(b *graphs) []val {
			e := b.unary(b.f.Erf, b.x)
			return []val{b.sum(e, 1), b.op(b.f.Mul, e, b.y)}
		}, "chain, sum, chain"},
		{"a result that is added up", func(b *graphs) []val {
			s := b.op(b.f.Mul, b.x, b.y)
			return []val{s, b.sum(s, 0)}
		}, "chain, sum"},
		{"longer rows than a block", func(b *graphs) []val { return []val{b.sum(b.op(b.f.Mul, b.long, b.long), 0)} }, "chain, sum"},
		{"a norm that two chains read", func(b *graphs) []val {
			y := b.norm(b.x)
			return []val{b.op(b.f.Mul, y, b.x), b.op(b.f.Mul, y, b.y)}
		}, "batch statistics, chain, chain"},
		{"a norm that one chain reads", func(b *graphs) []val { return []val{b.op(b.f.Mul, b.norm(b.x), b.y)} }, "batch norm and chain"},
		{"the gradient of a norm", func(b *graphs) []val { return b.gradient(b.op(b.f.Mul, b.y, b.y)) }, "batch norm, chain and batch norm gradient"},
		{"the gradient of a norm whose adjoint is a result", func(b *graphs) []val {
			v := b.op(b.f.Mul, b.y, b.y)
			return append(b.gradient(v), v)
		}, "chain, batch norm, batch norm gradient"},
		{"a norm of a chain's result", func(b *graphs) []val {
			y := b.norm(b.op(b.f.Mul, b.x, b.y))
			return []val{b.op(b.f.Mul, y, b.x), b.op(b.f.Mul, y, b.y)}
		}, "chain, batch statistics, chain, chain"},
		{"a norm that is a result", func(b *graphs) []val {
			y := b.norm(b.x)
			return []val{y, b.op(b.f.Mul, y, b.x), b.op(b.f.Mul, y, b.y)}
		}, "batch norm, chain, chain"},
		{"a sum of sums", func(b *graphs) []val { return []val{b.sum(b.unary(b.f.Neg, b.sum(b.op(b.f.Mul, b.x, b.y), 0)), 0)} }, "chain and sum, chain and sum"},
	} {
		b := newGraphs(t)
		if err := b.f.Return(test.graph(b), nil); err != nil {
			t.Fatal(err)
		}
		exec, err := b.f.builder.Compile()
		if err != nil {
			t.Fatalf("%s: %v", test.what, err)
		}
		var steps []string
		for _, s := range exec.(*plan).steps {
			steps = append(steps, s.what)
		}
		if got := strings.Join(steps, ", "); got != test.want {
			t.Errorf("%s: steps %q, want %q", test.what, got, test.want)
		}
	}
}

// TestSigmoid: 1/(1+exp(-x)) is one operation of a chain, whichever way round its sum is written; what differs from it,
// or is read by others, is not.
func TestSigmoid(t *testing.T) {
	for _, test := range []struct {
		what  string
		graph func(b *graphs) []val
		code  int // operations of the first chain
	}{
		{"a sigmoid", func(b *graphs) []val {
			return []val{b.op(b.f.Div, b.one, b.op(b.f.Add, b.unary(b.f.Exp, b.unary(b.f.Neg, b.x)), b.one))}
		}, 1},
		{"the sum the other way round", func(b *graphs) []val {
			return []val{b.op(b.f.Div, b.one, b.op(b.f.Add, b.one, b.unary(b.f.Exp, b.unary(b.f.Neg, b.x))))}
		}, 1},
		{"without the sign", func(b *graphs) []val {
			return []val{b.op(b.f.Div, b.one, b.op(b.f.Add, b.unary(b.f.Exp, b.x), b.one))}
		}, 3},
		{"another numerator", func(b *graphs) []val {
			return []val{b.op(b.f.Div, b.two, b.op(b.f.Add, b.unary(b.f.Exp, b.unary(b.f.Neg, b.x)), b.one))}
		}, 4},
		{"another summand", func(b *graphs) []val {
			return []val{b.op(b.f.Div, b.one, b.op(b.f.Add, b.unary(b.f.Exp, b.unary(b.f.Neg, b.x)), b.two))}
		}, 4},
		{"a part that is a result", func(b *graphs) []val {
			e := b.unary(b.f.Exp, b.unary(b.f.Neg, b.x))
			return []val{b.op(b.f.Div, b.one, b.op(b.f.Add, e, b.one)), e}
		}, 2},
	} {
		b := newGraphs(t)
		out := test.graph(b)
		if err := b.f.Return(out, nil); err != nil {
			t.Fatal(err)
		}
		main := b.f.builder.main
		p := newPlanner(b.f.builder)
		p.reach()
		p.choose()
		if got := len(p.group[main.outputs[0].node].code); got != test.code {
			t.Errorf("%s: %d operations, want %d", test.what, got, test.code)
		}
	}
}

// graphs makes small graphs of two matrices x and y [3, 5] and one of long rows.
type graphs struct {
	t              *testing.T
	f              *Function
	x, y, one, two val
	long           val
}

func newGraphs(t *testing.T) *graphs {
	t.Helper()
	e, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	b := &graphs{t: t, f: newBuilder(e.(*Engine), "chains").main}
	b.x, b.y = b.parameter("x", 3, 5), b.parameter("y", 3, 5)
	b.long = b.parameter("long", 3, 5000)
	b.one, b.two = b.constant(1), b.constant(2)
	return b
}

func (b *graphs) must(v val, err error) val {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *graphs) parameter(name string, dims ...int) val {
	return b.must(b.f.Parameter(name, shapes.Make(dtypes.Float32, dims...), nil))
}

// constant is a number for all places of x.
func (b *graphs) constant(v float32) val {
	return b.must(b.f.BroadcastInDim(b.must(b.f.Constant([]float32{v})), shapes.Make(dtypes.Float32, 3, 5), []int{}))
}

func (b *graphs) op(f func(x, y compute.Value) (compute.Value, error), x, y val) val {
	return b.must(f(x, y))
}

func (b *graphs) unary(f func(x compute.Value) (compute.Value, error), x val) val {
	return b.must(f(x))
}

func (b *graphs) sum(x val, axis int) val { return b.must(b.f.ReduceSum(x, axis)) }

// norm is a batch norm over the rows.
func (b *graphs) norm(x val) val {
	b.t.Helper()
	y, _, _, err := b.f.BatchNormForTraining(x, b.parameter("scale", 5), b.parameter("offset", 5), 1e-3, 1)
	return b.must(y, err)
}

// gradient is that of a batch norm of x over the rows, for the adjoint v.
func (b *graphs) gradient(v val) []val {
	b.t.Helper()
	scale := b.parameter("scale", 5)
	_, mean, variance, err := b.f.BatchNormForTraining(b.x, scale, b.parameter("offset", 5), 1e-3, 1)
	if err != nil {
		b.t.Fatal(err)
	}
	dx, dScale, dOffset, err := b.f.BatchNormGradient(b.x, scale, mean, variance, v, 1e-3, 1)
	return []val{b.must(dx, err), dScale, dOffset}
}
