package compress

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// writeImages writes images as the network of an .onnx file takes them.
func writeImages(t *testing.T, path string, m *zoo.Model, images [][]uint8) {
	t.Helper()
	var raw []byte
	for _, pix := range images {
		for _, v := range planes(m, pix) {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPrograms: ONNX Runtime and OpenVINO take the files of each precision, and classify as this program does.
// TLKIT_PEER_PYTHON names a Python with onnxruntime, and openvino for the second.
func TestPrograms(t *testing.T) {
	python := os.Getenv("TLKIT_PEER_PYTHON")
	if python == "" {
		t.Skip("TLKIT_PEER_PYTHON names no Python with onnxruntime and openvino")
	}
	m, data := embedded(t)
	dir := t.TempDir()
	images, err := prepared(t.Context(), m, data.Val, 200)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"testdata/logits.py", filepath.Join(dir, "test"), strconv.Itoa(m.ImageSize())}
	writeImages(t, args[1], m, images)
	most := map[string]float64{} // share of the logits' size that the roundings of another program differ by
	for precision, share := range map[zoo.Precision]float64{zoo.Int8: 0.05, zoo.Float16: 1e-4, zoo.BFloat16: 1e-4} {
		path := filepath.Join(dir, string(precision)+".onnx")
		if _, err := Compress(m, path, Options{Precision: precision, Calibrate: data.Train}); err != nil {
			t.Fatal(err)
		}
		args, most[path] = append(args, path), share
	}
	cmd := exec.Command(python, args...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string][][]float32
	if err := json.Unmarshal(text, &all); err != nil || len(all) != 3 {
		t.Fatalf("%v: %.200s", err, text)
	}
	for path, programs := range all {
		loaded, err := zoo.LoadExported(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := loaded.LogitsOf(slices.Concat(images...), len(images))
		if err != nil {
			t.Fatal(err)
		}
		loaded.Release()
		for program, got := range programs {
			sum, scale, alike := 0.0, 0.0, 0
			for i := range want {
				for j := range want[i] {
					d := float64(got[i][j] - want[i][j])
					sum, scale = sum+d*d, scale+float64(want[i][j])*float64(want[i][j])
				}
				if numbers.Argmax(got[i]) == numbers.Argmax(want[i]) {
					alike++
				}
			}
			t.Logf("%s by %s: off by %.2g of the logits' size, %d of %d alike", filepath.Base(path), program, math.Sqrt(sum/scale), alike, len(want))
			if e := math.Sqrt(sum / scale); e > most[path] || float64(alike) < 0.98*float64(len(want)) {
				t.Errorf("%s by %s: off by %.2g, %d of %d alike", filepath.Base(path), program, e, alike, len(want))
			}
		}
		if len(programs) < 2 {
			t.Log("openvino is not installed there")
		}
	}
}

// TestPeer: int8 is as accurate as ONNX Runtime's own quantize_static makes the same file with the same images.
// TLKIT_PEER_PYTHON names a Python with onnx and onnxruntime.
func TestPeer(t *testing.T) {
	python := os.Getenv("TLKIT_PEER_PYTHON")
	if python == "" {
		t.Skip("TLKIT_PEER_PYTHON names no Python with onnx and onnxruntime")
	}
	m, data := embedded(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := m.Export(file("float.onnx")); err != nil {
		t.Fatal(err)
	}
	calibrate, err := prepared(t.Context(), m, data.Train, 100)
	if err != nil {
		t.Fatal(err)
	}
	test, err := prepared(t.Context(), m, data.Val, data.Val.Len())
	if err != nil {
		t.Fatal(err)
	}
	for name, images := range map[string][][]uint8{"calibrate": calibrate, "test": test} {
		writeImages(t, file(name), m, images)
	}
	out, err := exec.Command(python, "testdata/quantize_static.py", file("float.onnx"), file("calibrate"), file("test"), strconv.Itoa(m.ImageSize()), file("logits")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(file("logits"))
	if err != nil {
		t.Fatal(err)
	}
	logits := make([][]float32, len(test))
	for i := range raw[:len(raw)/4] {
		if i < len(test)*len(m.Classes) {
			logits[i/len(m.Classes)] = append(logits[i/len(m.Classes)], math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	}
	theirs, _ := right(logits, data.Val)
	r, err := Compress(m, file("ours.onnx"), Options{Calibrate: data.Train, Test: data.Val})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("of %d images float32 classifies %.4f right, quantize_static %.4f, Compress %.4f", len(test), r.Before.Accuracy, theirs, r.After.Accuracy)
	if r.After.Accuracy < theirs-0.005 {
		t.Errorf("Compress has %.4f right, quantize_static %.4f", r.After.Accuracy, theirs)
	}
}
