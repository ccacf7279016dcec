package train_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestDivergence: a strategy that diverges is one row of the table; the others are trained, and with another rate it
// alone is trained again.
func TestDivergence(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Epochs = 3
	wild := strategy.FineTune{Label: "wild", LearningRate: 1e30}
	run := compare(t, r, "r", ds, m, wild, strategy.Transfer{})
	res, other := result(t, run, "wild"), result(t, run, "transfer")
	if d := res.Diverged; d == nil || d.Epoch != 1 || d.LearningRate != 1e30 || d.String() != "diverged in epoch 1 at rate 1e+30" {
		t.Errorf("divergence %v, want one in the first epoch", d)
	}
	if !other.Done || len(other.History) != 3 || other.Diverged != nil {
		t.Errorf("the other strategy: %+v", other)
	}
	bundle, err := run.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if text := bundle["text/plain"].(string); !strings.Contains(text, "wild (diverged in epoch 1 at rate 1e+30)") || !strings.Contains(text, "smaller learning rate") {
		t.Errorf("table and verdict do not say it:\n%s", text)
	}

	c := &counter{}
	ds.Train = painted(t, 1, 5, c.asked)
	again := compare(t, r, "r", ds, m, wild, strategy.Transfer{})
	if c.n != 0 || again.Results[0].Diverged == nil {
		t.Errorf("the same call again reads %d images; divergence %v", c.n, again.Results[0].Diverged)
	}
	if opened, err := train.Open(r.Dir, "r"); err != nil || !reflect.DeepEqual(opened.Results[0].Diverged, res.Diverged) {
		t.Errorf("opened: %v, %v", opened.Results[0].Diverged, err)
	}

	tame := strategy.FineTune{Label: "wild", LearningRate: 1e-3}
	r.MemoryLimit = 1
	c.n = 0
	mended := compare(t, r, "r", ds, m, tame, strategy.Transfer{})
	if got := result(t, mended, "wild"); got.Diverged != nil || !got.Done || c.n != 3*15 {
		t.Errorf("with another rate: %+v; %d images read, want 45", got, c.n)
	}
	if !reflect.DeepEqual(result(t, mended, "transfer").History, other.History) {
		t.Error("the other strategy was trained again")
	}
}

// TestDivergenceInPhase: a training that diverges before its last phase has another rate at fault than LearningRate,
// and the verdict names it.
func TestDivergenceInPhase(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Epochs = 5
	run := compare(t, r, "r", ds, m, strategy.FineTune{HeadFirst: 2, HeadRate: 1e38}, strategy.LwF{LearningRate: 1e38})
	text := run.Verdict()
	for _, want := range []string{
		"finetune diverged in epoch 1 at rate 1e+38, before its last phase: try a smaller rate for those epochs (HeadRate or WarmupRate",
		"lwf diverged in epoch 2 at rate 1e+38: try a smaller learning rate for it.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("verdict %q lacks %q", text, want)
		}
	}
}

// TestTrouble: a rate with which nothing is learned, and one class for every image, are named, with balanced accuracy.
func TestTrouble(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	// 99:1, as far as it goes: 18 of one class, 2 of another, none of the third in training.
	var most []int
	for i := range painted(t, 1, 18, nil).Len() {
		if i%3 == 0 || i == 1 || i == 4 {
			most = append(most, i)
		}
	}
	skewed := *ds
	skewed.Train, skewed.Val = painted(t, 1, 18, nil).Subset(most), painted(t, 2, 18, nil).Subset(most)
	run := compare(t, r, "skewed", &skewed, m, strategy.Transfer{LearningRate: 1e-9, Label: "idle"}, strategy.Transfer{LearningRate: 0.1})
	always := result(t, run, "transfer")
	if got := always.Score(); got.Accuracy.Mean != 0.9 || got.Balanced.Mean != 0.5 || always.BalancedAccuracy() != 0.5 {
		t.Errorf("accuracy %g, balanced %g; want 0.9 and 0.5", got.Accuracy.Mean, got.Balanced.Mean)
	}
	if text := run.Verdict(); !strings.Contains(text, `transfer names the class "blue" for every image: its balanced accuracy is 50.0%`) {
		t.Errorf("verdict %q", text)
	}
	other := skewed
	other.Val = painted(t, 2, 18, nil).Subset([]int{1, 2, 4, 5}) // none of the class that is named
	run = compare(t, r, "other", &other, m, strategy.Transfer{LearningRate: 0.1})
	if text := run.Verdict(); !strings.Contains(text, `for every image: its balanced accuracy is 0.0%, as none is of that class`) {
		t.Errorf("verdict of other classes %q", text)
	}
	one := *ds
	one.Val = ds.Val.Subset(slices.DeleteFunc(indices(ds.Val.Len()), func(i int) bool { return ds.Val.Label(i) != 0 }))
	run = compare(t, r, "one-class", &one, m, strategy.Transfer{})
	if text := run.Verdict(); !strings.Contains(text, `are of class "`+ds.Classes[0]+`": this accuracy says nothing about other classes`) {
		t.Errorf("verdict of one class %q", text)
	}
	run = compare(t, r, "high", ds, m, strategy.Transfer{LearningRate: 1e4})
	if text := run.Verdict(); !strings.Contains(text, "is far above that of guessing (1.10)") || !strings.Contains(text, "try a smaller learning rate") || strings.Contains(text, "train longer") {
		t.Errorf("verdict of a high rate %q", text)
	}
	run = compare(t, r, "idle", ds, m, strategy.Transfer{LearningRate: 1e-9, Label: "idle"})
	idle := result(t, run, "idle")
	if text := run.Verdict(); !strings.Contains(text, "idle shows no sign of learning") && !strings.Contains(text, "idle names the class") {
		t.Errorf("verdict %q of losses %+v", text, idle.History)
	}
}

