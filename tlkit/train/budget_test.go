package train_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestBudget: a training stops and saves when the budget ends, and goes on after it to what an uninterrupted one gives.
func TestBudget(t *testing.T) {
	t.Cleanup(func() { train.Budget(0) })
	ds, m, r := paint(t), pretrained(t), quick(t)
	whole := compare(t, r, "whole", ds, m, strategy.FineTune{})

	before := time.Now()
	if end := train.Budget(time.Hour); end.Before(before.Add(time.Hour)) || end.After(time.Now().Add(time.Hour)) {
		t.Errorf("Budget(1h) ends at %s, now is %s", end, time.Now())
	}
	if res := compare(t, r, "in-time", ds, m, strategy.FineTune{}).Results[0]; !res.Done {
		t.Error("a training within the budget was stopped")
	}
	train.Budget(time.Nanosecond)
	compare(t, r, "whole", ds, m, strategy.FineTune{}) // what is done is shown, whatever the budget
	_, err := r.Compare(t.Context(), "r", ds, m, strategy.FineTune{})
	var stopped *train.InterruptedError
	if !errors.As(err, &stopped) || stopped.Budget != time.Nanosecond {
		t.Fatalf("error %v, want an InterruptedError with the budget", err)
	}
	wantError(t, err, "1ns", "saved", "Budget(0)")
	if run := r.MustCompare("m", ds, m, strategy.FineTune{}); run == nil || len(run.Results) != 1 || run.Results[0].Done {
		t.Errorf("MustCompare returned %+v, want a run that is not done", run)
	}
	if s := r.MustSampleSizes("study", ds, m, []int{1, 2}, strategy.FineTune{}); s == nil || len(s.Accuracy[0][0]) != 0 {
		t.Errorf("MustSampleSizes returned %+v, want a study of nothing", s)
	}
	if end := train.Budget(0); !end.IsZero() {
		t.Errorf("Budget(0) ends at %s, want never", end)
	}
	r.MustSampleSizes("study", ds, m, []int{1}, strategy.FineTune{})
	train.Budget(time.Nanosecond)
	if s := r.MustSampleSizes("study", ds, m, []int{1, 2}, strategy.FineTune{}); len(s.Accuracy[0][0]) != 1 || len(s.Accuracy[0][1]) != 0 {
		t.Errorf("MustSampleSizes returned %+v, want the smallest size alone", s)
	}
	train.Budget(0)
	run := compare(t, r, "r", ds, m, strategy.FineTune{})
	if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
		t.Errorf("history\n%+v, uninterrupted\n%+v", got, want)
	}
}
