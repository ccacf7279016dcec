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

// TestUnbroken: a short quantity stays on one line of a page, and a name or a long text does not widen its column.
func TestUnbroken(t *testing.T) {
	for s, want := range map[string]string{"0.5 s": "0.5\u00a0s", "0:14 min": "0:14\u00a0min", "33 of 40": "33\u00a0of\u00a040",
		"269,722 / 269,722": "269,722 / 269,722", "source only": "source only", "": ""} {
		if got := unbroken(s); got != want {
			t.Errorf("unbroken(%q) = %q, want %q", s, got, want)
		}
	}
}
