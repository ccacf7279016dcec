package weights

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestArrays: NumPy arrays of all forms have the values of the tensors that they stand for; those of texts and
// objects are left out.
func TestArrays(t *testing.T) {
	for _, name := range []string{"arrays.zip.pth", "arrays.protocol5.zip.pth", "arrays.legacy.pth", "arrays.pkl"} {
		t.Run(name, func(t *testing.T) {
			sd := openFixture(t, name)
			for _, key := range []string{"f32.weight", "f16", "f64", "fortran", "big"} {
				checkTensor(t, sd, key, []int{2, 3}, halves(6))
			}
			checkTensor(t, sd, "i64", []int{6}, []float32{-2, -1, 0, 1, 2, 3})
			checkTensor(t, sd, "flags", []int{2}, []float32{1, 0})
			checkTensor(t, sd, "scalar", []int{}, []float32{7.25})
			checkTensor(t, sd, "empty", []int{0, 3}, []float32{})
			want := 9
			if name != "arrays.pkl" {
				checkTensor(t, sd, "parameter", []int{2, 2}, halves(4))
				want++
			} else if sd.Format != "pickle" || sd.Nested != "model" || sd.Metadata["__author__"] != "Caffe2" {
				t.Errorf("format %q, nested %q, metadata %v", sd.Format, sd.Nested, sd.Metadata)
			}
			if sd.Len() != want {
				t.Errorf("keys %q, want %d", sd.Keys(), want)
			}
		})
	}
}

// TestLists: lists and tuples of models, state dicts and other things.
func TestLists(t *testing.T) {
	for name, nested := range map[string]string{"model_and_optimizer.pth": "0", "tuple.pth": "1"} {
		sd := openFixture(t, name)
		if sd.Nested != nested {
			t.Errorf("%s: nested %q, want %q", name, sd.Nested, nested)
		}
		checkTensor(t, sd, "2.bias", []int{2}, halves(2))
	}
	path := filepath.Join("testdata", "ensemble.pth")
	_, err := Open(path)
	var key *KeyError
	if !errors.As(err, &key) || !slices.Equal(key.Found, []string{"models.0", "models.1"}) {
		t.Fatalf("ensemble.pth: %v; want the places of two models", err)
	}
	sd, err := OpenWith(path, Options{Key: "models.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	checkTensor(t, sd, "2.bias", []int{2}, halves(2))
}

// TestHostileArrays: an array whose bytes are not what its shape says, and one without end, are refused.
func TestHostileArrays(t *testing.T) {
	array := func(shape, content string) string {
		return "\x80\x02}X\x01\x00\x00\x00wcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01" + shape +
			"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + content + "tbs."
	}
	for _, tt := range []struct{ name, pickle, want string }{
		{"too few bytes", array("K\x02\x85", "C\x04abcd"), "has 4 bytes, expected 8"},
		{"a size without end", array("J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "C\x04abcd"), "more elements than any file can hold"},
		{"a negative size", array("J\xff\xff\xff\xff\x85", "C\x04abcd"), "-1"},
		{"a size that is text", array("X\x01\x00\x00\x00a\x85", "C\x04abcd"), "no size"},
		{"a size that is none", array("N", "C\x04abcd"), "expected a tuple"},
		{"bytes that are a number", array("K\x01\x85", "K\x01"), "holds no weights"},
		{"an array in itself", "\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87Rq\x00(K\x01K\x01\x85h\x00\x89h\x00tb.", "state dict"},
	} {
		data := zipFile(t, record{"a/data.pkl", []byte(tt.pickle)}, record{"a/version", []byte("3\n")})
		_, err := openReader(strings.NewReader(string(data)), int64(len(data)), Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.want)
		}
	}
}

// TestNoModel: files without a model say what they are.
func TestNoModel(t *testing.T) {
	e := &MismatchError{Missing: []string{"conv1.weight"}, Unexpected: []string{"base_model.model.conv1.lora_A.weight"}}
	if !strings.Contains(e.Error(), "is part of an adapter (LoRA)") || !strings.Contains(e.Error(), "merge_and_unload") {
		t.Errorf("an adapter: %v", e)
	}
	e = &MismatchError{Missing: []string{"bn1.running_mean", "bn1.running_var"}, Unexpected: []string{"bn1._mean", "bn1._variance"}, Matched: 2}
	if want := "; bn1._variance is a name of PaddlePaddle: in Python, convert the model to ONNX (paddle2onnx), and load that file"; !strings.HasSuffix(e.Error(), want) {
		t.Errorf("PaddlePaddle's names: %v", e)
	}
	text := func(s string) string { p := &pickler{}; p.text(s); return p.b.String() }
	zero := "\x80\x02}" + text("optimizer_state_dict") + "}(" + text("zero_stage") + "K\x02" + text("x") + tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1}) + "us."
	data := zipFile(t, record{"a/data.pkl", []byte(zero)}, record{"a/data/0", make([]byte, 16)}, record{"a/version", []byte("3\n")})
	if _, err := openReader(strings.NewReader(string(data)), int64(len(data)), Options{}); err == nil || !strings.Contains(err.Error(), "DeepSpeed (ZeRO)") {
		t.Errorf("DeepSpeed's part of a process: %v", err)
	}
}
