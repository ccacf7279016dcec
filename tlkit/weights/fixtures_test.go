package weights

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The fixtures come from PyTorch itself: testdata/make_fixtures.py.

func openFixture(t *testing.T, name string) *StateDict {
	t.Helper()
	sd, err := Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sd.Close() })
	return sd
}

func checkTensor(t *testing.T, sd *StateDict, key string, shape []int, want []float32) {
	t.Helper()
	tensor, ok := sd.Get(key)
	if !ok {
		t.Errorf("%s: missing; keys are %q", key, sd.Keys())
		return
	}
	if !slices.Equal(tensor.Shape, shape) {
		t.Errorf("%s: shape %v, want %v", key, tensor.Shape, shape)
	}
	got, err := tensor.Float32()
	if err != nil {
		t.Errorf("%s: %v", key, err)
		return
	}
	same := func(a, b float32) bool {
		return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("%s: %v, want %v", key, got, want)
	}
}

// halves is 0, 0.5, 1, ... as make_fixtures.py's values.
func halves(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i) / 2
	}
	return v
}

func TestFixtureTypes(t *testing.T) {
	for _, name := range []string{"types.zip.pth", "types.legacy.pth"} {
		t.Run(name, func(t *testing.T) {
			sd := openFixture(t, name)
			if sd.Nested != "" || sd.Stripped != "" {
				t.Errorf("nested %q, stripped %q", sd.Nested, sd.Stripped)
			}
			for key, dtype := range map[string]DType{"float64": F64, "float32": F32, "float16": F16, "bfloat16": BF16, "int64": I64, "int32": I32, "int16": I16, "int8": I8} {
				checkTensor(t, sd, key, []int{2, 3}, []float32{-2, -1, 0, 1, 2, 3})
				if tensor, _ := sd.Get(key); tensor.DType != dtype {
					t.Errorf("%s: dtype %v", key, tensor.DType)
				}
			}
			checkTensor(t, sd, "uint8", []int{2, 3}, []float32{0, 1, 2, 3, 4, 5})
			checkTensor(t, sd, "bool", []int{2, 3}, []float32{1, 0, 1, 0, 0, 1})
			inf, nan := float32(math.Inf(1)), float32(math.NaN())
			checkTensor(t, sd, "half_edge", []int{6}, []float32{65504, 0x1p-14 - 0x1p-24, 0x1p-24, inf, nan, float32(math.Copysign(0, -1))})
			i64, _ := sd.Get("int64")
			if v, err := i64.Int64(); err != nil || !slices.Equal(v, []int64{-2, -1, 0, 1, 2, 3}) {
				t.Errorf("Int64: %v, %v", v, err)
			}
			complex, _ := sd.Get("complex64")
			if _, err := complex.Float32(); err == nil {
				t.Error("complex numbers became float32 without an error")
			}
			if b, err := complex.Bytes(); err != nil || len(b) != 48 {
				t.Errorf("complex64: %d bytes, %v", len(b), err)
			}
			f32, _ := sd.Get("float32")
			if _, err := f32.Int64(); err == nil {
				t.Error("floats became int64 without an error")
			}
		})
	}
}

func TestFixtureNewTypes(t *testing.T) {
	sd := openFixture(t, "newtypes.zip.pth")
	for key, dtype := range map[string]DType{"uint16": U16, "uint32": U32, "uint64": U64} {
		checkTensor(t, sd, key, []int{2, 3}, []float32{0, 1, 2, 3, 4, 5})
		if tensor, _ := sd.Get(key); tensor.DType != dtype {
			t.Errorf("%s: dtype %v", key, tensor.DType)
		}
	}
	for _, key := range []string{"float8_e4m3fn", "float8_e5m2"} { // every bit pattern, against PyTorch's widening
		wide, _ := sd.Get(key + "_wide")
		want, err := wide.Float32()
		if err != nil {
			t.Fatal(err)
		}
		checkTensor(t, sd, key, []int{256}, want)
	}
}

