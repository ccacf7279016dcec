package train

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// TestCalibratedAgainstPeer holds temperature and figures against scipy, torchmetrics and scikit-learn
// (testdata/peer_calibration.py).
func TestCalibratedAgainstPeer(t *testing.T) {
	data, err := os.ReadFile("testdata/calibration.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Logits        [][]float32
		Labels        []int
		Temperature   float64
		Before, After CalibrationScore
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	got := calibrated(want.Logits, want.Labels, 0.9, 1)
	near := func(name string, got, want, within float64) {
		t.Helper()
		if !(math.Abs(got-want) <= within) {
			t.Errorf("%s is %.9g, the peer's %.9g", name, got, want)
		}
	}
	near("temperature", got.Temperature, want.Temperature, 1e-5)
	near("NLL before", got.Before.NLL, want.Before.NLL, 1e-6)
	near("NLL after", got.After.NLL, want.After.NLL, 1e-6)
	near("ECE before", got.Before.ECE, want.Before.ECE, 1e-6)
	near("ECE after", got.After.ECE, want.After.ECE, 1e-6)
	near("Brier before", got.Before.Brier, want.Before.Brier, 1e-6)
	near("Brier after", got.After.Brier, want.After.Brier, 1e-6)
	t.Log(got)
	if share := float64(got.Right) / float64(got.Certain); share < 0.9 || got.Certain == got.Images {
		t.Errorf("%d of %d certain, %d right: expected at least 90%% of fewer than all", got.Certain, got.Images, got.Right)
	}
}

// repeated returns n times the logits 0 and l, and labels of which the given number is right.
func repeated(n, right int, l float32) (logits [][]float32, labels []int) {
	for i := range n {
		label := 0
		if i >= right {
			label = 1
		}
		logits, labels = append(logits, []float32{l, 0}), append(labels, label)
	}
	return logits, labels
}

// TestFitTemperatureOfAnyScale: logits in other units have the temperature in those units, and no note.
func TestFitTemperatureOfAnyScale(t *testing.T) {
	for _, unit := range []float32{1e-6, 0.01, 1, 500, 1e6} {
		logits, labels := repeated(100, 90, 2*unit)
		want := 2 * float64(unit) / math.Log(9)
		if got, note := fitTemperature(logits, labels); math.Abs(got-want) > 1e-6*want || note != "" {
			t.Errorf("logits of %g: temperature %g, note %q; expected %g", 2*unit, got, note, want)
		}
	}
}

// TestFitTemperatureAtTheEnds has the cases in which no temperature is best.
func TestFitTemperatureAtTheEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		logits [][]float32
		labels []int
		want   float64
		note   string
	}{
		{"all right", [][]float32{{9, 0}, {0, 9}}, []int{0, 1}, 1, "classified right"},
		{"all wrong", [][]float32{{9, 0}, {0, 9}}, []int{1, 0}, highestTemperature * 4.5, "by chance"},
		{"wrong by little", [][]float32{{0.03, 0}, {0, 0.02}}, []int{1, 0}, 1, "by chance"},
		{"right by chance, by little", [][]float32{{0.02, 0}, {0.03, 0}}, []int{0, 1}, 1, "by chance"},
		{"nearly right, by much", [][]float32{{650, 0}, {650, 0}, {650, 650}}, []int{0, 0, 1}, 1, "the others nearly so"},
		{"all equal", [][]float32{{3, 3}, {3, 3}}, []int{0, 1}, 1, "are equal"},
		{"right, but not sure", [][]float32{{0.1, 0}, {0.1, 0}, {9, 0}}, []int{0, 0, 1}, highestTemperature * 9.2 / 6, "2 of 3 images are classified right, but"},
		{"nearly right", [][]float32{{9, 0}, {9, 0}, {9, 9}}, []int{0, 0, 1}, lowestTemperature * 9.0 / 3, "2 of 3 images are classified right, the others nearly so"},
		// Three of four right with the logits 0 and l: the probability 3/4 needs l/T = log 3.
		{"three of four", [][]float32{{2, 0}, {2, 0}, {2, 0}, {2, 0}}, []int{0, 0, 0, 1}, 2 / math.Log(3), ""},
	} {
		got, note := fitTemperature(c.logits, c.labels)
		if math.Abs(got-c.want) > 1e-6 || !strings.Contains(note, c.note) || (note == "") != (c.note == "") {
			t.Errorf("%s: temperature %g, note %q; expected %g, %q", c.name, got, note, c.want, c.note)
		}
		fit, _ := scoreAt(c.logits, c.labels, got)
		if plain, _ := scoreAt(c.logits, c.labels, 1); fit.NLL > plain.NLL+1e-9 {
			t.Errorf("%s: NLL %g at temperature %g, %g at 1", c.name, fit.NLL, got, plain.NLL)
		}
		for _, precision := range []float64{0, 0.5, 1} {
			t.Setenv(plots.LanguageEnv, "ja")
			shown, err := calibrated(c.logits, c.labels, precision, 1).Bundle()
			if err != nil {
				t.Fatal(err)
			}
			if english := testutil.English(shown, "NLL"); len(english) > 0 {
				t.Errorf("%s, precision %g: in Japanese it shows %q", c.name, precision, english)
			}
		}
	}
}

