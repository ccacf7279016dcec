package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
)

// TestNewerRun: a run of a later version is neither read nor written over.
func TestNewerRun(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r")
	file := filepath.Join(path, "run.json")
	if err := os.MkdirAll(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(file, Config{Format: runFormat + 1}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, opened := Open(dir, "r")
	_, continued := (&call{name: "r", path: path, config: Config{Format: runFormat}}).open()
	for _, err := range []error{opened, continued} {
		if !errors.Is(err, errNewer) || !strings.Contains(err.Error(), `run "r"`) || !strings.Contains(err.Error(), "has format 3") || !strings.Contains(err.Error(), "update TLKit") {
			t.Errorf("error %v", err)
		}
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("run.json was written: %v", err)
	}
}

// TestOldFingerprint: a run from before contents were part of the fingerprint goes on, with one line about it.
func TestOldFingerprint(t *testing.T) {
	dir := t.TempDir()
	var pictures []string
	for _, class := range []string{"a", "b"} {
		for i := range 3 {
			name := filepath.Join(dir, class, fmt.Sprintf("%d.png", i))
			var b bytes.Buffer
			err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), png.Encode(&b, image.NewGray(image.Rect(0, 0, 4+i, 4))), os.WriteFile(name, b.Bytes(), 0o666))
			if err != nil {
				t.Fatal(err)
			}
			pictures = append(pictures, class+"/"+filepath.Base(name))
		}
	}
	ds, err := datasets.ImageFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New() // as 5d8db30 computed it
	fmt.Fprintf(h, "class %q\nclass %q\n", "a", "b")
	n := 0
	for _, split := range []struct {
		name string
		s    *datasets.Split
	}{{"train", ds.Train}, {"val", ds.Val}} {
		fmt.Fprintf(h, "split %s %d\n", split.name, split.s.Len())
		for i := range split.s.Len() {
			fmt.Fprintf(h, "%d %q\n", split.s.Label(i), split.s.Name(i))
			n++
		}
	}
	if n != len(pictures) {
		t.Fatalf("%d images of %q", n, pictures)
	}
	before := DataConfig{Name: ds.Name, Fingerprint: hex.EncodeToString(h.Sum(nil)[:16])}
	path := filepath.Join(t.TempDir(), "r")
	if err := os.MkdirAll(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(filepath.Join(path, "run.json"), Config{Format: runFormat, Data: before}); err != nil {
		t.Fatal(err)
	}
	now := DataConfig{Name: ds.Name, Fingerprint: ds.Fingerprint()}
	for k, want := range []int{1, 0} { // the second call finds today's fingerprint
		run, err := (&call{name: "r", path: path, data: ds, config: Config{Format: runFormat, Data: now}}).open()
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(run.Warnings, "\n"); len(run.Warnings) != want || want > 0 && !strings.Contains(text, "pixels could not be compared") {
			t.Errorf("call %d: warnings %q, want %d", k, run.Warnings, want)
		}
	}
}

// TestLearnedNothing: nothing is claimed of a training whose accuracy is above that of guessing, or that is too short.
func TestLearnedNothing(t *testing.T) {
	// half of the images are of each class; right is the share that is predicted right
	predictions := func(n int, right float64) Predictions {
		var p Predictions
		for i := range n {
			label := i % 2
			p.Labels = append(p.Labels, label)
			if float64(i/2) >= right*float64(n/2) {
				label = 1 - label
			}
			p.Predicted = append(p.Predicted, label)
		}
		return p
	}
	history := func(losses ...float64) (h []Epoch) {
		for i, v := range losses {
			h = append(h, Epoch{Epoch: i + 1, TrainLoss: v})
		}
		return h
	}
	guess := math.Log(2)
	for _, tt := range []struct {
		name string
		r    Result
		want bool
	}{
		{"guesses", Result{LearningRate: 0.1, History: history(guess, guess), Predictions: predictions(100, 0.5)}, true},
		{"a little above, within the noise", Result{LearningRate: 0.1, History: history(guess, guess), Predictions: predictions(100, 0.58)}, true},
		{"a high loss, but a good accuracy", Result{LearningRate: 0.1, History: history(3, 2), Predictions: predictions(100, 0.9)}, false},
		{"few images say little", Result{LearningRate: 0.1, History: history(1, 1), Predictions: predictions(8, 0.75)}, true},
		{"one epoch", Result{LearningRate: 0.1, History: history(guess), Predictions: predictions(100, 0.5)}, false},
		{"a falling loss", Result{LearningRate: 0.1, History: history(guess, 0.6), Predictions: predictions(100, 0.5)}, false},
		{"no training", Result{History: history(guess, guess), Predictions: predictions(100, 0.5)}, false},
		{"no images", Result{LearningRate: 0.1, History: history(guess, guess)}, false},
	} {
		if got := tt.r.learnedNothing(2); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if got, want := predictions(100, 1).guessingError(2), 0.05; math.Abs(got-want) > 1e-12 {
		t.Errorf("standard error %g, want %g", got, want)
	}
}

// TestOlderOwnStrategy: a run from before plans or their inputs were kept is that of its strategies still.
func TestOlderOwnStrategy(t *testing.T) {
	of := func(p *ownPlan) stored { return stored{Name: "mine", Kind: "edited", Plan: p} }
	now := of(&ownPlan{0.01, "x", "y"})
	for _, same := range []stored{of(nil), of(&ownPlan{0.01, "x", ""}), of(&ownPlan{0.01, "x", "y"})} {
		if !same.same(now) || !now.same(same) {
			t.Errorf("%+v is another than %+v", same.Plan, now.Plan)
		}
	}
	for _, other := range []stored{of(&ownPlan{0.02, "x", "y"}), of(&ownPlan{0.01, "z", ""}), of(&ownPlan{0.01, "x", "z"})} {
		if other.same(now) || now.same(other) {
			t.Errorf("%+v is the same as %+v", other.Plan, now.Plan)
		}
	}
}
