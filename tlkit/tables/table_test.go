package tables

import "testing"

func TestCellNumber(t *testing.T) {
	for s, want := range map[string]float64{"94.1% ± 0.7": 94.1, " 2,562": 2562, "-3e-2 s": -0.03, "−1": -1, "+5": 5, "1_000": 1000} {
		if v, ok := cellNumber(s); !ok || v != want {
			t.Errorf("%q is %v %v, want %v", s, v, ok, want)
		}
	}
	for _, s := range []string{"", "-", "n/a", "NaN", "resnet18", "1e999"} {
		if v, ok := cellNumber(s); ok {
			t.Errorf("%q is the number %v, want none", s, v)
		}
	}
}
