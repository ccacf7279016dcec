package train

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Checkpoints are written after an epoch if the last one is this old, and within an epoch if it is much older: what a
// killed session can lose.
const (
	checkpointAfterEpoch  = 20 * time.Second
	checkpointWithinEpoch = 3 * time.Minute
)

// InterruptedError says that training was stopped on request (Ctrl-C, the notebook's stop button, a cancelled
// context) and that all is saved.
type InterruptedError struct {
	Run, Strategy string
	// Epoch is the one under way, from 1.
	Epoch int
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("tlkit: run %q was interrupted in epoch %d of strategy %q; it is saved, and the same call resumes it",
		e.Run, e.Epoch, e.Strategy)
}

// EvalSplit returns the images that models are compared on: the validation images, or the test images where there are no
// others; nil if there are neither.
func EvalSplit(ds *datasets.Dataset) *datasets.Split {
	if ds.Val == nil || ds.Val.Len() == 0 {
		return ds.Test
	}
	return ds.Val
}

// loop trains one strategy of a run to the end, from wherever it stands.
type loop struct {
	run     *Run
	res     *Result
	recipe  Recipe
	t       *trainer
	show    *progress
	data    *inputs
	phase   int
	teacher *teacher
	at      position
	savedAt time.Time
	// setUp is the time that preparing the data took; it counts towards the first epoch.
	setUp time.Duration
	// decoded are the images read, where the run has none for all its strategies.
	decoded *decoded
	// still is kept for a strategy that trains nothing.
	still *still
}

// runStrategy trains one strategy; a strategy that is done already costs nothing.
func runStrategy(ctx context.Context, engine compute.Backend, run *Run, res *Result, s Strategy, ds *datasets.Dataset, pretrained *zoo.Model, show *progress) error {
	r := run.Config.Recipe
	r.Seed = res.Seed
	if res.Done && (len(res.History) >= r.Epochs || r.EarlyStop.reached(res.History)) {
		return nil
	}
	if err := mkdir(filepath.Join(run.Dir, res.dir)); err != nil {
		return err
	}
	l, err := newLoop(ctx, engine, run, res, r, s, ds, pretrained, show)
	if l != nil {
		defer l.close()
	}
	if err != nil {
		return l.stopped(ctx, err)
	}
	if l.at, err = l.t.restore(res.file("checkpoint.safetensors")); err != nil {
		return err
	}
	if l.at.Epoch > len(res.History) {
		return fmt.Errorf("tlkit: run %q, strategy %q: the checkpoint is after epoch %d but the history has %d; remove the run with tlkit.Remove(%q)",
			run.Name, res.Strategy, l.at.Epoch, len(res.History), run.Name)
	}
	res.History = res.History[:l.at.Epoch] // what came after the checkpoint is done again
	res.Done = false
	return l.stopped(ctx, l.epochs(ctx))
}

// start copies a model for training. Training is where a machine runs out of memory: what the engine keeps for the
// pretrained model's predictions goes, and with it whatever copies of the weights are garbage by now.
func start(pretrained *zoo.Model) (*zoo.Model, error) {
	pretrained.Release()
	m, err := pretrained.Clone()
	debug.FreeOSMemory()
	return m, err
}

// newLoop readies a strategy for its first step. What comes back is to be closed if it is not nil, also beside an error.
func newLoop(ctx context.Context, engine compute.Backend, run *Run, res *Result, r Recipe, s Strategy, ds *datasets.Dataset, pretrained *zoo.Model, show *progress) (*loop, error) {
	m, err := start(pretrained)
	if err != nil {
		return nil, err
	}
	task := Task{Classes: ds.Classes, Data: ds, Seed: r.Seed, Recipe: r}
	plan, err := s.Plan(m, task)
	if err != nil {
		return nil, err
	}
	if err := plan.check(s.Name(), task); err != nil {
		return nil, err
	}
	t, err := newTrainer(engine, m, plan, r)
	if err != nil {
		return nil, err
	}
	res.LearningRate = plan.LearningRate
	res.Params, res.Trainable = t.counts()

	l := &loop{run: run, res: res, recipe: r, t: t, show: show, phase: -1, savedAt: time.Now()}
	if plan.Before != nil {
		if err := plan.Before(ctx, &Preparation{Model: m, Task: task, t: t, show: show, res: res}); err != nil {
			return l, fmt.Errorf("tlkit: run %q, what strategy %q does before training: %w", run.Name, res.Strategy, err)
		}
	}
	split := ds.Train
	if plan.Train != nil {
		split = plan.Train
	}
	t.objective.weights = r.ClassWeights.of(split.Counts())
	cache := run.decoded
	if cache == nil {
		l.decoded = newDecoded(r, run.Dir)
		cache = l.decoded
	}
	l.data = newInputs(ds, m, plan, r, cache)
	return l, t.startAverage() // what Before did is where it begins
}

func (l *loop) close() {
	l.teacher.close()
	l.t.close()
	l.decoded.close()
}