// TestOneBadFolder: what is in the place of a strategy's folder keeps it from training, and no other.
func TestOneBadFolder(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	if err := os.MkdirAll(filepath.Join(r.Dir, "r"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "r", "finetune"), []byte("a file"), 0o666); err != nil {
		t.Fatal(err)
	}
	run, err := r.Compare(t.Context(), "r", ds, m, strategy.FineTune{}, strategy.Transfer{})
	wantError(t, err, `"finetune"`, "folder", "remove")
	if run == nil || !result(t, run, "transfer").Done {
		t.Fatalf("the other strategy was not trained: %+v", run)
	}
	if err := os.Remove(filepath.Join(r.Dir, "r", "finetune")); err != nil {
		t.Fatal(err)
	}
	run = compare(t, r, "r", ds, m, strategy.FineTune{}, strategy.Transfer{})
	if !result(t, run, "finetune").Done {
		t.Error("not trained once the file was away")
	}
}

// TestReadOnly: a finished run is opened and compared without a single write.
func TestReadOnly(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Seeds = 2
	want := compare(t, r, "r", ds, m, strategy.Transfer{}, strategy.KNN{})
	dirs := []string{"r", "r/transfer", "r/knn", "r/transfer/seed-4"}
	if err := os.Remove(filepath.Join(r.Dir, "r", ".lock")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if err := os.Chmod(filepath.Join(r.Dir, dir), 0o555); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		for _, dir := range dirs {
			os.Chmod(filepath.Join(r.Dir, dir), 0o755)
		}
	}()
	before := tree(t, r.Dir)
	run := compare(t, r, "r", ds, m, strategy.Transfer{}, strategy.KNN{})
	for i, res := range run.Results {
		if !reflect.DeepEqual(res.History, want.Results[i].History) || !reflect.DeepEqual(res.Repeats[0].Predictions, want.Results[i].Repeats[0].Predictions) {
			t.Errorf("%s: %+v, want %+v", res.Strategy, res, want.Results[i])
		}
	}
	if opened, err := train.Open(r.Dir, "r"); err != nil || len(opened.Results) != 2 {
		t.Errorf("opened %+v, %v", opened, err)
	}
	// Root may write anywhere, so the files are compared, a lock among them.
	if !reflect.DeepEqual(tree(t, r.Dir), before) {
		t.Error("something was written")
	}
}

// TestLeftOver: temporary files of a killed program go with the next call that trains.
func TestLeftOver(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	compare(t, r, "r", ds, m, strategy.Transfer{})
	left := []string{"run.json123", "transfer/history.jsonl.bak99", "transfer/.checkpoint.next.safetensors.12ab.tmp", "transfer/checkpoint.next.safetensors", "transfer/.best.safetensors.7f.tmp"}
	for _, name := range left {
		writeFile(t, filepath.Join(r.Dir, "r", name), []byte("half"))
	}
	mine := filepath.Join(r.Dir, "r", "transfer", "notes2.json")
	writeFile(t, mine, []byte("mine"))
	r.Epochs = 3
	compare(t, r, "r", ds, m, strategy.Transfer{})
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(r.Dir, "r", name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("a file of the user's is gone: %v", err)
	}
}

// TestVisibleRuns: runs go to the visible folder runs; what was made in .tlkit/runs is still found and continued there.
func TestVisibleRuns(t *testing.T) {
	here, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	t.Setenv("TLKIT_RUNS", "")
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Dir = filepath.Join(".tlkit", "runs")
	compare(t, r, "old", ds, m, strategy.Transfer{})
	r.Dir = ""
	if run := compare(t, r, "new", ds, m, strategy.Transfer{}); run.Dir != filepath.Join(here, "runs", "new") {
		t.Errorf("a new run lies in %s", run.Dir)
	}
	c := &counter{}
	counted := &datasets.Dataset{Name: ds.Name, Classes: ds.Classes, Train: painted(t, 1, 5, c.asked), Val: ds.Val}
	if run := compare(t, r, "old", counted, m, strategy.Transfer{}); run.Dir != filepath.Join(here, ".tlkit", "runs", "old") || c.n != 0 {
		t.Errorf("an old run lies in %s, %d images read", run.Dir, c.n)
	}
	if names, err := train.List(""); err != nil || !reflect.DeepEqual(names, []string{"new", "old"}) {
		t.Errorf("runs %v, %v", names, err)
	}
	if err := train.Remove("", "old"); err != nil {
		t.Error(err)
	}
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
