package zoo_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestForeignFiles: a file or folder is judged by what it holds, whatever its name, and the error gives the next step.
func TestForeignFiles(t *testing.T) {
	away(t)
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	entries, err := small(t, []string{"a", "b"}, 1).StateDict()
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(dir, "plain.pth")
	if err := weights.WritePTH(plain, entries); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	network, err := os.ReadFile(filepath.Join("..", "internal", "onnx", "read", "testdata", "resnet.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ckpt", "bin", "onnx"} {
		write("weights."+name, string(data))
	}
	for _, name := range []string{"net.bin", "net.pth", "net.pb"} {
		path := write(name, string(network))
		if m, err := zoo.Load(path, onnxPreprocess); err != nil || len(m.Stages()) == 0 {
			t.Errorf("an ONNX model named %s: %v", name, err)
		}
	}
	if _, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: filepath.Join(dir, "weights.ckpt"), Classes: []string{"x", "y"}}); err != nil {
		t.Error(err)
	}
	write("saved/saved_model.pb", "x")
	write("dcp/__0_0.distcp", "x")
	write("core.mlpackage/Manifest.json", "{}")
	write("run/model_best.pth.tar", string(data))
	write("net/model.onnx", string(network))
	for _, name := range []string{"optimizer.bin", "scheduler.bin", "random_states_0.pkl", "pytorch_model.bin"} { // of Accelerate
		write("state/"+name, string(data))
	}
	write("left/optimizer.pt", string(data))
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"weights.ckpt", []string{"does not say which network", "LoadOptions{Weights"}},
		{"weights.onnx", []string{"no ONNX model but a file of weights", "LoadOptions{Weights"}},
		{write("model.h5", "\x89HDF\r\n\x1a\n"), []string{"HDF5", "ONNX"}},
		{write("page.onnx", "<html>"), []string{"a web page", "download it again"}},
		{write("pointer.onnx", "version https://git-lfs.github.com/spec/v1"), []string{"git lfs pull"}},
		{write("m.onnx_data", "\x05\x06\x07\x88\x99"), []string{"load the .onnx file"}},
		{"none.ckpt", []string{"no file or folder", "none.ckpt"}},
		{"saved", []string{"SavedModel of TensorFlow"}},
		{"dcp", []string{"dcp_to_torch_save"}},
		{"core.mlpackage", []string{"Core ML"}},
		{"run", []string{"model_best.pth.tar", "LoadOptions{Weights"}},
		{"net", []string{"model.onnx", "by its path"}},
		{"state", []string{"has pytorch_model.bin and no config.json"}},
		{"left", []string{"no config.json; expected"}},
		{"empty", []string{"no config.json; expected"}},
	} {
		path := tt.name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		_, err := zoo.Load(path)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) > 2 {
				t.Errorf("%s: error %v, want %q", tt.name, err, want)
			}
		}
	}
	_, err = zoo.Load("none.ckpt")
	wantError(t, err, "no file none.ckpt in the working folder")
}

// TestWeightsInstead: a folder with a config.json, and its weights in another form, names the file and the next step.
func TestWeightsInstead(t *testing.T) {
	away(t)
	g := readTransformersGolden(t, "resnet18")
	for file, want := range map[string]string{
		"tf_model.h5": "has tf_model.h5, the weights for TensorFlow", "flax_model.msgpack": "from_flax=True", "openvino_model.xml": "has openvino_model.xml, a model of OpenVINO",
		"model.onnx": "load it by its path, %q", "onnx/model.onnx": "load it by its path, %q", "model.tflite": "TensorFlow Lite", "adapter_model.safetensors": "merge_and_unload",
		"model.fp16.safetensors": `Load("resnet18", LoadOptions{Weights: %q})`, "best.pth": `Load("resnet18", LoadOptions{Weights: %q})`, "README.md": "nor pytorch_model.bin",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, filepath.FromSlash(file))
		for name, text := range map[string]string{path: "x", filepath.Join(dir, "config.json"): string(g.Config), filepath.Join(dir, "preprocessor_config.json"): string(g.Processor),
			filepath.Join(dir, "training_args.bin"): "x", filepath.Join(dir, "openvino_model.bin"): "x", filepath.Join(dir, "optimizer.pt"): "x"} {
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(want, "%q") {
			want = fmt.Sprintf(want, path)
		}
		_, err := zoo.Load(dir)
		wantError(t, err, "has neither model.safetensors", want)
		if strings.Contains(err.Error(), "training_args") || file == "README.md" && strings.Contains(err.Error(), "it has") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestBareNames: a name without a folder is one of the registry; the error names the file or folder that has it, too.
func TestBareNames(t *testing.T) {
	away(t)
	dir := t.TempDir()
	t.Chdir(dir)
	if err := errors.Join(os.Mkdir("peft", 0o777), os.WriteFile("weights", []byte("x"), 0o666)); err != nil {
		t.Fatal(err)
	}
	_, err := zoo.Load("peft")
	wantError(t, err, `unknown model "peft"`, `the folder of that name in the working folder is "./peft"`)
	var unknown *zoo.UnknownModelError
	if !errors.As(err, &unknown) {
		t.Errorf("%T is no *UnknownModelError", err)
	}
	_, err = zoo.Load("weights")
	wantError(t, err, `the file of that name in the working folder is "./weights"`)
	_, err = zoo.Load("resnet18", zoo.LoadOptions{Weights: "peft"})
	wantError(t, err, `no weights "peft"`, `is "./peft"`)
	if _, err = zoo.Load("none"); err == nil || strings.Contains(err.Error(), "working folder") {
		t.Errorf("error %v", err)
	}
}