// stopped turns the error of a cancelled context into an InterruptedError.
func (l *loop) stopped(ctx context.Context, err error) error {
	if l != nil && err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return &InterruptedError{Run: l.run.Name, Strategy: l.res.Strategy, Epoch: l.at.Epoch + 1}
	}
	return err
}

// enter readies the trainer and the data for a phase.
func (l *loop) enter(ctx context.Context, phase int) error {
	began := time.Now()
	d := l.data
	l.t.begin(phase, l.updates())
	if err := d.cacheFrozen(ctx, l); err != nil {
		return err
	}
	if l.t.plan.Teacher != nil && l.teacher == nil {
		if err := l.hireTeacher(ctx); err != nil {
			return err
		}
	}
	if err := l.t.compile(d.trainFrom, d.evalFrom); err != nil {
		return err
	}
	l.phase = phase
	l.setUp += time.Since(began)
	return nil
}

// perEpoch is the number of steps of an epoch.
func (l *loop) perEpoch() int {
	if l.t.plan.Fit != nil {
		return 0
	}
	return (l.data.trainImages.len() + l.recipe.BatchSize - 1) / l.recipe.BatchSize
}

// group is the number of batches that make one step of the optimizer.
func (l *loop) group() int { return max(1, l.recipe.Accumulate) }

// updates is the number of steps of the optimizer in an epoch.
func (l *loop) updates() int { return (l.perEpoch() + l.group() - 1) / l.group() }

// moment says where the next step is; images is its batch's number of them.
func (l *loop) moment(images int, rate, progress float64) moment {
	group := l.group()
	at := moment{rate: rate, progress: progress, step: l.at.Steps + 1, update: l.at.Epoch*l.updates() + l.at.Step/group + 1,
		seen: l.at.Step%group*l.recipe.BatchSize + images, whole: (l.at.Step+1)%group == 0 || l.at.Step+1 == l.perEpoch()}
	if l.recipe.mixes() {
		at.mixture = l.recipe.mixture(at.step, l.t.model.ImageSize())
	}
	return at
}

// evalBatch is the batch size where no gradients are kept; larger ones only cost memory.
func (l *loop) evalBatch() int { return max(32, min(l.recipe.BatchSize, 64)) }

func (l *loop) epochs(ctx context.Context) error {
	for l.at.Epoch < l.recipe.Epochs && !l.recipe.EarlyStop.reached(l.res.History) {
		if phase := l.t.plan.phaseAt(l.at.Epoch); phase != l.phase {
			if err := l.enter(ctx, phase); err != nil {
				return err
			}
		}
		if err := l.epoch(ctx); err != nil {
			return err
		}
	}
	l.res.Done, l.res.StoppedEarly = true, l.at.Epoch < l.recipe.Epochs
	return l.saveResult()
}

