package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/filelock"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// labelled is Transfer under a name of the test's.
func labelled(name string) train.Strategy { return strategy.Transfer{Label: name} }

// TestNames: a name that is no folder on every system is refused in one line, which has a name that can be had, before
// anything is written.
func TestNames(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	long := strings.Repeat("x", 101)
	for _, tt := range []struct {
		run, strategy string
		want          []string
	}{
		{"ants vs bees", "a", []string{`run name "ants vs bees"`, `such as "ants-vs-bees"`}},
		{"ants/bees", "a", []string{`such as "ants-bees"`}},
		{`ants\bees`, "a", []string{`such as "ants-bees"`}},
		{"../ants", "a", []string{`such as "ants"`}},
		{"..", "a", []string{`such as "ants-vs-bees"`}},
		{"", "a", []string{`such as "ants-vs-bees"`}},
		{"été", "a", []string{`such as "ete"`}},
		{"Bäume & Sträucher", "a", []string{`such as "Baume-Straucher"`}},
		{"e\u0301te\u0301", "a", []string{`such as "ete"`}}, // as macOS writes it
		{"蟻", "a", []string{`such as "ants-vs-bees"`}},
		{"a\x00b", "a", []string{`such as "a-b"`}},
		{long, "a", []string{"101 characters", "at most 100"}},
		{"con", "a", []string{`run name "con"`, "Windows", `"my-con"`}},
		{"NUL.1", "a", []string{"Windows"}},
		{"lpt1", "a", []string{"Windows"}},
		{"ants.", "a", []string{"Windows", `"my-ants"`}},
		{"r", "my transfer", []string{`strategy name "my transfer"`, `such as "my-transfer"`}},
		{"r", "Run.json", []string{`strategy name "Run.json"`, `"my-Run.json"`}},
		{"r", "graph.onnx", []string{"a file of the run"}},
		{"r", "aux", []string{"Windows"}},
		{"r", long, []string{"101 characters"}},
	} {
		_, err := r.Compare(context.Background(), tt.run, ds, m, labelled(tt.strategy))
		wantError(t, err, tt.want...)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q, %q: more than a line: %v", tt.run, tt.strategy, err)
		}
	}
	_, err := r.Compare(context.Background(), "r", ds, m, labelled("Same"), labelled("same"))
	wantError(t, err, `"Same"`, `"same"`, "Label")
	if entries, err := os.ReadDir(r.Dir); err == nil && len(entries) > 0 {
		t.Errorf("refused, yet %s was made", entries[0].Name())
	}
}

// TestCopies: the copy of a run under the name that a system or a browser gives it says how to open it; the name of a
// folder outside of the runs is none.
func TestCopies(t *testing.T) {
	r := quick(t)
	run := compare(t, r, "ants", paint(t), pretrained(t), labelled("a"))
	for _, name := range []string{"ants (1)", "ants - Copy", "Kopie von ants", "蟻"} {
		path := filepath.Join(r.Dir, name)
		copyRun(t, run.Dir, path)
		_, err := train.Open(r.Dir, name)
		wantError(t, err, fmt.Sprintf("run name %q", name), path+" is a run, so rename the folder to that")
	}
	_, err := train.Open(filepath.Join(r.Dir, "none"), "../ants")
	if wantError(t, err, `run name "../ants"`); strings.Contains(err.Error(), "is a run") {
		t.Errorf("%v names a folder that is not in the folder of runs", err)
	}
}

// TestSimilarNames: neither a run nor a strategy gets the folder of another one on systems that make no difference
// between upper and lower case; what is there by such a name goes on.
func TestSimilarNames(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	compare(t, r, "ants", ds, m, labelled("first"))
	_, err := r.Compare(context.Background(), "Ants", ds, m, labelled("first"))
	wantError(t, err, `run "Ants"`, `run "ants"`, `call it "ants"`)
	_, err = r.Compare(context.Background(), "ants", ds, m, labelled("First"))
	wantError(t, err, `"first"`, `"First"`, "Label")
	_, err = train.Open(r.Dir, "ANTS")
	wantError(t, err, `no run "ANTS"`, "there are ants")
	if err := os.Rename(filepath.Join(r.Dir, "ants"), filepath.Join(r.Dir, "con")); err != nil { // made by an earlier version
		t.Fatal(err)
	}
	if run := compare(t, r, "con", ds, m, labelled("first")); run.Name != "con" || len(run.Warnings) > 0 {
		t.Errorf("run %q, %q", run.Name, run.Warnings)
	}
}

