package train_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestFittingStays: where one strategy alone got more epochs, the call of before trains that one anew, and keeps the other.
func TestFittingStays(t *testing.T) {
	m, r := pretrained(t), quick(t)
	first := compare(t, r, "r", paint(t), m, strategy.Transfer{}, strategy.FineTune{})
	r.Epochs = 4
	compare(t, r, "r", paint(t), m, strategy.FineTune{})
	r.Epochs = 2
	run := compare(t, r, "r", paint(t), m, strategy.Transfer{}, strategy.FineTune{})
	if got, want := result(t, run, "transfer").History, result(t, first, "transfer").History; !reflect.DeepEqual(got, want) {
		t.Errorf("transfer was trained anew: %+v, was %+v", got, want)
	}
	if got, want := curve(result(t, run, "finetune").History), curve(result(t, first, "finetune").History); !reflect.DeepEqual(got, want) {
		t.Errorf("finetune %+v, want %+v", got, want)
	}
	if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, "epochs: 4, now 2") {
		t.Errorf("said %q", text)
	}
	versions, err := run.Versions()
	if err != nil || len(versions) != 1 || len(versions[0].Results) != 1 || len(versions[0].Results[0].History) != 4 {
		t.Errorf("versions %+v, %v", versions, err)
	}
}

// TestKilledVersion: a program was killed while it moved results to an earlier version. What was moved comes back, or the
// move is done, and nothing is trained twice; a version that can't be read hides no other.
func TestKilledVersion(t *testing.T) {
	m, r := pretrained(t), quick(t)
	first := compare(t, r, "r", paint(t), m, strategy.Transfer{}, strategy.FineTune{})
	version := filepath.Join(first.Dir, ".versions", "1")
	if err := os.MkdirAll(version, 0o777); err != nil {
		t.Fatal(err)
	}
	if all, err := first.Versions(); err != nil || len(all) != 0 {
		t.Errorf("an empty folder: versions %v, %v", all, err)
	}
	for _, name := range []string{"run.json", "run.json.bak"} {
		data, err := os.ReadFile(filepath.Join(first.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(version, name), data)
	}
	if err := os.Rename(filepath.Join(first.Dir, "transfer"), filepath.Join(version, "transfer")); err != nil {
		t.Fatal(err)
	}
	run := compare(t, r, "r", paint(t), m, strategy.Transfer{}, strategy.FineTune{})
	for i, res := range run.Results {
		if !reflect.DeepEqual(res.History, first.Results[i].History) { // with the seconds
			t.Errorf("%s was trained again", res.Strategy)
		}
	}
	r.Momentum = 0.5
	run = compare(t, r, "r", paint(t), m, strategy.Transfer{})
	writeFile(t, filepath.Join(run.Dir, ".versions", "1", "run.json"), []byte("{"))
	writeFile(t, filepath.Join(run.Dir, ".versions", "1", "run.json.bak"), []byte("{"))
	r.Momentum = 0.6
	run = compare(t, r, "r", paint(t), m, strategy.Transfer{})
	all, err := run.Versions()
	wantError(t, err, "version 1 of run", "delete")
	if len(all) == 0 {
		t.Error("the other version is not there")
	}
}

// TestPaced: a training that depends on the number of epochs from its start is not continued to another number: it is
// trained anew, as the text says, and is equal to one of so many epochs; the shorter one comes back when it is called again.
func TestPaced(t *testing.T) {
	for _, s := range []train.Strategy{strategy.DANN{Source: source(t)}, strategy.LwF{}, strategy.Joint{Old: oldTask(t)}, &strategy.LwF{Warmup: 1}} {
		ds, m, r := paint(t), pretrained(t), quick(t)
		short := compare(t, r, "r", ds, m, s).Results[0]
		r.Epochs = 6
		whole := compare(t, r, "whole", ds, m, s).Results[0]
		run := compare(t, r, "r", ds, m, s)
		if got, want := curve(run.Results[0].History), curve(whole.History); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: continued %+v, in one go %+v", s.Name(), got, want)
		}
		if _, ok := s.(*strategy.LwF); ok { // its warm-up is the same
			if len(run.Warnings) > 0 || !reflect.DeepEqual(run.Results[0].History[:2], short.History) {
				t.Errorf("%s was trained anew: %q", s.Name(), run.Warnings)
			}
			continue
		}
		if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, s.Name()+" epochs: 2, now 6") || !strings.Contains(text, "version 1") {
			t.Errorf("%s: warnings %q", s.Name(), run.Warnings)
		}
		r.Epochs = 2
		run = compare(t, r, "r", ds, m, s)
		if !reflect.DeepEqual(run.Results[0].History, short.History) { // with the seconds
			t.Errorf("%s: the first call again trains: %q", s.Name(), run.Warnings)
		}
	}
}
