package compress

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

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
		var raw []byte
		for _, pix := range images {
			for _, v := range planes(m, pix) {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
		}
		if err := os.WriteFile(file(name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
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