// TestMovedRuns: a run that was copied, moved, renamed or linked is whole: nothing is trained, no warning is due. The
// working folder may change afterwards.
func TestMovedRuns(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	base, c := t.TempDir(), &counter{}
	counted := *ds
	counted.Train = painted(t, 1, 5, c.asked)
	t.Setenv("HOME", base)
	for _, dir := range []string{"first", "[odd] *?", "ü"} {
		if err := os.Mkdir(filepath.Join(base, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	r.Dir = filepath.Join(base, "first")
	compare(t, r, "a", ds, m, strategy.Transfer{})
	for _, err := range []error{
		os.CopyFS(filepath.Join(base, "[odd] *?", "copied"), os.DirFS(filepath.Join(base, "first", "a"))),
		os.CopyFS(filepath.Join(base, "ü", "a"), os.DirFS(filepath.Join(base, "first", "a"))),
		os.Symlink(filepath.Join(base, "first", "a"), filepath.Join(base, "first", "linked")),
		os.Symlink("first", filepath.Join(base, "folder")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(base)
	for _, tt := range []struct{ dir, name, variable string }{
		{filepath.Join(base, "[odd] *?"), "copied", ""}, {filepath.Join(base, "ü"), "a", ""}, {filepath.Join(base, "first"), "linked", ""},
		{filepath.Join(base, "folder"), "a", ""}, {"first", "a", ""}, {"~/first", "a", ""}, {"./folder/../folder/", "a", ""},
		{"", "a", "first"}, {"", "a", "~/folder"}, {"", "copied", filepath.Join(base, "[odd] *?")},
	} {
		t.Setenv("TLKIT_RUNS", tt.variable)
		r.Dir = tt.dir
		names, err := train.List(tt.dir)
		if err != nil || !slices.Contains(names, tt.name) {
			t.Errorf("%+v: List says %q, %v", tt, names, err)
		}
		run := compare(t, r, tt.name, &counted, m, strategy.Transfer{})
		if c.n != 0 || len(run.Warnings) > 0 || run.Name != tt.name {
			t.Errorf("%+v: run %q, %d images read, warnings %q", tt, run.Name, c.n, run.Warnings)
		}
		if _, err := train.Open(tt.dir, tt.name); err != nil {
			t.Errorf("%+v: %v", tt, err)
		}
		t.Chdir(t.TempDir())
		if len(saved(t, run, "transfer", "best.safetensors")) == 0 {
			t.Errorf("%+v: no weights when the working folder is another", tt)
		}
		t.Chdir(base)
	}
	if _, err := os.Stat(filepath.Join(base, "~")); err == nil {
		t.Error(`a folder named "~" was made`)
	}
}

// TestNoFolder: where no run's folder can be made, one line says why and what to do.
func TestNoFolder(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	base := t.TempDir()
	if err := os.WriteFile(filepath.Join(base, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dangling", "inner"} {
		if err := os.Symlink(filepath.Join(base, "nowhere"), filepath.Join(base, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		dir, name string
		want      []string
	}{
		{filepath.Join(base, "file"), "a", []string{`run "a"`, filepath.Join(base, "file") + " is a file: move it away", "TLKIT_RUNS"}},
		{base, "file", []string{`run "file"`, "is a file: move it away, or choose another name"}},
		{filepath.Join(base, "dangling"), "a", []string{"is a link to a folder that is not there", "remove the link"}},
		{base, "inner", []string{"is a link to a folder that is not there"}},
	} {
		r.Dir = tt.dir
		_, err := r.Compare(context.Background(), tt.name, ds, m, strategy.Transfer{})
		wantError(t, err, tt.want...)
	}
	_, err := train.Open(base, "file")
	wantError(t, err, "is a file: move it away")
	_, err = train.List(filepath.Join(base, "file"))
	wantError(t, err, "not a directory")
	r.Dir = filepath.Join(base, "new", "deep")
	compare(t, r, "a", ds, m, strategy.Transfer{})

	// Another cell, and then another program, trains in it.
	lock, err := filelock.Try(filepath.Join(r.Dir, "a", ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	r.Epochs++
	_, err = r.Compare(context.Background(), "a", ds, m, strategy.Transfer{})
	wantError(t, err, `run "a" is being trained by this program already`, "another name")
	if err := os.WriteFile(filepath.Join(r.Dir, "a", ".lock"), []byte("process 7 on gpu2, since noon\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = r.Compare(context.Background(), "a", ds, m, strategy.Transfer{})
	wantError(t, err, `run "a" is being trained by another program (.lock names process 7 on gpu2, since noon)`, "another name")
	if _, err := train.Open(r.Dir, "a"); err != nil {
		t.Errorf("a run that another program trains can be looked at: %v", err)
	}
}
