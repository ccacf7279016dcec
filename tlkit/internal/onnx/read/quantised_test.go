package read

import (
	"archive/zip"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/proto"
)

// TestQuantised: what can't be read right is refused, with the reason; a small file can't claim much memory.
func TestQuantised(t *testing.T) {
	archive, err := zip.OpenReader("testdata/quantised.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	data, err := fs.ReadFile(archive, "static.onnx")
	if err != nil {
		t.Fatal(err)
	}
	first := func(m *protos.ModelProto, op string) *protos.NodeProto {
		for _, n := range m.Graph.Node {
			if n.OpType == op {
				return n
			}
		}
		t.Fatalf("no %s", op)
		return nil
	}
	tensor := func(m *protos.ModelProto, name string) *protos.TensorProto {
		for _, i := range m.Graph.Initializer {
			if i.Name == name {
				return i
			}
		}
		t.Fatalf("no %s", name)
		return nil
	}
	// ofWeight is the first DequantizeLinear behind whole numbers of rank 4.
	ofWeight := func(m *protos.ModelProto) (*protos.NodeProto, *protos.TensorProto) {
		for _, n := range m.Graph.Node {
			for _, i := range m.Graph.Initializer {
				if n.OpType == "DequantizeLinear" && i.Name == n.Input[0] && len(i.Dims) == 4 {
					return n, i
				}
			}
		}
		t.Fatal("no weights")
		return nil, nil
	}
	for name, c := range map[string]struct {
		edit func(m *protos.ModelProto)
		want string
	}{
		"as it is": {func(*protos.ModelProto) {}, ""},
		"a scale of 0": {func(m *protos.ModelProto) {
			s := tensor(m, first(m, "QuantizeLinear").Input[1])
			s.RawData, s.FloatData = nil, make([]float32, 1)
		}, "a scale of 0"},
		"two scales": {func(m *protos.ModelProto) {
			q := first(m, "QuantizeLinear")
			s, z := tensor(m, q.Input[1]), tensor(m, q.Input[2])
			s.RawData, s.FloatData, s.Dims = nil, []float32{1, 2}, []int64{2}
			z.RawData, z.Int32Data, z.Dims = nil, []int32{0, 0}, []int64{2}
		}, "an activation with 2 scales"},
		"another step back": {func(m *protos.ModelProto) {
			q := first(m, "QuantizeLinear")
			m.Graph.Initializer = append(m.Graph.Initializer, &protos.TensorProto{Name: "other", DataType: int32(protos.TensorProto_FLOAT), FloatData: []float32{9}})
			for _, n := range m.Graph.Node {
				if n.OpType == "DequantizeLinear" && n.Input[0] == q.Output[0] {
					n.Input[1] = "other"
				}
			}
		}, "differ from those of the DequantizeLinear"},
		"whole numbers elsewhere": {func(m *protos.ModelProto) {
			q := first(m, "QuantizeLinear")
			for _, n := range m.Graph.Node {
				if n.OpType == "DequantizeLinear" && n.Input[0] == q.Output[0] {
					n.OpType = "MaxPool"
				}
			}
		}, "go to a node MaxPool"},
		"no QuantizeLinear": {func(m *protos.ModelProto) {
			for _, n := range m.Graph.Node {
				if n.OpType == "QuantizeLinear" {
					n.OpType = "Floor"
				}
			}
		}, "has no QuantizeLinear before it"},
		"four bits": {func(m *protos.ModelProto) {
			n, w := ofWeight(m)
			w.DataType = int32(protos.TensorProto_INT4)
			tensor(m, n.Input[2]).DataType = int32(protos.TensorProto_INT4)
		}, "values of 4 bits, but there are"},
		"eight bits with a point": {func(m *protos.ModelProto) {
			n, w := ofWeight(m)
			w.DataType = int32(protos.TensorProto_FLOAT8E4M3FN)
			tensor(m, n.Input[2]).DataType = int32(protos.TensorProto_FLOAT8E4M3FN)
		}, "type FLOAT8E4M3FN"},
		"blocks without their scales": {func(m *protos.ModelProto) {
			n, _ := ofWeight(m)
			n.Attribute = append(n.Attribute, &protos.AttributeProto{Name: "block_size", Type: protos.AttributeProto_INT, I: 2})
		}, "scales of shape"},
		"bytes missing": {func(m *protos.ModelProto) {
			_, w := ofWeight(m)
			w.RawData = w.RawData[1:]
		}, "but there are"},
		"another axis": {func(m *protos.ModelProto) {
			n, _ := ofWeight(m)
			n.Attribute = []*protos.AttributeProto{{Name: "axis", Type: protos.AttributeProto_INT, I: 2}}
		}, "scales of shape"},
		"memory": {func(m *protos.ModelProto) {
			n, _ := ofWeight(m)
			for i := range 4000 {
				again := proto.CloneOf(n)
				again.Output[0] += strings.Repeat("'", i+1)
				m.Graph.Node = append([]*protos.NodeProto{again}, m.Graph.Node...)
			}
		}, "far more weights"},
		"memory claimed": {func(m *protos.ModelProto) {
			n, _ := ofWeight(m)
			m.Graph.Initializer = append(m.Graph.Initializer, &protos.TensorProto{Name: "unused", DataType: int32(protos.TensorProto_INT8), Dims: []int64{1 << 31}, RawData: []byte{1}})
			for i := range 4000 {
				again := proto.CloneOf(n)
				again.Output[0] += strings.Repeat("'", i+1)
				m.Graph.Node = append([]*protos.NodeProto{again}, m.Graph.Node...)
			}
		}, "far more weights"},
		"signed by its attribute": {func(m *protos.ModelProto) {
			for _, n := range m.Graph.Node {
				if n.OpType == "QuantizeLinear" {
					n.Input = n.Input[:2]
					n.Attribute = append(n.Attribute, &protos.AttributeProto{Name: "output_dtype", Type: protos.AttributeProto_INT, I: int64(protos.TensorProto_INT8)})
				} else if _, ok := strings.CutSuffix(n.Input[0], "_QuantizeLinear_Output"); ok && n.OpType == "DequantizeLinear" {
					n.Input = n.Input[:2]
				}
			}
		}, ""},
		"with a point by its attribute": {func(m *protos.ModelProto) {
			n := first(m, "QuantizeLinear")
			n.Input = n.Input[:2]
			n.Attribute = append(n.Attribute, &protos.AttributeProto{Name: "output_dtype", Type: protos.AttributeProto_INT, I: int64(protos.TensorProto_FLOAT8E5M2)})
		}, "type FLOAT8E5M2"},
		"a scale in a Constant": {func(m *protos.ModelProto) {
			n := first(m, "QuantizeLinear")
			s := tensor(m, n.Input[1])
			m.Graph.Node = append([]*protos.NodeProto{{OpType: "Constant", Output: []string{"constant scale"}, Attribute: []*protos.AttributeProto{{Name: "value", Type: protos.AttributeProto_TENSOR, T: s}}}}, m.Graph.Node...)
			n.Input[1] = "constant scale"
		}, ""},
		"steps of a number that is computed": { // as of attention's scale, from the sizes of queries
			func(m *protos.ModelProto) {
				q := first(m, "QuantizeLinear")
				at := slices.Index(m.Graph.Node, q)
				of := func(op string, out string, in ...string) *protos.NodeProto {
					return &protos.NodeProto{OpType: op, Input: in, Output: []string{out}}
				}
				cast := of("Cast", "size", "elements")
				cast.Attribute = []*protos.AttributeProto{{Name: "to", Type: protos.AttributeProto_INT, I: int64(protos.TensorProto_FLOAT)}}
				made := []*protos.NodeProto{of("Size", "elements", q.Input[0]), cast, of("QuantizeLinear", "steps", "size", q.Input[1], q.Input[2]),
					of("DequantizeLinear", "number", "steps", q.Input[1], q.Input[2]), of("Mul", "scaled", q.Input[0], "number")}
				q.Input[0] = "scaled"
				m.Graph.Node = slices.Insert(m.Graph.Node, at, made...)
			}, ""},
		"optimised": {func(m *protos.ModelProto) { m.Graph.Node[len(m.Graph.Node)/2].OpType = "QLinearConv" }, "QDQ form"},
	} {
		m := &protos.ModelProto{}
		if err := proto.Unmarshal(data, m); err != nil {
			t.Fatal(err)
		}
		c.edit(m)
		changed, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Parse(changed, nil)
		if err == nil {
			for _, i := range n.model.Graph.Initializer {
				if len(i.Dims) == 4 && hasData(i) {
					t.Errorf("%s: the skeleton has the values of %s", name, i.Name)
				}
			}
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