func TestFixtureViews(t *testing.T) {
	pick := func(index ...int) []float32 {
		v := make([]float32, len(index))
		for i, n := range index {
			v[i] = float32(n) / 2
		}
		return v
	}
	var transposed, permuted []int
	for c := range 6 {
		for r := range 4 {
			transposed = append(transposed, 6*r+c)
		}
	}
	for k := range 5 {
		for i := range 3 {
			for j := range 4 {
				permuted = append(permuted, 20*i+5*j+k)
			}
		}
	}
	for _, name := range []string{"views.zip.pth", "views.legacy.pth", "views.safetensors"} {
		t.Run(name, func(t *testing.T) {
			sd := openFixture(t, name)
			checkTensor(t, sd, "base", []int{4, 6}, halves(24))
			checkTensor(t, sd, "tied", []int{4, 6}, halves(24))
			checkTensor(t, sd, "transposed", []int{6, 4}, pick(transposed...))
			checkTensor(t, sd, "row", []int{6}, pick(12, 13, 14, 15, 16, 17))
			checkTensor(t, sd, "column", []int{4}, pick(3, 9, 15, 21))
			checkTensor(t, sd, "slice", []int{2, 3}, pick(8, 9, 10, 14, 15, 16))
			checkTensor(t, sd, "steps", []int{2, 2}, pick(0, 3, 12, 15))
			checkTensor(t, sd, "permuted", []int{5, 3, 4}, pick(permuted...))
			checkTensor(t, sd, "channels_last", []int{2, 3, 4, 5}, halves(120))
			checkTensor(t, sd, "expanded", []int{2, 3}, []float32{1.5, 1.5, 1.5, 2.5, 2.5, 2.5})
			checkTensor(t, sd, "scalar", []int{}, []float32{7.25})
			checkTensor(t, sd, "one", []int{1, 1, 1}, []float32{3.5})
			checkTensor(t, sd, "parameter", []int{2, 2}, halves(4))
			if sd.Format == "safetensors" {
				checkTensor(t, sd, "bf16", []int{2, 3}, halves(6))
				checkTensor(t, sd, "f16", []int{2, 3}, halves(6))
				checkTensor(t, sd, "flags", []int{2}, []float32{1, 0})
				if sd.Metadata["note"] != "ü" {
					t.Errorf("metadata %v", sd.Metadata)
				}
				return
			}
			checkTensor(t, sd, "empty", []int{0, 3}, nil)
			if keys := sd.Keys(); keys[0] != "base" || keys[len(keys)-1] != "parameter" {
				t.Errorf("order of keys: %q", keys)
			}
		})
	}
}

// pickle.dump holds the storages of tensors in strings.
func TestFixtureDumped(t *testing.T) {
	for _, name := range []string{"dumped.protocol2.pkl", "dumped.protocol4.pkl"} {
		t.Run(name, func(t *testing.T) {
			sd := openFixture(t, name)
			if sd.Nested != "model" || sd.Metadata["epoch"] != "3" {
				t.Errorf("nested %q, metadata %v", sd.Nested, sd.Metadata)
			}
			checkTensor(t, sd, "base", []int{4, 6}, halves(24))
			checkTensor(t, sd, "tied", []int{4, 6}, halves(24))
			checkTensor(t, sd, "row", []int{6}, []float32{6, 6.5, 7, 7.5, 8, 8.5})
			checkTensor(t, sd, "scalar", []int{}, []float32{7.25})
			checkTensor(t, sd, "parameter", []int{2, 2}, halves(4))
			transposed, _ := sd.Get("transposed")
			if v, err := transposed.Float32(); err != nil || !slices.Equal(v[:4], []float32{0, 3, 6, 9}) {
				t.Errorf("transposed: %v, %v", v, err)
			}
		})
	}
}

// A model per fold, under numbers.
func TestFixtureFolds(t *testing.T) {
	path := filepath.Join("testdata", "folds.pth")
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), `several dictionaries with tensors: "0", "1"`) {
		t.Errorf("error %v", err)
	}
	sd, err := OpenWith(path, Options{Key: "1"})
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	checkTensor(t, sd, "2.bias", []int{2}, halves(2))
}

