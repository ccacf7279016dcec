package read

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
)

// TestDecisions: what makes labels of the scores at the end of a classifier is left out and named, and the names of
// classes that are nowhere else become metadata.
func TestDecisions(t *testing.T) {
	node := func(op string, in []string, out ...string) *protos.NodeProto {
		return &protos.NodeProto{OpType: op, Input: in, Output: out}
	}
	ends := func(g *protos.GraphProto, outputs ...string) {
		g.Output = nil
		for _, o := range outputs {
			g.Output = append(g.Output, &protos.ValueInfoProto{Name: o})
		}
	}
	labels := [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d"), []byte("e")}
	named := &protos.TensorProto{Name: "labels", DataType: int32(protos.TensorProto_STRING), Dims: []int64{5}, StringData: labels}
	customVision := func(g *protos.GraphProto, logits string) {
		zip := node("ZipMap", []string{"p"}, "loss")
		zip.Domain, zip.Attribute = "ai.onnx.ml", []*protos.AttributeProto{{Name: "classlabels_strings", Type: protos.AttributeProto_STRINGS, Strings: labels}}
		g.Initializer = append(g.Initializer, named)
		g.Node = append(g.Node, node("Softmax", []string{logits}, "p"), node("ArgMax", []string{"p"}, "best"),
			node("ArrayFeatureExtractor", []string{"labels", "best"}, "label"), zip)
		ends(g, "label", "loss")
	}
	for _, tt := range []struct {
		name, output string
		edit         func(g *protos.GraphProto, logits string)
		note, labels string
	}{
		{"Custom Vision", "", customVision, "ArrayFeatureExtractor, ArgMax, ZipMap", `["a","b","c","d","e"]`},
		{"one of its outputs", "loss", customVision, "(ZipMap)", `["a","b","c","d","e"]`},
		{"the two best", "", func(g *protos.GraphProto, logits string) {
			g.Node = append(g.Node, node("TopK", []string{logits, "k"}, "values", "indices"))
			ends(g, "values", "indices")
		}, "(TopK)", ""},
		{"the best one, as a number", "", func(g *protos.GraphProto, logits string) {
			cast := node("Cast", []string{"i"}, "out")
			cast.Attribute = []*protos.AttributeProto{{Name: "to", Type: protos.AttributeProto_INT, I: int64(protos.TensorProto_INT32)}}
			g.Node = append(g.Node, node("ArgMax", []string{logits}, "i"), cast)
			ends(g, "out")
		}, "(ArgMax)", ""},
	} {
		n, err := changed(t, "resnet", func(m *protos.ModelProto) { tt.edit(m.Graph, m.Graph.Output[0].Name) }, Options{Output: tt.output})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if n.Classes != 5 || n.HeadKey != "fc" || n.Metadata[metadataLabels] != tt.labels ||
			!slices.ContainsFunc(n.Notes, func(note string) bool { return strings.Contains(note, tt.note) }) {
			t.Errorf("%s: %d classes, head %q, labels %q, notes %q", tt.name, n.Classes, n.HeadKey, n.Metadata[metadataLabels], n.Notes)
		}
		skeleton, err := n.Skeleton()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := FromSkeleton(skeleton); err != nil || again.Metadata[metadataLabels] != tt.labels {
			t.Errorf("%s: the graph kept with a run: %v", tt.name, err)
		}
	}
}

// TestFactorsOfGemm: the factors of a Gemm are those of its weights and of its bias.
func TestFactorsOfGemm(t *testing.T) {
	values := func(n *Net, key string) []float32 {
		sd, done, err := n.StateDict()
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		x, _ := sd.Get(key)
		v, err := x.Float32()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for key, factor := range map[string]float32{"fc.weight": 0.5, "fc.bias": 2} {
		plain, err := changed(t, "resnet", func(*protos.ModelProto) {})
		if err != nil {
			t.Fatal(err)
		}
		scaled, err := changed(t, "resnet", func(m *protos.ModelProto) {
			attribute(m, "Gemm", "alpha").F, attribute(m, "Gemm", "beta").F = 0.5, 2
		})
		if err != nil {
			t.Fatal(err)
		}
		want := values(plain, key)
		for i := range want {
			want[i] *= factor
		}
		if got := values(scaled, key); !slices.Equal(got, want) {
			t.Errorf("%s starts with %g, want %g", key, got[0], want[0])
		}
	}
}
