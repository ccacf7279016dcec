package train_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// effects lists the fields of a Recipe that have no effect without others: a recipe in which one has none, and what the
// error says.
var effects = map[string]struct {
	set  func(r *train.Recipe)
	want []string
}{
	"Momentum":             {func(r *train.Recipe) { r.Optimizer, r.Momentum = train.Adam, 0.5 }, []string{"Recipe.Momentum is 0.5", `Optimizer "adam"`, `"sgd"`}},
	"EarlyStop.OnAccuracy": {func(r *train.Recipe) { r.EarlyStop.OnAccuracy = true }, []string{"EarlyStop.OnAccuracy", "without EarlyStop.Patience"}},
	"EarlyStop.MinDelta":   {func(r *train.Recipe) { r.EarlyStop.MinDelta = 0.1 }, []string{"EarlyStop.MinDelta is 0.1", "without EarlyStop.Patience"}},
	"Schedule.StepFactor":  {func(r *train.Recipe) { r.Schedule.StepFactor = 0.5 }, []string{"Schedule.StepFactor is 0.5", "without Schedule.StepEvery"}},
	"Augment.Scale":        {func(r *train.Recipe) { r.Augment.Scale = [2]float64{0.5, 1} }, []string{"Augment.Scale is [0.5 1]", "without Augment.ResizedCrop"}},
	"Augment.Ratio":        {func(r *train.Recipe) { r.Augment.Ratio = [2]float64{1, 1} }, []string{"Augment.Ratio is [1 1]", "without Augment.ResizedCrop"}},
	"Augment.RandAugment.Magnitude": {func(r *train.Recipe) {
		r.Augment = vision.Augment{HorizontalFlip: 0.5, RandAugment: vision.RandAugment{Magnitude: 5}}
	},
		[]string{"Augment.RandAugment.Magnitude is 5", "without Augment.RandAugment.Ops"}},
	"Views":  {func(r *train.Recipe) { r.Views = 3 }, []string{"Recipe.Views is 3", "without Augment"}},
	"Mixup":  {func(r *train.Recipe) { r.BatchSize, r.Mixup = 1, 0.2 }, []string{"Recipe.Mixup is 0.2", "BatchSize of 1"}},
	"CutMix": {func(r *train.Recipe) { r.BatchSize, r.CutMix = 1, 1 }, []string{"Recipe.CutMix is 1", "BatchSize of 1"}},
}

// always lists the fields that have an effect whatever the others are.
var always = []string{"Epochs", "BatchSize", "Optimizer", "WeightDecay", "Accumulate", "ClipNorm", "LabelSmoothing", "ClassWeights", "Average",
	"EarlyStop.Patience", "Restore", "Schedule.StepEvery", "Schedule.Cosine", "Schedule.Warmup", "Schedule.OneCycle", "Augment.ResizedCrop", "Augment.Pad",
	"Augment.HorizontalFlip", "Augment.RandAugment.Ops", "Augment.TrivialAugment", "Passes", "Seed", "Seeds", "Devices", "Precision", "Dir", "Track", "Quiet", "MemoryLimit", "DiskLimit"}

// TestTooShort: a schedule of which a part comes after the last epoch is named, and trained: more epochs may follow.
func TestTooShort(t *testing.T) {
	for _, tt := range []struct {
		schedule train.Schedule
		want     string
		fitted   bool // without steps
	}{
		{train.Schedule{Warmup: 100}, "Warmup is 100 epochs and the training has 2, so that the learning rate ends at 0.02 of its value", false},
		{train.Schedule{StepEvery: 2}, "StepEvery is 2 epochs and the training has 2, so that the learning rate never steps", false},
		{train.Schedule{Warmup: 2}, "", false},
		{train.Schedule{StepEvery: 1}, "", false},
		{train.Schedule{}, "", false},
		{train.Schedule{Warmup: 100}, "", true},
		{train.Schedule{StepEvery: 2}, "", true},
	} {
		r := quick(t)
		r.Schedule = tt.schedule
		var s train.Strategy = strategy.Transfer{}
		if tt.fitted {
			s = strategy.KNN{}
		}
		run := compare(t, r, "r", paint(t), pretrained(t), s)
		text := strings.Join(run.Warnings, "\n")
		if !strings.Contains(text, tt.want) || (tt.want == "") != (text == "") || len(run.Results[0].History) != 2 {
			t.Errorf("%+v, fitted %v: warnings %q, want %q", tt.schedule, tt.fitted, text, tt.want)
		}
	}
}

// TestFieldsWithoutEffect: a new training refuses a field without effect, with the field that it needs; every field of
// a recipe is judged. A training that was begun with one goes on.
func TestFieldsWithoutEffect(t *testing.T) {
	var fields func(prefix string, of reflect.Type)
	fields = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			name := prefix + f.Name
			_, idle := effects[name]
			switch {
			case f.Type.Kind() == reflect.Struct:
				fields(name+".", f.Type)
			case !idle && !strings.Contains(" "+strings.Join(always, " ")+" ", " "+name+" "):
				t.Errorf("Recipe.%s: say in effects what it needs to have an effect, or that it always has one", name)
			}
		}
	}
	fields("", reflect.TypeFor[train.Recipe]())
	m, ds := pretrained(t), paint(t)
	for name, tt := range effects {
		r := quick(t)
		tt.set(&r)
		_, err := r.Compare(t.Context(), "r", ds, m, strategy.FineTune{})
		wantError(t, err, append(tt.want, "has no effect")...)
		if _, err = r.FindLR(t.Context(), ds, m, strategy.FineTune{}); err == nil {
			t.Errorf("%s: FindLR takes it", name)
		}
		accept := train.AcceptIdle()
		first := compare(t, r, "r", ds, m, strategy.FineTune{})
		accept()
		r.Epochs++
		further := compare(t, r, "r", ds, m, strategy.FineTune{})
		if got := further.Results[0].History; !reflect.DeepEqual(got[:len(got)-1], first.Results[0].History) {
			t.Errorf("%s: it did not go on: %+v, %+v", name, got, first.Results[0].History)
		}
		other := r
		other.WeightDecay = 0.01
		_, err = other.Compare(t.Context(), "r", ds, m, strategy.FineTune{})
		wantError(t, err, tt.want...)
		plain := quick(t)
		plain.Dir, plain.WeightDecay = r.Dir, 0.01
		compare(t, plain, "r", ds, m, strategy.FineTune{})
		if again := compare(t, r, "r", ds, m, strategy.FineTune{}); !reflect.DeepEqual(again.Results[0].History, further.Results[0].History) {
			t.Errorf("%s: the earlier version did not come back: %+v", name, again.Results[0].History)
		}
	}
	if _, err := (train.Recipe{Augment: vision.Augment{Scale: [2]float64{0.5, 1}}}).PreviewAugment(m, ds.Train, 1, 1); err == nil || !strings.Contains(err.Error(), "ResizedCrop") {
		t.Errorf("PreviewAugment: %v", err)
	}
}
