package train_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestResume stops a training at several places and continues it: weights and history are, to the bit, those of a
// training that ran through.
func TestResume(t *testing.T) {
	m := pretrained(t)
	for _, kind := range []train.Optimizer{train.SGD, train.AdamW} {
		r := quick(t)
		r.Epochs, r.Optimizer, r.WeightDecay = 3, kind, 1e-3
		r.Schedule = train.Schedule{Cosine: true, Warmup: 0.5}
		r.MemoryLimit = 1 // every use of an image is heard of
		whole := compare(t, r, "whole", paint(t), m, strategy.FineTune{}, strategy.Scratch{})
		want := tree(t, filepath.Join(whole.Dir, "finetune"))

		tests := []struct {
			name       string
			train, val int // the use of an image at which to stop
			epoch      int
		}{
			{"first batch", 1, 0, 1},
			{"last batch of the first epoch", 14, 0, 1},
			{"evaluation", 0, 4, 1},
			{"second epoch", 15 + 13, 0, 2},
			{"last evaluation", 0, 9 + 9 + 1, 3},
			{"another strategy", 3*15 + 14, 0, 1},
		}
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s/%s", kind, tt.name), func(t *testing.T) {
				r := r
				r.Dir = t.TempDir()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				ds := paint(t)
				ds.Train = painted(t, 1, 5, (&counter{when: tt.train, at: cancel}).asked)
				ds.Val = painted(t, 2, 3, (&counter{when: tt.val, at: cancel}).asked)
				run, err := r.Compare(ctx, "r", ds, m, strategy.FineTune{}, strategy.Scratch{})
				var stopped *train.InterruptedError
				if !errors.As(err, &stopped) || run == nil {
					t.Fatalf("run %v, error %v; want the run and an InterruptedError", run, err)
				}
				if stopped.Epoch != tt.epoch {
					t.Errorf("stopped in epoch %d, want %d", stopped.Epoch, tt.epoch)
				}
				wantError(t, err, `"r"`, `"`+stopped.Strategy+`"`, "saved", "same call")
				if _, err := run.Curves().Bundle(); err != nil {
					t.Error(err)
				}

				c := &counter{}
				ds.Train = painted(t, 1, 5, c.asked)
				run = compare(t, r, "r", ds, m, strategy.FineTune{}, strategy.Scratch{})
				if tt.name == "last evaluation" && c.n != 3*15 {
					t.Errorf("%d training images were read after all steps of the first strategy were done, want the 45 of the second", c.n)
				}
				for i, res := range run.Results {
					if got, want := curve(res.History), curve(whole.Results[i].History); !res.Done || !reflect.DeepEqual(got, want) {
						t.Errorf("%s: done %v, history\n%+v, uninterrupted\n%+v", res.Strategy, res.Done, got, want)
					}
					for _, file := range []string{"best.safetensors", "checkpoint.safetensors"} {
						if !reflect.DeepEqual(saved(t, run, res.Strategy, file), saved(t, whole, res.Strategy, file)) {
							t.Errorf("%s: %s differs from that of the uninterrupted run", res.Strategy, file)
						}
					}
					if !reflect.DeepEqual(res.Predictions, whole.Results[i].Predictions) {
						t.Errorf("%s: other predictions than those of the uninterrupted run", res.Strategy)
					}
				}
			})
		}
		if !reflect.DeepEqual(tree(t, filepath.Join(whole.Dir, "finetune")), want) {
			t.Error("another run's files have changed")
		}
	}
}

