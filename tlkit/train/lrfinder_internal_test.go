package train

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// rangeTest is the curve of a range test whose loss is 2.3 under noise, and falls by the given amount between the rates
// 0.01 and 0.1.
func rangeTest(seed uint64, noise, fall float64) *LRCurve {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := &LRCurve{}
	for i := range lrSteps {
		rate := lrLow * math.Pow(lrHigh/lrLow, float64(i)/(lrSteps-1))
		down := min(max(math.Log10(rate)+2, 0), 1)
		c.add(rate, 2.3-fall*down+noise*rng.NormFloat64())
	}
	c.suggest()
	return c
}

// TestSuggest: noise, which is largest in the first steps, is no fall of the loss, and does not hide one.
func TestSuggest(t *testing.T) {
	for seed := range uint64(25) {
		if c := rangeTest(seed, 0.4, 1.5); c.Suggested < 0.005 || c.Suggested > 0.3 {
			t.Errorf("seed %d: suggested %g where the loss falls from 0.01 to 0.1", seed, c.Suggested)
		}
		if c := rangeTest(seed, 0.4, 0); c.Suggested != 0 || c.Lowest != 0 {
			t.Errorf("seed %d: suggested %g, lowest %g in noise alone", seed, c.Suggested, c.Lowest)
		}
	}
	if c := rangeTest(0, 0, 0); c.Suggested != 0 || c.Lowest != 0 {
		t.Errorf("suggested %g, lowest %g where nothing falls", c.Suggested, c.Lowest)
	}
}

// TestSuggestNoisy: of a noisy curve no rate is suggested before the loss falls, nor long after.
func TestSuggestNoisy(t *testing.T) {
	for _, noise := range []float64{0.6, 0.8, 1} {
		for seed := range uint64(200) {
			if c := rangeTest(seed, noise, 1.5); c.Suggested != 0 && (c.Suggested < 0.005 || c.Suggested > 5) {
				t.Errorf("noise %g, seed %d: suggested %g where the loss falls from 0.01 to 0.1", noise, seed, c.Suggested)
			}
		}
	}
}

// TestNegativeLoss: the test of a loss that is negative, zero at its lowest or crosses zero goes on while the loss
// falls, suggests what the same curve above zero does, and ends when the loss is much worse.
func TestNegativeLoss(t *testing.T) {
	for _, shift := range []float64{0, -1.3, -2.3, -5, -100} {
		c := &LRCurve{}
		for c.more() {
			rate := lrLow * math.Pow(lrHigh/lrLow, float64(len(c.Rates))/(lrSteps-1))
			loss := 2.3 - min(max(math.Log10(rate)+3, 0), 1)
			if rate > 1 {
				loss = 1e6
			}
			c.add(rate, loss+shift)
		}
		c.suggest()
		if n := len(c.Rates); n < 86 || n > 95 {
			t.Errorf("%+g: ended after %d steps; the loss is 1e6 from step 86 on", shift, n)
		}
		if c.Suggested < 1e-3 || c.Suggested > 0.03 {
			t.Errorf("%+g: suggested %g where the loss falls from 0.001 to 0.01", shift, c.Suggested)
		}
	}
}

// TestLossOfNaN: a loss that is NaN from the second step on is not said to fall by its noise.
func TestLossOfNaN(t *testing.T) {
	c := &LRCurve{}
	c.add(1e-6, 1.1)
	c.add(2e-6, math.NaN())
	c.suggest()
	if text := c.String(); !strings.Contains(text, "the loss is NaN in step 2, at a rate of 2e-06 already") {
		t.Errorf("says %q", text)
	}
}

// TestTestedRates: without a suggestion, the text names the rates that were tested, and the loss that ended the test
// early.
func TestTestedRates(t *testing.T) {
	for _, tt := range []struct {
		from int     // the step, from 0, from which on the loss is another
		loss float64 // that loss
		want string
	}{
		{lrSteps, 0, "at any rate from 1e-06 to 10; a larger"},
		{60, 100, "at any rate from 1e-06 to 0.017, where it rose to 100 and ended the test; a larger"},
		{60, math.NaN(), "at any rate from 1e-06 to 0.017, where it rose to NaN and ended the test; a larger"},
		{20, 100, "at any rate from 1e-06 to 2.6e-05, where it rose to 100 and ended the test; a larger"},
	} {
		c := &LRCurve{}
		for c.more() {
			i := len(c.Rates)
			loss := 2.3
			if i >= tt.from {
				loss = tt.loss
			}
			c.add(lrLow*math.Pow(lrHigh/lrLow, float64(i)/(lrSteps-1)), loss)
		}
		c.suggest()
		if text := c.String(); !strings.Contains(text, tt.want) {
			t.Errorf("%g from step %d on: says %q, want %q", tt.loss, tt.from, text, tt.want)
		}
	}
}

// TestAgainstOneClass: the advice for a strategy that names one class names what the recipe has.
func TestAgainstOneClass(t *testing.T) {
	for _, tt := range []struct {
		recipe Recipe
		want   string
		not    string
		rate   float64
	}{
		{Recipe{BatchSize: 4}, "Recipe.ClassWeights if some classes have more training images", "Average", 0.1},
		{Recipe{BatchSize: 4, ClassWeights: Balanced}, "FindLR", "ClassWeights", 0.1},
		{Recipe{BatchSize: 4, Average: 0.9999}, "FindLR", "Average", 0.1}, // the average of the first steps is short
		{Recipe{Epochs: 5, Schedule: Schedule{Warmup: 100}}, "a shorter Schedule.Warmup", "FindLR", 0.1},
		{Recipe{BatchSize: 4}, "Transfer", "FindLR", 0}, // no steps: KNN, LogisticRegression, AdaBN
	} {
		r := &Result{LearningRate: tt.rate, History: make([]Epoch, 2), run: &Run{Config: Config{Recipe: tt.recipe, Data: DataConfig{Train: 30}}}}
		if text := r.againstOneClass().english; !strings.Contains(text, tt.want) || strings.Contains(text, tt.not) {
			t.Errorf("%+v: says %q, want %q without %q", tt.recipe, text, tt.want, tt.not)
		}
	}
}
