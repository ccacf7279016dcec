package detached

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// finished prepares a training of an epoch in a folder of its own and trains it, as a queue does.
func finished(t *testing.T) (d *Detached, runs string) {
	t.Helper()
	runs = t.TempDir()
	d, done := prepared(t, quiet(runs, 1, 0), nil)
	if done {
		t.Fatal("done before it is trained")
	}
	trainHere(t, d)
	return d, runs
}

func quiet(runs string, epochs int, seed uint64) train.Recipe {
	return train.Recipe{Epochs: epochs, Seed: seed, Dir: runs, Quiet: true}
}

// prepared prepares the run "r"; a model of nil is that of few.
func prepared(t *testing.T, r train.Recipe, model *zoo.Model) (d *Detached, done bool) {
	t.Helper()
	data, own := few(images)
	if model == nil {
		model = own
	}
	d, done, err := Prepare(r, "r", data, model, strategy.Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	return d, done
}

func trainHere(t *testing.T, d *Detached) {
	t.Helper()
	if err := Train(t.Context(), d.Dir); err != nil {
		t.Fatal(err)
	}
}

// otherWeights is the model of few with other values.
func otherWeights(t *testing.T) *zoo.Model {
	t.Helper()
	_, m := few(images)
	for _, p := range m.Params() {
		if err := m.Initialise(p, 7); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// written writes the job of the run "r" and ends there.
func written(t *testing.T, r train.Recipe, m *zoo.Model) {
	t.Helper()
	data, own := few(images)
	if m == nil {
		m = own
	}
	j, lock, err := prepare(r, "r", data, m, []train.Strategy{strategy.Transfer{}})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := j.write(m); err != nil {
		t.Fatal(err)
	}
}

// TestCut: a training that has finished is never taken for another one that was being prepared when its program ended.
func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		epochs int
		seed   uint64
		model  *zoo.Model
		cut    func(t *testing.T, d *Detached, r train.Recipe, m *zoo.Model)
		phase  Phase
	}{
		"a recipe, after its job": {3, 9, nil, func(t *testing.T, _ *Detached, r train.Recipe, m *zoo.Model) { written(t, r, m) }, Waiting},
		"a recipe, at its launch": {3, 9, nil, func(t *testing.T, _ *Detached, r train.Recipe, _ *zoo.Model) {
			own := program
			defer func() { program = own }()
			program = func(string) ([]string, error) { return nil, errors.New("not installed") }
			data, model := few(images)
			if _, err := Start(r, "r", data, model, strategy.Transfer{}); err == nil {
				t.Error("started")
			}
		}, Waiting},
		"weights, after the model": {1, 0, otherWeights(t), func(t *testing.T, d *Detached, _ train.Recipe, m *zoo.Model) {
			if _, err := keepModel(filepath.Join(d.Dir, folder), m); err != nil {
				t.Fatal(err)
			}
		}, Finished},
		"weights, after the job": {1, 0, otherWeights(t), func(t *testing.T, _ *Detached, r train.Recipe, m *zoo.Model) { written(t, r, m) }, Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			d, runs := finished(t)
			r := quiet(runs, c.epochs, c.seed)
			c.cut(t, d, r, c.model)
			if s := state(t, d); s.Phase != c.phase {
				t.Errorf("after the cut: %v, want %s", s, c.phase)
			}
			if _, done := prepared(t, r, c.model); done {
				t.Error("the earlier training counts as this one")
			}
			if s := state(t, d); s.Phase != Waiting {
				t.Errorf("prepared: %v, want it to wait", s)
			}
			trainHere(t, d)
			own, whole, err := d.Results()
			if err != nil || !whole || len(own) != 1 || len(own[0].History) != c.epochs || own[0].Seed != c.seed {
				t.Errorf("trained: %v, whole %v, %+v", err, whole, own)
			}
			if _, done := prepared(t, r, c.model); !done {
				t.Error("trained and not done")
			}
			if left, err := filepath.Glob(filepath.Join(d.Dir, folder, modelPrefix+"*")); err != nil || len(left) != 1 {
				t.Errorf("models %q, %v; want the one", left, err)
			}
		})
	}
}

