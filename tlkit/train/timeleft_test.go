package train

import (
	"testing"
	"time"
)

func TestRunProgress(t *testing.T) {
	epochs := func(n int, seconds float64) (all []Epoch) {
		for i := range n {
			all = append(all, Epoch{Epoch: i + 1, Seconds: seconds})
		}
		return all
	}
	run := &Run{Config: Config{Recipe: Recipe{Epochs: 4}}}
	if d, ok := run.TimeLeft(); ok || d != 0 {
		t.Errorf("without an epoch: %v, %v", d, ok)
	}
	run.Results = Results{
		{Strategy: "whole", Done: true, History: epochs(4, 1)},
		{Strategy: "early", Done: true, StoppedEarly: true, History: epochs(2, 1)},
		{Strategy: "half", History: epochs(2, 10), Repeats: []*Result{{Strategy: "half", Seed: 1}}},
		{Strategy: "none"},
	}
	run.Results = append(run.Results, &Result{Strategy: "diverged", Diverged: &Divergence{}, History: epochs(1, 1)})
	if done, total := run.Progress(); done != 14 || total != 24 {
		t.Errorf("progress: %d of %d epochs, want 14 of 24", done, total)
	}
	// half: 2 and 4 epochs at 10 s; none: 4 epochs at the mean of 1, 1, 10 and 1 s.
	if d, ok := run.TimeLeft(); !ok || d != 73*time.Second {
		t.Errorf("time left: %v, %v; want 1m13s", d, ok)
	}
}
