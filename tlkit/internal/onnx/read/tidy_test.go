package read

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
)

// TestTidy: forms that converters write beside that of today's exporters are the same network, with the same weights.
func TestTidy(t *testing.T) {
	entries := func(n *Net) map[string][]float32 {
		t.Helper()
		sd, done, err := n.StateDict()
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		all := map[string][]float32{}
		for _, e := range sd.Entries() {
			values, err := e.Float32()
			if err != nil {
				t.Fatal(err)
			}
			all[e.Key] = slices.Clone(values)
		}
		return all
	}
	const fixture = "resnet_bn"
	plain, err := changed(t, fixture, func(*protos.ModelProto) {})
	if err != nil {
		t.Fatal(err)
	}
	want := entries(plain)
	node := func(op string, out []string, in ...string) *protos.NodeProto {
		return &protos.NodeProto{OpType: op, Input: in, Output: out}
	}
	beforeHead := func(g *protos.GraphProto, made *protos.NodeProto) {
		head := g.Node[len(g.Node)-1]
		made.Input = slices.Insert(made.Input, 0, head.Input[0])
		head.Input[0] = made.Output[0]
		g.Node = slices.Insert(g.Node, len(g.Node)-1, made)
	}
	atEnd := func(g *protos.GraphProto, made *protos.NodeProto) {
		made.Input = slices.Insert(made.Input, 0, g.Output[0].Name)
		g.Node, g.Output[0].Name = append(g.Node, made), made.Output[0]
	}
	to := func(kind protos.TensorProto_DataType) []*protos.AttributeProto {
		return []*protos.AttributeProto{{Name: "to", Type: protos.AttributeProto_INT, I: int64(kind)}}
	}
	for _, tt := range []struct {
		name string
		edit func(g *protos.GraphProto)
		note string // a part of the notes
	}{
		{"weights in nodes", func(g *protos.GraphProto) {
			var nodes []*protos.NodeProto
			for _, i := range g.Initializer {
				n := node("Constant", []string{i.Name})
				n.Attribute = []*protos.AttributeProto{{Name: "value", Type: protos.AttributeProto_TENSOR, T: i}}
				nodes = append(nodes, n)
			}
			g.Node, g.Initializer = append(nodes, g.Node...), nil
		}, ""},
		{"an input that nothing uses", func(g *protos.GraphProto) {
			g.Input = append(g.Input, &protos.ValueInfoProto{Name: "keras_learning_phase"})
		}, ""},
		{"dropout of a training, with its mask", func(g *protos.GraphProto) {
			g.Initializer = append(g.Initializer, &protos.TensorProto{Name: "ratio", DataType: int32(protos.TensorProto_FLOAT), FloatData: []float32{0.5}},
				&protos.TensorProto{Name: "training", DataType: int32(protos.TensorProto_BOOL), Int32Data: []int32{1}})
			beforeHead(g, node("Dropout", []string{"dropped", "mask"}, "ratio", "training"))
		}, `exported as it is in training (Dropout ("dropped"))`},
		{"batch normalisation of a training", func(g *protos.GraphProto) {
			for _, n := range g.Node {
				if n.OpType == "BatchNormalization" {
					n.Attribute = append(n.Attribute, &protos.AttributeProto{Name: "training_mode", Type: protos.AttributeProto_INT, I: 1})
					n.Output = append(n.Output, n.Output[0]+"_mean", n.Output[0]+"_var")
				}
			}
		}, "exported as it is in training (BatchNormalization"},
		{"a Cast to what it is", func(g *protos.GraphProto) {
			cast := node("Cast", []string{"cast"})
			cast.Attribute = to(protos.TensorProto_FLOAT)
			atEnd(g, node("Softmax", []string{"shares"}))
			atEnd(g, cast)
		}, ""},
		{"float64", func(g *protos.GraphProto) {
			for i, x := range g.Initializer {
				if x.DataType != int32(protos.TensorProto_FLOAT) {
					continue
				}
				x.DataType = int32(protos.TensorProto_DOUBLE)
				var raw []byte
				for b := range slices.Chunk(x.RawData, 4) {
					v := float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
					raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
					x.DoubleData = append(x.DoubleData, v)
				}
				if x.RawData = nil; i%2 == 0 {
					x.RawData, x.DoubleData = raw, nil
				}
			}
			first := node("Cast", []string{"wide"}, g.Input[0].Name)
			first.Attribute = to(protos.TensorProto_DOUBLE)
			for _, n := range g.Node {
				for i, in := range n.Input {
					if in == g.Input[0].Name {
						n.Input[i] = "wide"
					}
				}
			}
			g.Node = slices.Insert(g.Node, 0, first)
			back := node("Cast", []string{"narrow"})
			back.Attribute = to(protos.TensorProto_FLOAT)
			atEnd(g, back)
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := changed(t, fixture, func(m *protos.ModelProto) { tt.edit(m.Graph) })
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(n.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			skeleton, err := n.Skeleton()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := FromSkeleton(skeleton); err != nil {
				t.Errorf("from its skeleton: %v", err)
			}
			got := entries(n)
			for key, values := range want {
				if !slices.Equal(got[key], values) {
					t.Errorf("%s: %d values, want %d, or others", key, len(got[key]), len(values))
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d tensors, want %d", len(got), len(want))
			}
		})
	}
}

// TestFewerInputs: a node without some of its inputs or outputs ends in an error about the file, not in
// one of the reader.
func TestFewerInputs(t *testing.T) {
	training := &protos.AttributeProto{Name: "training_mode", Type: protos.AttributeProto_INT, I: 1}
	extra := []*protos.NodeProto{ // operators that the fixtures lack
		{OpType: "BatchNormalization", Output: []string{"more"}, Attribute: []*protos.AttributeProto{training}},
		{OpType: "Dropout", Output: []string{"more", "mask"}}, {OpType: "Cast", Output: []string{"more"}}, {OpType: "Constant", Output: []string{"more"}},
	}
	for _, fixture := range []string{"resnet", "vit"} {
		nodes := 0
		if _, err := changed(t, fixture, func(m *protos.ModelProto) { nodes = len(m.Graph.Node) }); err != nil {
			t.Fatal(err)
		}
		tried := func(what string, edit func(m *protos.ModelProto)) {
			if err := change(t, fixture, edit); err != nil && strings.Contains(err.Error(), "the reader failed") {
				t.Errorf("%s, %s: %v", fixture, what, err)
			}
		}
		for i := range nodes {
			for keep := range 3 {
				tried(fmt.Sprintf("node %d with %d inputs", i, keep), func(m *protos.ModelProto) {
					n := m.Graph.Node[i]
					n.Input = n.Input[:min(keep, len(n.Input))]
				})
			}
			tried(fmt.Sprintf("node %d without attributes", i), func(m *protos.ModelProto) { m.Graph.Node[i].Attribute = nil })
			tried(fmt.Sprintf("node %d without outputs", i), func(m *protos.ModelProto) { m.Graph.Node[i].Output = nil })
			for _, n := range extra {
				tried(fmt.Sprintf("%s before node %d", n.OpType, i), func(m *protos.ModelProto) {
					m.Graph.Node = slices.Insert(m.Graph.Node, i, n)
					if len(m.Graph.Node[i+1].Input) > 0 {
						m.Graph.Node[i+1].Input[0] = "more"
					}
				})
			}
		}
	}
}