// TestThreshold has thresholds by hand.
func TestThreshold(t *testing.T) {
	p := Predictions{
		Labels:     []int{0, 0, 0, 0, 0},
		Predicted:  []int{0, 1, 0, 0, 1},
		Confidence: []float64{0.9, 0.6, 0.8, 0.7, 0.6},
	}
	for _, c := range []struct {
		precision, want float64
		ok              bool
	}{
		{1, 0.7, true},    // the upper three are right
		{0.75, 0.7, true}, // the two of 0.6 are accepted together: 3 of 5
		{0.6, 0, true},    // all
		{0.5, 0, true},
	} {
		if got, ok := threshold(p, c.precision); got != c.want || ok != c.ok {
			t.Errorf("precision %g: threshold %g, %v; expected %g, %v", c.precision, got, ok, c.want, c.ok)
		}
	}
	// A precision that is reached exactly is reached, also where its product with the number is rounded up.
	for _, c := range [][2]int{{55, 100}, {14, 25}, {51, 75}, {7, 10}, {2, 3}} {
		var p Predictions
		for i := range c[1] {
			predicted := 0
			if i >= c[0] {
				predicted = 1
			}
			p.Labels, p.Predicted, p.Confidence = append(p.Labels, 0), append(p.Predicted, predicted), append(p.Confidence, 0.9)
		}
		if at, ok := threshold(p, float64(c[0])/float64(c[1])); at != 0 || !ok {
			t.Errorf("%d of %d right: threshold %g, %v; expected 0 for all", c[0], c[1], at, ok)
		}
	}
	p.Predicted = []int{1, 0, 0, 0, 0} // the surest is wrong
	if got, ok := threshold(p, 0.9); ok {
		t.Errorf("threshold %g for a precision that none reaches", got)
	}
	c := calibrated([][]float32{{9, 0}, {1, 0}, {0.5, 0}}, []int{1, 0, 0}, 0.9, 1)
	if c.Threshold != 0 || c.Precision != 0 || !strings.Contains(c.Note, "no threshold") {
		t.Errorf("a precision that no threshold reaches gave %+v", c)
	}
}

// TestReliability has the bins and the error by hand: 0.2 is the end of bin 2 of 15, which belongs to it.
func TestReliability(t *testing.T) {
	p := Predictions{Labels: []int{0, 0, 0, 0}, Predicted: []int{0, 1, 0, 0}, Confidence: []float64{0.2, 0.19, 1, 1}}
	bins := p.reliability()
	if bins[2].Images != 2 || bins[14].Images != 2 || bins[2].Accuracy != 0.5 || math.Abs(bins[2].Confidence-0.195) > 1e-12 || !math.IsNaN(bins[0].Accuracy) {
		t.Errorf("bins %+v", bins)
	}
	if got, want := calibrationError(bins), 0.5*math.Abs(0.5-0.195); math.Abs(got-want) > 1e-12 {
		t.Errorf("error %g, expected %g", got, want)
	}
	if got := calibrationError(Predictions{}.reliability()); !math.IsNaN(got) {
		t.Errorf("error of no images %g, expected NaN", got)
	}
	if got := brier([]float64{0.7, 0.2, 0.1}, 0); math.Abs(got-0.14) > 1e-12 {
		t.Errorf("Brier score %g, expected 0.09+0.04+0.01", got)
	}
}
