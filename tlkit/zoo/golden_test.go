package zoo_test

import (
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/golden"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestGolden holds keys, shapes, parameter counts and logits against what PyTorch computed. The small models and
// resnet18 run always; with -tags slow all of them do.
func TestGolden(t *testing.T) {
	dir := testutil.Shared(t, "golden/torchvision")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files in %s (%v)", dir, err)
	}
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		f, err := golden.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := zoo.Info(f.Model); err != nil {
			continue // a family that the zoo does not have yet
		}
		if !slow && f.NumParams > 8e6 && f.Model != "resnet18" {
			continue
		}
		t.Run(f.Model, func(t *testing.T) {
			r, err := f.Compare(engine.Backend)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("error %.2g of the logits' standard deviation", r.Error)
			if !r.OK() || r.Argmax != f.Argmax {
				t.Errorf("logits differ by %g of their standard deviation, want %g; argmax %d, want %d",
					r.Error, r.Tolerance, r.Argmax, f.Argmax)
			}
		})
	}
}
