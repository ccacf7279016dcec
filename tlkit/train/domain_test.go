package train_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// TestAdaBN: no weight moves, and the statistics are those of the target's images: for the first layer by a convolution
// of our own.
func TestAdaBN(t *testing.T) {
	m := sameTaskModel(t)
	before := snapshot(t, m)
	ds := paint(t)
	w := before["stem.conv.weight"] // [out, in, height, width]
	expected := func(mirrored bool) (means, variances [4]float64) {
		n := 0.0
		var sum, squares [4]float64
		for i := range ds.Train.Len() {
			image, err := ds.Train.Image(i)
			if err != nil {
				t.Fatal(err)
			}
			at := func(x, y, c int) float64 {
				if x < 0 || y < 0 || x >= side || y >= side {
					return 0
				}
				if mirrored {
					x = side - 1 - x
				}
				return (float64(image.Pix[(y*side+x)*3+c])/255 - float64(m.Preprocess.Mean[c])) / float64(m.Preprocess.Std[c])
			}
			for y := range side {
				for x := range side {
					n++
					for o := range 4 {
						v := 0.0
						for c := range 3 {
							for k := range 9 {
								v += float64(w[(o*3+c)*9+k]) * at(x+k%3-1, y+k/3-1, c)
							}
						}
						sum[o] += v
						squares[o] += v * v
					}
				}
			}
		}
		for o := range 4 {
			means[o] = sum[o] / n
			variances[o] = (squares[o]/n - means[o]*means[o]) * n / (n - 1)
		}
		return means, variances
	}
	means, variances := expected(false)
	turnedMeans, turnedVariances := expected(true)
	if close := math.Abs(variances[0] - turnedVariances[0]); close < 0.02*variances[0] {
		t.Fatalf("the images and their mirror images have variances %g and %g: too close to tell them apart", variances[0], turnedVariances[0])
	}
	for name, tt := range map[string]struct {
		s                strategy.AdaBN
		means, variances [4]float64
	}{
		"one batch":  {strategy.AdaBN{Batch: 15}, means, variances},
		"batch of 5": {strategy.AdaBN{Batch: 5}, means, variances},
		"mirrored":   {strategy.AdaBN{Batch: 5, Augment: vision.Augment{HorizontalFlip: 1}}, turnedMeans, turnedVariances},
	} {
		got := end(t, quick(t), m, tt.s)
		for key, v := range before {
			if same := slices.Equal(v, got[key]); same == isStat(key) {
				t.Errorf("%s: %s is equal to the pretrained one %v", name, key, same)
			}
		}
		for o := range 4 {
			if d := math.Abs(float64(got["stem.bn.running_mean"][o]) - tt.means[o]); d > 1e-5 {
				t.Errorf("%s: mean %g of channel %d, want %g", name, got["stem.bn.running_mean"][o], o, tt.means[o])
			}
			if d := math.Abs(float64(got["stem.bn.running_var"][o]) - tt.variances[o]); d > 0.005*tt.variances[o] {
				t.Errorf("%s: variance %g of channel %d, want %g", name, got["stem.bn.running_var"][o], o, tt.variances[o])
			}
		}
	}
	_, err := quick(t).Compare(t.Context(), "r", paint(t), pretrained(t), strategy.AdaBN{})
	wantError(t, err, "can't be kept", "a, b, c, d", "blue, green, red")
}

// TestControls: one control changes nothing, one begins with the pretrained output layer, and neither looks at what it
// may not: the target's labels.
func TestControls(t *testing.T) {
	m := sameTaskModel(t)
	before := snapshot(t, m)
	r := quick(t)
	run := compare(t, r, "r", paint(t), m, strategy.SourceOnly{}, strategy.TargetSupervised{LearningRate: still})
	still, supervised := saved(t, run, "source-only", "checkpoint.safetensors"), saved(t, run, "target-supervised", "checkpoint.safetensors")
	for key, v := range before {
		if !slices.Equal(v, still[key]) {
			t.Errorf("source-only has changed %s", key)
		}
		if !isStat(key) && !strings.HasSuffix(key, "bias") && !slices.Equal(v, supervised[key]) {
			t.Errorf("target-supervised does not begin with the pretrained %s", key)
		}
	}
	if res := run.Results[0]; !res.Done || len(res.History) != 2 || res.History[0].ValAccuracy != res.History[1].ValAccuracy || res.Trainable != 0 {
		t.Errorf("source-only: %+v", res)
	}
	// The target's training images under wrong labels.
	ds := paint(t)
	wrong := ds.Train.Labels()
	var names []string
	for i := range wrong {
		wrong[i] = (wrong[i] + 1) % 3
		names = append(names, ds.Train.Name(i))
	}
	other := *ds
	var err error
	if other.Train, err = datasets.NewSplit(3, names, wrong, ds.Train.Image); err != nil {
		t.Fatal(err)
	}
	src := source(t)
	for _, s := range []train.Strategy{strategy.SourceOnly{Source: src}, strategy.DeepCORAL{Source: src}, strategy.DANN{Source: src}, strategy.AdaBN{}} {
		a, b := compare(t, quick(t), "a", ds, m, s), compare(t, quick(t), "b", &other, m, s)
		for key, v := range saved(t, a, s.Name(), "checkpoint.safetensors") {
			if !slices.Equal(v, saved(t, b, s.Name(), "checkpoint.safetensors")[key]) {
				t.Errorf("%s depends on the target's labels", s.Name())
				break
			}
		}
	}
}

// TestAdversary: in the first step the reversed gradient weighs nothing, so that the network moves as if the target
// were only looked at, while the domain classifier learns; later the network moves otherwise.
func TestAdversary(t *testing.T) {
	m, src := sameTaskModel(t), source(t)
	steps := func(n int, s train.Strategy) map[string][]float32 { return end(t, whole(t, n), m, s) }
	coral, dann := steps(1, strategy.DeepCORAL{Source: src, Lambda: still}), steps(1, strategy.DANN{Source: src})
	for _, p := range m.Params() {
		wantMoves(t, p.Key, dann[p.Key], coral[p.Key], 1, func(int) float64 { return 0 })
	}
	if start := steps(1, strategy.DANN{Source: src, LearningRate: still}); slices.Equal(start["#heads.domain.0.weight"], dann["#heads.domain.0.weight"]) {
		t.Error("the domain classifier learns nothing")
	}
	coral, dann = steps(2, strategy.DeepCORAL{Source: src, Lambda: still}), steps(2, strategy.DANN{Source: src})
	if slices.Equal(coral["stem.conv.weight"], dann["stem.conv.weight"]) {
		t.Error("the adversary does not reach the network")
	}
	_, err := quick(t).Compare(t.Context(), "r", paint(t), m, strategy.DANN{})
	wantError(t, err, "DANN", "Source", "AdaBN")
	odd := source(t)
	odd.Classes = []string{"red", "green", "blue"}
	_, err = quick(t).Compare(t.Context(), "r", paint(t), m, strategy.DeepCORAL{Source: odd})
	wantError(t, err, `"source"`, "red, green, blue", "one order")
}
