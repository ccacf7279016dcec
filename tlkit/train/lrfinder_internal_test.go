package train

import (
	"math"
	"math/rand/v2"
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