// TestMidEpochPosition: a checkpoint written within an epoch says so, and its sums go on.
func TestMidEpochPosition(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ds := paint(t)
	ds.Train = painted(t, 1, 10, (&counter{when: 29, at: cancel}).asked)
	r := quick(t)
	r.BatchSize, r.MemoryLimit = 2, 1
	run, err := r.Compare(ctx, "r", ds, pretrained(t), strategy.FineTune{})
	var stopped *train.InterruptedError
	if !errors.As(err, &stopped) {
		t.Fatal(err)
	}
	sd, err := weights.Open(filepath.Join(run.Dir, "finetune", "checkpoint.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	var at struct{ Epoch, Step, Steps, Seen int }
	if err := json.Unmarshal([]byte(sd.Metadata["tlkit.position"]), &at); err != nil {
		t.Fatal(err)
	}
	// Batches are prepared ahead, so some of the 15 were done when the last one was being prepared.
	if at.Epoch != 0 || at.Step < 1 || at.Step > 15 || at.Steps != at.Step || at.Seen != 2*at.Step {
		t.Errorf("position %+v, want some steps of the first epoch", at)
	}
}

// TestMoreEpochs: a finished strategy is not trained again, asking for more epochs goes on from where it ended, and a
// strategy added later joins.
func TestMoreEpochs(t *testing.T) {
	m := pretrained(t)
	r := quick(t)
	r.Schedule = train.Schedule{StepEvery: 2}
	long := r
	long.Epochs = 4
	want := curve(compare(t, long, "whole", paint(t), m, strategy.FineTune{}).Results[0].History)

	compare(t, r, "r", paint(t), m, strategy.FineTune{})
	before := tree(t, filepath.Join(r.Dir, "r", "finetune"))
	c := &counter{}
	ds := paint(t)
	ds.Train = painted(t, 1, 5, c.asked)
	run := compare(t, r, "r", ds, m, strategy.FineTune{})
	if c.n != 0 || !reflect.DeepEqual(before, tree(t, filepath.Join(r.Dir, "r", "finetune"))) {
		t.Errorf("a finished strategy was trained again: %d images read", c.n)
	}
	if len(run.Results[0].History) != 2 || !run.Results[0].Done {
		t.Errorf("result %+v", run.Results[0])
	}
	run = compare(t, long, "r", ds, m, strategy.FineTune{}, strategy.Transfer{})
	if got := curve(run.Results[0].History); !reflect.DeepEqual(got, want) {
		t.Errorf("continued:\n%+v, in one go\n%+v", got, want)
	}
	if len(run.Results) != 2 || len(run.Results[1].History) != 4 {
		t.Errorf("the strategy added later has %+v", run.Results)
	}
	// Fewer epochs are another version: trained anew, and the longer training stays.
	run = compare(t, r, "r", ds, m, strategy.FineTune{})
	versions, err := run.Versions()
	if err != nil || len(versions) != 1 || len(versions[0].Results) != 2 || len(run.Results) != 1 || len(run.Results[0].History) != 2 {
		t.Fatalf("versions %+v, %v; run %+v", versions, err, run)
	}
	if got := curve(versions[0].Results[0].History); !reflect.DeepEqual(got, want) || !slices.Equal(versions[0].Config.Changed, []string{"epochs: 4, now 2"}) {
		t.Errorf("the earlier version has\n%+v, changed %q", got, versions[0].Config.Changed)
	}
}

// TestKilled leaves the run folder as a killed program may: between any two of the files it writes.
func TestKilled(t *testing.T) {
	m := pretrained(t)
	r := quick(t)
	r.Epochs = 3
	whole := compare(t, r, "whole", paint(t), m, strategy.FineTune{})
	want := curve(whole.Results[0].History)
	history, err := os.ReadFile(filepath.Join(whole.Dir, "finetune", "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(history)), "\n")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	two := r
	two.Epochs = 2
	tests := []struct {
		name  string
		spoil func(dir string)
	}{
		{"nothing", func(string) {}},
		{"history ahead of the checkpoint", func(dir string) { // as it is before the checkpoint of the last epoch
			for _, name := range []string{"best.safetensors", "result.json", "history.jsonl"} {
				data, err := os.ReadFile(filepath.Join(whole.Dir, "finetune", name))
				if err != nil {
					t.Fatal(err)
				}
				write(filepath.Join(dir, name), strings.Replace(string(data), `"done": true`, `"done": false`, 1))
			}
		}},
		{"history ahead, its last line cut", func(dir string) { write(dir+"/history.jsonl", string(history)[:len(history)-20]) }},
		{"no checkpoint", func(dir string) { os.Remove(dir + "/checkpoint.safetensors") }},
		{"no files at all", func(dir string) { os.RemoveAll(dir) }},
		{"temporary files left over", func(dir string) {
			write(dir+"/.checkpoint.safetensors.12ab.tmp", "half")
			write(dir+"/history.jsonl123", "half")
		}},
		{"checkpoint cut", func(dir string) {
			data, _ := os.ReadFile(dir + "/checkpoint.safetensors")
			write(dir+"/checkpoint.safetensors", string(data[:len(data)/2]))
		}},
		{"checkpoint empty", func(dir string) { write(dir+"/checkpoint.safetensors", "") }},
		{"weights in the checkpoint's place", func(dir string) {
			data, _ := os.ReadFile(dir + "/best.safetensors")
			write(dir+"/checkpoint.safetensors", string(data))
		}},
		{"history cut", func(dir string) { write(dir+"/history.jsonl", lines[0]) }},
		{"history line spoilt", func(dir string) { write(dir+"/history.jsonl", lines[0]+"{\"epoch\":2,\"val_l\n"+lines[2]) }},
		{"result spoilt", func(dir string) { write(dir+"/result.json", "{") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			two.Dir = t.TempDir()
			dir := filepath.Join(compare(t, two, "r", paint(t), m, strategy.FineTune{}).Dir, "finetune")
			tt.spoil(dir)
			r := r
			r.Dir = two.Dir
			run := compare(t, r, "r", paint(t), m, strategy.FineTune{})
			if got := curve(run.Results[0].History); !reflect.DeepEqual(got, want) {
				t.Errorf("history\n%+v, want\n%+v", got, want)
			}
			if !reflect.DeepEqual(saved(t, run, "finetune", "best.safetensors"), saved(t, whole, "finetune", "best.safetensors")) {
				t.Error("other weights than those of the uninterrupted run")
			}
		})
	}
}

// TestVersions: a call that differs trains what it differs in, keeps what was there as an earlier version,
// and names the fields.
func TestVersions(t *testing.T) {
	m, ds := pretrained(t), paint(t)
	wider := tinySpec()
	wider.Name = "wider"
	retrained := pretrained(t)
	if err := retrained.ReplaceHead([]string{"x", "y"}, 99); err != nil {
		t.Fatal(err)
	}
	renamed := *ds
	renamed.Name = "water"
	fewer, others, otherClasses, turned, cropped := *ds, *ds, *ds, *ds, pretrained(t)
	turned.Classes = []string{"red", "green", "blue"}
	fewer.Train = ds.Train.FirstPerClass(2)
	others.Train = painted(t, 9, 5, nil)
	otherClasses.Classes = []string{"blue", "green", "pink"}
	moved := otherClasses
	moved.Name = "water"
	cropped.Preprocess.Resize, cropped.Preprocess.Mean[0] = side+1, 0.25
	r := quick(t)
	with := func(change func(r *train.Recipe)) train.Recipe {
		r := r
		change(&r)
		return r
	}
	momentum := with(func(r *train.Recipe) { r.Momentum = 0.5 })
	fast := strategy.FineTune{LearningRate: 0.5}
	tests := []struct {
		name   string
		r      train.Recipe
		ds     *datasets.Dataset
		model  *zoo.Model
		s      train.Strategy
		anew   bool     // whether transfer is trained anew, too
		fields []string // that differ
	}{
		{"model", r, ds, pretend(t, wider), strategy.FineTune{}, true, []string{"the model: tiny, now wider"}},
		{"values", r, ds, retrained, strategy.FineTune{}, true, []string{"the values of the weights of tiny have changed"}},
		{"data", r, &renamed, m, strategy.FineTune{}, true, []string{"the data set: paint, now water"}},
		{"folder and classes", r, &moved, m, strategy.FineTune{}, true, []string{"the data set: paint, now water", `the classes of water: "red" no longer, "pink" new`}},
		{"number of images", r, &fewer, m, strategy.FineTune{}, true, []string{"paint: 15 training and 9 validation images, now 6 and 9"}},
		{"images", r, &others, m, strategy.FineTune{}, true, []string{"the images of paint (names, labels, contents or how files are decoded) have changed"}},
		{"classes", r, &otherClasses, m, strategy.FineTune{}, true, []string{`the classes of paint: "red" no longer, "pink" new`}},
		{"order of classes", r, &turned, m, strategy.FineTune{}, true, []string{`the classes of paint: they have another order`}},
		{"preprocessing", r, ds, cropped, strategy.FineTune{}, true, []string{"the preprocessing of tiny, mean: [0.485,0.456,0.406], now [0.25,0.456,0.406]", "the preprocessing of tiny, resize: 8, now 9"}},
		{"momentum", momentum, ds, m, strategy.FineTune{}, true, []string{"momentum: 0.9, now 0.5"}},
		{"fewer epochs", with(func(r *train.Recipe) { r.Epochs = 1 }), ds, m, strategy.FineTune{}, true, []string{"epochs: 2, now 1"}},
		{"schedule", with(func(r *train.Recipe) { r.Schedule.Cosine = true }), ds, m, strategy.FineTune{}, true, []string{"schedule.cosine: not set, now true"}},
		{"all at once", with(func(r *train.Recipe) { r.Seed = 8 }), &renamed, pretend(t, wider), strategy.FineTune{}, true,
			[]string{"the data set: paint, now water", "the model: tiny, now wider", "seed: 3, now 8"}},
		{"rate", r, ds, m, fast, false, []string{"finetune learning_rate: not set, now 0.5"}},
		{"type of strategy", r, ds, m, strategy.Scratch{Label: "finetune"}, false, []string{"finetune: FineTune, now Scratch"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.r.Dir = t.TempDir()
			first := r
			first.Dir = tt.r.Dir
			before := compare(t, first, "r", ds, m, strategy.Transfer{}, strategy.FineTune{})
			run := compare(t, tt.r, "r", tt.ds, tt.model, strategy.Transfer{}, tt.s)
			if kept := reflect.DeepEqual(run.Results[0].History, before.Results[0].History); kept == tt.anew {
				t.Errorf("transfer is as it was: %v", kept)
			}
			if reflect.DeepEqual(run.Results[1].History, before.Results[1].History) || !run.Results[1].Done {
				t.Errorf("the changed strategy was not trained anew: %+v", run.Results[1].History)
			}
			versions, err := run.Versions()
			if err != nil || len(versions) != 1 {
				t.Fatalf("versions %v, error %v", versions, err)
			}
			v := versions[0]
			if !slices.Equal(v.Config.Changed, tt.fields) || v.Version != 1 {
				t.Errorf("version %d was replaced for %q, want %q", v.Version, v.Config.Changed, tt.fields)
			}
			if len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], strings.Join(tt.fields, "; ")) || strings.Contains(run.Warnings[0], "{") {
				t.Errorf("said %q", run.Warnings)
			}
			old := result(t, v, "finetune")
			if !reflect.DeepEqual(old.History, before.Results[1].History) || !reflect.DeepEqual(old.Predictions, before.Results[1].Predictions) {
				t.Errorf("the earlier version has %+v, it was %+v", old, before.Results[1])
			}
			zoo.Register(tinySpec())
			if _, err := old.Model(); err != nil {
				t.Error(err)
			}

			// The first call again brings the version back without training.
			c := &counter{}
			counted := *ds
			counted.Train = painted(t, 1, 5, c.asked)
			again := compare(t, first, "r", &counted, m, strategy.Transfer{}, strategy.FineTune{})
			if more := tt.name == "fewer epochs"; c.n != 0 != more { // these are continued
				t.Errorf("the first call again: %d images read", c.n)
			}
			if !reflect.DeepEqual(curve(again.Results[1].History), curve(before.Results[1].History)) {
				t.Errorf("the first call again has the history %+v", again.Results[1].History)
			}
		})
	}
}

// TestChangedData: a strategy whose own data changed says so by their name, not by fingerprints.
func TestChangedData(t *testing.T) {
	m, ds, r := pretrained(t), paint(t), quick(t)
	old, fewer, other := oldTask(t), oldTask(t), oldTask(t)
	fewer.Train = fewer.Train.FirstPerClass(1)
	other.Name = "other"
	compare(t, r, "r", ds, m, strategy.LwF{Old: old})
	for _, tt := range []struct {
		old  *datasets.Dataset
		want string
	}{
		{fewer, fmt.Sprintf(`lwf old: the images of %q have changed; trained anew`, old.Name)},
		{nil, fmt.Sprintf(`lwf old: %q, now not set; trained anew`, old.Name)},
		{other, `lwf old: not set, now "other"; trained anew`},
		{old, fmt.Sprintf(`lwf old: "other", now %q; what was there before is version 4 (run.Versions()); strategy "lwf" was trained like this before`, old.Name)},
	} {
		run := compare(t, r, "r", ds, m, strategy.LwF{Old: tt.old})
		if len(run.Warnings) == 0 || !strings.Contains(run.Warnings[0], tt.want) {
			t.Errorf("said %q, want %q", run.Warnings, tt.want)
		}
	}
}

// TestRestoredUnwritten: a program that was killed between the return of an earlier version and the writing of run.json
// costs no training, and no version shows results that are not there.
func TestRestoredUnwritten(t *testing.T) {
	m, r := pretrained(t), quick(t)
	slow, fast := strategy.FineTune{}, strategy.FineTune{LearningRate: 0.5}
	first := compare(t, r, "r", paint(t), m, slow)
	second := compare(t, r, "r", paint(t), m, fast)
	before := tree(t, r.Dir)
	compare(t, r, "r", paint(t), m, slow)
	for path, text := range before { // run.json of the run and of version 1, as they were
		if strings.HasPrefix(filepath.Base(path), "run.json") {
			writeFile(t, path, []byte(text))
		}
	}
	c, ds := &counter{}, paint(t)
	ds.Train = painted(t, 1, 5, c.asked)
	for _, tt := range []struct {
		s    train.Strategy
		want *train.Run
	}{{slow, first}, {fast, second}, {slow, first}} {
		run := compare(t, r, "r", ds, m, tt.s)
		if c.n != 0 || !reflect.DeepEqual(run.Results[0].History, tt.want.Results[0].History) {
			t.Errorf("%+v: %d images read, %q", tt.s, c.n, run.Warnings)
		}
		if versions, err := run.Versions(); err != nil || len(versions) != 1 {
			t.Errorf("%+v: %d versions, %v", tt.s, len(versions), err)
		}
	}
}

// TestSpelledAlike: recipes that mean the same are one: nothing is trained anew, nothing is said, and another epoch
// goes on from the checkpoint; also those with fields without effect, which a new training refuses.
func TestSpelledAlike(t *testing.T) {
	m, ds := pretrained(t), paint(t)
	for name, pair := range map[string][2]func(r *train.Recipe){
		"passes":      {nil, func(r *train.Recipe) { r.Passes = 1 }},
		"accumulate":  {nil, func(r *train.Recipe) { r.Accumulate = 1 }},
		"no momentum": {func(r *train.Recipe) { r.Momentum = -1 }, func(r *train.Recipe) { r.Momentum = -0.5 }},
		"adam":        {func(r *train.Recipe) { r.Optimizer = train.Adam }, func(r *train.Recipe) { r.Optimizer, r.Momentum = train.Adam, 0.5 }},
		"early stop":  {nil, func(r *train.Recipe) { r.EarlyStop = train.EarlyStop{OnAccuracy: true, MinDelta: 0.1} }},
		"step factor": {func(r *train.Recipe) { r.Schedule.StepEvery = 1 }, func(r *train.Recipe) { r.Schedule = train.Schedule{StepEvery: 1, StepFactor: 0.1} }},
		"no steps":    {nil, func(r *train.Recipe) { r.Schedule.StepFactor = 0.5 }},
		"views":       {nil, func(r *train.Recipe) { r.Views = 3 }},
		"magnitude": {func(r *train.Recipe) { r.Augment.RandAugment.Ops = 1 }, func(r *train.Recipe) {
			r.Augment.RandAugment = vision.RandAugment{Ops: 1, Magnitude: 9}
		}},
		"crop": {func(r *train.Recipe) { r.Augment.ResizedCrop = true }, func(r *train.Recipe) {
			r.Augment = vision.Augment{ResizedCrop: true, Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}}
		}},
		"no crop": {nil, func(r *train.Recipe) { r.Augment.Scale = [2]float64{0.5, 1} }},
	} {
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			recipe := func(k int) train.Recipe {
				r := quick(t)
				if pair[k] != nil {
					pair[k](&r)
				}
				return r
			}
			first, second := recipe(order[0]), recipe(order[1])
			second.Dir = first.Dir
			alone := second
			alone.Dir, alone.Epochs = t.TempDir(), 3
			refuse := train.AcceptIdle()
			whole := compare(t, alone, "r", ds, m, strategy.FineTune{})
			before := compare(t, first, "r", ds, m, strategy.FineTune{})
			refuse()
			again := compare(t, second, "r", ds, m, strategy.FineTune{})
			second.Epochs = 3
			further := compare(t, second, "r", ds, m, strategy.FineTune{})
			if !reflect.DeepEqual(again.Results[0].History, before.Results[0].History) || len(again.Warnings) > 0 {
				t.Errorf("%s, %v: trained again, or said %q", name, order, again.Warnings)
			}
			if got := further.Results[0].History; len(got) != 3 || !reflect.DeepEqual(got[:2], before.Results[0].History) || len(further.Warnings) > 0 {
				t.Errorf("%s, %v: another epoch: %+v, said %q", name, order, got, further.Warnings)
			}
			if got, want := curve(further.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %v: they don't mean the same: %+v, %+v", name, order, got, want)
			}
		}
	}
}

