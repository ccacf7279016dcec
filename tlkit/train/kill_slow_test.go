//go:build slow && unix

package train_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
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

// kills is how often TestKilledAtRandom kills. Every tenth one is SIGTERM, of which the program, as a
// test, knows nothing.
const kills = 200

// TestKilledAtRandom kills a program that trains 200 times, at random moments, and lets the next one go on:
// weights, history and predictions are, to the bit, those of a training that was never interrupted, and no line
// claims that a file was damaged.
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
	for kill := range kills {
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
		signal := syscall.SIGKILL
		if kill%10 == 9 {
			signal = syscall.SIGTERM
		}
		if err := child.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		child.Wait() // killed: its error is expected
	}
	run := compare(t, killedRecipe(dir), "r", paint(t), pretrained(t), strategies...)
	checkWhole(t, run, whole)
}

// checkWhole compares a run that was killed with one that was not.
func checkWhole(t *testing.T, run, whole *train.Run) {
	t.Helper()
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

// killedCalls are the calls by which a run's files change, as strace names them.
var killedCalls = []string{"openat", "write", "pwrite64", "fsync", "fchmod", "renameat", "renameat2", "unlinkat", "linkat", "mkdirat", "ftruncate"}

// TestKilledInEveryCall kills a program that trains as it makes the n-th of each call that changes files, for all n,
// and trains further: the run is, to the bit, one that was never interrupted. strace counts the calls of each thread.
func TestKilledInEveryCall(t *testing.T) {
	strategies := []train.Strategy{strategy.FineTune{}, strategy.KNN{}}
	recipe := func(dir string) train.Recipe {
		r := killedRecipe(dir)
		r.Epochs = 3
		return r
	}
	if dir := os.Getenv(killedRuns); dir != "" { // the program that is killed
		compare(t, recipe(dir), "r", paint(t), pretrained(t), strategies...)
		return
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skipf("%v; on Debian: apt install strace", err)
	}
	whole := compare(t, recipe(t.TempDir()), "r", paint(t), pretrained(t), strategies...)
	killed, begun := map[string]int{}, 0
	for _, call := range killedCalls {
		step := 1
		if call == "openat" || call == "write" { // the Go runtime makes more of these
			step = 5
		}
		for n := 1; ; n += step {
			dir := t.TempDir()
			child := exec.Command("strace", "-f", "-qqq", "-o", os.DevNull, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n),
				os.Args[0], "-test.run=^TestKilledInEveryCall$")
			child.Env = append(os.Environ(), killedRuns+"="+dir)
			out, err := child.CombinedOutput()
			if err == nil {
				break // fewer such calls in any thread
			}
			if !strings.Contains(err.Error(), "killed") {
				t.Fatalf("%s %d: %v\n%s", call, n, err, out)
			}
			killed[call]++
			if _, err := os.Stat(filepath.Join(dir, "r", "run.json")); err == nil {
				begun++
			}
			run := compare(t, recipe(dir), "r", paint(t), pretrained(t), strategies...)
			checkWhole(t, run, whole)
			if t.Failed() {
				t.Fatalf("killed in %s %d", call, n)
			}
		}
	}
	t.Logf("killed by call: %v; of these %d after the run had begun", killed, begun)
	if begun < 20 {
		t.Error("too few kills fell into the training")
	}
}
