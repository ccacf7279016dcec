package weights

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// onnxFile marshals a model with the given initializers, as other exporters write it.
func onnxFile(t testing.TB, tensors ...*onnx.TensorProto) []byte {
	t.Helper()
	b, err := proto.Marshal(&onnx.ModelProto{IrVersion: 8, ProducerName: "other",
		MetadataProps: []*onnx.StringStringEntryProto{{Key: "k", Value: "v"}},
		Graph: &onnx.GraphProto{Name: "g", Initializer: tensors,
			Node: []*onnx.NodeProto{{OpType: "Relu", Input: []string{"x"}, Output: []string{"y"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestONNXRoundTrip: values of every type come back, the protocol buffer library agrees on what was written.
func TestONNXRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	f, err := NewTensor([]int{2, 3}, []float32{1, -2, 3.5, 0, 1e-30, 6})
	if err != nil {
		t.Fatal(err)
	}
	one, err := NewTensor(nil, []float32{7})
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewInt64Tensor([]int{2}, []int64{-1, 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	model := &onnx.ModelProto{IrVersion: 8, MetadataProps: []*onnx.StringStringEntryProto{{Key: "tlkit", Value: "{}"}},
		Graph: &onnx.GraphProto{Name: "g", Initializer: []*onnx.TensorProto{{Name: "before", DataType: 1, Dims: []int64{1}, FloatData: []float32{2}}}}}
	if err := WriteONNX(path, model, []Entry{{"w", f}, {"one", one}, {"n", n}}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back onnx.ModelProto
	if err := proto.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if g := back.Graph; g.Name != "g" || len(g.Initializer) != 4 || g.Initializer[1].Name != "w" || !slices.Equal(g.Initializer[1].Dims, []int64{2, 3}) {
		t.Errorf("the library reads %v", g)
	}
	sd, err := OpenONNX(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	if !slices.Equal(sd.Keys(), []string{"before", "w", "one", "n"}) || sd.Metadata["tlkit"] != "{}" || sd.Format != "onnx" {
		t.Errorf("keys %q, metadata %v, format %q", sd.Keys(), sd.Metadata, sd.Format)
	}
	for key, want := range map[string][]float32{"before": {2}, "w": {1, -2, 3.5, 0, 1e-30, 6}, "one": {7}} {
		tensor, _ := sd.Get(key)
		if got, err := tensor.Float32(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s = %v, %v; want %v", key, got, err, want)
		}
	}
	numbers, _ := sd.Get("n")
	if got, err := numbers.Int64(); err != nil || !slices.Equal(got, []int64{-1, 1 << 40}) {
		t.Errorf("n = %v, %v", got, err)
	}
}

func TestONNXBad(t *testing.T) {
	good := onnxFile(t, &onnx.TensorProto{Name: "w", DataType: 1, Dims: []int64{2}, RawData: make([]byte, 8)})
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "no graph"},
		{"text", []byte("this is no model"), "byte 0"},
		{"cut", good[:len(good)-3], "cut short"},
		{"no weights", onnxFile(t), "initializers"},
		{"short data", onnxFile(t, &onnx.TensorProto{Name: "w", DataType: 1, Dims: []int64{3}, RawData: make([]byte, 8)}), "8 bytes for shape [3]"},
		{"negative", onnxFile(t, &onnx.TensorProto{Name: "w", DataType: 1, Dims: []int64{-3}, RawData: make([]byte, 8)}), "initializer"},
		{"huge", onnxFile(t, &onnx.TensorProto{Name: "w", DataType: 1, Dims: []int64{1 << 39, 1 << 39}, RawData: make([]byte, 8)}), "initializer"},
		{"twice", onnxFile(t, &onnx.TensorProto{Name: "w", DataType: 1, RawData: make([]byte, 4)}, &onnx.TensorProto{Name: "w", DataType: 1, RawData: make([]byte, 4)}), "twice"},
		{"external", onnxFile(t, &onnx.TensorProto{Name: "w", DataType: 1, Dims: []int64{2}, DataLocation: onnx.TensorProto_EXTERNAL}), "another file"},
		{"group", protowire.AppendTag(nil, 3, protowire.StartGroupType), "kind"},
	} {
		_, err := openONNX(bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	tensor, err := NewTensor([]int{1}, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	err = WriteONNX(path, &onnx.ModelProto{Graph: &onnx.GraphProto{}}, []Entry{{"w", tensor}, {"w", tensor}})
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a key twice: %v", err)
	}
}

// FuzzOpenONNX: see fuzzOpen; the parser of initializers has the same duties.
func FuzzOpenONNX(f *testing.F) {
	f.Add(onnxFile(f, &onnx.TensorProto{Name: "w", DataType: 1, Dims: []int64{2}, RawData: make([]byte, 8)}))
	f.Add(onnxFile(f, &onnx.TensorProto{Name: "f", DataType: 1, Dims: []int64{1, 2}, FloatData: []float32{1, 2}},
		&onnx.TensorProto{Name: "i", DataType: 7, Dims: []int64{1}, Int64Data: []int64{5}},
		&onnx.TensorProto{Name: "h", DataType: 10, Dims: []int64{3}, RawData: make([]byte, 6)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if sd, err := openONNX(bytes.NewReader(b), int64(len(b))); err == nil {
			for _, e := range sd.Entries() {
				if values, err := e.Float32(); err != nil || len(values) != e.Len() {
					t.Errorf("%q opened but can't be read: %d of %d values, %v", e.Key, len(values), e.Len(), err)
				}
			}
		}
		runtime.ReadMemStats(&after)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(4*memoryBase+4*memoryFactor*len(b)); got > limit {
			t.Errorf("allocated %d bytes for a file of %d", got, len(b))
		}
	})
}
