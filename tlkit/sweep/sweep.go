package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Sweep is a set of trainings: every model with every recipe, strategy and seed. It takes only what another process can
// load: no strategy that is a type of the notebook; see [detached.Start].
type Sweep struct {
	// Name is the sweep's name, of a folder like a run's.
	Name string
	// Data is what all are trained on.
	Data *datasets.Dataset
	// Models are the pretrained models. Those of one architecture are told apart by Model.Weights, which must differ.
	Models []*zoo.Model
	// Strategies are trained for each model; their names must differ.
	Strategies []train.Strategy
	// Recipes are trained for each strategy, named recipe1, recipe2 and so on; none means the zero recipe. Their fields
	// Seeds and Dir must be empty.
	Recipes []train.Recipe
	// Seeds is the number of seeds for each recipe: its Seed, Seed+1 and so on; 0 means 1.
	Seeds int
	// Dir is the folder that gets the sweep's folder, which holds the runs; "" means that of runs, see
	// train.Recipe.Dir. For a cluster it must be the same folder on all machines.
	Dir string
	// Engine is the engine of all tasks, such as "go" (see GOMLX_BACKEND); "" means what the environment says, else
	// what each machine measures. With "go" results are the same to the bit on all processors with AVX2.
	Engine string
	// Attempts is how often a task is started that ends before it is trained and makes no progress; 0 means 3. A task
	// that has trained an epoch since its last start is always started again.
	Attempts int
	// Quiet switches off the progress line.
	Quiet bool
}

// Task is one training of a sweep.
type Task struct {
	// Name is the run's name in the sweep's folder, such as "resnet18-transfer-recipe1-seed0".
	Name string
	// Model, Strategy and Recipe are the names of its parts, Seed is its seed.
	Model, Strategy, Recipe string
	Seed                    uint64

	*detached.Detached
}

// Executor runs the processes that train tasks.
type Executor interface {
	// Train starts a process for each task, as many at once as there is room for, and returns when all have ended. How
	// they ended is in their folders: it is no error of Train. At the end of ctx it tells them to save and stop. env,
	// such as "GOMLX_BACKEND=go", is added to their environment; work is a folder for the executor's own files.
	Train(ctx context.Context, tasks []*Task, env []string, work string) error
}

// Run trains what is not trained yet and returns all results. The error names the tasks that could not be trained; the
// results of all others are there nevertheless. Tasks that an earlier call left running, and a cluster's job that lives
// yet, are waited for and not started twice. The end of ctx, the notebook's stop button and Ctrl-C make the tasks save
// and stop; the same call goes on.
func (s Sweep) Run(ctx context.Context, e Executor) (*Results, error) {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	if c, ok := e.(checker); ok {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("sweep: %q: %w", s.Name, err)
		}
	}
	tasks, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	stop := s.watch(tasks.all)
	defer stop()
	for {
		waited, err := s.await(ctx, e, tasks.busy)
		if err != nil {
			return s.results(tasks.all), fmt.Errorf("sweep: %q: %w", s.Name, err)
		}
		if !waited || ctx.Err() != nil {
			break
		}
		// The training that ran may have been another one of the same name.
		if tasks, err = s.prepare(ctx); err != nil {
			return nil, err
		}
	}
	gaveUp, err := s.train(ctx, e, tasks.left)
	if err != nil {
		return s.results(tasks.all), err
	}
	results := s.results(tasks.all)
	if ctx.Err() != nil {
		return results, fmt.Errorf("sweep: %q was stopped with %d of %d tasks trained; the same call goes on: %w", s.Name, results.Trained(), len(tasks.all), ctx.Err())
	}
	return results, errors.Join(s.failure(gaveUp), results.missing(gaveUp))
}

// attacher is an executor whose processes can outlive the call that started them in a way that the tasks' locks do not
// show, such as those that wait in a queue.
type attacher interface {
	// attach waits for what an earlier call left, and reports whether there was anything. The end of ctx
	// stops it, as in Train.
	attach(ctx context.Context, work string) (waited bool, err error)
}

// await waits for what earlier calls left running: the executor's job, and tasks that are being trained. It reports
// whether there was anything to wait for.
func (s Sweep) await(ctx context.Context, e Executor, busy []*Task) (waited bool, err error) {
	if a, ok := e.(attacher); ok {
		if waited, err = a.attach(ctx, s.work()); err != nil {
			return waited, err
		}
	}
	return waited || len(busy) > 0, awaitEnd(ctx, busy...)
}