// TestSpelled: a recipe in the spelling of another one keeps what is not kept with a run.
func TestSpelled(t *testing.T) {
	kept := train.Recipe{Epochs: 7, Seeds: 2, Dir: "d", Quiet: true, MemoryLimit: 5, DiskLimit: 6, Track: []train.Tracker{nil}}
	v := reflect.ValueOf(train.Spelled(kept, train.Recipe{Accumulate: 1}))
	for i := range v.NumField() {
		field, want := v.Type().Field(i), reflect.ValueOf(kept).Field(i)
		if field.Tag.Get("json") == "-" && (want.IsZero() || !reflect.DeepEqual(v.Field(i).Interface(), want.Interface())) {
			t.Errorf("%s is %v, want %v, which must not be zero", field.Name, v.Field(i), want)
		}
	}
	if got := train.Spelled(kept, train.Recipe{Accumulate: 1}); got.Accumulate != 1 || got.Epochs != 7 || got.Seeds != 2 {
		t.Errorf("%+v", got)
	}
	if got := train.Spelled(kept, train.Recipe{Accumulate: 2}); got.Accumulate != 0 {
		t.Errorf("another recipe: %+v", got)
	}
}

// TestVersionRecipe: a version has the epochs and seeds that it was trained with, though the call that replaced it has
// others.
func TestVersionRecipe(t *testing.T) {
	m, ds, r := pretrained(t), paint(t), quick(t)
	r.Seeds = 2
	first := compare(t, r, "r", ds, m, strategy.FineTune{}, strategy.Transfer{})
	more := r
	more.Epochs, more.Seeds = 4, 0
	run := compare(t, more, "r", ds, m, strategy.FineTune{LearningRate: 0.5}, strategy.Transfer{})
	versions, err := run.Versions()
	if err != nil || len(versions) != 1 {
		t.Fatalf("%d versions, %v", len(versions), err)
	}
	v := versions[0]
	if v.Config.Recipe.Epochs != 2 || v.Config.Recipe.Seeds != 2 || len(v.Results[0].Repeats) != 1 || !reflect.DeepEqual(v.Results[0].Repeats[0].History, first.Results[0].Repeats[0].History) {
		t.Errorf("recipe %+v, repeats %+v", v.Config.Recipe, v.Results[0].Repeats)
	}
	if text := v.Verdict(); strings.Contains(text, "Not all is trained") {
		t.Errorf("verdict of the version: %s", text)
	}
	if again := compare(t, r, "r", ds, m, strategy.FineTune{}); !reflect.DeepEqual(again.Results[0].History, first.Results[0].History) {
		t.Errorf("trained again: %q", again.Warnings)
	}
}

