package zoo_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// formulaLogits returns the logits of a model of 1,000 classes for the golden formula's input of h x w pixels and its
// weights, those of kernels and matrices times gain.
func formulaLogits(t *testing.T, name string, gain float32, h, w int) []float32 {
	t.Helper()
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.Info(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, make([]string, 1000), 1)
	if err != nil {
		t.Fatal(err)
	}
	var entries []weights.Entry
	for _, p := range m.Params() {
		values := zootest.Weights(p.Key, p.Shape)
		if len(p.Shape) >= 2 {
			for i := range values {
				values[i] *= gain
			}
		}
		tensor, err := weights.NewTensor(p.Shape, values)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: p.Key, Tensor: tensor})
	}
	sd, err := weights.New(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadStateDict(sd); err != nil {
		t.Fatal(err)
	}
	planes := zootest.Uniform("input", 3*h*w)
	pixels := make([]float32, len(planes))
	for i := range pixels {
		pixels[i] = float32(planes[i%3*h*w+i/3])
	}
	logits, err := zootest.Logits(engine.Backend, m, tensors.FromFlatDataAndDimensions(pixels, 1, h, w, 3))
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

// TestEfficientNetV2Tempered: with the golden formula's weights as they are, V2's m and l are chaotic: PyTorch in
// single and in double precision differ from each other by two to three times the logits' deviation. With kernels of
// 0.8 times the size the two agree to 1e-6 of it; the logits are torchvision 0.29's in double precision.
func TestEfficientNetV2Tempered(t *testing.T) {
	for _, c := range []struct {
		name string
		std  float64
		want []float64
	}{
		{"efficientnet_v2_s", 0.2145, []float64{-0.211406, -0.3070453, 0.3247232, -0.0758066, 0.05845475, 0.2105732}},
		{"efficientnet_v2_m", 0.1236, []float64{0.0749438, 0.0009556217, 0.03173458, -0.06222409, 0.05531953, -0.2583882}},
		{"efficientnet_v2_l", 0.1429, []float64{0.1314619, 0.007391278, -0.1130619, -0.1937448, -0.2610975, -0.04720845}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !slow && c.name != "efficientnet_v2_s" {
				t.Skip("a large model; run with -tags slow")
			}
			logits := formulaLogits(t, c.name, 0.8, 64, 64)
			for i, want := range c.want {
				if e := math.Abs(float64(logits[i])-want) / c.std; e > 2e-5 {
					t.Errorf("logit %d is %g, want %g: %.2g of the deviation apart", i, logits[i], want, e)
				}
			}
		})
	}
}
