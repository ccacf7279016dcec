package quantize

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	onnx "github.com/gomlx/compute-onnx/support/protos"
)

// conv is a network of one convolution 1x1 of two channels to two, a batch norm, a Relu, a Min with 6, and a second
// convolution; all numbers are small enough to work out by hand.
func conv() *onnx.ModelProto {
	g := &graph{GraphProto: &onnx.GraphProto{Input: []*onnx.ValueInfoProto{{Name: "x"}}, Output: []*onnx.ValueInfoProto{{Name: "y"}}}, inits: map[string]*onnx.TensorProto{}}
	g.addFloats("a.weight", []int64{2, 2, 1, 1}, []float32{1, -2, 0.5, 0.25})
	g.addFloats("scale", []int64{2}, []float32{2, 3})
	g.addFloats("shift", []int64{2}, []float32{1, -1})
	g.addFloats("mean", []int64{2}, []float32{0.5, 0})
	g.addFloats("variance", []int64{2}, []float32{3, 8})
	g.addFloats("six", nil, []float32{6})
	g.addFloats("b.weight", []int64{1, 2, 1, 1}, []float32{1, 1})
	g.Node = []*onnx.NodeProto{
		{OpType: "Conv", Name: "a", Input: []string{"x", "a.weight"}, Output: []string{"a:out"}},
		{OpType: "BatchNormalization", Name: "norm", Input: []string{"a:out", "scale", "shift", "mean", "variance"}, Output: []string{"norm:out"},
			Attribute: []*onnx.AttributeProto{{Name: "epsilon", F: 1}}},
		{OpType: "Relu", Name: "relu", Input: []string{"norm:out"}, Output: []string{"relu:out"}},
		{OpType: "Min", Name: "min", Input: []string{"relu:out", "six"}, Output: []string{"min:out"}},
		{OpType: "Conv", Name: "b", Input: []string{"min:out", "b.weight"}, Output: []string{"y"}},
	}
	return &onnx.ModelProto{Graph: g.GraphProto}
}

func operators(m *onnx.ModelProto) (ops []string) {
	for _, n := range m.Graph.Node {
		ops = append(ops, n.OpType)
	}
	return ops
}

// TestFoldBatchNorm: channel 0 has the factor 2/sqrt(3+1) = 1, channel 1 3/sqrt(8+1) = 1.
func TestFoldBatchNorm(t *testing.T) {
	m := conv()
	n, err := FoldBatchNorm(m)
	if err != nil || n != 1 || !slices.Equal(operators(m), []string{"Conv", "Relu", "Min", "Conv"}) {
		t.Fatalf("%d folded, %v, %v", n, operators(m), err)
	}
	g := index(m)
	in := m.Graph.Node[0].Input
	if w, b := g.floats(in[1]), g.floats(in[2]); !slices.Equal(w, []float32{1, -2, 0.5, 0.25}) || !slices.Equal(b, []float32{0.5, -1}) {
		t.Errorf("weights %v, bias %v", w, b)
	}
	if len(m.Graph.Initializer) != 4 {
		t.Errorf("%d initializers are left, want 4", len(m.Graph.Initializer))
	}
}

// TestQuantile: ends are taken apart, and the share of all is the largest range.
func TestQuantile(t *testing.T) {
	of := []Range{{-4, 1}, {-1, 4}, {-2, 2}, {-3, 3}}
	for share, want := range map[float64]Range{1: {-4, 4}, 0.75: {-3, 3}, 0.7: {-3, 3}, 0.5: {-2, 2}, 0: {-1, 1}} {
		if got := Quantile(of, share); got != want {
			t.Errorf("%g: %v, want %v", share, got, want)
		}
	}
}

