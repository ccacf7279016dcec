//go:build slow && unix

package train_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

const killedRuns = "TLKIT_TEST_KILLED_RUNS"

// killedRecipe has enough epochs for a kill to fall between any two writes.
func killedRecipe(dir string) train.Recipe {
	return train.Recipe{Epochs: 40, BatchSize: 4, Seed: 3, Dir: dir, Quiet: true, MemoryLimit: 1, DiskLimit: -1, WeightDecay: 1e-3}
}

// TestKilledAtRandom kills a program that trains 100 times, at random moments, and lets the next one go on: weights, history
// and predictions are, to the bit, those of a training that was never interrupted, and no line claims that a file was damaged.
func TestKilledAtRandom(t *testing.T) {
	strategies := []train.Strategy{strategy.FineTune{}, strategy.KNN{}, strategy.LwF{}, strategy.Scratch{}}
	if dir := os.Getenv(killedRuns); dir != "" { // the program that is killed
		for {
			compare(t, killedRecipe(dir), "r", paint(t), pretrained(t), strategies...)
		}
	}
	whole := compare(t, killedRecipe(t.TempDir()), "r", paint(t), pretrained(t), strategies...)
	rng := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	dir := t.TempDir()
	for kill := range 100 {
		if kill%25 == 24 { // begun anew now and then, for the moments of a start
			if err := os.RemoveAll(filepath.Join(dir, "r")); err != nil {
				t.Fatal(err)
			}
		}
		child := exec.Command(os.Args[0], "-test.run=^TestKilledAtRandom$")
		child.Env = append(os.Environ(), killedRuns+"="+dir)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+rng.IntN(1500)) * time.Millisecond) // the random moment
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		child.Wait() // killed: its error is expected
	}
	run := compare(t, killedRecipe(dir), "r", paint(t), pretrained(t), strategies...)
	if text := strings.Join(run.Warnings, " "); strings.Contains(text, "damaged") {
		t.Errorf("said %q", run.Warnings)
	}
	for i, res := range run.Results {
		want := whole.Results[i]
		if !reflect.DeepEqual(curve(res.History), curve(want.History)) || !reflect.DeepEqual(res.Predictions, want.Predictions) {
			t.Errorf("%s: history or predictions differ from those of an uninterrupted training", res.Strategy)
		}
		for _, file := range []string{"best.safetensors", "checkpoint.safetensors"} {
			if !reflect.DeepEqual(saved(t, run, res.Strategy, file), saved(t, whole, res.Strategy, file)) {
				t.Errorf("%s: %s differs from that of an uninterrupted training", res.Strategy, file)
			}
		}
	}
}