// TestBadPlan: what can't be planned is said before anything is trained or moved, of all strategies at once.
func TestBadPlan(t *testing.T) {
	m, r := pretrained(t), quick(t)
	c, ds := &counter{}, paint(t)
	ds.Train = painted(t, 1, 5, c.asked)
	_, err := r.Compare(context.Background(), "r", ds, m, strategy.Transfer{}, strategy.FineTune{From: "layer9"}, strategy.FineTune{Label: "kept", KeepHead: true})
	wantError(t, err, `FineTune.From is "layer9"`, "layer2", "can't be kept")
	if _, err := os.Stat(filepath.Join(r.Dir, "r")); err == nil || c.n > 0 {
		t.Errorf("a folder was made, or %d images were read", c.n)
	}
	compare(t, r, "r", ds, m, strategy.FineTune{})
	before := tree(t, r.Dir)
	_, err = r.Compare(context.Background(), "r", ds, m, strategy.FineTune{Unfreeze: 9})
	wantError(t, err, "last phase begins after", "Recipe.Epochs")
	if !reflect.DeepEqual(tree(t, r.Dir), before) {
		t.Error("the finished run was changed")
	}
}

// TestFailedStart: a call that failed before the first step leaves no configuration to trip over.
func TestFailedStart(t *testing.T) {
	m, r := pretrained(t), quick(t)
	_, err := r.Compare(context.Background(), "r", paint(t), m, strategy.FineTune{From: "layer3"})
	wantError(t, err, `"layer3"`)
	r.Seed = 17
	run := compare(t, r, "r", paint(t), m, strategy.FineTune{From: "layer2"})
	if len(run.Results) != 1 || !run.Results[0].Done {
		t.Fatalf("results %+v", run.Results)
	}
	// A second strategy of the run that fails can be mended, too.
	_, err = r.Compare(context.Background(), "r", paint(t), m, strategy.FineTune{From: "layer2"}, strategy.FineTune{Label: "b", From: "x"})
	wantError(t, err, `"x"`)
	run = compare(t, r, "r", paint(t), m, strategy.FineTune{Label: "b", From: "layer1"})
	if !result(t, run, "b").Done || !reflect.DeepEqual(run.Results[0].History, result(t, run, "finetune").History) {
		t.Errorf("results %+v", run.Results)
	}
}

