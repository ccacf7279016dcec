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
