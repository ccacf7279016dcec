package train_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestExtendedModel: a result in memory has the model of its folder after a later call gave it more epochs, and no
// model after a later call trained it in another way.
func TestExtendedModel(t *testing.T) {
	zoo.Register(tinySpec())
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Restore = train.RestoreLast
	first := compare(t, r, "r", ds, m, strategy.FineTune{}).Results[0]
	r.Epochs = 4
	run := compare(t, r, "r", ds, m, strategy.FineTune{})
	got, err := first.Model()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(snapshot(t, got), saved(t, run, "finetune", "best.safetensors")) {
		t.Error("the model has other weights than the folder")
	}
	r.Momentum = 0.5
	compare(t, r, "r", ds, m, strategy.FineTune{})
	_, err = first.Model()
	wantError(t, err, `strategy "finetune" of run "r"`, "another training", "same call of Compare")
}

// TestKilledExtension: a program was killed while it gave a finished result more epochs, after it wrote the weights of
// one of them and before result.json. A call with as many epochs goes on from the checkpoint, and finds no fault; one
// with the former number ends with the former result.
func TestKilledExtension(t *testing.T) {
	m, r := pretrained(t), quick(t)
	r.MemoryLimit, r.Restore = 1, train.RestoreLast
	whole := map[int]*train.Run{}
	for _, epochs := range []int{2, 3, 4} {
		r := r
		r.Epochs, r.Dir = epochs, t.TempDir()
		whole[epochs] = compare(t, r, "r", paint(t), m, strategy.FineTune{})
	}
	for _, epochs := range []int{4, 2} {
		r := r
		r.Dir = t.TempDir()
		first := compare(t, r, "r", paint(t), m, strategy.FineTune{}).Results[0]
		r.Epochs = 4
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ds := paint(t)
		ds.Train = painted(t, 1, 5, (&counter{when: 6, at: cancel}).asked)
		_, err := r.Compare(ctx, "r", ds, m, strategy.FineTune{})
		var interrupted *train.InterruptedError
		if !errors.As(err, &interrupted) || interrupted.Epoch != 3 {
			t.Fatalf("error %v, want an interruption in the third epoch", err)
		}
		for path, content := range tree(t, filepath.Join(whole[3].Dir, "finetune")) {
			if filepath.Base(path) == "best.safetensors" {
				writeFile(t, filepath.Join(r.Dir, "r", "finetune", "best.safetensors"), []byte(content))
			}
		}

		r.Epochs = epochs
		run := compare(t, r, "r", paint(t), m, strategy.FineTune{})
		// Of the epochs that were not trained again, the seconds are the same, too.
		if epochs == 4 && (len(run.Warnings) > 0 || !reflect.DeepEqual(run.Results[0].History[:2], first.History)) {
			t.Errorf("trained from the start: %q", run.Warnings)
		}
		res, want := run.Results[0], whole[epochs].Results[0]
		if !res.Done || !reflect.DeepEqual(curve(res.History), curve(want.History)) || !reflect.DeepEqual(res.Predictions, want.Predictions) {
			t.Errorf("%d epochs: done %v, %+v, want %+v", epochs, res.Done, res.History, want.History)
		}
		best := saved(t, whole[epochs], "finetune", "best.safetensors")
		if !reflect.DeepEqual(saved(t, run, "finetune", "best.safetensors"), best) {
			t.Errorf("%d epochs: other weights than in one go", epochs)
		}
		if again := compare(t, r, "r", paint(t), m, strategy.FineTune{}); len(again.Warnings) > 0 {
			t.Errorf("%d epochs: the next call says %q", epochs, again.Warnings)
		}
	}
}
