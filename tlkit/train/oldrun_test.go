package train_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// testdata/oldrun is a run as commit 5d8db30 left it, before the strategies had a room of their own. It
// was made there by
//
//	go test ./tlkit/train -run TestOldRun -update-oldrun
//
// and must stay as it is: made by later code it would prove nothing. want.json has the figures of the same run, not
// interrupted.
var updateOldRun = flag.Bool("update-oldrun", false, "make testdata/oldrun anew")

const oldRunDir = "testdata/oldrun"

// oldRunStrategies are those of the run: five were finished, the one named "stopped" was cut off in its second epoch,
// and scratch had not begun.
func oldRunStrategies(old, source *datasets.Dataset) []train.Strategy {
	return []train.Strategy{
		strategy.Transfer{},
		strategy.FineTune{From: "layer2", LearningRate: 0.02},
		strategy.LwF{Old: old},
		strategy.LogisticRegression{L2: 0.01},
		strategy.KNN{K: 3},
		strategy.DeepCORAL{Source: source},
		strategy.FineTune{Label: "stopped", HeadFirst: 1},
		strategy.Scratch{},
	}
}

func oldRunRecipe(dir string) train.Recipe {
	return train.Recipe{Epochs: 3, BatchSize: 4, Seed: 3, Dir: dir, Quiet: true, MemoryLimit: 1, DiskLimit: -1,
		Schedule: train.Schedule{Cosine: true}, WeightDecay: 1e-3}
}