// train gives tasks to the executor, those that end early again and again, and returns those that make no progress.
func (s Sweep) train(ctx context.Context, e Executor, left []*Task) (gaveUp []*Task, err error) {
	lost := map[*Task]int{} // starts without progress
	for len(left) > 0 && ctx.Err() == nil {
		before := map[*Task]int{}
		for _, t := range left {
			state, _ := t.State()
			before[t] = state.Done
		}
		if err := e.Train(ctx, left, s.env(), s.work()); err != nil {
			return nil, fmt.Errorf("sweep: %q: %w", s.Name, err)
		}
		var again []*Task
		for _, t := range left {
			if _, finished, err := t.Results(); err == nil && finished {
				continue
			}
			state, err := t.State()
			switch {
			case err == nil && state.Done > before[t]:
				lost[t] = 0
			default:
				lost[t]++
			}
			if lost[t] >= cmp.Or(s.Attempts, 3) {
				gaveUp = append(gaveUp, t)
			} else {
				again = append(again, t)
			}
		}
		left = again
	}
	return gaveUp, nil
}

// failure names the tasks that were given up, with the end of their logs.
func (s Sweep) failure(tasks []*Task) error {
	var all []error
	for _, t := range tasks {
		state, err := t.State()
		why := cmp.Or(state.Error, string(state.Phase))
		if err != nil {
			why = err.Error()
		}
		log, _ := t.Log()
		lines := strings.Split(strings.TrimSpace(log), "\n")
		all = append(all, fmt.Errorf("sweep: task %q of %q could not be trained (%s) after %d starts without progress; the end of its log, %s:\n%s",
			t.Name, s.Name, why, cmp.Or(s.Attempts, 3), t.LogFile(), strings.Join(lines[max(0, len(lines)-3):], "\n")))
	}
	return errors.Join(all...)
}

// env is what is added to the environment of the tasks.
func (s Sweep) env() []string {
	if s.Engine == "" {
		return nil
	}
	return []string{"GOMLX_BACKEND=" + s.Engine}
}

// work is the folder of the executor's files.
func (s Sweep) work() string {
	dir, err := train.Folder(s.Dir, s.Name)
	if err != nil {
		return ""
	}
	return filepath.Join(dir, ".sweep")
}

// notInNames are the characters that names of runs don't have.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// prepared are the tasks of a sweep whose folders are written.
type prepared struct {
	// left are those of all that are not trained yet, busy those that are being trained.
	all, left, busy []*Task
}

// prepare writes the folders of all tasks but those of busy ones, which are left as they are. After the end of ctx all
// folders are.
func (s Sweep) prepare(ctx context.Context) (tasks prepared, err error) {
	plans, err := s.plans()
	if err != nil {
		return tasks, err
	}
	if err := os.MkdirAll(s.work(), 0o777); err != nil {
		return tasks, fmt.Errorf("sweep: the folder of %q: %w", s.Name, err)
	}
	for _, p := range plans {
		tasks.all = append(tasks.all, p.task)
		if ctx.Err() != nil {
			if running, err := p.task.Running(); err == nil && running {
				tasks.busy = append(tasks.busy, p.task)
			}
			continue
		}
		_, done, err := detached.Prepare(p.recipe, p.task.Name, s.Data, p.model, p.strategy)
		switch {
		case errors.Is(err, detached.ErrRunning):
			tasks.busy = append(tasks.busy, p.task)
		case err != nil:
			return tasks, fmt.Errorf("sweep: task %q: %w", p.task.Name, err)
		case !done:
			tasks.left = append(tasks.left, p.task)
		}
	}
	return tasks, nil
}

// plan is a task with what it trains.
type plan struct {
	task     *Task
	recipe   train.Recipe
	model    *zoo.Model
	strategy train.Strategy
}

// plans lists all tasks, or returns an error for a sweep that can't be.
func (s Sweep) plans() (all []plan, err error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	dir, err := train.Folder(s.Dir, s.Name)
	if err != nil {
		return nil, err
	}
	recipes := s.Recipes
	if len(recipes) == 0 {
		recipes = []train.Recipe{{}}
	}
	models := modelNames(s.Models)
	for k, model := range s.Models {
		for i, recipe := range recipes {
			for _, strategy := range s.Strategies {
				for n := range max(1, s.Seeds) {
					r := recipe
					r.Seed, r.Dir = recipe.Seed+uint64(n), dir
					all = append(all, plan{newTask(models[k], strategy, i, r), r, model, strategy})
				}
			}
		}
	}
	names := map[string]bool{}
	for _, p := range all {
		if names[p.task.Name] {
			return nil, fmt.Errorf("sweep: %q has two tasks %q; give one of two models another name in Model.Weights, or one of two strategies a Label", s.Name, p.task.Name)
		}
		names[p.task.Name] = true
	}
	return all, nil
}

