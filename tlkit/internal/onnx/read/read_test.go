package read

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/proto"
)

func TestOpen(t *testing.T) {
	for name, want := range map[string]struct {
		stages string
		head   string
		values int
		keys   []string // some of them
	}{
		"resnet":        {"conv1 layer1 layer2", "fc", 14, []string{"fc.weight", "fc.bias", "onnx::Conv_63"}},
		"resnet_bn":     {"conv1 bn1 layer1 layer2", "fc", 32, []string{"layer2.0.bn2.running_var", "layer1.0.conv1.weight"}},
		"resnet_batch1": {"conv1 layer1 layer2", "fc", 14, nil},
		"mobile":        {"stem dw fc1 a", "classifier", 14, []string{"fc2.weight", "b.bias"}},
		"external":      {"conv1 layer1 layer2", "fc", 14, nil},
		"vit":           {"proj norm1 norm2 norm", "head", 16, []string{"token", "pos", "onnx::MatMul_126"}},
	} {
		n, err := Open(filepath.Join("testdata", name+".onnx"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(n.Stages, " "); got != want.stages || n.HeadKey != want.head || n.InputSize != 32 {
			t.Errorf("%s: stages %q, head %q, images of %d; want %q, %q, 32", name, got, n.HeadKey, n.InputSize, want.stages, want.head)
		}
		sd, done, err := n.StateDict()
		if err != nil || sd.Len() != want.values {
			t.Errorf("%s: %d values (%v), want %d", name, sd.Len(), err, want.values)
		}
		for _, k := range want.keys {
			if _, ok := sd.Get(k); !ok {
				t.Errorf("%s: no %s among %q", name, k, sd.Keys())
			}
		}
		done()
	}
}

// change reads a fixture, changes it and parses it again.
// TestOrder: nodes in any order make the same network.
func TestOrder(t *testing.T) {
	if err := change(t, "resnet", func(m *protos.ModelProto) { slices.Reverse(m.Graph.Node) }); err != nil {
		t.Error(err)
	}
}

func change(t *testing.T, name string, edit func(m *protos.ModelProto)) error {
	t.Helper()
	_, err := changed(t, name, edit)
	return err
}

func changed(t *testing.T, name string, edit func(m *protos.ModelProto), opts ...Options) (*Net, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	m := &protos.ModelProto{}
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	edit(m)
	if data, err = proto.Marshal(m); err != nil {
		t.Fatal(err)
	}
	open := func(name string) (io.ReaderAt, int64, error) { return strings.NewReader("short"), 5, nil }
	if len(opts) > 0 {
		return parse(data, open, opts[0])
	}
	return Parse(data, open)
}

func attribute(m *protos.ModelProto, op, name string) *protos.AttributeProto {
	for _, n := range m.Graph.Node {
		if n.OpType != op {
			continue
		}
		for _, a := range n.Attribute {
			if a.Name == name {
				return a
			}
		}
	}
	panic("the fixture has no " + op + " with " + name)
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, fixture string
		edit          func(m *protos.ModelProto)
		want          string
	}{
		{"no graph", "resnet", func(m *protos.ModelProto) { m.Graph = nil }, "no graph"},
		{"functions", "resnet", func(m *protos.ModelProto) { m.Functions = []*protos.FunctionProto{{}} }, "functions"},
		{"two inputs", "resnet", func(m *protos.ModelProto) {
			m.Graph.Input = append(m.Graph.Input, &protos.ValueInfoProto{Name: "mask"})
			m.Graph.Node[1].Input = append(m.Graph.Node[1].Input, "mask")
		}, "2 inputs"},
		{"no shape", "resnet", func(m *protos.ModelProto) { m.Graph.Input[0].Type.GetTensorType().Shape = nil }, "says nothing of its shape"},
		{"a segmentation", "resnet", func(m *protos.ModelProto) {
			head := m.Graph.Node[len(m.Graph.Node)-1]
			head.OpType, head.Attribute, head.Input[0] = "Conv", nil, m.Graph.Node[len(m.Graph.Node)-3].Input[0]
			for _, i := range m.Graph.Initializer {
				if i.Name == head.Input[1] {
					i.Dims = append(i.Dims, 1, 1)
				}
			}
		}, "as networks of segmentation have"},
		{"no output", "resnet", func(m *protos.ModelProto) { m.Graph.Output = nil }, "no output"},
		{"images of four channels", "resnet", func(m *protos.ModelProto) { dim(m, 1).Value = size(4) }, "[0 4 32 32]"},
		{"oblong images", "resnet", func(m *protos.ModelProto) { dim(m, 2).Value = size(64) }, "64x32"},
		{"huge images", "resnet", func(m *protos.ModelProto) { dim(m, 2).Value = size(1 << 40) }, "axis of length"},
		{"a circle", "resnet", func(m *protos.ModelProto) { m.Graph.Node[0].Input[0] = m.Graph.Node[5].Output[0] }, "no result of a node before"},
		{"an output of itself", "resnet", func(m *protos.ModelProto) { circle(m.Graph, "Identity") }, "no result of a node before"},
		{"a label of itself", "resnet", func(m *protos.ModelProto) { circle(m.Graph, "ArgMax") }, "no result of a node before"},
		{"an output in a circle of two", "resnet", func(m *protos.ModelProto) { circle(m.Graph, "Reshape", "Cast") }, "no result of a node before"},
		{"a label in a circle of two", "resnet", func(m *protos.ModelProto) { circle(m.Graph, "Identity", "ArgMax") }, "no result of a node before"},
		{"images of bytes", "resnet", func(m *protos.ModelProto) {
			m.Graph.Input[0].Type.GetTensorType().ElemType = int32(protos.TensorProto_UINT8)
		}, "is of type UINT8 with 4 axes; expected float with four, [batch, 3, height, width]: export the network without the step"},
		{"made twice", "resnet", func(m *protos.ModelProto) { m.Graph.Node[1].Output = m.Graph.Node[0].Output }, "made twice"},
		{"no head", "resnet", func(m *protos.ModelProto) { m.Graph.Output[0].Name = "/Flatten_output_0" }, "linear layer"},
		{"half floats", "resnet", func(m *protos.ModelProto) {
			m.Graph.Initializer[2].DataType = int32(protos.TensorProto_FLOAT16)
		}, "of 16 bits, but there are"},
		{"too few values", "resnet", func(m *protos.ModelProto) { m.Graph.Initializer[2].RawData = m.Graph.Initializer[2].RawData[:8] }, "8 bytes"},
		{"claims too much", "resnet", func(m *protos.ModelProto) { m.Graph.Initializer[2].Dims[0] = 1 << 40 }, "is none"},
		{"negative", "resnet", func(m *protos.ModelProto) { m.Graph.Initializer[2].Dims[0] = -8 }, "is none"},
		{"strides", "resnet", func(m *protos.ModelProto) { attribute(m, "Conv", "strides").Ints = []int64{0, 0} }, "node"},
		{"groups", "resnet", func(m *protos.ModelProto) { attribute(m, "Conv", "group").I = 7 }, "groups"},
		{"an axis found by fuzzing", "vit", func(m *protos.ModelProto) { attribute(m, "LayerNormalization", "axis").I = -62277025793 }, "attribute axis"},
		{"elsewhere", "external", func(m *protos.ModelProto) {
			for _, t := range m.Graph.Initializer {
				for _, e := range t.ExternalData {
					if e.Key == "location" {
						e.Value = "../../../../etc/passwd"
					}
				}
			}
		}, "only files in the folder of the .onnx file are read: export the network anew"},
		{"short neighbour", "external", func(m *protos.ModelProto) {}, "right file"},
	} {
		if err := change(t, tt.fixture, tt.edit); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

// circle makes the graph's output one of nodes in a circle.
func circle(g *protos.GraphProto, ops ...string) {
	for i, op := range ops {
		g.Node = append(g.Node, &protos.NodeProto{OpType: op, Input: []string{fmt.Sprint("circle", (i+1)%len(ops))}, Output: []string{fmt.Sprint("circle", i)}})
	}
	g.Output[0].Name = "circle0"
}

func dim(m *protos.ModelProto, axis int) *protos.TensorShapeProto_Dimension {
	return m.Graph.Input[0].Type.GetTensorType().Shape.Dim[axis]
}

func size(n int64) *protos.TensorShapeProto_Dimension_DimValue {
	return &protos.TensorShapeProto_Dimension_DimValue{DimValue: n}
}

// TestBomb: a megabyte of empty nodes would be half a gigabyte of structs.
func TestBomb(t *testing.T) {
	graph := slices.Repeat([]byte{0x0a, 0x00}, 500_000)
	data := append([]byte{0x3a, 0xc0, 0x84, 0x3d}, graph...) // field 7, of 1,000,000 bytes
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Parse(data, nil)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("error %v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 20<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

// TestFolder: weights are read from the .onnx file's folder and from folders within it, and from nowhere else.
func TestFolder(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "external.onnx.data"))
	if err != nil {
		t.Fatal(err)
	}
	graph, err := os.ReadFile(filepath.Join("testdata", "external.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, location string
		prepare        func(dir, outside string) error
		want           string // an error, or none
	}{
		{"beside", "w.data", func(dir, _ string) error { return os.WriteFile(filepath.Join(dir, "w.data"), data, 0o600) }, ""},
		{"within", "sub/w.data", func(dir, _ string) error {
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "sub", "w.data"), data, 0o600)
		}, ""},
		{"link within", "link.data", func(dir, _ string) error {
			if err := os.WriteFile(filepath.Join(dir, "w.data"), data, 0o600); err != nil {
				return err
			}
			return os.Symlink("w.data", filepath.Join(dir, "link.data"))
		}, ""},
		{"link out", "w.data", func(dir, outside string) error { return os.Symlink(outside, filepath.Join(dir, "w.data")) }, "only files in the folder of the .onnx file are read, so copy it there"},
		{"folder linked out", "sub/outside.data", func(dir, outside string) error {
			return os.Symlink(filepath.Dir(outside), filepath.Join(dir, "sub"))
		}, "copy it there"},
		{"parent", "../outside.data", func(string, string) error { return nil }, "only files in the folder of the .onnx file are read: export the network anew"},
		{"absent", "w.data", func(string, string) error { return nil }, "its values are in the file w.data: file does not exist; copy w.data into the folder"},
		{"a folder", "w.data", func(dir, _ string) error { return os.Mkdir(filepath.Join(dir, "w.data"), 0o700) }, "no regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			above := t.TempDir()
			dir, outside := filepath.Join(above, "model"), filepath.Join(above, "outside.data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(outside, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(dir, outside); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "m.onnx")
			writeChanged(t, path, graph, func(tensor *protos.TensorProto) {
				for _, e := range tensor.ExternalData {
					if e.Key == "location" {
						e.Value = tt.location
					}
				}
			})
			n, err := Open(path)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "statat") {
					t.Errorf("error %v, want one with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, done, err := n.StateDict()
			if err != nil {
				t.Fatal(err)
			}
			done()
		})
	}
}

// writeChanged writes a fixture whose initializers were changed.
func writeChanged(t *testing.T, path string, data []byte, edit func(tensor *protos.TensorProto)) {
	t.Helper()
	m := &protos.ModelProto{}
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	for _, tensor := range m.Graph.Initializer {
		edit(tensor)
	}
	data, err := proto.Marshal(m)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnknownOperators: operators that are often met say what to do.
func TestUnknownOperators(t *testing.T) {
	for op, want := range map[string]string{
		"QLinearConv": "QDQ form", "DequantizeLinear": "expected a value, a scale", "ConvInteger": "before quantisation", "Loop": "fixed size",
		"NonMaxSuppression": "detector", "FusedConv": "before optimisation", "OneHot": "can't be imported: OneHot",
	} {
		err := change(t, "resnet", func(m *protos.ModelProto) { m.Graph.Node[1].OpType = op })
		if err == nil || !strings.Contains(err.Error(), op) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", op, err, want)
		}
	}
	err := change(t, "resnet", func(m *protos.ModelProto) {
		m.Graph.Node[1].OpType, m.Graph.Node[2].OpType = "QLinearConv", "DequantizeLinear"
	})
	if err == nil || !strings.Contains(err.Error(), "can't be imported: QLinearConv; the network") {
		t.Errorf("QLinearConv beside DequantizeLinear: error %v", err)
	}
	for domain, want := range map[string]string{"com.microsoft.nchwc": "ONNX Runtime's own", "ai.onnx.ml": "other methods than networks", "mine": "write the modules"} {
		err := change(t, "resnet", func(m *protos.ModelProto) { m.Graph.Node[0].Domain = domain })
		if err == nil || !strings.Contains(err.Error(), "can't be imported: Conv") || !strings.Contains(err.Error(), want) {
			t.Errorf("Conv of %s: error %v, want one with %q", domain, err, want)
		}
	}
}

// TestOneOutput: a network with one logit is named as such.
func TestOneOutput(t *testing.T) {
	err := change(t, "resnet", func(m *protos.ModelProto) {
		head := m.Graph.Node[len(m.Graph.Node)-1]
		for _, i := range m.Graph.Initializer {
			switch {
			case i.Name == head.Input[1]:
				i.RawData, i.Dims[0] = i.RawData[:4*i.Dims[1]], 1
			case i.Name == head.Input[2]:
				i.RawData, i.Dims[0] = i.RawData[:4], 1
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "has one output; expected one for each of two classes or more") {
		t.Errorf("error %v", err)
	}
}

// TestSeveralOutputs: of several outputs the one with the logits is taken and named, or all are refused.
func TestSeveralOutputs(t *testing.T) {
	square := func(g *protos.GraphProto, name, of string, size int) *protos.NodeProto { // a linear layer of size outputs
		g.Initializer = append(g.Initializer, initializer(name+".weight", make([]float64, size*size), size, size))
		return &protos.NodeProto{OpType: "Gemm", Input: []string{of, name + ".weight"}, Output: []string{name},
			Attribute: []*protos.AttributeProto{{Name: "transB", Type: protos.AttributeProto_INT, I: 1}}}
	}
	output := func(name string) *protos.ValueInfoProto { return &protos.ValueInfoProto{Name: name} }
	twoLayers := func(g *protos.GraphProto, head *protos.NodeProto, features int) {
		g.Node = append(g.Node, square(g, "embedding", head.Input[0], features))
		head.Output[0] = "scores"
		g.Output = []*protos.ValueInfoProto{output("embedding"), output("scores")}
	}
	for _, tt := range []struct {
		name   string
		chosen string
		edit   func(g *protos.GraphProto, head *protos.NodeProto, features int)
		note   string
		error  string
	}{
		{"features first", "", func(g *protos.GraphProto, head *protos.NodeProto, _ int) {
			g.Output = []*protos.ValueInfoProto{output(head.Input[0]), g.Output[0]}
		}, "is taken for the logits", ""},
		{"embedding before the logits", "", func(g *protos.GraphProto, head *protos.NodeProto, features int) {
			g.Node = slices.Insert(g.Node, len(g.Node)-1, square(g, "embedding", head.Input[0], features))
			head.Input[0] = "embedding"
			g.Output = []*protos.ValueInfoProto{output("embedding"), g.Output[0]}
		}, `of its outputs "embedding", `, ""},
		{"embedding beside the logits", "", twoLayers, "", `the graph has the outputs "embedding", "scores", `},
		{"two layers, one chosen", "scores", twoLayers, "", ""},
		{"two layers, another chosen", "scroes", twoLayers, "", `no output "scroes" (LoadOptions.Output); expected one of "embedding", "scores"`},
		{"logits by name", "", func(g *protos.GraphProto, head *protos.NodeProto, features int) {
			g.Node = append(g.Node, square(g, "embedding", head.Input[0], features))
			head.Output[0] = "Logits"
			g.Output = []*protos.ValueInfoProto{output("embedding"), output("Logits")}
		}, `of its outputs "embedding", "Logits", "Logits" is taken for the logits`, ""},
		{"probabilities beside the logits", "", func(g *protos.GraphProto, head *protos.NodeProto, _ int) {
			g.Node = append(g.Node, &protos.NodeProto{OpType: "Softmax", Input: []string{head.Output[0]}, Output: []string{"p"}})
			g.Output = []*protos.ValueInfoProto{output("p"), g.Output[0]}
		}, `"p" is taken`, ""},
		{"a sigmoid", "", func(g *protos.GraphProto, head *protos.NodeProto, _ int) {
			g.Node = append(g.Node, &protos.NodeProto{OpType: "Sigmoid", Input: []string{head.Output[0]}, Output: []string{"p"}})
			g.Output = []*protos.ValueInfoProto{output("p")}
		}, "it ends in a Sigmoid", ""},
		{"an activation", "", func(g *protos.GraphProto, head *protos.NodeProto, _ int) {
			g.Node = append(g.Node, &protos.NodeProto{OpType: "Relu", Input: []string{head.Output[0]}, Output: []string{"p"}})
			g.Output = []*protos.ValueInfoProto{output("p")}
		}, "", "put nn.Identity() in the place of this activation"},
		{"a cosine", "", func(g *protos.GraphProto, head *protos.NodeProto, _ int) {
			g.Node = append(g.Node, &protos.NodeProto{OpType: "Cos", Input: []string{head.Output[0]}, Output: []string{"p"}})
			g.Output = []*protos.ValueInfoProto{output("p")}
		}, "", "put nn.Linear in that place"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := 0
			n, err := changed(t, "resnet", func(m *protos.ModelProto) {
				head := m.Graph.Node[len(m.Graph.Node)-1]
				for _, i := range m.Graph.Initializer {
					if i.Name == head.Input[1] {
						want = int(i.Dims[0])
						tt.edit(m.Graph, head, int(i.Dims[1]))
						return
					}
				}
				t.Fatal("no output layer")
			}, Options{Output: tt.chosen})
			if (err != nil) != (tt.error != "") || err != nil && !strings.Contains(err.Error(), tt.error) {
				t.Fatalf("error %v, want %q", err, tt.error)
			}
			if err == nil && (n.Classes != want || !strings.Contains(strings.Join(n.Notes, "\n"), tt.note)) {
				t.Errorf("%d classes, want %d; notes %q, want %q", n.Classes, want, n.Notes, tt.note)
			}
		})
	}
}

// TestSkeletonOfAnySize: a run is known by the bytes of its graph, and runs of networks whose file leaves the size of
// images open were made with graphs that leave it open, too. A graph keeps a size that is not the usual one.
func TestSkeletonOfAnySize(t *testing.T) {
	for _, c := range []struct {
		height, width, asked int64
		wanted               [2]int64
	}{
		{0, 0, 0, [2]int64{0, 0}},
		{0, 0, usualSize, [2]int64{0, 0}},
		{0, 0, 64, [2]int64{64, 64}},
		{0, 96, 0, [2]int64{0, 96}},
		{32, 32, 64, [2]int64{32, 32}},
	} {
		data, err := os.ReadFile(filepath.Join("testdata", "resnet.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := unmarshal(data)
		if err != nil {
			t.Fatal(err)
		}
		dim(m, 2).Value, dim(m, 3).Value = size(c.height), size(c.width)
		if data, err = proto.Marshal(m); err != nil {
			t.Fatal(err)
		}
		n, err := parse(data, nil, Options{Size: int(c.asked)})
		if err != nil {
			t.Fatal(err)
		}
		skeleton, err := n.Skeleton()
		if err != nil {
			t.Fatal(err)
		}
		kept, err := unmarshal(skeleton)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]int64{dim(kept, 2).GetDimValue(), dim(kept, 3).GetDimValue()}; got != c.wanted {
			t.Errorf("%dx%d for %d: the graph has %v, want %v", c.height, c.width, c.asked, got, c.wanted)
		}
		if back, err := FromSkeleton(skeleton); err != nil || back.InputSize != n.InputSize {
			t.Errorf("%dx%d for %d: images of another size than %d after reading the graph (%v)", c.height, c.width, c.asked, n.InputSize, err)
		}
	}
}

// TestExternalConstant: shapes and axes may lie in the file beside the .onnx file, too.
func TestExternalConstant(t *testing.T) {
	archive, err := zip.OpenReader(filepath.Join("testdata", "today.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	graph, err := fs.ReadFile(archive, "tv_vit.onnx")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var values []byte
	path := filepath.Join(dir, "m.onnx")
	writeChanged(t, path, graph, func(tensor *protos.TensorProto) {
		if isVariable(tensor) || len(tensor.RawData) == 0 {
			return
		}
		tensor.DataLocation = protos.TensorProto_EXTERNAL
		tensor.ExternalData = []*protos.StringStringEntryProto{{Key: "location", Value: "w.data"}, {Key: "offset", Value: fmt.Sprint(len(values))},
			{Key: "length", Value: fmt.Sprint(len(tensor.RawData))}}
		values = append(values, tensor.RawData...)
		tensor.RawData = nil
	})
	if len(values) == 0 {
		t.Fatal("the fixture has no constants")
	}
	if err := os.WriteFile(filepath.Join(dir, "w.data"), values, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	skeleton, err := n.Skeleton()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FromSkeleton(skeleton); err != nil {
		t.Errorf("the network without its weights lacks constants: %v", err)
	}
}

func TestPositions(t *testing.T) {
	const most = 1<<63 - 1
	for _, tt := range []struct {
		start, end, step, n int64
		want                []int
	}{
		{0, most, 1, 3, []int{0, 1, 2}},
		{-2, most, 1, 3, []int{1, 2}},
		{0, -1, 2, 5, []int{0, 2}},
		{-1, -most, -1, 3, []int{2, 1, 0}},
		{most, 0, -1, 3, []int{2, 1}},
		{2, 1, 1, 3, nil},
		{0, most, most, 3, []int{0}},
	} {
		if got := positions(tt.start, tt.end, tt.step, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("positions(%d, %d, %d, %d) = %v, want %v", tt.start, tt.end, tt.step, tt.n, got, tt.want)
		}
	}
}

func TestWhole(t *testing.T) {
	w := whole{v: []int64{1, 2, 3, 4, 5, 6}, dims: []int{2, 3}}
	if got := w.transposed([]int{1, 0}); !slices.Equal(got.v, []int64{1, 4, 2, 5, 3, 6}) || !slices.Equal(got.dims, []int{3, 2}) {
		t.Errorf("transposed: %v", got)
	}
	if got := w.pick(0, []int{1, 0}); !slices.Equal(got.v, []int64{4, 5, 6, 1, 2, 3}) {
		t.Errorf("rows turned round: %v", got)
	}
	if got := w.pick(1, []int{2}); !slices.Equal(got.v, []int64{3, 6}) || !slices.Equal(got.dims, []int{2, 1}) {
		t.Errorf("the last column: %v", got)
	}
}

// TestFixedByName: weights and biases of PyTorch's modules are parameters, whatever their values at export.
func TestFixedByName(t *testing.T) {
	archive, err := zip.OpenReader(filepath.Join("testdata", "operators.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, tt := range []struct {
		net, old, name string
		constant       bool
	}{
		{"fixed_blur", "w3", "blur.filt", true},
		{"fixed_blur", "w3", "depthwise.weight", false},
		{"fixed_mean", "w1", "mean", true},
		{"fixed_mean", "w1", "shift.bias", false},
		{"fixed_mask", "w7", "attention.mask", true},
		{"fixed_mask", "w7", "attention.bias", false},
	} {
		data, err := fs.ReadFile(archive, tt.net+".onnx")
		m := &protos.ModelProto{}
		if err == nil {
			err = proto.Unmarshal(data, m)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range m.Graph.Initializer {
			if i.Name == tt.old {
				i.Name = tt.name
			}
		}
		for _, n := range m.Graph.Node {
			for i, in := range n.Input {
				if in == tt.old {
					n.Input[i] = tt.name
				}
			}
		}
		if data, err = proto.Marshal(m); err != nil {
			t.Fatal(err)
		}
		n, err := Parse(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, constant := n.Constant(tt.name)
		if constant != tt.constant || (n.vars[tt.name] != nil) == constant {
			t.Errorf("%s in %s: constant %v, want %v", tt.name, tt.net, constant, tt.constant)
		}
	}
}