// chain is a network of three convolutions of two channels, of which the second is depthwise, with other rectifiers
// between them.
func chain(rectifiers ...*onnx.NodeProto) *onnx.ModelProto {
	g := &graph{GraphProto: &onnx.GraphProto{Input: []*onnx.ValueInfoProto{{Name: "x"}}, Output: []*onnx.ValueInfoProto{{Name: "y"}}}, inits: map[string]*onnx.TensorProto{}}
	g.addFloats("a.weight", []int64{2, 1, 1, 1}, []float32{1, 2})
	g.addFloats("a.bias", []int64{2}, []float32{3, 4})
	g.addFloats("b.weight", []int64{2, 1, 1, 1}, []float32{5, 6})
	g.addFloats("b.bias", []int64{2}, []float32{7, 8})
	g.addFloats("c.weight", []int64{1, 2, 1, 1}, []float32{0.5, 8})
	g.addFloats("c.bias", []int64{1}, []float32{9})
	g.addFloats("slope", nil, []float32{0.1})
	g.addFloats("six", nil, []float32{6})
	g.Node = append([]*onnx.NodeProto{{OpType: "Conv", Name: "a", Input: []string{"x", "a.weight", "a.bias"}, Output: []string{"a:out"}}}, rectifiers...)
	between := g.Node[len(g.Node)-1].Output[0]
	g.Node = append(g.Node, &onnx.NodeProto{OpType: "Conv", Name: "b", Input: []string{between, "b.weight", "b.bias"}, Output: []string{"b:out"},
		Attribute: []*onnx.AttributeProto{{Name: "group", I: 2}}},
		&onnx.NodeProto{OpType: "Relu", Name: "relu", Input: []string{"b:out"}, Output: []string{"relu:out"}},
		&onnx.NodeProto{OpType: "Conv", Name: "c", Input: []string{"relu:out", "c.weight", "c.bias"}, Output: []string{"y"}})
	return &onnx.ModelProto{Graph: g.GraphProto}
}

// TestFuseLeakyReLU: a product and a maximum are one node; a maximum of two others stays.
func TestFuseLeakyReLU(t *testing.T) {
	leaky := func(of string) *onnx.ModelProto {
		return chain(&onnx.NodeProto{OpType: "Mul", Name: "mul", Input: []string{"slope", of}, Output: []string{"mul:out"}},
			&onnx.NodeProto{OpType: "Max", Name: "max", Input: []string{"a:out", "mul:out"}, Output: []string{"max:out"}})
	}
	m := leaky("a:out")
	if n := FuseLeakyReLU(m); n != 1 || !slices.Equal(operators(m), []string{"Conv", "LeakyRelu", "Conv", "Relu", "Conv"}) {
		t.Fatalf("%d nodes, %v", n, operators(m))
	}
	if n := m.Graph.Node[1]; floatAttribute(n, "alpha", 0) != 0.1 || !slices.Equal(n.Input, []string{"a:out"}) || n.Output[0] != "max:out" {
		t.Errorf("made %v", n)
	}
	if m := leaky("x"); FuseLeakyReLU(m) != 0 {
		t.Errorf("a maximum of two values is %v", operators(m))
	}
}

