package insight

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestEstimatesAgainstPeer holds LogME, the H-score and NCE against the formulas in numpy (testdata/peer_rank.py), with
// more and with fewer examples than features.
func TestEstimatesAgainstPeer(t *testing.T) {
	data, err := os.ReadFile("testdata/rank.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		Features           [][]float64
		Labels, Source     []int
		Classes            int
		LogME, HScore, NCE float64
	}
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		x := mat.NewDense(len(s.Features), len(s.Features[0]), nil)
		for i, row := range s.Features {
			x.SetRow(i, row)
		}
		evidence, err := logME(x, s.Labels, s.Classes)
		if err != nil {
			t.Fatal(err)
		}
		score, err := hScore(x, s.Labels, s.Classes)
		if err != nil {
			t.Fatal(err)
		}
		entropy := nce(s.Source, s.Labels)
		t.Logf("%d x %d: LogME %.6f, H-score %.6f, NCE %.6f", len(s.Features), len(s.Features[0]), evidence, score, entropy)
		for name, pair := range map[string][2]float64{"LogME": {evidence, s.LogME}, "H-score": {score, s.HScore}, "NCE": {entropy, s.NCE}} {
			if !(math.Abs(pair[0]-pair[1]) <= 1e-6*math.Max(1, math.Abs(pair[1]))) {
				t.Errorf("%s is %.9g, the peer's %.9g", name, pair[0], pair[1])
			}
		}
	}
	// A class without images is no class: the mean is over those that have some.
	s := sets[0]
	x := mat.NewDense(len(s.Features), len(s.Features[0]), nil)
	for i, row := range s.Features {
		x.SetRow(i, row)
	}
	if got, err := logME(x, s.Labels, s.Classes+3); err != nil || math.Abs(got-s.LogME) > 1e-6 {
		t.Errorf("LogME with three classes without images is %g, %v; without them %g", got, err, s.LogME)
	}
	if got := nce([]int{0, 0, 1, 1}, []int{0, 1, 0, 0}); math.Abs(got+0.5*math.Log(2)) > 1e-12 {
		t.Errorf("NCE %g, by hand half of -log 2", got)
	}
	if _, err := hScore(mat.NewDense(3, 2, nil), []int{0, 1, 0}, 2); err == nil {
		t.Error("features without variation gave no error")
	}
}

// TestRank holds that a network trained on the same kind of images comes before the same one with random values.
func TestRank(t *testing.T) {
	d, err := datasets.Load("shapes", datasets.Options{PerClass: 10})
	if err != nil {
		t.Fatal(err)
	}
	trained, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	random, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Rank(d, random, trained)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := r.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(bundle[plots.MIMEText])
	if r[0].Model != "resnet20 (resnet20.SHAPES)" {
		t.Errorf("the first is %s", r[0].Model)
	}
	if _, err := r.Against(Outcome{Model: r[0].Model, Data: "cats", Fingerprint: "0"}); err == nil || !strings.Contains(err.Error(), `"shapes"`) {
		t.Errorf("compared with a training on cats: %v", err)
	}
	if r[0].LogME <= r[1].LogME || r[0].HScore <= r[1].HScore || !math.IsNaN(r[1].NCE) || !(r[0].NCE <= 0) {
		t.Errorf("estimates %+v", r)
	}
	// The output layer of a network with a new head is random, the rest is trained; a network of zeros comes last, with
	// the reason.
	for _, c := range []struct{ model, problem string }{{"new head", ""}, {"zeros", "the same for all images"}} {
		m, err := trained.Clone()
		if err != nil {
			t.Fatal(err)
		}
		if c.model == "new head" {
			err = m.ReplaceHead([]string{"a", "b", "c"}, 1)
		} else {
			fill(t, m, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := Rank(d, m, random)
		if err != nil {
			t.Fatal(c.model, err)
		}
		if c.problem == "" {
			if !math.IsNaN(r[0].NCE) || r[0].Problem != "" {
				t.Errorf("%s: NCE %g, problem %q; want NaN and none", c.model, r[0].NCE, r[0].Problem)
			}
			continue
		}
		if !strings.Contains(r[1].Problem, c.problem) || !math.IsNaN(r[1].LogME) || !math.IsNaN(r[1].Accuracy) || r[0].Problem != "" {
			t.Errorf("%s: %+v; want it last with %q", c.model, r, c.problem)
		}
		bundle, err := r.Bundle()
		if err != nil || !strings.Contains(bundle[plots.MIMEText].(string), c.problem) {
			t.Errorf("%s: %v; the table should say %q: %v", c.model, err, c.problem, bundle[plots.MIMEText])
		}
		if _, err := Rank(d, m); err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s alone: error %v, want one with %q", c.model, err, c.problem)
		}
	}
	if _, err := Rank(d); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Errorf("error %v without a model", err)
	}
	if _, err := Rank(nil, trained); err == nil {
		t.Error("no error without data")
	}
}

// TestCheckFeatures: features that are not finite, or equal for all images, are named.
func TestCheckFeatures(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for want, values := range map[string][]float32{"": {1, 2, 1, 3}, "the same for all": {1, 2, 1, 2}, "feature 1 of image 0 is NaN": {1, nan, 1, 2}, "feature 0 of image 1 is +Inf": {1, 2, inf, 2}} {
		err := checkFeatures(&zoo.Features{Shape: []int{2}, Values: values})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", values, err, want)
		}
	}
}

// fill gives all weights of a model one value.
func fill(t *testing.T, m *zoo.Model, value float64) {
	t.Helper()
	var entries []weights.Entry
	for _, p := range m.Params() {
		values := slices.Repeat([]float32{float32(value)}, p.Size())
		if value == 0 && strings.HasSuffix(p.Key, "running_var") {
			values = slices.Repeat([]float32{1}, p.Size())
		}
		tensor, err := weights.NewTensor(p.Shape, values)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: p.Key, Tensor: tensor})
	}
	sd, err := weights.New(entries)
	if err == nil {
		err = m.LoadStateDict(sd)
	}
	if err != nil {
		t.Fatal(err)
	}
}