// TestLock: of two programs, the second is told and changes nothing.
func TestLock(t *testing.T) {
	m, r := pretrained(t), quick(t)
	run := compare(t, r, "r", paint(t), m, strategy.Transfer{})
	other := flock.New(filepath.Join(run.Dir, ".lock"))
	if ok, err := other.TryLock(); err != nil || !ok {
		t.Fatalf("the lock is not free after training: %v", err)
	}
	before := tree(t, run.Dir)
	_, err := r.Compare(context.Background(), "r", paint(t), m, strategy.Scratch{})
	wantError(t, err, `"r"`, "another program", "another name")
	wantError(t, train.Remove(r.Dir, "r"), "another program")
	if strings.Contains(err.Error(), "nil") || !reflect.DeepEqual(before, tree(t, run.Dir)) {
		t.Errorf("error %q, or the folder has changed", err)
	}
	if err := other.Unlock(); err != nil {
		t.Fatal(err)
	}
	compare(t, r, "r", paint(t), m, strategy.Scratch{})

	// While a training is under way it holds the lock itself.
	ds := paint(t)
	var inside error
	ds.Train = painted(t, 1, 5, (&counter{when: 1, at: func() {
		_, inside = r.Compare(context.Background(), "s", paint(t), m, strategy.Transfer{})
	}}).asked)
	compare(t, r, "s", ds, m, strategy.Scratch{})
	wantError(t, inside, `"s"`, "by this program already")
}
