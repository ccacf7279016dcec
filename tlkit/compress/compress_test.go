package compress

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// embedded is the network that comes with the zoo, and the data set that it was trained on.
func embedded(t *testing.T) (*zoo.Model, *datasets.Dataset) {
	t.Helper()
	m, err := zoo.Load("resnet20.SHAPES")
	if err != nil {
		t.Fatal(err)
	}
	data, err := datasets.Load("shapes")
	if err != nil {
		t.Fatal(err)
	}
	return m, data
}

// TestCompress: each precision and format keeps the accuracy, has the size that its bits promise, and
// comes back with the classes that were measured.
func TestCompress(t *testing.T) {
	m, data := embedded(t)
	test := data.Val.FirstPerClass(15)
	dir := t.TempDir()
	for _, c := range []struct {
		file      string
		precision zoo.Precision
		size      float64 // of the float32 file, at most
		alike     float64
		drop      float64
	}{
		{"m.onnx", "", 0.33, 0.96, 0.015}, // int8
		{"m.onnx", zoo.Float16, 0.56, 0.995, 0.005},
		{"m.onnx", zoo.BFloat16, 0.56, 0.98, 0.01},
		{"m.pth", zoo.Float16, 0.56, 0.995, 0.005},
		{"m.safetensors", zoo.BFloat16, 0.56, 0.98, 0.01},
	} {
		path := filepath.Join(dir, string(c.precision)+c.file)
		r, err := Compress(m, path, Options{Precision: c.precision, Calibrate: data.Train, Images: 50, Test: test})
		if err != nil {
			t.Fatal(err)
		}
		if share := float64(r.After.Bytes) / float64(r.Before.Bytes); share > c.size || r.Images != test.Len() {
			t.Errorf("%s: %.2f of the size, %d images; want at most %.2f, %d", path, share, r.Images, c.size, test.Len())
		}
		if r.Agreement < c.alike || r.Before.Accuracy < 0.75 || r.After.Accuracy < r.Before.Accuracy-c.drop {
			t.Errorf("%s: %v", path, r)
		}
		if fast := r.After.ImagesPerSecond > 0; fast != (r.Engine == onnxRuntime) {
			t.Errorf("%s: computed by %s, %g images/s", path, r.Engine, r.After.ImagesPerSecond)
		}
		if r.Precision == zoo.Int8 && r.Tensors != 20 {
			t.Errorf("%s: %d layers in whole numbers, want 20", path, r.Tensors)
		}
		back, err := zoo.LoadExported(path)
		if err != nil {
			t.Fatal(err)
		}
		pix, err := prepared(t.Context(), back, test, 40)
		if err != nil {
			t.Fatal(err)
		}
		_, want := logitsOf(t, here{m}, pix, test)
		_, got := logitsOf(t, here{back}, pix, test)
		same := 0
		for i := range want {
			if got[i] == want[i] {
				same++
			}
		}
		if same < 38 {
			t.Errorf("%s: %d of 40 images as the model classifies them", path, same)
		}
		t.Logf("%s\n%s", path, r)
	}
}

// logitsOf returns the logits and classes of prepared images.
func logitsOf(t *testing.T, n network, pix [][]uint8, split *datasets.Split) ([][]float32, []int) {
	t.Helper()
	var all [][]float32
	for _, p := range pix {
		one, err := n.logits(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one...)
	}
	_, classes := right(all, split)
	return all, classes
}

// TestRuntime: ONNX Runtime, which computes in whole numbers, and this program, which rounds like them, agree on an
// int8 file: the logits differ by a few roundings at most.
func TestRuntime(t *testing.T) {
	m, data := embedded(t)
	path := filepath.Join(t.TempDir(), "m.onnx")
	r, err := Compress(m, path, Options{Calibrate: data.Train, Images: 20})
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(r.After.Accuracy) || r.Images != 0 || r.Tensors != 20 {
		t.Errorf("without Test: %+v", r.After)
	}
	if r.Engine != onnxRuntime {
		t.Skip("ONNX Runtime is not installed here")
	}
	nets, err := r.open(m, path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := zoo.LoadExported(path)
	if err != nil {
		t.Fatal(err)
	}
	pix, err := prepared(t.Context(), m, data.Val, 30)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := logitsOf(t, nets[1], pix, data.Val)
	got, _ := logitsOf(t, here{loaded}, pix, data.Val)
	sum, n, scale := 0.0, 0, 0.0
	for i := range want {
		for j := range want[i] {
			d := float64(got[i][j] - want[i][j])
			sum, scale, n = sum+d*d, scale+float64(want[i][j])*float64(want[i][j]), n+1
		}
	}
	if e := math.Sqrt(sum / scale); e > 0.02 {
		t.Errorf("the logits differ by %.4f of their size", e)
	}
}

// TestWarning: a loss of accuracy above the limit is said, with what to do.
func TestWarning(t *testing.T) {
	r := &Report{Stored: zoo.Stored{Precision: zoo.Int8}, Before: Measured{Accuracy: 0.90}, After: Measured{Accuracy: 0.87}, first: []string{"conv1", "layer1.0.conv1"}}
	if r.warn(0.05); r.Warning != "" {
		t.Errorf("3 points of 5 allowed: %s", r.Warning)
	}
	if r.warn(0.01); !strings.Contains(r.Warning, "fell by 3.0 points, from 90.0 to 87.0 %") || !strings.Contains(r.Warning, `Float: []string{"conv1", "layer1.0.conv1"}`) {
		t.Errorf("3 points of 1 allowed: %q", r.Warning)
	}
}

func TestErrors(t *testing.T) {
	m, data := embedded(t)
	dir := t.TempDir()
	sketches, err := datasets.Load("sketches")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		m    *zoo.Model
		o    Options
		want string
	}{
		{"m.onnx", nil, Options{}, "model is nil"},
		{"m.onnx", m, Options{}, "set Options.Calibrate"},
		{"m.pth", m, Options{Calibrate: data.Train}, "ends in .onnx"},
		{"m.onnx", m, Options{Precision: "int4"}, `precision of "int4"`},
		{"m.bin", m, Options{Precision: zoo.Float16}, "must end in .pth"},
		{"m.onnx", m, Options{Precision: zoo.Float16, Test: sketches.Val}, "the same, in the same order"},
		{"m.onnx", m, Options{Precision: zoo.Float16, MaxDrop: 2}, "share in [0, 1]"},
	} {
		_, err := Compress(c.m, filepath.Join(dir, c.file), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v, want %q", c.file, c.o, err, c.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("refused, yet %v is there", left)
	}
}
