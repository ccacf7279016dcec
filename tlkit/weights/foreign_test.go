package weights

import (
	"strings"
	"testing"
)

// TestForeign: files of other formats are named for what they are, with what to do, and no more is claimed.
func TestForeign(t *testing.T) {
	for _, tt := range []struct{ name, content, want string }{
		{"m.h5", "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras, .h5); only PyTorch and safetensors files are read. In Python, convert the model to ONNX"},
		{"m.gguf", "GGUF\x03\x00\x00\x00", "a GGUF file"},
		{"m.tflite", "\x1c\x00\x00\x00TFL3\x00\x00", "a TensorFlow Lite model"},
		{"m.pte", "\x20\x00\x00\x00ET12\x00\x00", "an ExecuTorch program"},
		{"saved_model.pb", "\x08\x01\x12\xc2\x05\x1a\x05v2.0", "a protocol buffer that is no ONNX model, perhaps TensorFlow's SavedModel"},
		{"m.mlmodel", "\x08\x04\x12\x06\n\x04spec", "a protocol buffer that is no ONNX model"},
		{"m.onnx", "\x08\x0a\x12\x07pytorch\x1a\x042.15", "an ONNX model"},
		{"m.onnx, no producer", "\x08\x08\x3a\x20", "an ONNX model"},
		{"m.xml", `<?xml version="1.0"?><net name="m">`, "a model of OpenVINO (open the checkpoint that it was made from), or an error message"},
		{"index", `{"weight_map":{}}`, "OpenIndex"},
		{"other", "\x81\xa6params", "not a file of weights that can be read: it begins with bytes 81a6706172616d73"},
	} {
		if _, err := OpenBytes(tt.name, []byte(tt.content)); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.name) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	for _, tt := range []struct {
		name string
		zip  []byte
		want string
	}{
		{"program.pt2", zipFile(t, record{"program/archive_format", []byte("pt2")}, record{"program/data/sample_inputs/model.pt", nil}), "a program of torch.export"},
		{"w.zip", zipFile(t, record{"last.ckpt", nil}), `unzip it and open "last.ckpt"`},
		{"m.keras", zipFile(t, record{"config.json", nil}, record{"model.weights.h5", nil}), "a Keras model"},
	} {
		if _, err := OpenBytes(tt.name, tt.zip); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}