// oldRunSplit makes n images of every class, whose brightness in one channel tells the class.
func oldRunSplit(t *testing.T, seed uint64, classes, n int, asked func(i int)) *datasets.Split {
	t.Helper()
	var names []string
	var labels []int
	for i := range n * classes {
		names, labels = append(names, string(rune('a'+i%26))+string(rune('a'+i/26))+".png"), append(labels, i%classes)
	}
	s, err := datasets.NewSplit(classes, names, labels, func(i int) (*vision.Image, error) {
		if asked != nil {
			asked(i)
		}
		m := vision.New(side, side)
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for j := range m.Pix {
			m.Pix[j] = uint8(rng.IntN(160))
			if j%3 == labels[i]%3 {
				m.Pix[j] += uint8(40 + 25*(labels[i]/3))
			}
		}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// oldRunTask is what the run compares on: its data, the old task's, and the labelled source's.
func oldRunTask(t *testing.T, asked func(i int)) (ds, old, source *datasets.Dataset) {
	t.Helper()
	ds = &datasets.Dataset{Name: "paint", Classes: []string{"blue", "green", "red"},
		Train: oldRunSplit(t, 1, 3, 5, asked), Val: oldRunSplit(t, 2, 3, 3, nil)}
	old = &datasets.Dataset{Name: "old", Classes: []string{"a", "b", "c", "d", "e"},
		Train: oldRunSplit(t, 3, 5, 2, nil), Val: oldRunSplit(t, 4, 5, 2, nil)}
	source = &datasets.Dataset{Name: "source", Classes: ds.Classes, Train: oldRunSplit(t, 5, 3, 4, nil), Val: oldRunSplit(t, 6, 3, 2, nil)}
	return ds, old, source
}

// oldRunModel is the pretrained model of the run.
func oldRunModel(t *testing.T) *zoo.Model {
	t.Helper()
	sd, err := weights.Open(filepath.Join(oldRunDir, "pretrained.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	m, err := zoo.FromStateDict(tinySpec(), []string{"a", "b", "c", "d", "e"}, sd)
	if err != nil {
		t.Fatal(err)
	}
	m.Preprocess = vision.Preprocess{Resize: side, Crop: side, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}
	m.Weights = "test"
	return m
}

// oldRunWant is the history of each strategy, as an uninterrupted run has it.
type oldRunWant map[string][]train.Epoch

// makeOldRun writes the fixture.
func makeOldRun(t *testing.T) {
	entries, err := pretrained(t).StateDict()
	if err == nil {
		err = weights.WriteSafetensors(filepath.Join(oldRunDir, "pretrained.safetensors"), entries, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := oldRunModel(t)
	ds, old, source := oldRunTask(t, nil)
	whole := compare(t, oldRunRecipe(t.TempDir()), "old", ds, m, oldRunStrategies(old, source)...)
	want := oldRunWant{}
	for _, res := range whole.Results {
		want[res.Strategy] = curve(res.History)
	}
	data, err := json.MarshalIndent(want, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(oldRunDir, "want.json"), append(data, '\n'), 0o666)
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(oldRunDir, "runs"))
	}
	if err != nil {
		t.Fatal(err)
	}

	r := oldRunRecipe(filepath.Join(oldRunDir, "runs"))
	strategies := oldRunStrategies(old, source)
	ds, _, _ = oldRunTask(t, nil)
	compare(t, r, "old", ds, m, strategies[:6]...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// The first 15 images are read for the features of the frozen layers, which then do not fit into memory.
	ds, _, _ = oldRunTask(t, (&counter{when: 15 + 15 + 9, at: cancel}).asked)
	_, err = r.Compare(ctx, "old", ds, m, strategies...)
	var stopped *train.InterruptedError
	if !errors.As(err, &stopped) || stopped.Strategy != "stopped" || stopped.Epoch != 2 {
		t.Fatalf("error %v, want an interruption in the second epoch of the strategy that is stopped", err)
	}
	if err := os.Remove(filepath.Join(r.Dir, "old", ".lock")); err != nil {
		t.Fatal(err)
	}
}

// TestOldRun opens a run that was made before the strategies moved, and continues it with the call that made it: what
// was finished is not trained again, what was stopped goes on from its checkpoint, and the figures are those of a run
// that was not interrupted.
func TestOldRun(t *testing.T) {
	if *updateOldRun {
		makeOldRun(t)
	}
	zoo.Register(tinySpec())
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(oldRunDir, "runs"))); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(oldRunDir, "want.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want oldRunWant
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}

	opened, err := train.Open(dir, "old")
	if err != nil {
		t.Fatal(err)
	}
	epochs := map[string]int{"transfer": 3, "finetune": 3, "lwf": 3, "logistic": 3, "knn": 3, "coral": 3, "stopped": 1, "scratch": 0}
	for i, s := range oldRunStrategies(nil, nil) {
		res := opened.Results[i]
		if res.Strategy != s.Name() || len(res.History) != epochs[res.Strategy] || res.Done != (epochs[res.Strategy] == 3) {
			t.Errorf("strategy %d is %q with %d epochs, done %v; want %q with %d", i, res.Strategy, len(res.History), res.Done, s.Name(), epochs[s.Name()])
		}
		if got := curve(res.History); len(got) > 0 && !reflect.DeepEqual(got, want[res.Strategy][:len(got)]) {
			t.Errorf("%s has the history\n%+v, want\n%+v", res.Strategy, got, want[res.Strategy])
		}
	}
	if m, err := result(t, opened, "lwf").Model(); err != nil || m.Classes[2] != "red" {
		t.Errorf("the model of a finished strategy: %v, %v", m, err)
	}

	used := &counter{}
	ds, old, source := oldRunTask(t, used.asked)
	run := compare(t, oldRunRecipe(dir), "old", ds, oldRunModel(t), oldRunStrategies(old, source)...)
	// One step of 4 images was done in the second epoch.
	if rest := 15 - 4 + 15 + 3*15; used.n != rest {
		t.Errorf("%d training images were read, want %d: the rest of what was stopped, and all of scratch", used.n, rest)
	}
	for i, res := range run.Results {
		if got := res.History; len(got) != 3 || !res.Done {
			t.Errorf("%s has %d epochs, done %v; want 3", res.Strategy, len(got), res.Done)
		}
		if n := len(opened.Results[i].History); n > 0 && !reflect.DeepEqual(res.History[:n], opened.Results[i].History) {
			t.Errorf("%s was trained again", res.Strategy)
		}
		for k, e := range res.History {
			w := want[res.Strategy][k]
			// The last digits depend on the processor.
			if math.Abs(e.TrainLoss-w.TrainLoss) > 1e-4 || math.Abs(e.ValLoss-w.ValLoss) > 1e-4 || e.LearningRate != w.LearningRate {
				t.Errorf("%s, epoch %d: %+v, uninterrupted %+v", res.Strategy, k+1, e, w)
			}
		}
	}
}
