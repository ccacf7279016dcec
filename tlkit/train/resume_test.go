package train_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
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
	_, err := r.Compare(context.Background(), "r", ds, m, strategy.FineTune{})
	wantError(t, err, "recipe was", `"epochs":4`, `now {"epochs":2`)
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
		want  []string // of the error; none: the run goes on to the end
	}{
		{"nothing", func(string) {}, nil},
		{"history ahead of the checkpoint", func(dir string) { // as it is before the checkpoint of the last epoch
			for _, name := range []string{"best.safetensors", "result.json", "history.jsonl"} {
				data, err := os.ReadFile(filepath.Join(whole.Dir, "finetune", name))
				if err != nil {
					t.Fatal(err)
				}
				write(filepath.Join(dir, name), strings.Replace(string(data), `"done": true`, `"done": false`, 1))
			}
		}, nil},
		{"history ahead, its last line cut", func(dir string) { write(dir+"/history.jsonl", string(history)[:len(history)-20]) }, nil},
		{"no checkpoint", func(dir string) { os.Remove(dir + "/checkpoint.safetensors") }, nil},
		{"no files at all", func(dir string) { os.RemoveAll(dir) }, nil},
		{"temporary files left over", func(dir string) {
			write(dir+"/.checkpoint.safetensors.12ab.tmp", "half")
			write(dir+"/history.jsonl123", "half")
		}, nil},
		{"checkpoint cut", func(dir string) {
			data, _ := os.ReadFile(dir + "/checkpoint.safetensors")
			write(dir+"/checkpoint.safetensors", string(data[:len(data)/2]))
		}, []string{"checkpoint can't be read", "checkpoint.safetensors", "delete"}},
		{"checkpoint empty", func(dir string) { write(dir+"/checkpoint.safetensors", "") }, []string{"checkpoint can't be read", "delete"}},
		{"weights in the checkpoint's place", func(dir string) {
			data, _ := os.ReadFile(dir + "/best.safetensors")
			write(dir+"/checkpoint.safetensors", string(data))
		}, []string{"is no checkpoint", "delete"}},
		{"history cut", func(dir string) { write(dir+"/history.jsonl", lines[0]) },
			[]string{`"finetune"`, "after epoch 2", "history has 1", `tlkit.Remove("r")`}},
		{"history line spoilt", func(dir string) { write(dir+"/history.jsonl", lines[0]+"{\"epoch\":2,\"val_l\n"+lines[2]) },
			[]string{`"finetune"`, "after epoch 2", "history has 1", `tlkit.Remove("r")`}},
		{"result spoilt", func(dir string) { write(dir+"/result.json", "{") }, []string{"result.json", "not readable"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			two.Dir = t.TempDir()
			dir := filepath.Join(compare(t, two, "r", paint(t), m, strategy.FineTune{}).Dir, "finetune")
			tt.spoil(dir)
			before := tree(t, dir)
			r := r
			r.Dir = two.Dir
			run, err := r.Compare(context.Background(), "r", paint(t), m, strategy.FineTune{})
			if tt.want != nil {
				wantError(t, err, tt.want...)
				if !reflect.DeepEqual(before, tree(t, dir)) {
					t.Error("the strategy's files have changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := curve(run.Results[0].History); !reflect.DeepEqual(got, want) {
				t.Errorf("history\n%+v, want\n%+v", got, want)
			}
			if !reflect.DeepEqual(saved(t, run, "finetune", "best.safetensors"), saved(t, whole, "finetune", "best.safetensors")) {
				t.Error("other weights than those of the uninterrupted run")
			}
		})
	}
}

// TestOtherRun: a run of the same name that was made otherwise is refused with all differences, and nothing changes.
func TestOtherRun(t *testing.T) {
	m, ds := pretrained(t), paint(t)
	r := quick(t)
	compare(t, r, "r", ds, m, strategy.Transfer{})
	before := tree(t, r.Dir)

	wider := tinySpec()
	wider.Name = "wider"
	retrained := pretrained(t)
	if err := retrained.ReplaceHead([]string{"x", "y"}, 99); err != nil {
		t.Fatal(err)
	}
	renamed := *ds
	renamed.Name = "water"
	fewer := *ds
	fewer.Train = ds.Train.FirstPerClass(2)
	momentum := r
	momentum.Momentum = 0.5
	seed := r
	seed.Seed = 8
	tests := []struct {
		name  string
		r     train.Recipe
		ds    *datasets.Dataset
		model *zoo.Model
		s     train.Strategy
		want  []string
	}{
		{"model", r, ds, pretend(t, wider), strategy.Transfer{}, []string{"the model was tiny, now wider"}},
		{"values", r, ds, retrained, strategy.Transfer{}, []string{"weights' values (digest) was"}},
		{"data", r, &renamed, m, strategy.Transfer{}, []string{"the data set was paint, now water"}},
		{"images", r, &fewer, m, strategy.Transfer{}, []string{"the images' fingerprint was"}},
		{"recipe", momentum, ds, m, strategy.Transfer{}, []string{"the recipe was", `"momentum":0.9`, `"momentum":0.5`}},
		{"all at once", seed, &renamed, pretend(t, wider), strategy.Transfer{}, []string{"data set", "model", `"seed":3`, `"seed":8`}},
		{"strategy", r, ds, m, strategy.Transfer{LearningRate: 0.5}, []string{`strategy "transfer" already`, `"learning_rate":0.5`, "Label"}},
		{"type of strategy", r, ds, m, strategy.Scratch{Label: "transfer"}, []string{`strategy "transfer" already`, "Scratch", "Label"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run, err := tt.r.Compare(context.Background(), "r", tt.ds, tt.model, tt.s)
			wantError(t, err, append(tt.want, `"r"`)...)
			if run != nil {
				t.Errorf("got a run: %+v", run)
			}
			if !reflect.DeepEqual(before, tree(t, r.Dir)) {
				t.Error("the run's folder has changed")
			}
		})
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
	wantError(t, inside, `"s"`, "another program")
}