// TestEqualize: factors by hand. The depthwise layer takes the whole of a factor; behind it the factors are the square
// roots of weight by size, 0.5/8 and 8/2, and the largest channel has the size 8 again. Under a limit none is below 1.
func TestEqualize(t *testing.T) {
	node := func(op, in, out string, more ...string) *onnx.NodeProto {
		return &onnx.NodeProto{OpType: op, Name: op, Input: append([]string{in}, more...), Output: []string{out}}
	}
	leaky := node("LeakyRelu", "a:out", "r")
	for name, c := range map[string]struct {
		between []*onnx.NodeProto
		value   string // between a and b
	}{
		"LeakyReLU": {[]*onnx.NodeProto{leaky}, "a:out"}, // both sides of it are quantised, and that before it is wider
		"ReLU6":     {[]*onnx.NodeProto{node("Relu", "a:out", "r"), node("Min", "r", "s", "six")}, "s"},
	} {
		m := chain(c.between...)
		if got := Channels(m); len(got) != 2 || got[c.value] != 2 || got["relu:out"] != 2 {
			t.Fatalf("%s: channels %v", name, got)
		}
		Equalize(m, map[string][]float32{c.value: {4, 1}, "relu:out": {8, 2}})
		g, last := index(m), m.Graph.Node[len(m.Graph.Node)-1]
		first, second := m.Graph.Node[0], m.Graph.Node[len(m.Graph.Node)-3]
		f := []float64{math.Sqrt(0.5 / 8), math.Sqrt(8. / 2)} // 0.25 and 2, times sizes 2 and 4
		f = []float64{2 * f[0], 2 * f[1]}                     // so that the larger, 4, is 8 again
		for what, pair := range map[string][2][]float32{
			"a.weight": {g.floats(first.Input[1]), {1, 8}}, "a.bias": {g.floats(first.Input[2]), {3, 16}},
			"b.weight": {g.floats(second.Input[1]), {float32(5 * f[0]), float32(6. / 4 * f[1])}}, "b.bias": {g.floats(second.Input[2]), {float32(7 * f[0]), float32(8 * f[1])}},
			"c.weight": {g.floats(last.Input[1]), {float32(0.5 / f[0]), float32(8 / f[1])}}, "c.bias": {g.floats(last.Input[2]), {9}},
		} {
			for i, want := range pair[1] {
				if got := pair[0]; len(got) != len(pair[1]) || math.Abs(float64(got[i]-want)) > 1e-6 {
					t.Errorf("%s: %s is %v, want %v", name, what, got, pair[1])
				}
			}
		}
	}
	limited := chain(node("Relu", "a:out", "r"), node("Min", "r", "s", "six"))
	g := index(limited)
	e := g.edges()[0]
	e.apart = false
	e.to = limited.Graph.Node[len(limited.Graph.Node)-1]
	if got := g.factors(e, []float32{8, 2}); !slices.Equal(got, []float64{1, 4}) {
		t.Errorf("factors under a limit: %v, want 1 and 4", got)
	}
	if m := chain(node("Sigmoid", "a:out", "r")); len(Channels(m)) != 1 {
		t.Errorf("over a sigmoid: %v", Channels(m))
	}
}

