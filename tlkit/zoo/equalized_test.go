package zoo

import (
	"math"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/quantize"
)

// TestEqualizedNetwork holds that a network whose channels are scaled for int8 computes the same in float32, over each
// kind of rectifier: LeakyReLU, ReLU6 and ReLU.
func TestEqualizedNetwork(t *testing.T) {
	for name, edges := range map[string]int{"mobilenet_v1_025": 26, "efficientnet_lite0": 30, "resnet20": 9} {
		m, err := Load(name, LoadOptions{Weights: Random, Classes: []string{"a", "b", "c"}, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		m.Preprocess.Crop = 32
		image := make([]uint8, 32*32*3)
		for i := range image {
			image[i] = byte(i * 7919 >> 3)
		}
		made, err := m.complete(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := quantize.FoldBatchNorm(made); err != nil {
			t.Fatal(err)
		}
		quantize.FuseLeakyReLU(made)
		channels := quantize.Channels(made)
		if len(channels) != edges {
			t.Errorf("%s: %d pairs of convolutions, want %d: %v", name, len(channels), edges, channels)
		}
		images := [][]uint8{image}
		names := quantize.Activations(made, nil)
		_, want, err := m.activations(t.Context(), made, names, images)
		if err != nil {
			t.Fatal(err)
		}
		most, err := m.largest(t.Context(), made, channels, images)
		if err != nil {
			t.Fatal(err)
		}
		quantize.Equalize(made, most)
		_, got, err := m.activations(t.Context(), made, names, images)
		if err != nil {
			t.Fatal(err)
		}
		size := 0.0
		for _, v := range want[0] {
			size = max(size, math.Abs(float64(v)))
		}
		if off := rms(got, want); size == 0 || off > 1e-4*size {
			t.Errorf("%s: the logits %v are %v with equalized channels", name, want, got)
		}
		m.Release()
	}
}
