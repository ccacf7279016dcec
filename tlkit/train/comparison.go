package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Compare trains a copy of the pretrained model with each strategy in turn, on the same images, in the same order, for
// the same number of epochs, and keeps everything under the run's name. A strategy that was finished before is not
// trained again, and one that was cut off goes on from its checkpoint. With Recipe.Seeds all strategies are trained
// with the first seed, then all with the next.
//
// Ctrl-C, the notebook's stop button and a cancelled context save and stop: Compare returns the run together with an
// *[InterruptedError].
func (r Recipe) Compare(ctx context.Context, name string, ds *datasets.Dataset, pretrained *zoo.Model, strategies ...Strategy) (*Run, error) {
	asked, err := newCall(name, ds, pretrained, r, strategies)
	if err != nil {
		return nil, err
	}
	run, unlock, err := asked.begin()
	if err != nil {
		return nil, err
	}
	for _, s := range strategies {
		run.named = append(run.named, s.Name())
	}
	for _, text := range []string{untrained(asked.data), sharedNames(asked.data), asked.tooShort()} {
		if text != "" {
			run.warn("%s", text)
		}
	}
	run.printWarnings()
	if unlock == nil {
		return run, nil // all was done before
	}
	defer unlock()
	c, err := newComparison(run, asked.data, pretrained)
	if err != nil {
		return nil, err
	}
	defer c.close()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := withBudget(ctx)
	defer cancel()
	if !asked.config.Recipe.Quiet {
		for _, w := range ds.Warnings {
			fmt.Fprintln(os.Stderr, w)
		}
	}
	return run, c.trainAll(ctx, asked.plans)
}

// comparison is a running call of Compare. It has the state that the strategies share.
type comparison struct {
	run     *Run
	engines enginePair
	// model is the pretrained one, of which every strategy trains a copy.
	model *zoo.Model
	data  *datasets.Dataset
	// eval are the images that strategies are compared on.
	eval    *datasets.Split
	show    *progress
	track   *tracking
	shared  *sharedFeatures
	decoded *decoded
	// adapt, when set, changes the plans of strategies.
	adapt func(Plan) Plan

	losing   sync.Mutex                              // of lost
	tolerant map[*datasets.Dataset]*datasets.Dataset // made by tolerate
}

func newComparison(run *Run, ds *datasets.Dataset, pretrained *zoo.Model) (*comparison, error) {
	e, err := run.engines(pretrained, ds.Train.Len())
	if err != nil {
		return nil, err
	}
	r := run.Config.Recipe
	c := &comparison{run: run, engines: e, model: pretrained, show: newProgress(run, r.Quiet), track: &tracking{slices.Clone(r.Track)},
		shared: &sharedFeatures{limit: r.MemoryLimit / 2}, decoded: newDecoded(r, run.Dir)}
	c.data = ds.Tolerant(c.lost)
	c.tolerant = map[*datasets.Dataset]*datasets.Dataset{ds: c.data}
	c.eval = EvalSplit(c.data)
	return c, nil
}

func (c *comparison) close() {
	c.show.end()
	c.decoded.close()
}

// trainAll trains all strategies with the first seed, then all with the next.
func (c *comparison) trainAll(ctx context.Context, strategies []Strategy) error {
	var with []Strategy
	for k := range max(1, c.run.Config.Recipe.Seeds) {
		for _, s := range strategies {
			res, err := c.run.Result(s.Name())
			if err != nil {
				return err
			}
			c.show.queue, with = append(c.show.queue, res.Seeds()[k]), append(with, s)
		}
	}
	var bad []error
	for i, res := range c.show.queue {
		err := c.train(ctx, res, with[i])
		var own *strategyError
		if errors.As(err, &own) {
			res.failed, bad = true, append(bad, err)
		} else if err != nil {
			return errors.Join(append(bad, err)...)
		}
	}
	return errors.Join(bad...)
}

// recipe returns the run's recipe with the seed of one result.
func (c *comparison) recipe(res *Result) Recipe {
	r := c.run.Config.Recipe
	r.Seed = res.Seed
	return r
}

