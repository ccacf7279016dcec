package zoo_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestONNXGrey: a network for images of one channel has the logits of the one for three whose first kernel is its own
// for each channel, on grey images; they are said to get the mean of the channels.
func TestONNXGrey(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(onnxFixtures, "resnet.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	var m protos.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	m.Graph.Input[0].Type.GetTensorType().Shape.Dim[1].Value = &protos.TensorShapeProto_Dimension_DimValue{DimValue: 1}
	for _, i := range m.Graph.Initializer {
		if i.Name != m.Graph.Node[0].Input[1] {
			continue
		}
		taps := int(i.Dims[2] * i.Dims[3])
		var raw []byte
		for kernel := range slices.Chunk(i.RawData, 4*3*taps) {
			for at := range taps {
				sum := float32(0)
				for c := range 3 {
					sum += math.Float32frombits(binary.LittleEndian.Uint32(kernel[4*(c*taps+at):]))
				}
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(sum))
			}
		}
		i.Dims[1], i.RawData = 1, raw
	}
	if data, err = proto.Marshal(&m); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "grey.onnx")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]float32, 2*32*32*3)
	for i, v := range zootest.Uniform("input 0", 2*32*32) {
		pixels[3*i], pixels[3*i+1], pixels[3*i+2] = float32(v), float32(v), float32(v)
	}
	logits := func(path string) []float32 {
		t.Helper()
		model, err := zoo.Load(path, onnxPreprocess)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(model.Notes, "\n"); strings.Contains(notes, "one channel") != (filepath.Base(path) == "grey.onnx") {
			t.Errorf("%s: notes %q", path, notes)
		}
		got, err := zootest.Logits(engine.Backend, model, tensors.FromFlatDataAndDimensions(pixels, 2, 32, 32, 3))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want, got := logits(filepath.Join(onnxFixtures, "resnet.onnx")), logits(path)
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d < 1e-5) {
			t.Errorf("logit %d is %g, want %g", i, got[i], want[i])
		}
	}
}