// A folder in place of a file is named for what it is.
func TestFolders(t *testing.T) {
	for want, files := range map[string][]string{
		"torch.distributed.checkpoint; in Python":       {".metadata", "__0_0.distcp"},
		"an unpacked file of torch.save; in it, zip -0": {"model/data.pkl", "model/data/0"},
		"a SavedModel of TensorFlow":                    {"saved_model.pb", "variables/variables.index"},
		"model.safetensors.index.json":                  {"model.safetensors.index.json", "model-00001-of-00002.safetensors"},
		"give the file of weights inside it":            {"README.md", "data.pkl", "features/data.pkl"},
	} {
		dir := filepath.Join(t.TempDir(), "model[1]") // a bracket is no pattern
		for _, name := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", files, err, want)
		}
	}
}

func TestFixtureCheckpoint(t *testing.T) {
	for _, name := range []string{"checkpoint.zip.pth", "checkpoint.legacy.pth"} {
		t.Run(name, func(t *testing.T) {
			sd := openFixture(t, name)
			if sd.Nested != "state_dict" || sd.Stripped != "module." {
				t.Errorf("nested %q, stripped %q", sd.Nested, sd.Stripped)
			}
			want := []string{"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked", "2.weight", "2.bias"}
			if !slices.Equal(sd.Keys(), want) {
				t.Errorf("keys %q", sd.Keys())
			}
			checkTensor(t, sd, "0.weight", []int{3, 2, 3, 3}, halves(54))
			for key, want := range map[string]string{"epoch": "18", "arch": "tiny", "best_acc1": "46.5", "best_np": "0.25", "best_np32": "0.5",
				"count_np": "12", "loss": "0.125", "done": "true", "big": "1208925819614629174706176"} {
				if got := sd.Metadata[key]; got != want {
					t.Errorf("metadata %s is %q, want %q", key, got, want)
				}
			}
			kept, err := OpenWith(filepath.Join("testdata", name), Options{KeepPrefix: true})
			if err != nil {
				t.Fatal(err)
			}
			defer kept.Close()
			if kept.Keys()[0] != "module.0.weight" || kept.Stripped != "" {
				t.Errorf("KeepPrefix: keys %q, stripped %q", kept.Keys(), kept.Stripped)
			}
		})
	}
}

func TestFixtureProtocols(t *testing.T) {
	for _, protocol := range []string{"1", "3", "4", "5"} {
		for _, kind := range []string{"zip", "legacy"} {
			t.Run(protocol+kind, func(t *testing.T) {
				sd := openFixture(t, "protocol"+protocol+"."+kind+".pth")
				if sd.Nested != "model" {
					t.Errorf("nested %q", sd.Nested)
				}
				checkTensor(t, sd, "a.weight", []int{2, 3}, halves(6))
				checkTensor(t, sd, `ü'"\b`, []int{2}, halves(2))
				if sd.Metadata["note"] != "ü" || sd.Metadata["n"] != "-70000" || sd.Metadata["x"] != "1.5" || sd.Metadata["yes"] != "true" {
					t.Errorf("metadata %q", sd.Metadata)
				}
			})
		}
	}
}

func TestFixtureSeveral(t *testing.T) {
	path := filepath.Join("testdata", "several.pth")
	_, err := Open(path)
	if err == nil || !strings.Contains(err.Error(), `"encoder", "decoder"; choose one with Options.Key`) {
		t.Errorf("error %v", err)
	}
	sd, err := OpenWith(path, Options{Key: "decoder.inner"})
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	checkTensor(t, sd, "2.bias", []int{2}, halves(2))
	var key *KeyError
	if _, err := OpenWith(path, Options{Key: "decoder.outer"}); !errors.As(err, &key) || !slices.Equal(key.Found, []string{"encoder", "decoder.inner"}) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

// TestFixtureRefused holds honest files that are no state dicts.
func TestFixtureRefused(t *testing.T) {
	for name, want := range map[string]string{
		"script.pth":    "a TorchScript program",
		"quantized.pth": "a tensor of a kind that is not read (torch._utils._rebuild_qtensor)",
		"protocol0.pth": "which PyTorch itself cannot read",
		"list.pth":      "the file holds a list, not a state dict",
		"optimizer.pth": "the state of an optimizer",
	} {
		_, err := Open(filepath.Join("testdata", name))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v; want %q", name, err, want)
		}
		var forbidden *ForbiddenError
		if errors.As(err, &forbidden) {
			t.Errorf("%s: %T", name, err)
		}
	}
}
