package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/tools"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// killName is the variable that makes a task of that name end by SIGKILL: once, or, with a ! before the name, always.
const killName = "TLKIT_TEST_KILL"

// TestMain is also the program of the tasks, "tlkernel train FOLDER", and the kubectl of a cluster in a test.
func TestMain(m *testing.M) {
	os.Setenv("GOMLX_BACKEND", "go")
	if filepath.Base(os.Args[0]) == "kubectl" {
		os.Exit(kubectl(os.Args[1:]))
	}
	if len(os.Args) == 3 && os.Args[1] == "train" {
		os.Exit(work(os.Args[2]))
	}
	os.Exit(m.Run())
}

func work(dir string) int {
	name, always := strings.CutPrefix(os.Getenv(killName), "!")
	if marker := filepath.Join(dir, "killed"); filepath.Base(dir) == name {
		if _, err := os.Stat(marker); err != nil || always {
			fmt.Fprintln(os.Stderr, "killed by the test")
			os.WriteFile(marker, nil, 0o644)
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	return tools.Train([]string{dir}, os.Stdout, os.Stderr) // tlkernel ends with its code
}

// install makes the test's own program the tlkernel of an installation.
func install(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("tasks need Linux or macOS")
	}
	home := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(home, "bin", "tlkernel")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TLKIT_HOME", home)
}

// few are some images, and a network for them.
func few(t *testing.T) (*datasets.Dataset, *zoo.Model) {
	t.Helper()
	model, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	data := datasets.MustLoad("sketches", datasets.Options{PerClass: 3})
	data.Val = data.Val.FirstPerClass(1)
	return data, model
}

// small is a sweep of two strategies and two seeds.
func small(t *testing.T) Sweep {
	t.Helper()
	data, model := few(t)
	return Sweep{Name: "small", Data: data, Models: []*zoo.Model{model}, Strategies: []train.Strategy{strategy.Transfer{}, strategy.FineTune{}},
		Recipes: []train.Recipe{{Epochs: 2}}, Seeds: 2, Dir: t.TempDir(), Engine: "go", Quiet: true}
}

// outcome is what must be equal whichever executor ran: the histories, without what depends on the clock.
func outcome(r *Results) map[string][]train.Epoch {
	all := map[string][]train.Epoch{}
	for _, t := range r.Tasks {
		if t.Result == nil {
			all[t.Name] = nil
			continue
		}
		for _, e := range t.Result.History {
			e.Seconds, e.ImagesPerSecond = 0, 0
			all[t.Name] = append(all[t.Name], e)
		}
	}
	return all
}

// compared is the same sweep in this process, one comparison after the other.
func compared(t *testing.T, s Sweep) map[string][]train.Epoch {
	t.Helper()
	all := map[string][]train.Epoch{}
	dir := t.TempDir()
	for i, r := range s.Recipes {
		for _, one := range s.Strategies {
			for n := range s.Seeds {
				r.Seed, r.Dir, r.Quiet = uint64(n), dir, true
				name := fmt.Sprintf("%s-%s-recipe%d-seed%d", s.Models[0].Spec.Name, one.Name(), i+1, n)
				run, err := r.Compare(t.Context(), name, s.Data, s.Models[0], one)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range run.Results[0].History {
					e.Seconds, e.ImagesPerSecond = 0, 0
					all[name] = append(all[name], e)
				}
			}
		}
	}
	return all
}

// TestLocal: a sweep in processes gives what comparisons in this one give, goes on after a process was killed, and
// trains nothing twice.
func TestLocal(t *testing.T) {
	install(t)
	s := small(t)
	t.Setenv(killName, "resnet20-transfer-recipe1-seed1")
	results, err := s.Run(t.Context(), Local{Processes: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outcome(results), compared(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("in processes:\n%+v\nhere:\n%+v", got, want)
	}
	if results.Trained() != 4 || results.Best() == nil {
		t.Errorf("%d tasks trained, best %v", results.Trained(), results.Best())
	}
	wantProgress(t, s, results, 1, "small: 4 of 4 tasks trained, 0 running")
	killed := filepath.Join(s.Dir, "small", "resnet20-transfer-recipe1-seed1", "killed")
	if _, err := os.Stat(killed); err != nil {
		t.Errorf("no process was killed, so that the test shows nothing: %v", err)
	}
	bundle, err := results.Bundle()
	if text := fmt.Sprint(bundle["text/plain"]); err != nil || !strings.Contains(text, "4 of 4 tasks trained") || strings.Count(text, "2 of 2") != 2 {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := s.Run(t.Context(), new(refuses)); err != nil {
		t.Errorf("what is trained is trained again: %v", err)
	}
	s.Seeds = 3
	var asked refuses
	if _, err := s.Run(t.Context(), &asked); err == nil || len(asked.names) != 2 || !strings.HasSuffix(asked.names[0], "seed2") {
		t.Errorf("a further seed: tasks %q, %v; want the two new ones", asked.names, err)
	}
}

// wantProgress checks the progress that a sweep shows of tasks.
func wantProgress(t *testing.T, s Sweep, r *Results, share float64, text string) {
	t.Helper()
	var tasks []*Task
	for _, one := range r.Tasks {
		tasks = append(tasks, one.Task)
	}
	if gotShare, got := s.progress(tasks); gotShare != share || got != text {
		t.Errorf("the progress is %v, %q; want %v, %q", gotShare, got, share, text)
	}
}

// refuses is an executor that must not be asked.
type refuses struct{ names []string }

func (r *refuses) Train(_ context.Context, tasks []*Task, _ []string, _ string) error {
	for _, t := range tasks {
		r.names = append(r.names, t.Name)
	}
	return errors.New("there is nothing to train")
}

// TestGivesUp: a task that always ends early is named, and the others' results are there.
func TestGivesUp(t *testing.T) {
	install(t)
	s := small(t)
	s.Attempts = 2
	t.Setenv(killName, "!resnet20-finetune-recipe1-seed0")
	results, err := s.Run(t.Context(), Local{Processes: 2})
	for _, want := range []string{`"resnet20-finetune-recipe1-seed0"`, "lost", "after 2 starts", "killed by the test"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if results.Trained() != 3 {
		t.Errorf("%d tasks trained, want 3", results.Trained())
	}
	wantProgress(t, s, results, 0.75, "small: 3 of 4 tasks trained, 0 running")
	rows := results.Rows()
	if last := rows[len(rows)-1]; len(rows) != 2 || last.Trained+rows[0].Trained != 3 {
		t.Errorf("%+v", rows)
	}
}

// TestOneArchitecture: models of one architecture are swept under the names of their weights.
func TestOneArchitecture(t *testing.T) {
	install(t)
	s := small(t)
	random, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		t.Fatal(err)
	}
	s.Models, s.Strategies, s.Seeds = append(s.Models, random), s.Strategies[:1], 1
	results, err := s.Run(t.Context(), Local{Processes: 2})
	if err != nil {
		t.Fatal(err)
	}
	first, second := results.Tasks[0], results.Tasks[1]
	if results.Trained() != 2 || first.Model != "resnet20.SHAPES" || second.Model != "resnet20-random" || first.Name != "resnet20.SHAPES-transfer-recipe1-seed0" {
		t.Errorf("tasks %+v", results.Tasks)
	}
	if len(results.Rows()) != 2 || reflect.DeepEqual(first.Result.History[0].ValLoss, second.Result.History[0].ValLoss) {
		t.Errorf("rows %+v", results.Rows())
	}
	s.Models = []*zoo.Model{random, random}
	if _, err := s.plans(); err == nil || !strings.Contains(err.Error(), "Model.Weights") {
		t.Errorf("one model twice: %v", err)
	}
}

// TestDiverged: a task that diverges is named by table, progress and state, also in Japanese, and is not trained again.
func TestDiverged(t *testing.T) {
	install(t)
	s := small(t)
	s.Strategies = []train.Strategy{strategy.Transfer{}, strategy.FineTune{LearningRate: 1e30}}
	s.Seeds = 1
	results, err := s.Run(t.Context(), Local{Processes: 2})
	if err != nil {
		t.Fatal(err)
	}
	wild := results.Tasks[1]
	if results.Trained() != 1 || results.Diverged() != 1 || wild.Diverged == nil || wild.Diverged.Epoch != 1 || !wild.Finished || wild.Result != nil {
		t.Errorf("%d tasks trained, %d diverged, the second: %+v", results.Trained(), results.Diverged(), wild)
	}
	wantProgress(t, s, results, 1, "small: 1 of 2 tasks trained, 0 running, 1 diverged")
	if text := wild.String(); !strings.Contains(text, "finished") || !strings.HasSuffix(text, ", diverged: finetune") {
		t.Errorf("state %q", text)
	}
	text := func() string {
		bundle, err := results.Bundle()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(bundle)
	}
	if english := text(); !strings.Contains(english, "0 of 1 (1 diverged)") || !strings.Contains(english, "1 of 2 tasks trained, 1 diverged; validation") {
		t.Errorf("the table does not say that a task diverged:\n%s", english)
	}
	t.Setenv(plots.LanguageEnv, "ja")
	if japanese := text(); !strings.Contains(japanese, "0 / 1（発散 1 個）") || !strings.Contains(japanese, "1 個が発散") {
		t.Errorf("in Japanese the table does not say that a task diverged:\n%s", japanese)
	}
	if _, err := s.Run(t.Context(), new(refuses)); err != nil {
		t.Errorf("what diverged is trained again: %v", err)
	}
}

// TestStopped: the end of the context stops the tasks, which save, and the same call goes on.
func TestStopped(t *testing.T) {
	install(t)
	s := small(t)
	s.Recipes[0].Epochs = 40
	s.Strategies, s.Seeds = s.Strategies[1:], 1
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			d, err := detached.Attach(filepath.Join(s.Dir, "small"), "resnet20-finetune-recipe1-seed0")
			if err == nil {
				if state, err := d.State(); err == nil && state.Done > 0 {
					cancel()
				}
			}
			<-tick.C
		}
	}()
	results, err := s.Run(ctx, Local{})
	if !errors.Is(err, context.Canceled) || results.Trained() != 0 {
		t.Fatalf("%v, %d trained; want a stop after the first epoch", err, results.Trained())
	}
	if state, err := results.Tasks[0].State(); err != nil || state.Phase != detached.Stopped {
		t.Errorf("after the stop: %+v, %v", state, err)
	}
	results, err = s.Run(t.Context(), Local{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outcome(results), compared(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("stopped and resumed:\n%+v\nuninterrupted:\n%+v", got, want)
	}
}

// TestOwnResults: a task's result is that of its own strategy, whatever a notebook has added to its run, and a run that
// can't be read is named and does not count as trained.
func TestOwnResults(t *testing.T) {
	install(t)
	s := small(t)
	s.Strategies, s.Seeds = []train.Strategy{strategy.Transfer{LearningRate: 1e-9}}, 1 // it learns nothing
	results, err := s.Run(t.Context(), Local{})
	if err != nil {
		t.Fatal(err)
	}
	task := results.Tasks[0]
	r := s.Recipes[0]
	r.Dir, r.Quiet = filepath.Dir(task.Dir), true
	run, err := r.Compare(t.Context(), task.Name, s.Data, s.Models[0], strategy.FineTune{})
	if err != nil || run.Best().Strategy == "transfer" {
		t.Fatalf("the best is %q, so that the test shows nothing (%v)", run.Best().Strategy, err)
	}
	results, err = s.Run(t.Context(), new(refuses))
	if err != nil || results.Trained() != 1 || results.Tasks[0].Result.Strategy != "transfer" {
		t.Errorf("%v, %d trained, the result of %q", err, results.Trained(), results.Tasks[0].Result.Strategy)
	}
	wantProgress(t, s, results, 1, s.Name+": 1 of 1 tasks trained, 0 running")
	for _, name := range []string{"run.json", "run.json.bak"} {
		if err := os.WriteFile(filepath.Join(task.Dir, name), []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	results = s.results([]*Task{task.Task})
	if err := results.missing(nil); err == nil || !strings.Contains(err.Error(), task.Name) || !strings.Contains(err.Error(), "run.json") || results.Trained() != 0 {
		t.Errorf("a damaged run: %v, %d trained", err, results.Trained())
	}
	if results, err = s.Run(t.Context(), Local{}); err != nil || results.Trained() != 1 {
		t.Errorf("the same call again: %v, %d trained", err, results.Trained())
	}
	if err := os.RemoveAll(filepath.Join(task.Dir, "transfer")); err != nil {
		t.Fatal(err)
	}
	wantProgress(t, s, results, 0, s.Name+": 0 of 1 tasks trained, 0 running")
	if err := s.results([]*Task{task.Task}).missing(nil); err == nil || !strings.Contains(err.Error(), "has changed since") {
		t.Errorf("results that are gone: %v", err)
	}
}

// TestStoppedEarly: the end of the context ends the preparation of tasks, too.
func TestStoppedEarly(t *testing.T) {
	s := small(t)
	ctx := &ends{Context: t.Context(), after: 2}
	tasks, err := s.prepare(ctx)
	if err != nil || len(tasks.all) != 4 || len(tasks.left) != 2 || len(tasks.busy) != 0 {
		t.Errorf("%d tasks, %d left, %d busy, %v; want 2 of 4 prepared", len(tasks.all), len(tasks.left), len(tasks.busy), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if results, err := s.Run(ended, new(refuses)); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "0 of 4 tasks trained") || len(results.Tasks) != 4 {
		t.Errorf("%v", err)
	}
}

// ends is a context that ends after some looks.
type ends struct {
	context.Context
	after int
}

func (c *ends) Err() error {
	if c.after--; c.after < 0 {
		return context.Canceled
	}
	return nil
}

func TestCheck(t *testing.T) {
	good := small(t)
	for _, c := range []struct {
		change func(*Sweep)
		err    string
	}{
		{func(s *Sweep) { s.Data = nil }, "no data set"},
		{func(s *Sweep) { s.Models = nil }, "0 models and 2 strategies"},
		{func(s *Sweep) { s.Seeds = -1 }, "-1 seeds"},
		{func(s *Sweep) { s.Recipes = []train.Recipe{{}, {Seeds: 3}} }, "recipe 2 of"},
		{func(s *Sweep) { s.Models = append(s.Models, s.Models[0]) }, "two tasks"},
		{func(s *Sweep) { s.Recipes = []train.Recipe{{Views: 3}} }, "Recipe.Views is 3"},
		{func(s *Sweep) { s.Name = "a/b" }, "name"},
	} {
		s := good
		c.change(&s)
		if _, err := s.Run(t.Context(), Local{}); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v; want %q", err, c.err)
		}
	}
}

// TestProcesses: Local starts as many processes as cores and memory allow, and one in any case.
func TestProcesses(t *testing.T) {
	ownCores, ownMemory := cores, freeMemory
	defer func() { cores, freeMemory = ownCores, ownMemory }()
	for _, c := range []struct {
		local Local
		tasks int
		cores int
		free  int64
		known bool
		want  int
	}{
		{Local{}, 9, 8, 64 << 30, true, 8},
		{Local{}, 3, 8, 64 << 30, true, 3},
		{Local{}, 9, 8, 2 << 30, true, 1},
		{Local{}, 9, 8, 0, true, 1},
		{Local{}, 9, 8, 0, false, 8},
		{Local{Memory: 1 << 29}, 9, 8, 2 << 30, true, 4},
		{Local{Processes: 5}, 9, 2, 1, true, 5},
	} {
		cores, freeMemory = func() int { return c.cores }, func() (int64, bool) { return c.free, c.known }
		if got := c.local.processes(c.tasks); got != c.want {
			t.Errorf("%+v, %d tasks, %d cores, %d bytes (%v): %d processes, want %d", c.local, c.tasks, c.cores, c.free, c.known, got, c.want)
		}
	}
}

// TestShares: what no task can get is refused before any work, by all executors alike.
func TestShares(t *testing.T) {
	s := small(t)
	task := []*Task{{Name: "one", Detached: &detached.Detached{Name: "one", Dir: filepath.Join(s.Dir, "one")}}}
	k := Kubernetes{Image: "registry.example/tlkit:1", Claim: "claim-ada"}
	with := func(change func(*Kubernetes)) Kubernetes {
		changed := k
		change(&changed)
		return changed
	}
	for _, c := range []struct {
		e    Executor
		want string // "" if it is possible
	}{
		{Slurm{}, ""},
		{Slurm{CPUs: 4, AtOnce: 2, Memory: 1 << 20, Time: 4 * time.Minute, Poll: time.Millisecond}, ""},
		{Slurm{Time: 30 * time.Second}, "Time 30s"},
		{Slurm{Time: 2 * time.Minute}, "Time 2m0s; expected 4m0s at least"},
		{Slurm{Time: -time.Hour}, "Time -1h0m0s"},
		{Slurm{Memory: 4}, "Memory 4 bytes"},
		{Slurm{Memory: -1 << 30}, "Memory -1073741824"},
		{Slurm{CPUs: -2}, "CPUs -2"},
		{Slurm{AtOnce: -1}, "AtOnce -1"},
		{Slurm{Poll: -1}, "Poll -1ns"},
		{k, ""},
		{with(func(k *Kubernetes) { k.Time = time.Millisecond }), "Time 1ms"},
		{with(func(k *Kubernetes) { k.Memory = 4 }), "Memory 4 bytes"},
		{with(func(k *Kubernetes) { k.CPUs = -2 }), "CPUs -2"},
		{with(func(k *Kubernetes) { k.Poll = -1 }), "Poll -1ns"},
		{Local{}, ""},
		{Local{Processes: -2}, "Processes -2"},
		{Local{Memory: 4}, "Memory 4 bytes"},
		{Local{Memory: -4}, "Local has Memory -4; expected 0 or more"},
		{Local{Processes: -2, Memory: -4}, "Local has Processes -2 and Memory -4; expected 0 or more"},
		{Slurm{CPUs: 1, Poll: -1}, "Slurm has Poll -1ns; expected 0 or more"},
		{Slurm{CPUs: -1, Memory: -2, Time: -time.Hour}, "Slurm has CPUs -1 and Memory -2 and Time -1h0m0s; expected 0 or more"},
		{with(func(k *Kubernetes) { k.AtOnce = -3 }), "Kubernetes has AtOnce -3; expected 0 or more"},
	} {
		if c.want == "" {
			if err := c.e.(checker).check(); err != nil {
				t.Errorf("%+v: %v", c.e, err)
			}
			continue
		}
		if _, err := s.Run(t.Context(), c.e); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.e, err, c.want)
		}
		if err := c.e.Train(t.Context(), task, nil, s.work()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Train of %+v: %v, want %q", c.e, err, c.want)
		}
	}
	if _, err := os.Stat(s.work()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was prepared: %v", err)
	}
}

// TestNegativeNumbers: a sweep's error names the field below zero, and no other.
func TestNegativeNumbers(t *testing.T) {
	for _, c := range []struct {
		seeds, attempts int
		want            string
	}{
		{-1, 0, `sweep: "small" has -1 seeds; expected 0 or more`},
		{3, -2, `sweep: "small" has -2 attempts; expected 0 or more`},
	} {
		s := small(t)
		s.Seeds, s.Attempts = c.seeds, c.attempts
		if _, err := s.Run(t.Context(), Local{}); err == nil || err.Error() != c.want {
			t.Errorf("%d seeds, %d attempts: %v, want %q", c.seeds, c.attempts, err, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values          []float64
		mean, deviation float64
	}{
		{nil, math.NaN(), math.NaN()},
		{[]float64{0.5}, 0.5, math.NaN()},
		{[]float64{1, 2, 3, 4}, 2.5, math.Sqrt(5. / 3)},
	} {
		mean, deviation := spread(c.values)
		same := func(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-12 }
		if !same(mean, c.mean) || len(c.values) > 0 && !same(deviation, c.deviation) {
			t.Errorf("%v: %v ± %v, want %v ± %v", c.values, mean, deviation, c.mean, c.deviation)
		}
	}
}

// TestSlurmScript: what bash makes of the job, with names that a shell takes apart.
func TestSlurmScript(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	install(t)
	dir := filepath.Join(t.TempDir(), `it's a "folder" $HOME`)
	work := filepath.Join(dir, ".sweep")
	var tasks []*Task
	for _, name := range []string{"one", "two"} {
		run := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Join(run, ".detached"), 0o755); err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, &Task{Name: name, Detached: &detached.Detached{Name: name, Dir: run}})
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		t.Fatal(err)
	}
	script, err := Slurm{Partition: "gpu", CPUs: 3, Memory: 2 << 30, Time: 90 * time.Minute, AtOnce: 5}.write(tasks, []string{"A=it's $HOME"}, work)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--array=0-1%5\n", "--partition=gpu\n", "--mem=2048M\n", "--time=90\n", "--cpus-per-task=3\n", "--requeue\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the script lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "--account") {
		t.Errorf("an account that was not given:\n%s", text)
	}
	bin := t.TempDir() // a flock that prints what it would run
	if err := os.WriteFile(filepath.Join(bin, "flock"), []byte("#!/bin/sh\nshift\necho \"lock $1\"; shift 2; echo \"run $2 $GOMAXPROCS $A\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bash, script)
	cmd.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID=1", "PATH="+bin+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	log, err := os.ReadFile(tasks[1].LogFile())
	if want := fmt.Sprintf("lock %s\nrun %s 3 it's $HOME\n", tasks[1].LockFile(), tasks[1].Dir); err != nil || string(log) != want {
		t.Errorf("%q, %v; want %q", log, err, want)
	}
}

// TestNoSlurm: the error names what is missing.
func TestNoSlurm(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	install(t)
	if _, err := small(t).Run(t.Context(), Slurm{}); err == nil || !strings.Contains(err.Error(), "slurm-client") {
		t.Errorf("%v, want a hint", err)
	}
}

// TestComparedImages: the table says on which images the accuracies are.
func TestComparedImages(t *testing.T) {
	split := datasets.MustLoad("shapes").Val
	for want, data := range map[string]*datasets.Dataset{"; validation accuracy": {Val: split}, "; test accuracy": {Test: split}} {
		b, err := Sweep{Name: "s", Data: data}.results(nil).Bundle()
		if err != nil {
			t.Fatal(err)
		}
		if text := b["text/plain"].(string); !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
