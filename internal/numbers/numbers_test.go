package numbers

import (
	"math"
	"testing"
)

func TestSoftmax(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		want   []float64
		best   int
	}{
		{[]float32{0, 0}, []float64{0.5, 0.5}, 0},
		{[]float32{0, float32(math.Log(3))}, []float64{0.25, 0.75}, 1},
		{[]float32{1000, 1000, -1000}, []float64{0.5, 0.5, 0}, 0}, // where e^x overflows
	} {
		p := Softmax(c.logits)
		for i, want := range c.want {
			if math.Abs(p[i]-want) > 1e-7 {
				t.Errorf("Softmax(%v) is %v, want %v", c.logits, p, c.want)
			}
		}
		if got := Argmax(p); got != c.best {
			t.Errorf("Argmax(%v) is %d, want %d", p, got, c.best)
		}
	}
	if p := Softmax([]float32{float32(math.NaN()), 1}); Finite(p[0]) {
		t.Errorf("Softmax of NaN is %v, want NaN", p)
	}
	if got := NegLog(0); math.Abs(got-30*math.Ln10) > 1e-9 {
		t.Errorf("NegLog(0) is %g, want that of 1e-30", got)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 269722: "269,722", 11689512: "11,689,512", -1234: "-1,234"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("Median(%v) = %g, want %g", c.values, got, c.want)
		}
	}
}
