package train_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestFittingStays: where one strategy alone got more epochs, and perhaps more seeds, the call of before trains that
// one anew, and keeps the other; so it does when a third call has moved both to a version.
func TestFittingStays(t *testing.T) {
	for _, tt := range []struct {
		seeds int
		third bool
	}{{1, false}, {2, false}, {2, true}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) { testFittingStays(t, tt.seeds, tt.third) })
	}
}

func testFittingStays(t *testing.T, seeds int, third bool) {
	m, r := pretrained(t), quick(t)
	first := compare(t, r, "r", paint(t), m, strategy.Transfer{}, strategy.FineTune{})
	more := r
	more.Epochs, more.Seeds = 4, seeds
	compare(t, more, "r", paint(t), m, strategy.FineTune{})
	if third {
		other := r
		other.Momentum = 0.5
		compare(t, other, "r", paint(t), m, strategy.FineTune{})
	}
	run := compare(t, r, "r", paint(t), m, strategy.Transfer{}, strategy.FineTune{})
	if got, want := result(t, run, "transfer").History, result(t, first, "transfer").History; !reflect.DeepEqual(got, want) {
		t.Errorf("transfer was trained anew: %+v, was %+v", got, want)
	}
	if got, want := curve(result(t, run, "finetune").History), curve(result(t, first, "finetune").History); !reflect.DeepEqual(got, want) {
		t.Errorf("finetune %+v, want %+v", got, want)
	}
	text := strings.Join(run.Warnings, "\n")
	if third {
		if !strings.Contains(text, `strategy "transfer" was trained like this before and comes back from version 1`) {
			t.Errorf("said %q", text)
		}
		return
	}
	if !strings.Contains(text, "epochs: 4, now 2") {
		t.Errorf("said %q", text)
	}
	versions, err := run.Versions()
	if err != nil || len(versions) != 1 || len(versions[0].Results) != 1 || len(versions[0].Results[0].History) != 4 {
		t.Errorf("versions %+v, %v", versions, err)
	}
}

// TestComesBack: where results of an earlier version take the place of those of another call, one line says so, and
// says "trained anew" only of what is.
func TestComesBack(t *testing.T) {
	m, r, more := pretrained(t), quick(t), quick(t)
	more.Dir, more.Momentum = r.Dir, 0.5
	transfer, slow, fast := strategy.Transfer{}, strategy.FineTune{}, strategy.FineTune{LearningRate: 0.5}
	said := func(r train.Recipe, want string, s ...train.Strategy) {
		t.Helper()
		if run := compare(t, r, "r", paint(t), m, s...); strings.Join(run.Warnings, "\n") != want {
			t.Errorf("said\n%s\nwant\n%s", strings.Join(run.Warnings, "\n"), want)
		}
	}
	back := func(name string, version int) string {
		return fmt.Sprintf(`strategy %q was trained like this before and comes back from version %d`, name, version)
	}
	said(r, "", slow)
	said(r, `tlkit: run "r": finetune learning_rate: not set, now 0.5; trained anew, what was there before is version 1 (run.Versions())`, fast)
	said(r, `tlkit: run "r": finetune learning_rate: 0.5, now not set; what was there before is version 2 (run.Versions()); `+back("finetune", 1), slow)
	said(r, "", transfer, slow)
	said(more, `tlkit: run "r": momentum: 0.9, now 0.5; trained anew, what was there before is version 3 (run.Versions())`, transfer)
	said(r, `tlkit: run "r": momentum: 0.5, now 0.9; what was there before is version 4 (run.Versions()); `+back("transfer", 3)+"; "+back("finetune", 3), transfer, slow)
	said(more, `tlkit: run "r": momentum: 0.9, now 0.5; what was there before is version 5 (run.Versions()); `+back("transfer", 4)+"; trained anew: finetune", transfer, slow)
	said(r, `tlkit: run "r": momentum: 0.5, now 0.9; what was there before is version 6 (run.Versions())`, strategy.KNN{})
}

// TestSeedsFit: a strategy is kept only if all of its seeds fit the call, also those that the call does not want: a
// later call may.
func TestSeedsFit(t *testing.T) {
	m, r := pretrained(t), quick(t)
	short := compare(t, r, "short", paint(t), m, strategy.FineTune{})
	r.Epochs, r.Seeds = 4, 2
	long := compare(t, r, "r", paint(t), m, strategy.FineTune{})
	copyFiles(t, filepath.Join(short.Dir, "finetune"), filepath.Join(long.Dir, "finetune"))
	r.Epochs, r.Seeds = 2, 1
	compare(t, r, "r", paint(t), m, strategy.FineTune{})
	r.Seeds = 2
	for _, one := range result(t, compare(t, r, "r", paint(t), m, strategy.FineTune{}), "finetune").Seeds() {
		if len(one.History) != 2 {
			t.Errorf("seed %d has %d epochs, want 2", one.Seed, len(one.History))
		}
	}
}

// copyFiles copies the files below a folder over those of another.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for path, content := range tree(t, from) {
		rel, err := filepath.Rel(from, path)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(to, rel), []byte(content))
	}
}

// TestKilledVersion: a program was killed while it moved results to an earlier version. What was moved comes back, or
// the move is done, and nothing is trained twice; a version that can't be read hides no other.
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
// trained anew, as the text says, and is equal to one of so many epochs; the shorter one comes back when it is called
// again.
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
