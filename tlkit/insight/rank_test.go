package insight

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
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
	if r[0].LogME <= r[1].LogME || r[0].HScore <= r[1].HScore || !math.IsNaN(r[1].NCE) || !(r[0].NCE <= 0) {
		t.Errorf("estimates %+v", r)
	}
	if _, err := Rank(d); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Errorf("error %v without a model", err)
	}
	if _, err := Rank(nil, trained); err == nil {
		t.Error("no error without data")
	}
}