// TestFinished: a state of finished is believed as far as the run's folder has what was trained.
func TestFinished(t *testing.T) {
	type outcome struct {
		phase Phase
		whole bool // the training's own results are all there
		done  bool // for Prepare
		watch string
	}
	remove := func(names ...string) func(*testing.T, *Detached, string) {
		return func(t *testing.T, d *Detached, _ string) {
			for _, name := range names {
				if err := os.RemoveAll(filepath.Join(d.Dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	// compare trains in this process, as a notebook does; stopped is that it ends before its first step.
	compare := func(epochs, seeds int, stopped bool, strategies ...train.Strategy) func(*testing.T, *Detached, string) {
		return func(t *testing.T, _ *Detached, runs string) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if stopped {
				cancel()
			}
			data, model := few(images)
			r := quiet(runs, epochs, 0)
			r.Seeds = seeds
			if _, err := r.Compare(ctx, "r", data, model, strategies...); (err != nil) != stopped {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *Detached, string)
		want   outcome
	}{
		"nothing":                    {remove(), outcome{Finished, true, true, ""}},
		"the state is gone":          {remove(folder + "/" + stateFile), outcome{Waiting, false, true, "waits to be started"}},
		"all results are gone":       {remove("run.json", "run.json.bak", "transfer"), outcome{NotFinished, false, false, "results are gone"}},
		"a strategy's are gone":      {remove("transfer"), outcome{NotFinished, false, false, "epoch 0 of 1"}},
		"the weights are gone":       {remove("transfer/best.safetensors"), outcome{Finished, true, false, ""}},
		"a notebook was stopped":     {compare(5, 1, true, strategy.Transfer{}), outcome{NotFinished, false, false, "epoch 1 of 5"}},
		"a notebook trained further": {compare(3, 1, false, strategy.Transfer{}), outcome{Finished, false, false, ""}},
		"a notebook trained seeds":   {compare(1, 2, false, strategy.Transfer{}), outcome{Finished, true, true, ""}},
		"and was stopped in them":    {compare(1, 2, true, strategy.Transfer{}), outcome{NotFinished, true, true, "epoch 1 of 2"}},
		"a notebook trained another": {compare(1, 1, false, strategy.FineTune{}), outcome{Finished, true, true, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			d, runs := finished(t)
			c.change(t, d, runs)
			var got outcome
			s := state(t, d)
			got.phase = s.Phase
			own, whole, err := d.Results()
			if got.whole = whole; err != nil || len(own) > 1 || len(own) == 1 && own[0].Strategy != "transfer" {
				t.Errorf("results: %v, %v", own, err)
			}
			_, err = d.Watch(t.Context())
			if err != nil && c.want.watch != "" && strings.Contains(err.Error(), c.want.watch) {
				got.watch = c.want.watch
			} else if err != nil {
				got.watch = err.Error()
			}
			if _, got.done = prepared(t, quiet(runs, 1, 0), nil); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if _, whole, err := d.Results(); err != nil || whole != got.done {
				t.Errorf("prepared: done %v, whole %v, %v", got.done, whole, err)
			}
		})
	}
}

// TestWaiting: a training that is prepared waits; told to stop, it does not begin, and it can be removed.
func TestWaiting(t *testing.T) {
	runs := t.TempDir()
	d, _ := prepared(t, quiet(runs, 1, 0), nil)
	if s := state(t, d); s.Phase != Waiting {
		t.Errorf("prepared: %v", s)
	}
	if _, err := d.Watch(t.Context()); err == nil || !strings.Contains(err.Error(), "waits to be started") {
		t.Errorf("Watch: %v", err)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	trainHere(t, d)
	if s := state(t, d); s.Phase != Stopped || s.Total != 0 {
		t.Errorf("the queue starts what was told to stop: %v", s)
	}
	prepared(t, quiet(runs, 1, 0), nil)
	trainHere(t, d)
	if s := state(t, d); s.Phase != Finished {
		t.Errorf("prepared again: %v", s)
	}
}

// TestRemove: what a process is about to train is not removed under it, and what never began can be removed.
func TestRemove(t *testing.T) {
	runs := t.TempDir()
	d, _ := prepared(t, quiet(runs, 1, 0), nil)
	lock, err := takeLock(filepath.Join(d.Dir, folder)) // as a process has it that compiles or loads
	if err != nil {
		t.Fatal(err)
	}
	if s := state(t, d); s.Phase != Starting {
		t.Errorf("a queue has begun with it: %v", s)
	}
	if err := train.Remove(runs, "r"); err == nil || !strings.Contains(err.Error(), `Attach("r")`) || len(Names(runs)) != 1 {
		t.Errorf("removed while a process has it: %v", err)
	}
	lock.Close()
	if err := train.Remove(runs, "r"); err != nil || len(Names(runs)) != 0 {
		t.Errorf("%v; left: %q", err, Names(runs))
	}
	if _, err := d.State(); err == nil || !strings.Contains(err.Error(), "removed") {
		t.Errorf("the state of a removed run: %v", err)
	}
	if err := train.Remove(runs, "r"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("removed again: %v", err)
	}
}

// TestImportedNetwork: a training of a network from an .onnx file is done when it has finished, though the other
// process reads the network from a file of its own.
func TestImportedNetwork(t *testing.T) {
	m, err := zoo.Load(filepath.Join("..", "internal", "onnx", "read", "testdata", "resnet.onnx"),
		zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 32, Crop: 32, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}})
	if err != nil {
		t.Fatal(err)
	}
	r := quiet(t.TempDir(), 1, 0)
	d, done := prepared(t, r, m)
	if done {
		t.Fatal("done before it is trained")
	}
	trainHere(t, d)
	if _, done := prepared(t, r, m); !done {
		t.Error("not done when it has finished")
	}
	if s := state(t, d); s.Phase != Finished {
		t.Errorf("the phase is %s, want %s", s.Phase, Finished)
	}
}
