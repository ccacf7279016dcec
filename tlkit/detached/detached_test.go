package detached

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestMain is also the program of the trainings that the tests start, and a notebook that ends by SIGKILL.
func TestMain(m *testing.M) {
	os.Setenv("GOMLX_BACKEND", "go")
	program = func(runDir string) ([]string, error) { return []string{os.Args[0], "train", runDir}, nil }
	if len(os.Args) == 3 && os.Args[1] == "train" {
		if err := Train(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 4 && os.Args[1] == "start" {
		data, model := few(os.Args[3])
		if _, err := Start(recipe(os.Args[2], 2), "orphan", data, model, strategy.Transfer{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	os.Exit(func() int {
		var err error
		if images, err = os.MkdirTemp("", "detached-images"); err == nil {
			err = paint(images)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(images)
		return m.Run()
	}())
}

// few are 20 images of two classes, in a folder, and a network for them.
func few(folder string) (*datasets.Dataset, *zoo.Model) {
	model, err := zoo.Load("resnet20.shapes")
	if err != nil {
		panic(err)
	}
	return datasets.MustImageFolder(folder, datasets.Options{ValFraction: 0.5}), model
}

// images is the folder of few.
var images string

// paint writes the images of few.
func paint(folder string) error {
	all := datasets.MustLoad("sketches", datasets.Options{PerClass: 10}).Train
	for i := range all.Len() {
		if all.Label(i) > 1 {
			continue
		}
		m, err := all.Image(i)
		if err != nil {
			return err
		}
		dir := filepath.Join(folder, fmt.Sprint("class", all.Label(i)))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i, ".png")))
		if err != nil {
			return err
		}
		if err := errors.Join(png.Encode(f, m.ToImage()), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func recipe(runs string, epochs int) train.Recipe { return train.Recipe{Epochs: epochs, Dir: runs} }

func start(t *testing.T, r train.Recipe, name string, strategies ...train.Strategy) *Detached {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("detached trainings need Linux or macOS")
	}
	data, model := few(images)
	d, err := Start(r, name, data, model, strategies...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

func state(t *testing.T, d *Detached) State {
	t.Helper()
	s, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compared returns the histories of the same comparison in this process, without the figures that depend on the clock.
func compared(t *testing.T, r train.Recipe, name string, strategies ...train.Strategy) map[string][]train.Epoch {
	t.Helper()
	data, model := few(images)
	r.Quiet = true
	run, err := r.Compare(t.Context(), name, data, model, strategies...)
	if err != nil {
		t.Fatal(err)
	}
	return histories(run)
}

func histories(run *train.Run) map[string][]train.Epoch {
	all := map[string][]train.Epoch{}
	for _, res := range run.Results {
		for _, e := range res.History {
			e.Seconds, e.ImagesPerSecond = 0, 0
			all[res.Strategy] = append(all[res.Strategy], e)
		}
	}
	return all
}

// TestTrain trains in another process; the run is the one that Compare makes, and Compare finds it done.
func TestTrain(t *testing.T) {
	runs := t.TempDir()
	old := datasets.MustLoad("shapes", datasets.Options{PerClass: 1})
	old.Val = old.Val.FirstPerClass(1) // parts of splits are found again by their names
	strategies := []train.Strategy{strategy.Transfer{}, strategy.LwF{Label: "gentle", LearningRate: 0.005, Old: old}}
	d := start(t, recipe(runs, 2), "twin", strategies...)
	run, err := d.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := compared(t, recipe(t.TempDir(), 2), "twin", strategies...); !reflect.DeepEqual(histories(run), want) {
		t.Errorf("trained in another process:\n%+v\nhere:\n%+v", histories(run), want)
	}
	s := state(t, d)
	if s.Phase != Finished || s.Done != 4 || s.Total != 4 || s.Best == "" || s.BestAccuracy == 0 || s.Left != 0 {
		t.Errorf("state %+v, want finished, 4 of 4 epochs", s)
	}
	before := modified(t, d.Dir)
	compared(t, recipe(runs, 2), "twin", strategies...)
	if after := modified(t, d.Dir); !reflect.DeepEqual(before, after) {
		t.Errorf("Compare wrote again what was trained:\n%v\n%v", before, after)
	}
	bundle, err := d.Bundle()
	if err != nil || !strings.Contains(fmt.Sprint(bundle["text/plain"]), "finished, epoch 4 of 4") {
		t.Errorf("shown as %v (%v)", bundle["text/plain"], err)
	}
	if log, err := d.Log(); err != nil || !strings.Contains(log, "epoch 2 of 2") {
		t.Errorf("log %q, %v", log, err)
	}
	all, err := List(runs)
	if err != nil || len(all) != 1 || all[0].Name != "twin" {
		t.Errorf("List: %v, %v", all, err)
	}
}

// modified returns the times at which a run's results were written.
func modified(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	all := map[string]time.Time{}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = info.ModTime()
	}
	return all
}

// TestStop stops a training after its first epoch and resumes it: the result is that of an uninterrupted one.
func TestStop(t *testing.T) {
	const epochs = 30
	d := start(t, recipe(t.TempDir(), epochs), "halted", strategy.FineTune{})
	ctx, first := context.WithCancel(t.Context())
	defer first()
	err := d.wait(ctx, func(s State) {
		if s.Done > 0 {
			first()
		}
	})
	if ctx.Err() == nil {
		t.Fatalf("it ended before its first epoch: %v, %+v", err, state(t, d))
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := state(t, d)
	if s.Phase != Stopped && s.Phase != Finished || s.Done == 0 {
		t.Fatalf("after Stop: %+v, want stopped after some epochs", s)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Errorf("Stop again: %v", err)
	}
	lock, err := takeLock(filepath.Join(d.Dir, folder)) // as a process does that trains the run
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Resume(); err == nil || !strings.Contains(err.Error(), "by another process") {
		t.Errorf("Resume while another process trains the run: %v", err)
	}
	lock.Close()
	if err := d.Resume(); err != nil {
		t.Fatal(err)
	}
	run, err := d.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := compared(t, recipe(t.TempDir(), epochs), "halted", strategy.FineTune{}); !reflect.DeepEqual(histories(run), want) {
		t.Errorf("stopped and resumed:\n%+v\nuninterrupted:\n%+v", histories(run), want)
	}
}

// TestOrphan kills the process that started a training; another one attaches to it.
func TestOrphan(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("detached trainings need Linux or macOS")
	}
	runs := t.TempDir()
	out, err := exec.Command(os.Args[0], "start", runs, images).CombinedOutput()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("%v, want killed; it said: %s", err, out)
	}
	d, err := Attach(runs, "orphan")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := state(t, d); s.Phase != Finished || s.Done != 2 {
		t.Errorf("%+v, want finished", s)
	}
}

// TestEnds holds what is said of trainings that end badly.
func TestEnds(t *testing.T) {
	runs := t.TempDir()
	own := program
	t.Cleanup(func() { program = own })
	program = func(string) ([]string, error) { return []string{"/bin/sh", "-c", "echo no compiler here; exit 3"}, nil }
	d := start(t, recipe(runs, 1), "lost", strategy.Transfer{})
	if _, err := d.Watch(t.Context()); err == nil || !strings.Contains(err.Error(), "no compiler here") || state(t, d).Phase != Lost {
		t.Errorf("a program that does not start: %v, state %+v", err, state(t, d))
	}
	program = own
	path := filepath.Join(d.Dir, folder, jobFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(` *"checksum": .*\n`).ReplaceAll(text, nil) // as an older version wrote it
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), images, images+"-gone")), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := d.Resume(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Watch(t.Context()); err == nil || !strings.Contains(err.Error(), "-gone") || state(t, d).Phase != Failed {
		t.Errorf("data that is gone: %v, state %+v", err, state(t, d))
	}
	for name, content := range map[string]string{"cut": string(text[:len(text)/2]), "newer": strings.Replace(string(text), `"Format": 2`, `"Format": 3`, 1)} {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := d.Resume(); err == nil || !strings.Contains(err.Error(), jobFile) {
			t.Errorf("%s job: %v, want the file's name", name, err)
		}
	}
	if _, err := Attach(runs, "other"); err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("Attach to what is not there: %v, want the list", err)
	}
	if err := Train(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no training to do") {
		t.Errorf("Train of an empty folder: %v", err)
	}
}

// TestSplits: data whose splits were changed after loading are loaded again as they are, with the splits
// that they have.
func TestSplits(t *testing.T) {
	for name, change := range map[string]func(d *datasets.Dataset){
		"as loaded":         func(*datasets.Dataset) {},
		"less for training": func(d *datasets.Dataset) { d.Train = d.Train.FirstPerClass(2) },
		"a test split alone": func(d *datasets.Dataset) {
			d.Train, d.Test, d.Val = d.Train.FirstPerClass(2), d.Val, nil
		},
		"no training":        func(d *datasets.Dataset) { d.Train = nil },
		"validation as test": func(d *datasets.Dataset) { d.Test = d.Val },
		"an empty split":     func(d *datasets.Dataset) { d.Val, d.Test = d.Val.Subset(nil), d.Val },
	} {
		d, _ := few(images)
		change(d)
		s, err := sourceOf(d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var read source
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		back, err := read.open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, pair := range [][2]*datasets.Split{{d.Train, back.Train}, {d.Val, back.Val}, {d.Test, back.Test}} {
			if !slices.Equal(names(pair[0]), names(pair[1])) || (pair[0] == nil) != (pair[1] == nil) {
				t.Errorf("%s: a split of %q came back as %q", name, names(pair[0]), names(pair[1]))
			}
		}
	}
}

// mine is a strategy that only this program knows.
type mine struct{ strategy.Transfer }

// TestRefused holds that what another process can't load is refused before anything is written.
// nobody is a tracker that sends nothing.
type nobody struct{}

func (nobody) Track(context.Context, *train.Run, *train.Result) error { return nil }
func (nobody) String() string                                         { return "nobody" }

func TestRefused(t *testing.T) {
	data, model := few(images)
	image := func(int) (*vision.Image, error) {
		return &vision.Image{Width: 1, Height: 1, Pix: make([]uint8, 3)}, nil
	}
	made, err := datasets.NewSplit(2, []string{"a", "b"}, []int{0, 1}, image)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := datasets.NewSplit(len(data.Classes), []string{"a"}, []int{0}, image)
	if err != nil {
		t.Fatal(err)
	}
	mixed := *data
	if mixed.Train, err = datasets.NewSplit(2, []string{data.Train.Name(0), data.Val.Name(0)}, []int{0, 0}, image); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data     *datasets.Dataset
		strategy train.Strategy
		want     string
	}{
		"data of code":     {&datasets.Dataset{Name: "own", Classes: []string{"x", "y"}, Train: made, Val: made}, strategy.Transfer{}, "made by code of the notebook"},
		"mixed splits":     {&mixed, strategy.Transfer{}, "other images"},
		"strategy of code": {data, mine{}, "a type of the notebook"},
		"data in strategy": {data, strategy.DeepCORAL{Source: &datasets.Dataset{Name: "own", Classes: data.Classes, Train: drawn, Val: drawn}}, "in strategy"},
		"no strategy":      {data, nil, "no strategy"},
		"a stage's name":   {data, strategy.FineTune{From: "layer9"}, `FineTune.From is "layer9"`},
	} {
		runs := t.TempDir()
		var strategies []train.Strategy
		if c.strategy != nil {
			strategies = append(strategies, c.strategy)
		}
		if _, err := Start(recipe(runs, 1), "never", c.data, model, strategies...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
		if left, _ := os.ReadDir(runs); len(left) > 0 {
			t.Errorf("%s: %v was written", name, left)
		}
	}
	idle := recipe(t.TempDir(), 1)
	idle.Views = 3
	if _, err := Start(idle, "never", data, model, strategy.Transfer{}); err == nil || !strings.Contains(err.Error(), "Recipe.Views is 3") {
		t.Errorf("a field without effect: %v", err)
	}
	if left, _ := os.ReadDir(idle.Dir); len(left) > 0 {
		t.Errorf("a field without effect: %v was written", left)
	}
	own := *model
	own.Spec.Name = "mine"
	if _, err := Start(recipe(t.TempDir(), 1), "never", data, &own, strategy.Transfer{}); err == nil || !strings.Contains(err.Error(), `no network is named "mine"`) {
		t.Errorf("a network of the zoo under another name: %v", err)
	}
	zoo.Register(own.Spec)
	if _, err := Start(recipe(t.TempDir(), 1), "never", data, &own, strategy.Transfer{}); err == nil || !strings.Contains(err.Error(), `"mine" is code of the notebook`) {
		t.Errorf("a network of the notebook: %v", err)
	}
	tracked := recipe(t.TempDir(), 1)
	tracked.Track = []train.Tracker{nobody{}}
	if _, err := Start(tracked, "never", data, model, strategy.Transfer{}); err == nil || !strings.Contains(err.Error(), "run.Track afterwards") {
		t.Errorf("a tracker: %v", err)
	}
	for _, name := range []string{"con", "two words", ""} {
		if _, err := Start(recipe(t.TempDir(), 1), name, data, model, strategy.Transfer{}); err == nil || !strings.Contains(err.Error(), "run name") {
			t.Errorf("run name %q: %v", name, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{"HOME=/home/me", "GONB_PIPE=/tmp/x", "TMPDIR=/var/tmp/tlkit-kernel-1", "TLKIT_KERNEL_DIR=/var/tmp/tlkit-kernel-1",
		"GOTMPDIR=/var/tmp/tlkit-kernel-1/go", "TLKIT_HOME=/opt/tlkit"})
	if want := []string{"HOME=/home/me", "TMPDIR=/var/tmp", "TLKIT_HOME=/opt/tlkit"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestUnreadable: a file of a job that can't be read is one line that says what to do, and the job is listed.
func TestUnreadable(t *testing.T) {
	for name, want := range map[string]string{jobFile: "move it away", stateFile: "move it away"} {
		runs := t.TempDir()
		dir := filepath.Join(runs, "r", folder)
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil { // a folder in the place of the file
			t.Fatal(err)
		}
		if name == stateFile {
			if err := os.WriteFile(filepath.Join(dir, jobFile), []byte(`{"Format":1}`), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got := Names(runs); !reflect.DeepEqual(got, []string{"r"}) {
			t.Errorf("%s: the list is %q", name, got)
		}
		d, err := Attach(runs, "r")
		if err == nil {
			_, err = d.State()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, want)
		}
	}
}

// TestDamagedState: a training whose state file is damaged can be prepared again, as a sweep does, once nothing trains
// it.
func TestDamagedState(t *testing.T) {
	data, model := few(images)
	r := train.Recipe{Epochs: 1, Dir: t.TempDir(), Quiet: true}
	for _, text := range []string{"", "{", "[]"} {
		d, done, err := Prepare(r, "r", data, model, strategy.Transfer{})
		if err != nil || done {
			t.Fatalf("%q: done %v, %v", text, done, err)
		}
		if err := os.WriteFile(filepath.Join(d.Dir, folder, stateFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, done, err := Prepare(r, "r", data, model, strategy.Transfer{}); err != nil || done {
		t.Errorf("done %v, %v", done, err)
	}
}
