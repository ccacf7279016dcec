package read

import (
	"io"
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
		// The batch size, which the image gives and attention asks for, ties the first layer to the patches.
		"vit": {"proj norm2 norm", "head", 16, []string{"token", "pos", "onnx::MatMul_126"}},
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
func change(t *testing.T, name string, edit func(m *protos.ModelProto)) error {
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
	_, err = Parse(data, func(name string) (io.ReaderAt, int64, error) { return strings.NewReader("short"), 5, nil })
	return err
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
		}, "2 inputs"},
		{"no output", "resnet", func(m *protos.ModelProto) { m.Graph.Output = nil }, "no output"},
		{"grey images", "resnet", func(m *protos.ModelProto) { dim(m, 1).Value = size(1) }, "1 channels"},
		{"oblong images", "resnet", func(m *protos.ModelProto) { dim(m, 2).Value = size(64) }, "64x32"},
		{"huge images", "resnet", func(m *protos.ModelProto) { dim(m, 2).Value = size(1 << 40) }, "axis of length"},
		{"order", "resnet", func(m *protos.ModelProto) { slices.Reverse(m.Graph.Node) }, "no result of a node before"},
		{"made twice", "resnet", func(m *protos.ModelProto) { m.Graph.Node[1].Output = m.Graph.Node[0].Output }, "made twice"},
		{"no head", "resnet", func(m *protos.ModelProto) { m.Graph.Output[0].Name = "/Flatten_output_0" }, "linear layer"},
		{"half floats", "resnet", func(m *protos.ModelProto) {
			m.Graph.Initializer[2].DataType = int32(protos.TensorProto_FLOAT16)
		}, "FLOAT16"},
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
		}, "only files beside"},
		{"short neighbour", "external", func(m *protos.ModelProto) {}, "right file"},
	} {
		if err := change(t, tt.fixture, tt.edit); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
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
