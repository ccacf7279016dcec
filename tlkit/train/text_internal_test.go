package train

import (
	"fmt"
	"testing"
)

// TestDuration: a time is rounded first and then split in units.
func TestDuration(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		want    string
	}{
		{0, "0 ms"}, {0.0994, "99 ms"}, {0.0996, "0.1 s"}, {0.1, "0.1 s"}, {9.94, "9.9 s"}, {9.97, "10 s"}, {10.4, "10 s"},
		{12, "12 s"}, {59.4, "59 s"}, {59.7, "1:00 min"}, {119.4, "1:59 min"}, {119.6, "2:00 min"}, {3599.6, "60:00 min"}, {7261, "121:01 min"},
	} {
		if got := duration(c.seconds); got != c.want {
			t.Errorf("%g s is %q, want %q", c.seconds, got, c.want)
		}
	}
}

// TestAdvisedRate: the sentence of the range test names no limit that its own advice exceeds.
func TestAdvisedRate(t *testing.T) {
	c := LRCurve{Strategy: "finetune", Data: "sketches", Suggested: 0.0546, Lowest: 0.385}
	const want = "finetune on sketches: try a learning rate of 0.05, where the loss falls most steeply; it is lowest at 0.4"
	if got := fmt.Sprint(&c); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
