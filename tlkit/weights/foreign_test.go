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
		{"flax_model.msgpack", "\x81\xa6params\x82", "MessagePack, in which Flax and JAX keep weights (.msgpack)"},
		{"large.msgpack", "\xde\x01\x00\xd9\x05block\x82", "MessagePack"},
		{"frozen.pb", "\x0a\x2e\x0a\x05input\x12\x0bPlaceholder*\x0b", "a frozen graph of TensorFlow (.pb). In Python, convert"},
		{"m.caffemodel", "\x0a\x09ResNet-50\xa2\x06\x18", "perhaps a model of Caffe"},
		{"m.params", "\x12\x01\x00\x00\x00\x00\x00\x00\x00\x00", "MXNet (.params)"},
		{"m.engine", "ftrt\x00\x00", "an engine of TensorRT"},
		{"yolo.engine", "\x40\x00\x00\x00{\"stride\": 32}", "Ultralytics"},
		{"other.plan", "\x05\x06\x07\x88\x99", "by its name this is an engine of TensorRT"},
		{"saved_model.pb", "\x08\x01", "by its name (.pb) this is a model of another library"},
		{"m.caffemodel", "\x0a\x05resnet", "by its name (.caffemodel) this is a model of another library; only PyTorch and safetensors files are read. In Python, convert"},
		{"m.mnn", "\x05\x06\x07\x88\x99", "by its name (.mnn)"},
		{"m.ort", "\x10\x00\x00\x00ORTM", "ONNX Runtime's own format"},
		{"m.npy", "\x93NUMPY\x01", "a single NumPy array (.npy)"},
		{"m.onnx_data", "\x05\x06\x07\x88\x99", "load the .onnx file, with this one beside it"},
		{"model.onnx.data", "\x05\x06\x07\x88\x99", "load the .onnx file, with this one beside it"},
		{"model.ckpt.data-00000-of-00001", "\x05\x06\x07\x88\x99", "a part of a checkpoint of TensorFlow"},
		{"page.pth", "\n  <!DOCTYPE HTML>\n<html>", "a web page, not weights"},
		{"answer.pth", "Entry not found", "begins with \"Entry not found\""},
		{"other", "\x05\x06\x07\x88\x99", "not a file of weights that can be read: it begins with bytes 0506078899"},
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
		{"late.pt2", zipFile(t, record{"p/data/sample_inputs/model.pt", nil}, record{"p/archive_format", []byte("pt2")}), "a program of torch.export"},
		{"w.zip", zipFile(t, record{"last.ckpt", nil}), `unzip it and open "last.ckpt"`},
		{"m.mar", zipFile(t, record{"model.pth", nil}, record{"MAR-INF/MANIFEST.json", nil}), "a model archive of TorchServe (.mar); unzip it"},
		{"m.npz", zipFile(t, record{"w.npy", nil}), "safetensors.numpy.save_file(dict(numpy.load(FILE)), NEW)"},
		{"script.pt", zipFile(t, record{"m/data.pkl", nil}, record{"m/constants.pkl", nil}), "a TorchScript program"},
		{"m.keras", zipFile(t, record{"config.json", nil}, record{"model.weights.h5", nil}), "a Keras model"},
	} {
		if _, err := OpenBytes(tt.name, tt.zip); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestDistributed: a file of a distributed checkpoint is named by its name, since its content is no archive; layers
// that FSDP has put into one row are named by their key.
func TestDistributed(t *testing.T) {
	file := zipFile(t, record{"archive/data.pkl", []byte("\x80\x02}.")})
	for name, data := range map[string][]byte{
		"run/__0_0.distcp": append(file[:len(file):len(file)], "rest"...),
		"run/.metadata":    []byte("\x80\x02ctorch.distributed.checkpoint.metadata\nMetadata\n)\x81."),
	} {
		_, err := OpenBytes(name, data)
		if err == nil || !strings.Contains(err.Error(), `dcp_to_torch_save("run", NEW)`) || strings.Contains(err.Error(), "download") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	e := &MismatchError{Missing: []string{"fc.weight"}, Unexpected: []string{"layer1._flat_param"}}
	if !strings.Contains(e.Error(), "layer1._flat_param holds the weights of layers in a row") || !strings.Contains(e.Error(), "FULL_STATE_DICT") {
		t.Errorf("error %v", e)
	}
}