// train trains one strategy with one seed to the end, from the point that it has reached; one that is done is not
// trained again. If training diverges, that is its result.
func (c *comparison) train(ctx context.Context, res *Result, s Strategy) error {
	r := c.recipe(res)
	stopped := res.complete(r)
	if res.findLastPhase(r, WithData(s, c.tolerate), c.model, c.data); stopped && !res.complete(r) {
		c.report(res, []string{fmt.Sprintf("it was stopped early after %d epochs, but its last phase, whose epochs count, begins with epoch %d", len(res.History), res.LastPhase)}, "it goes on")
	}
	disk := res.survey()
	faults, err := res.check(r, disk)
	if err != nil {
		return &strategyError{err}
	}
	identities, err := c.identities(s, res.Seed)
	if err != nil {
		return err
	}
	points := res.resumePoints(disk, identities, r.Restore)
	if err := res.removeDamaged(disk); err != nil {
		return &strategyError{err}
	}
	if res.complete(r) && (len(res.History) == 0 || res.checkBest(disk.best) == nil) {
		c.report(res, faults, "the finished result is whole without it")
		return res.repair()
	}
	c.show.begin(res)
	if err := os.MkdirAll(filepath.Join(c.run.Dir, res.dir), 0o777); err != nil {
		return &strategyError{fmt.Errorf("tlkit: the folder of strategy %q can't be made: %w; remove what is in its place", res.Strategy, err)}
	}
	removeLeftOver(filepath.Join(c.run.Dir, res.dir))
	if len(faults) == 0 && len(res.History) > 0 && points[0].file == "" {
		faults = []string{"its checkpoints were made with another configuration"}
	}
	c.report(res, faults, points[0].String())
	res.Made = identities[0]
	for _, point := range points {
		err := c.trainFrom(ctx, res, s, point)
		if taken := c.run.checkTaken(); err != nil && taken != nil {
			return taken // the reason of err, such as a file that the other program has removed
		}
		if errors.Is(err, fs.ErrPermission) { // of this strategy's folder alone: run.json could be written
			return &strategyError{err}
		}
		if graph := new(graphError); errors.As(err, &graph) {
			return ownError(res, err)
		}
		if !errors.Is(err, sealed.ErrDamaged) {
			return err
		}
		c.report(res, []string{err.Error()}, "an earlier point is tried")
	}
	return nil
}

// report warns of faults in a result's files; then describes the remedy.
func (c *comparison) report(res *Result, faults []string, then string) {
	if len(faults) == 0 {
		return
	}
	c.run.warn("strategy %q: %s; %s", res.label(), strings.Join(faults, ", "), then)
	fmt.Fprintln(os.Stderr, c.run.Warnings[len(c.run.Warnings)-1])
}

// trainFrom trains a strategy from a checkpoint, or from the start. sealed.ErrDamaged means that the checkpoint can't
// be used.
func (c *comparison) trainFrom(ctx context.Context, res *Result, s Strategy, point resumePoint) error {
	l, err := c.newLoop(ctx, res, s)
	if l != nil {
		defer l.close()
	}
	if err != nil {
		return l.stopped(ctx, err)
	}
	if point.file != "" {
		if err := l.t.restore(res.file(point.file)); err != nil {
			return fmt.Errorf("%w: %w", sealed.ErrDamaged, err)
		}
	}
	if l.at = point.at; point.file == "" {
		l.at.Of = l.recipe.Epochs
	}
	res.History = res.History[:l.at.Epoch] // what came after the checkpoint is done again
	ended := res.Done || res.Diverged != nil
	res.Done, res.StoppedEarly, res.Diverged, res.notes = false, false, nil, nil
	if err := l.upgrade(); err != nil {
		return err
	}
	if ended { // before the first step, so that no file of a finished training stands beside those of a further epoch
		if err := l.saveResult(); err != nil {
			return err
		}
	}
	err = l.epochs(ctx)
	var diverged *divergedError
	if errors.As(err, &diverged) {
		diverged.Param = notFinite(c.model)
		res.Diverged = &diverged.Divergence
		fmt.Fprintln(os.Stderr, diverged)
		l.track.send(ctx, c.run, res)
		return l.saveResult()
	}
	return l.stopped(ctx, err)
}

// strategyError means that one strategy can't be trained: its folder can't be used, its plan can't be carried out, or
// one of its graphs has failed. The other strategies are trained all the same.
type strategyError struct{ error }

func (e *strategyError) Unwrap() error { return e.error }

// ownError returns the strategyError of a result, with its strategy's name.
func ownError(res *Result, err error) error {
	return &strategyError{fmt.Errorf("tlkit: run %q, strategy %q: %w", res.run.Name, res.label(), bareError{err})}
}

// ownErrors reports whether an error of trainAll is of single strategies alone, so that the others were trained.
func ownErrors(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	return ok && !slices.ContainsFunc(joined.Unwrap(), func(one error) bool {
		return !errors.As(one, new(*strategyError))
	})
}

// bareError is an error without the prefix of this package, for the middle of a text.
type bareError struct{ error }

func (e bareError) Error() string { return strings.TrimPrefix(e.error.Error(), "tlkit: ") }
func (e bareError) Unwrap() error { return e.error }

// identities returns the identities of a result of the comparison; see Config.identities.
func (c *comparison) identities(s Strategy, seed uint64) ([]string, error) {
	raw, err := strategyJSON(s, c.run.Config.Recipe, nil)
	if err != nil {
		return nil, err
	}
	var now stored
	if err := json.Unmarshal(raw, &now); err != nil {
		return nil, err
	}
	kept := now
	if i := c.run.index(s.Name()); i >= 0 {
		kept = c.run.strategyAt(i)
	}
	return c.run.Config.identities(kept, now, seed), nil
}

