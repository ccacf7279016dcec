package zoo_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// peer runs a script of testdata in the Python that TLKIT_PEER_PYTHON names, and returns what it prints.
func peer(t *testing.T, script string, args ...string) []byte {
	t.Helper()
	python := testutil.PeerPython(t, "torch and torchvision")
	cmd := exec.Command(python, append([]string{filepath.Join("testdata", script)}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// TestGoldenPeer is TestGolden for the models that have no golden file: torchvision computes the logits first. Up to
// four million parameters, with -tags slow up to 150 million, the smallest first:
//
//	TLKIT_PEER_PYTHON=python go test ./tlkit/zoo -run GoldenPeer -tags slow -v -timeout 60m
func TestGoldenPeer(t *testing.T) {
	type candidate struct {
		name   string
		params int
	}
	var candidates []candidate
	most := 4_000_000
	if slow {
		most = 150_000_000
	}
	dir := testutil.Shared(t, "golden/torchvision")
	for _, name := range zoo.List(zoo.Filter{}) {
		spec, err := zoo.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, name+".json")); err == nil || len(spec.Weights) == 0 || spec.Weights[0].Source != "torchvision" {
			continue
		}
		if n := spec.Weights[0].Params; n <= most {
			candidates = append(candidates, candidate{name, n})
		}
	}
	if len(candidates) == 0 {
		t.Skip("every model has its golden file")
	}
	slices.SortFunc(candidates, func(a, b candidate) int { return a.params - b.params })
	engines := goldenEngines(t)
	for _, c := range candidates {
		t.Run(c.name, func(t *testing.T) {
			made := t.TempDir()
			peer(t, "peer_golden.py", made, c.name)
			f, err := zootest.Read(filepath.Join(made, c.name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, engine := range engines {
				r, err := f.Compare(engine.Backend)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d parameters, deviation %.3g, %s: %.2g", f.NumParams, f.Std, engine.Config, r.Error)
				if !r.OK() || r.Argmax != f.Argmax {
					t.Errorf("%s: logits differ by %g of their standard deviation, want %g; argmax %d, want %d",
						engine.Config, r.Error, r.Tolerance, r.Argmax, f.Argmax)
				}
			}
		})
	}
}

// TestPeerFacts holds what zoo.Info says of each weight set against torchvision's own enums: names, addresses, sizes,
// accuracies, classes and preprocessing, of every classifier that torchvision has.
func TestPeerFacts(t *testing.T) {
	var facts map[string][]struct {
		Name, URL     string
		Default       bool
		Params        int
		GFLOPs        float64
		FileMB        float64 `json:"file_mb"`
		Top1, Top5    float64
		Classes       []string
		MinSize       int `json:"min_size"`
		Crop, Resize  int
		Interpolation string
		Mean, Std     [3]float64
	}
	if err := json.Unmarshal(peer(t, "peer_facts.py"), &facts); err != nil {
		t.Fatal(err)
	}
	if len(facts) < 80 {
		t.Errorf("torchvision lists %d classifiers, expected 80 or more", len(facts))
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }
	for name, sets := range facts {
		spec, err := zoo.Info(name)
		if err != nil {
			t.Errorf("the zoo lacks %s: %v", name, err)
			continue
		}
		if len(spec.Weights) != len(sets) {
			t.Errorf("%s: %d weight sets, torchvision has %d", name, len(spec.Weights), len(sets))
		}
		for _, want := range sets {
			got, err := spec.WeightSet(want.Name)
			if err != nil {
				t.Error(err)
				continue
			}
			mean, std := want.Mean, want.Std
			if name == "googlenet" || name == "inception_v3" { // transform_input turns ImageNet's into this
				mean, std = [3]float64{0.5, 0.5, 0.5}, [3]float64{0.5, 0.5, 0.5}
			}
			if want.Classes != nil && !slices.Equal(got.Classes, want.Classes) { // vgg16.IMAGENET1K_FEATURES has none there
				t.Errorf("%s.%s: the class names differ", name, want.Name)
			}
			params := want.Params
			if name == "googlenet" { // torchvision leaves out the auxiliary heads, which its file and its network have
				params = 13_004_888
			}
			p := got.Preprocess
			wantP := vision.Preprocess{Resize: want.Resize, Crop: want.Crop, Interpolation: vision.Interpolation(want.Interpolation)}
			for i := range 3 {
				wantP.Mean[i], wantP.Std[i] = float32(mean[i]), float32(std[i])
			}
			if p != wantP {
				t.Errorf("%s.%s: preprocessing %+v, want %+v", name, want.Name, p, wantP)
			}
			if got.URL != want.URL || got.Params != params || got.Default != want.Default || !near(got.GFLOPs, want.GFLOPs) ||
				!near(got.FileMB, want.FileMB) || !near(got.Top1, want.Top1) || !near(got.Top5, want.Top5) {
				got.Classes = nil // too long to print
				t.Errorf("%s.%s: %+v, want %s, %d parameters, default %v, %g GFLOPs, %g MB, %g and %g %%", name, want.Name, got,
					want.URL, params, want.Default, want.GFLOPs, want.FileMB, want.Top1, want.Top5)
			}
			if spec.MinSize > want.MinSize {
				t.Errorf("%s: smallest image %d, torchvision takes %d", name, spec.MinSize, want.MinSize)
			}
		}
	}
}