// TestInt8: scales, zero points and whole numbers of the network above.
func TestInt8(t *testing.T) {
	m := conv()
	if _, err := FoldBatchNorm(m); err != nil {
		t.Fatal(err)
	}
	if names := Activations(m, nil); !slices.Equal(names, []string{"x", "min:out"}) {
		t.Fatalf("activations %v", names)
	}
	layers, err := Int8(m, map[string]Range{"x": {-1, 1.55}, "min:out": {0.5, 5.1}}, Options{FullRange: true})
	if err != nil || layers != 2 {
		t.Fatalf("%d layers, %v", layers, err)
	}
	// The rectifiers are gone: the range from 0 on does their work.
	want := []string{"DequantizeLinear", "DequantizeLinear", "DequantizeLinear", "QuantizeLinear", "DequantizeLinear", "Conv", "QuantizeLinear", "DequantizeLinear", "Conv"}
	if got := operators(m); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	g := index(m)
	bytes := func(name string) []byte { return g.inits[name].RawData }
	near := func(what string, got, want float32) {
		t.Helper()
		if math.Abs(float64(got-want)) > 1e-6 {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	input, output := m.Graph.Node[3], m.Graph.Node[6]
	s, _ := g.number(input.Input[1])
	near("the input's scale", s, 0.01)
	if z := bytes(input.Input[2]); z[0] != 100 {
		t.Errorf("the input's zero point is %v, want 100", z)
	}
	s, _ = g.number(output.Input[1])
	near("the output's scale", s, 0.02)
	if z := bytes(output.Input[2]); z[0] != 0 || output.Input[0] != "norm:out" {
		t.Errorf("the output's zero point is %v, of %s", z, output.Input[0])
	}
	weights := m.Graph.Node[0]
	if w := bytes(weights.Input[0]); !slices.Equal(w, []byte{64, 0x81, 127, 64}) { // 1/2*127 = 63.5 to even, -127; 127, 63.5
		t.Errorf("weights %v", w)
	}
	near("the scale of channel 0", g.floats(weights.Input[1])[0], 2.0/127)
	bias := m.Graph.Node[1]
	near("the scale of bias 0", g.floats(bias.Input[1])[0], 0.01*2/127)
	if b := int32(binary.LittleEndian.Uint32(bytes(bias.Input[0]))); b != 3175 { // 0.5 / (0.01*2/127)
		t.Errorf("bias 0 is %d, want 3175", b)
	}
	for _, r := range []map[string]Range{{"x": {-1, 1}}, {"x": {1, -1}, "min:out": {0, 1}}, {"x": {-1, float32(math.Inf(1))}, "min:out": {0, 1}}} {
		m := conv()
		if _, err := Int8(m, r, Options{}); err == nil {
			t.Errorf("ranges %v are taken", r)
		}
	}
	m = conv()
	if layers, err := Int8(m, map[string]Range{"x": {0, 0}, "a:out": {-1, 1}}, Options{Float: []string{"b"}}); err != nil || layers != 1 {
		t.Errorf("%d layers without b, %v", layers, err)
	}
	if w := index(m).inits[m.Graph.Node[0].Input[0]].RawData; !slices.Equal(w, []byte{32, 0xc0, 64, 32}) {
		t.Errorf("weights in the reduced range %v", w)
	}
}

// TestNamed: a layer's name means the layer and what is within it, and one that is not there is an error.
func TestNamed(t *testing.T) {
	for _, c := range []struct {
		node, layer string
		want        bool
	}{{"features.1", "features.1", true}, {"features.1.conv", "features.1", true}, {"features.1_2", "features.1", true}, {"features.10", "features.1", false}, {"fc", "features", false}} {
		if got := named(&onnx.NodeProto{Name: c.node}, []string{c.layer}); got != c.want {
			t.Errorf("%s is %s: %v", c.node, c.layer, got)
		}
	}
	if _, err := Int8(conv(), nil, Options{Float: []string{"a", "c"}}); err == nil || !strings.Contains(err.Error(), `no layer is named "c"`) || !strings.Contains(err.Error(), `such as "a"`) {
		t.Errorf("a layer that is not there: %v", err)
	}
}

// TestHalf: what fits is stored in 16 bits and cast back; what does not stays.
func TestHalf(t *testing.T) {
	for _, brain := range []bool{false, true} {
		g := &graph{GraphProto: &onnx.GraphProto{}, inits: map[string]*onnx.TensorProto{}}
		values := make([]float32, Smallest)
		values[0] = 1.0 / 3
		g.addFloats("w", []int64{Smallest}, values)
		g.addFloats("few", []int64{2}, []float32{1, 2})
		large := slices.Clone(values)
		large[1] = 70000
		g.addFloats("large", []int64{Smallest}, large)
		g.Node = []*onnx.NodeProto{{OpType: "Sum", Input: []string{"w", "few", "large"}, Output: []string{"y"}}}
		m := &onnx.ModelProto{Graph: g.GraphProto}
		n, in := Half(m, brain), m.Graph.Node[len(m.Graph.Node)-1].Input
		want, kind, bits := 1, onnx.TensorProto_FLOAT16, uint16(0x3555)
		if brain {
			want, kind, bits = 2, onnx.TensorProto_BFLOAT16, 0x3eab
		}
		w := m.Graph.Initializer[0]
		if n != want || in[0] != "w#float32" || in[1] != "few" || (in[2] == "large") == brain || w.DataType != int32(kind) || binary.LittleEndian.Uint16(w.RawData) != bits {
			t.Errorf("brain %v: %d tensors, inputs %v, %v, %x", brain, n, in, onnx.TensorProto_DataType(w.DataType), w.RawData[:2])
		}
	}
}