// newLoop readies a strategy for its first step. Close the returned loop if it is not nil, even when err is set.
func (c *comparison) newLoop(ctx context.Context, res *Result, s Strategy) (*loop, error) {
	m, err := start(c.model)
	if err != nil {
		return nil, err
	}
	r := c.recipe(res)
	task := Task{Classes: c.data.Classes, Data: c.data, Seed: r.Seed, Recipe: r}
	plan, err := planned(WithData(s, c.tolerate), m, task)
	if err != nil {
		return nil, &strategyError{err}
	}
	if c.adapt != nil {
		plan = c.adapt(plan)
	}
	t, err := newTrainer(c.engines, m, plan, r)
	if err != nil {
		return nil, ownError(res, err)
	}
	res.LearningRate, res.NoHead, res.LastPhase = plan.LearningRate, plan.classify() != nil, plan.lastPhase()
	res.Params, res.Trainable = t.counts()

	l := &loop{res: res, recipe: r, t: t, show: c.show, track: c.track, phase: -1, ownLoss: plan.Loss != nil && !builtIn(s), savedAt: time.Now(),
		cache: featureCache{c.shared, evalBatch(r), c.show.features}}
	if plan.Before != nil {
		p := &Preparation{Model: m, Task: task, engine: c.engines.steps, heads: plan.Heads, report: c.show.features,
			features: func(ctx context.Context) (*zoo.Features, error) {
				return l.cache.trainingFeatures(ctx, t, c.data.Train)
			}}
		if err := plan.Before(ctx, p); err != nil {
			return l, &strategyError{fmt.Errorf("tlkit: run %q, what strategy %q does before training: %w", c.run.Name, res.Strategy, err)}
		}
	}
	train := cmp.Or(plan.Train, c.data.Train)
	t.objective.weights = r.ClassWeights.of(train.Counts())
	l.data = newInputs(train, c.eval, m, plan, r, c.decoded)
	return l, t.startAverage() // from the values that Before left
}

// start copies a model for training. Training needs more memory than anything else here. So start first frees what the
// engine keeps for the pretrained model's predictions, and afterwards the copies of the weights that are garbage by
// now.
func start(pretrained *zoo.Model) (*zoo.Model, error) {
	pretrained.Release()
	m, err := pretrained.Clone()
	debug.FreeOSMemory()
	return m, err
}

// MustCompare is Compare without a context that panics on an error. After an interruption it does not panic: it prints
// what was saved and returns the run so far.
func (r Recipe) MustCompare(name string, ds *datasets.Dataset, pretrained *zoo.Model, strategies ...Strategy) *Run {
	return soFar(r.Compare(context.Background(), name, ds, pretrained, strategies...))
}

// Trained returns the run if it has everything that Compare with these arguments trains, whole, so that Compare would
// return at once; else nil. It writes nothing.
func Trained(r Recipe, name string, ds *datasets.Dataset, pretrained *zoo.Model, strategies ...Strategy) (*Run, error) {
	asked, err := newCall(name, ds, pretrained, r, strategies)
	if err != nil {
		return nil, err
	}
	return asked.finished(), nil
}

// CheckComparison returns the error that Compare with these arguments would return before any work, and writes nothing;
// nil if there is none. It does not refuse strategies that the run has begun already.
func CheckComparison(r Recipe, name string, ds *datasets.Dataset, pretrained *zoo.Model, strategies []Strategy) error {
	asked, err := newCall(name, ds, pretrained, r, strategies)
	if err != nil || asked.finished() != nil {
		return err
	}
	before, _ := openFolder(asked.name, asked.path) // Compare reports what is wrong with it
	return asked.check(before)
}

// checkComparison finds errors early that would otherwise appear after minutes of work.
func checkComparison(ds *datasets.Dataset, m *zoo.Model, strategies []Strategy) error {
	if err := CheckTask(ds, m); err != nil {
		return err
	}
	if err := checkNetwork(m); err != nil {
		return err
	}
	if len(strategies) == 0 {
		return errors.New("tlkit: no strategy to compare; give at least one, such as tlkit.Transfer{}")
	}
	seen := map[string]bool{}
	for i, s := range strategies {
		if v := reflect.ValueOf(s); s == nil || v.Kind() == reflect.Pointer && v.IsNil() {
			return fmt.Errorf("tlkit: strategy %d of %d is nil; give a value, such as tlkit.Transfer{}", i+1, len(strategies))
		}
		if seen[s.Name()] {
			return fmt.Errorf("tlkit: two strategies are named %q; give one of them a Label", s.Name())
		}
		seen[s.Name()] = true
	}
	return nil
}
