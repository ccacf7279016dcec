//go:build slow

package compress

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestFamilies: networks of each family become int8 files, with random weights, that ONNX Runtime takes and computes as
// this program does: the logits differ by a few roundings.
func TestFamilies(t *testing.T) {
	classes := []string{"a", "b", "c"}
	made, err := datasets.NewSplit(3, []string{"1", "2", "3", "4"}, []int{0, 1, 2, 0}, func(i int) (*vision.Image, error) {
		rng := rand.New(rand.NewPCG(uint64(i), 0))
		m := vision.New(64, 64)
		for k := range m.Pix {
			m.Pix[k] = uint8(rng.Uint32())
		}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	split := made.WithClasses(classes)
	for _, name := range []string{"mobilenet_v1_025", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf", "efficientnet_b0", "efficientnet_lite0",
		"resnet18", "densenet121", "googlenet", "inception_v3", "alexnet", "convnext_tiny", "swin_t", "swin_v2_t", "vit_b_16", "squeezenet1_1"} {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.Load(name, zoo.LoadOptions{Weights: zoo.Random, Classes: classes, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "m.onnx")
			r, err := Compress(m, path, Options{Calibrate: split, Images: 2})
			if name == "squeezenet1_1" { // no linear output layer
				if err == nil || !strings.Contains(err.Error(), "can't be written in int8") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d layers, %.0f to %.0f images/s", r.Tensors, r.Before.ImagesPerSecond, r.After.ImagesPerSecond)
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
			pix, err := prepared(t.Context(), m, split, 2)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := logitsOf(t, nets[1], pix, split)
			got, _ := logitsOf(t, here{loaded}, pix, split)
			sum, scale := 0.0, 0.0
			for i := range want {
				for j := range want[i] {
					d := float64(got[i][j] - want[i][j])
					sum, scale = sum+d*d, scale+float64(want[i][j])*float64(want[i][j])
				}
			}
			if e := math.Sqrt(sum / max(scale, 1e-12)); !(e < 0.1) { // vit_b_16's new head is all zeros, and so are its logits
				t.Errorf("the logits differ by %.3f of their size: %v, ONNX Runtime %v", e, got, want)
			}
		})
	}
}
