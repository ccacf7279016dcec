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
	for name, c := range map[string]struct {
		result *Result
		done   int
	}{
		"a call with more epochs did not name it": {&Result{Done: true, History: epochs(2, 1)}, 4},
		"its history is lost":                     {&Result{Done: true}, 0},
		"the end of its history is lost":          {&Result{Done: true, History: epochs(2, 1), notes: []string{"history.jsonl is damaged"}}, 2},
		"its history is of an earlier time":       {&Result{Done: true, History: epochs(2, 1), Predictions: Predictions{Epoch: 3}}, 2},
		"it is being trained":                     {&Result{History: epochs(2, 1)}, 2},
	} {
		one := &Run{Config: run.Config, Results: Results{c.result}}
		if done, total := one.Progress(); done != c.done || total != 4 {
			t.Errorf("%s: %d of %d epochs, want %d of 4", name, done, total, c.done)
		}
	}
	// half: 2 and 4 epochs at 10 s; none: 4 epochs at the mean of 1, 1, 10 and 1 s.
	if d, ok := run.TimeLeft(); !ok || d != 73*time.Second {
		t.Errorf("time left: %v, %v; want 1m13s", d, ok)
	}
}