// epoch trains one epoch, or what is left of it, evaluates, and writes down what came out.
func (l *loop) epoch(ctx context.Context) error {
	if l.t.plan.Fit != nil {
		return l.stillEpoch(ctx)
	}
	n, size := l.data.train.len(), l.recipe.BatchSize
	perEpoch := l.perEpoch()
	rest := order(n, l.recipe.Seed, l.at.Epoch)[min(n, l.at.Step*size):]
	epochAt := func(step int) float64 { return float64(l.at.Epoch) + float64(step)/float64(perEpoch) }
	rateAt := func(step int) float64 {
		return l.t.plan.rate(l.phase) * l.recipe.Schedule.Factor(epochAt(step), l.recipe.Epochs)
	}
	began := time.Now()
	before := l.at.Seconds

	work, stop := context.WithCancel(ctx) // ends the preparation of batches, however this function ends
	defer stop()
	for b := range feed(work, l.data.train, l.data.extra, rest, size, l.at.Epoch, l.at.Steps) {
		if ctx.Err() != nil {
			break
		}
		if b.err != nil {
			return errors.Join(b.err, l.save()) // the steps before the image that can't be read are not lost
		}
		rate := rateAt(l.at.Step)
		answers, err := l.teacher.answers(b)
		if err != nil {
			return err
		}
		loss, hit, err := l.t.trainStep(b, l.moment(b.n, rate, epochAt(l.at.Step)/float64(l.recipe.Epochs)), answers)
		if err != nil {
			return err
		}
		if !numbers.Finite(loss) {
			return l.diverged("training", loss, rate)
		}
		l.at.Step++
		l.at.Steps++
		l.at.Seen += b.n
		l.at.Loss += loss * float64(b.n)
		l.at.Hits += hit
		l.at.Seconds = before + time.Since(began).Seconds()
		l.show.step(l)
		if time.Since(l.savedAt) > checkpointWithinEpoch {
			if err := l.save(); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return l.interrupted(ctx)
	}

	rate := rateAt(perEpoch - 1)
	var o outcome
	var also map[string]float64
	err := l.t.withAverage(func() (err error) {
		o, also, err = l.evaluate(ctx)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return l.interrupted(ctx)
		}
		return err
	}
	if !numbers.Finite(o.loss) {
		return l.diverged("validation", o.loss, rate)
	}
	return l.record(o, also, rate, (time.Since(began)+l.setUp).Seconds()+before)
}

// evaluate judges the model on the validation images, and on those of the tasks that are watched.
func (l *loop) evaluate(ctx context.Context) (o outcome, also map[string]float64, err error) {
	if o, err = l.t.evaluate(ctx, "", l.data.val, l.evalBatch()); err != nil {
		return o, nil, err
	}
	for i, w := range l.t.plan.Watch {
		if also == nil {
			also = map[string]float64{}
		}
		if before := len(l.res.History); w.Model != nil && before > 0 {
			also[w.Name] = l.res.History[before-1].Also[w.Name] // a network that does not change
			continue
		}
		other, err := l.watch(ctx, w, l.data.watch[i])
		if err != nil {
			return o, nil, err
		}
		also[w.Name] = other.accuracy
	}
	return o, also, nil
}

func (l *loop) watch(ctx context.Context, w Watch, s source) (outcome, error) {
	if w.Model == nil {
		return l.t.evaluate(ctx, w.Head, s, l.evalBatch())
	}
	exec, err := l.t.network(w.Model)
	if err != nil {
		return outcome{}, err
	}
	defer exec.Finalize()
	return judge(ctx, exec, nil, s, l.evalBatch())
}

// stillEpoch is an epoch of a strategy that trains nothing: it is measured once, and stays like that.
func (l *loop) stillEpoch(ctx context.Context) error {
	began := time.Now()
	if l.still == nil {
		train, err := l.t.evaluate(ctx, "", trainingExamples{l.data.train}, l.evalBatch())
		if err != nil {
			return err
		}
		seconds := time.Since(began).Seconds()
		val, also, err := l.evaluate(ctx)
		if err != nil {
			return err
		}
		l.still = &still{train, val, also, seconds}
	}
	n := l.data.train.len()
	l.at.Seen, l.at.Loss, l.at.Hits, l.at.Seconds = n, l.still.train.loss*float64(n), l.still.train.accuracy*float64(n), l.still.seconds
	return l.record(l.still.val, l.still.also, 0, (time.Since(began) + l.setUp).Seconds())
}

// still is what a model that does not change was found to be.
type still struct {
	train, val outcome
	also       map[string]float64
	seconds    float64
}

// interrupted saves and returns the context's error; if that fails, nothing may claim that all is saved.
func (l *loop) interrupted(ctx context.Context) error {
	if err := l.save(); err != nil {
		return fmt.Errorf("tlkit: run %q was interrupted in epoch %d of strategy %q, and what came after the last checkpoint is lost: %w",
			l.run.Name, l.at.Epoch+1, l.res.Strategy, err)
	}
	return ctx.Err()
}

// diverged says that a loss is no number any more. What is on disk stays as it was before.
func (l *loop) diverged(which string, loss, rate float64) error {
	return fmt.Errorf("tlkit: run %q, strategy %q: the %s loss became %g in epoch %d, after step %d, at learning rate %g; choose a smaller one, with another Label or another run name",
		l.run.Name, l.res.Strategy, which, loss, l.at.Epoch+1, l.at.Step, rate)
}

// record appends an epoch to the history and saves what has to be saved. The checkpoint comes last: what is on disk
// before it belongs to an epoch that would be done again.
func (l *loop) record(o outcome, also map[string]float64, rate, seconds float64) error {
	seen := float64(max(1, l.at.Seen))
	e := Epoch{Epoch: l.at.Epoch + 1, LearningRate: rate,
		TrainLoss: l.at.Loss / seen, TrainAccuracy: l.at.Hits / seen, ValLoss: o.loss, ValAccuracy: o.accuracy,
		Also: also, Seconds: seconds, ImagesPerSecond: seen / max(l.at.Seconds, 1e-9)}
	l.setUp = 0
	l.res.History = append(l.res.History, e)
	l.at = position{Epoch: e.Epoch, Steps: l.at.Steps}
	if l.recipe.Restore.of(l.res.History) == len(l.res.History)-1 {
		if err := l.t.withAverage(func() error { return l.t.saveWeights(l.res.file("best.safetensors")) }); err != nil {
			return err
		}
		l.res.Predictions = l.predictions(o)
		if err := l.saveResult(); err != nil {
			return err
		}
	}
	if err := writeHistory(l.res.file("history.jsonl"), l.res.History); err != nil {
		return err
	}
	l.show.epoch(l)
	if e.Epoch == l.recipe.Epochs || l.recipe.EarlyStop.reached(l.res.History) || time.Since(l.savedAt) > checkpointAfterEpoch {
		return l.save()
	}
	return nil
}

func (l *loop) predictions(o outcome) Predictions {
	p := Predictions{Predicted: o.predicted, Confidence: o.confidence}
	for i := range o.predicted {
		p.Labels = append(p.Labels, l.data.val.label(i))
		p.Names = append(p.Names, l.run.valNames[i])
	}
	return p
}

func (l *loop) save() error {
	l.savedAt = time.Now()
	return l.t.save(l.res.file("checkpoint.safetensors"), l.at)
}

func (l *loop) saveResult() error { return writeJSON(l.res.file("result.json"), l.res) }
