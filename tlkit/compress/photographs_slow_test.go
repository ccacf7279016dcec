//go:build slow

package compress_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/compress"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestPhotographs: int8 stays within a point of float32 on CIFAR-10 and on ants and bees. There the first stages are
// added to those in float32, as the report advises, until it has no warning: at most six.
func TestPhotographs(t *testing.T) {
	t.Setenv("TLKIT_DATA", filepath.Dir(testutil.Shared(t, "data/cifar10_jpg.zip")))
	for _, c := range []struct {
		name, file string
		model      func(t *testing.T, data *datasets.Dataset) *zoo.Model
		images     int      // of the test; 0 for all
		accuracy   float64  // in float32, at least
		float      []string // stages for float32, in the order in which the warning's advice adds them
	}{
		{"cifar10", "data/cifar10_jpg.zip", func(t *testing.T, _ *datasets.Dataset) *zoo.Model { return open(t, "resnet20.cifar10") }, 2000, 0.85, nil},
		{"hymenoptera", "data/hymenoptera_data.zip", transferred, 0, 0.8, []string{"stage1.0", "stage1.1", "stage1.2", "stage1.3", "stage1.4", "stage1.5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := datasets.Load(testutil.Shared(t, c.file), datasets.Options{SkipCheck: true})
			if err != nil {
				t.Fatal(err)
			}
			test := data.Val
			if test == nil || test.Len() == 0 {
				test = data.Test
			}
			if c.images > 0 {
				test = test.FirstPerClass(c.images / len(data.Classes))
			}
			m := c.model(t, data)
			report := func(float []string) *compress.Report {
				t.Helper()
				r, err := compress.Compress(m, filepath.Join(t.TempDir(), "m.onnx"), compress.Options{Calibrate: data.Train, Test: test, Float: float})
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("in float32 %q\n%v", float, r)
				return r
			}
			r := report(nil)
			if r.Before.Accuracy < c.accuracy {
				t.Errorf("in float32 %.3f of %d images are right, want %.3f", r.Before.Accuracy, r.Images, c.accuracy)
			}
			if (r.Before.Accuracy-r.After.Accuracy > 0.01) != (r.Warning != "") {
				t.Errorf("a fall from %.3f to %.3f has the warning %q", r.Before.Accuracy, r.After.Accuracy, r.Warning)
			}
			for n := 2; r.Warning != "" && n <= len(c.float); n++ {
				r = report(c.float[:n])
			}
			if r.Before.Accuracy-r.After.Accuracy > 0.01 {
				t.Errorf("accuracy fell from %.3f to %.3f", r.Before.Accuracy, r.After.Accuracy)
			}
		})
	}
}

func open(t *testing.T, name string) *zoo.Model {
	t.Helper()
	m, err := zoo.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Release)
	return m
}

// transferred is a MobileNet with an output layer for the data.
func transferred(t *testing.T, data *datasets.Dataset) *zoo.Model {
	t.Helper()
	run, err := train.Recipe{Epochs: 5, Dir: t.TempDir()}.Compare(context.Background(), "photographs", data, open(t, "mobilenet_v1_025"), strategy.Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := run.Best().Model()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Release)
	return m
}