// newTask returns the task of a model, by its name, and a strategy with recipe number i of the sweep, from 0.
func newTask(model string, strategy train.Strategy, i int, r train.Recipe) *Task {
	t := &Task{Model: model, Strategy: strategy.Name(), Recipe: fmt.Sprint("recipe", i+1), Seed: r.Seed}
	t.Name = notInNames.ReplaceAllString(fmt.Sprintf("%s-%s-%s-seed%d", t.Model, t.Strategy, t.Recipe, t.Seed), "_")
	t.Detached = &detached.Detached{Name: t.Name, Dir: filepath.Join(r.Dir, t.Name)}
	return t
}

// modelNames names models: by their architecture, and by their weights, too, where several have that.
func modelNames(models []*zoo.Model) []string {
	count := map[string]int{}
	for _, m := range models {
		count[m.Spec.Name]++
	}
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.Spec.Name
		weights := m.Weights
		if filepath.IsAbs(weights) {
			weights = filepath.Base(weights)
		}
		switch {
		case count[m.Spec.Name] == 1:
		case strings.HasPrefix(weights, m.Spec.Name): // the zoo's, such as resnet18.IMAGENET1K_V1
			names[i] = weights
		default:
			names[i] += "-" + weights
		}
	}
	return names
}

// check returns an error for a sweep that can't be.
func (s Sweep) check() error {
	switch {
	case s.Data == nil:
		return fmt.Errorf("sweep: %q has no data set; set Data", s.Name)
	case len(s.Models) == 0 || len(s.Strategies) == 0:
		return fmt.Errorf("sweep: %q has %d models and %d strategies; it needs one of each at least", s.Name, len(s.Models), len(s.Strategies))
	case s.Seeds < 0:
		return fmt.Errorf("sweep: %q has %d seeds; expected 0 or more", s.Name, s.Seeds)
	case s.Attempts < 0:
		return fmt.Errorf("sweep: %q has %d attempts; expected 0 or more", s.Name, s.Attempts)
	}
	for i, r := range s.Recipes {
		if r.Seeds > 1 || r.Dir != "" {
			return fmt.Errorf("sweep: recipe %d of %q has Seeds %d and Dir %q; a sweep has fields of these names for all its tasks", i+1, s.Name, r.Seeds, r.Dir)
		}
	}
	return nil
}

// watch shows the progress until stop is called.
func (s Sweep) watch(tasks []*Task) (stop func()) {
	if s.Quiet {
		return func() {}
	}
	show := func(share float64, text string) { fmt.Fprintln(os.Stderr, text) }
	if gonbui.IsNotebook {
		live := plots.NewLive()
		show = func(share float64, text string) { live.Update(plots.Progress(share, text)) }
	}
	ended, over := make(chan struct{}), make(chan struct{})
	look := func(last string) string {
		share, text := s.progress(tasks)
		if text != last {
			show(share, text)
		}
		return text
	}
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for last := ""; ; {
			last = look(last)
			select {
			case <-tick.C:
			case <-ended:
				look(last)
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-over
	}
}

// progress is the share of the epochs that are done, and a line such as "ants: 3 of 12 tasks trained, 2 running".
func (s Sweep) progress(tasks []*Task) (share float64, text string) {
	finished, running, diverged := 0, 0, 0
	for _, t := range tasks {
		state, err := t.State()
		if err != nil {
			continue
		}
		switch state.Phase {
		case detached.Training:
			running++
		case detached.Finished, detached.NotFinished: // a notebook may train more of the run than the task's own results
			if own, done, err := t.Results(); err == nil && done {
				if own[0].Diverged != nil {
					diverged++
				} else {
					finished++
				}
				share++
				continue
			}
		}
		share += float64(state.Done) / float64(max(1, state.Total))
	}
	text = fmt.Sprintf("%s: %d of %d tasks trained, %d running", s.Name, finished, len(tasks), running)
	if diverged > 0 {
		text += fmt.Sprintf(", %d diverged", diverged)
	}
	return share / float64(len(tasks)), text
}
