package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// A checkpoint is written after an epoch if the last one is older than checkpointAfterEpoch, and within an epoch if it
// is older than checkpointWithinEpoch. A killed session loses no more than that.
const (
	checkpointAfterEpoch  = 20 * time.Second
	checkpointWithinEpoch = 3 * time.Minute
)

// InterruptedError reports that training was stopped on request (Ctrl-C, the notebook's stop button, a cancelled
// context) and that its state is saved.
type InterruptedError struct {
	// Run and Strategy are the names of the run and of the strategy that was under way.
	Run, Strategy string
	// Epoch is the one under way, from 1.
	Epoch int
	// Budget is the time limit that ended the training (see [Budget]); 0 for another reason.
	Budget time.Duration
}

func (e *InterruptedError) Error() string {
	if e.Budget > 0 {
		return fmt.Sprintf("tlkit: run %q stopped in epoch %d of strategy %q, because the time budget of %s has ended; it is saved, and the same call resumes it in the next session, or after tlkit.Budget(0)",
			e.Run, e.Epoch, e.Strategy, e.Budget)
	}
	return fmt.Sprintf("tlkit: run %q was interrupted in epoch %d of strategy %q; it is saved, and the same call resumes it",
		e.Run, e.Epoch, e.Strategy)
}

// loop trains one strategy of a run to the end, from the position at.
type loop struct {
	res    *Result
	recipe Recipe
	t      *trainer
	show   *progress
	track  *tracking
	data   *inputs
	cache  featureCache
	phase  int
	// ownLoss is true for a loss that does not come with TLKit.
	ownLoss bool
	teacher *teacher
	at      position
	order   []int // of the training images in the epoch under way
	savedAt time.Time
	// setUp is the time that preparing the data took; it counts towards the first epoch.
	setUp time.Duration
	// fitted is the evaluation of a strategy without training steps; it is the same in every epoch.
	fitted *fitted
}

func (l *loop) close() {
	l.teacher.close()
	l.t.close()
}

// stopped converts the error of a cancelled context to an InterruptedError, and returns other errors as they are.
func (l *loop) stopped(ctx context.Context, err error) error {
	if l != nil && err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		stopped := &InterruptedError{Run: l.res.run.Name, Strategy: l.res.Strategy, Epoch: l.at.Epoch + 1}
		var ended *budgetError
		if errors.As(context.Cause(ctx), &ended) {
			stopped.Budget = ended.length
		}
		return stopped
	}
	return err
}

// enter readies the trainer and the data for a phase.
func (l *loop) enter(ctx context.Context, phase int) error {
	began := time.Now()
	d := l.data
	l.t.begin(phase, l.updates())
	if err := d.cacheFrozen(ctx, l.t, l.recipe, l.cache); err != nil {
		return err
	}
	if l.t.plan.Teacher != nil && l.teacher == nil {
		var err error
		if l.teacher, err = newTeacher(l.t, d.limit/8); err != nil {
			return ownError(l.res, err)
		}
	}
	if err := l.t.compile(d.trainFrom, d.evalFrom); err != nil {
		return ownError(l.res, err)
	}
	l.phase = phase
	l.setUp += time.Since(began)
	return nil
}

// readyTeacher readies the teacher's logits for the epoch under way.
func (l *loop) readyTeacher(ctx context.Context) error {
	return l.teacher.begin(ctx, l.data.trainImages, l.at.Epoch, l.cache.batch, l.show.features)
}

// perEpoch is the number of steps of an epoch.
func (l *loop) perEpoch() int {
	if l.t.plan.Fit != nil {
		return 0
	}
	return (l.data.trainImages.len()*max(1, l.recipe.Passes) + l.recipe.BatchSize - 1) / l.recipe.BatchSize
}

// group is the number of batches that make one step of the optimizer.
func (l *loop) group() int { return max(1, l.recipe.Accumulate) }

// updates is the number of steps of the optimizer in an epoch.
func (l *loop) updates() int { return (l.perEpoch() + l.group() - 1) / l.group() }

// stepInfo describes the next step, on a batch of the given number of images.
func (l *loop) stepInfo(images int, rate, progress float64) stepInfo {
	group := l.group()
	at := stepInfo{rate: rate, progress: progress, step: l.at.Steps + 1, update: l.at.Epoch*l.updates() + l.at.Step/group + 1,
		seen: l.at.Step%group*l.recipe.BatchSize + images, whole: (l.at.Step+1)%group == 0 || l.at.Step+1 == l.perEpoch()}
	if l.t.weighsUpdates() {
		at.weight = l.meanWeight()
	}
	if l.recipe.mixes() {
		at.mixture = l.recipe.mixture(at.step, l.t.model.ImageSize())
	}
	return at
}

// meanWeight is the mean class weight of the images of the update under way.
func (l *loop) meanWeight() float64 {
	images := l.group() * l.recipe.BatchSize
	first := l.at.Step / l.group() * images
	all, sum := l.order[first:min(first+images, len(l.order))], 0.0
	for _, i := range all {
		sum += float64(l.t.objective.weights[l.data.train.label(i%l.data.train.len())])
	}
	return sum / float64(len(all))
}

// evalBatch is the batch size where no gradients are kept; larger ones only cost memory.
func evalBatch(r Recipe) int { return max(32, min(r.BatchSize, 64)) }

func (l *loop) epochs(ctx context.Context) error {
	for l.at.Epoch < l.recipe.Epochs && !l.res.stops(l.recipe) {
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
	l.track.send(ctx, l.res.run, l.res)
	return l.saveResult()
}

// epoch trains one epoch, or the rest of it, evaluates, and records the figures.
func (l *loop) epoch(ctx context.Context) error {
	if l.t.plan.Fit != nil {
		return l.fittedEpoch(ctx)
	}
	began, before := time.Now(), l.at.Seconds
	if err := l.steps(ctx); err != nil {
		return err
	}
	rate := l.rateAt(l.perEpoch() - 1)
	var o evaluation
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
		return l.diverged(l.res.run.Config.Data.compared(), o.loss, rate)
	}
	return l.record(ctx, o, also, rate, (time.Since(began)+l.setUp).Seconds()+before)
}

// epochAt is the position of a step of the epoch under way, in epochs.
func (l *loop) epochAt(step int) float64 {
	return float64(l.at.Epoch) + float64(step)/float64(l.perEpoch())
}

// rateAt is the learning rate of a step of the epoch under way. All batches of an update have that of one larger batch.
func (l *loop) rateAt(step int) float64 {
	at := float64(l.at.Epoch) + float64(step/l.group())/float64(l.updates())
	return l.t.plan.rate(l.phase) * l.recipe.Schedule.Factor(at, l.recipe.Epochs)
}

// steps trains the steps of the epoch that are left.
func (l *loop) steps(ctx context.Context) error {
	if err := l.readyTeacher(ctx); err != nil && ctx.Err() == nil {
		return errors.Join(err, l.save())
	}
	size := l.recipe.BatchSize
	l.order = l.recipe.orderOf(l.data.train.len(), l.at.Epoch)
	rest := l.order[min(len(l.order), l.at.Step*size):]
	began, before := time.Now(), l.at.Seconds
	work, stop := context.WithCancel(ctx) // ends the preparation of batches, however this function ends
	defer stop()
	for b := range feed(work, l.data.train, l.data.extra, rest, size, l.at.Epoch, l.at.Steps) {
		if ctx.Err() != nil {
			break
		}
		if b.err != nil {
			return errors.Join(b.err, l.save()) // the steps before the image that can't be read are not lost
		}
		if err := l.step(b); err != nil {
			return err
		}
		l.at.Seconds = before + time.Since(began).Seconds()
		l.show.step(l.at, l.perEpoch())
		if time.Since(l.savedAt) > checkpointWithinEpoch {
			if err := l.save(); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return l.interrupted(ctx)
	}
	return nil
}

// step trains one step, and adds its figures to those of the epoch.
func (l *loop) step(b batch) error {
	rate := l.rateAt(l.at.Step)
	logits, err := l.teacher.logits(b)
	if err != nil {
		return err
	}
	info := l.stepInfo(b.n, rate, l.epochAt(l.at.Step)/float64(l.recipe.Epochs))
	f, err := l.t.trainStep(b, info, logits)
	if err != nil {
		return err
	}
	if !numbers.Finite(f.loss) {
		return l.diverged("training", f.loss, rate)
	}
	if info.update == 1 && info.whole && rate < safeRate {
		if what := l.t.undefined(f); what != "" {
			return l.undefined(f.loss, rate, what, false)
		}
	}
	if l.ownLoss && info.update > 1 && !numbers.Finite(f.total) && f.loss < farAbove*math.Log(float64(len(l.t.model.Classes))) {
		return l.undefined(f.loss, rate, undefinedLoss, true)
	}
	l.at.Step++
	l.at.Steps++
	l.at.Seen += b.n
	l.at.Loss += f.loss * float64(b.n)
	l.at.Hits += f.hits
	return nil
}

// evaluate runs the model on the validation images, and on those of the plan's watched tasks.
func (l *loop) evaluate(ctx context.Context) (o evaluation, also map[string]float64, err error) {
	if o, err = l.t.evaluate(ctx, "", l.data.val, l.cache.batch); err != nil {
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

func (l *loop) watch(ctx context.Context, w Watch, s source) (evaluation, error) {
	if w.Model == nil {
		return l.t.evaluate(ctx, w.Head, s, l.cache.batch)
	}
	exec, err := l.t.network(w.Model)
	if err != nil {
		return evaluation{}, err
	}
	defer exec.Finalize()
	return evaluateWith(ctx, exec, nil, s, l.cache.batch)
}

// fittedEpoch records an epoch of a strategy without training steps; every epoch has the figures of the first.
func (l *loop) fittedEpoch(ctx context.Context) error {
	began := time.Now()
	if l.fitted == nil {
		train, err := l.t.evaluate(ctx, "", trainingExamples{l.data.train}, l.cache.batch)
		if err != nil {
			return err
		}
		if !numbers.Finite(train.loss) {
			return l.diverged("training", train.loss, 0)
		}
		seconds := time.Since(began).Seconds()
		val, also, err := l.evaluate(ctx)
		if err != nil {
			return err
		}
		if !numbers.Finite(val.loss) {
			return l.diverged(l.res.run.Config.Data.compared(), val.loss, 0)
		}
		l.fitted = &fitted{train, val, also, seconds}
	}
	n := l.data.train.len()
	l.at.Seen, l.at.Loss, l.at.Hits, l.at.Seconds = n, l.fitted.train.loss*float64(n), l.fitted.train.accuracy*float64(n), l.fitted.seconds
	return l.record(ctx, l.fitted.val, l.fitted.also, 0, (time.Since(began) + l.setUp).Seconds())
}

// fitted is the evaluation of a model that no step changes.
type fitted struct {
	train, val evaluation
	also       map[string]float64
	seconds    float64
}

// interrupted saves, and returns the context's error. If saving fails it returns another error, since an
// InterruptedError would say that all is saved.
func (l *loop) interrupted(ctx context.Context) error {
	if err := l.save(); err != nil {
		return fmt.Errorf("tlkit: run %q was interrupted in epoch %d of strategy %q, and what came after the last checkpoint is lost: %w",
			l.res.run.Name, l.at.Epoch+1, l.res.Strategy, err)
	}
	return ctx.Err()
}

// divergedError ends a training whose loss became infinite or NaN.
type divergedError struct {
	Divergence
	run, strategy string
	value         float64
}

func (e *divergedError) Error() string {
	if e.Untrained {
		return fmt.Sprintf("tlkit: run %q, strategy %q: the %s loss is %g without a step of training, so that no learning rate helps; %s",
			e.run, e.strategy, e.Loss, e.value, whyNotFinite(e.Param))
	}
	if e.Undefined != "" {
		when := "the first step"
		if e.Later {
			when = fmt.Sprintf("epoch %d, step %d", e.Epoch, e.Step)
		}
		return fmt.Sprintf("tlkit: run %q, strategy %q: %s is NaN or infinite in %s, while the loss of the labels is %.4g, so that no learning rate helps; %s",
			e.run, e.strategy, e.undefined().english, when, e.value, whyUndefined)
	}
	why := ""
	switch {
	case e.Param != "":
		why = "; " + whyNotFinite(e.Param)
	case e.OwnLoss:
		why = "; if a smaller rate does not help, " + whyUndefined
	}
	return fmt.Sprintf("tlkit: run %q, strategy %q: the %s loss became %g in epoch %d, after step %d, at learning rate %g; it is left at that, and the same call with a smaller rate for it trains it alone%s",
		e.run, e.strategy, e.Loss, e.value, e.Epoch, e.Step, e.LearningRate, why)
}

func (l *loop) diverged(which string, loss, rate float64) error {
	return &divergedError{Divergence{Epoch: l.at.Epoch + 1, Step: l.at.Step, LearningRate: rate, Loss: which, Untrained: l.at.Steps == 0, OwnLoss: l.ownLoss}, l.res.run.Name, l.res.label(), loss}
}

// undefined ends a training in which a loss or a gradient is no number; what becomes Divergence.Undefined.
func (l *loop) undefined(loss, rate float64, what string, later bool) error {
	return &divergedError{Divergence{Epoch: l.at.Epoch + 1, Step: l.at.Step + 1, LearningRate: rate, Loss: "training", Undefined: what, Later: later, OwnLoss: l.ownLoss},
		l.res.run.Name, l.res.label(), loss}
}

// record appends an epoch to the history and saves the files that change. The checkpoint comes last: if it is missing,
// the epoch is trained again.
func (l *loop) record(ctx context.Context, o evaluation, also map[string]float64, rate, seconds float64) error {
	seen := float64(max(1, l.at.Seen))
	e := Epoch{Epoch: l.at.Epoch + 1, LearningRate: rate,
		TrainLoss: l.at.Loss / seen, TrainAccuracy: l.at.Hits / seen, ValLoss: o.loss, ValAccuracy: o.accuracy,
		Also: also, Seconds: seconds, ImagesPerSecond: seen / max(l.at.Seconds, 1e-9)}
	l.setUp = 0
	l.res.History = append(l.res.History, e)
	l.at = position{Epoch: e.Epoch, Steps: l.at.Steps, Of: l.at.Of}
	if err := l.res.run.checkTaken(); err != nil {
		return err
	}
	if l.recipe.Restore.of(l.res.History) == len(l.res.History)-1 {
		if err := l.t.withAverage(func() error { return l.t.saveWeights(l.res.file(bestFile), l.res.Made, e.Epoch) }); err != nil {
			return err
		}
		l.res.Predictions = l.predictions(o, e.Epoch)
		if err := l.saveResult(); err != nil {
			return err
		}
	}
	if err := l.res.writeHistory(); err != nil {
		return err
	}
	l.show.epoch()
	l.track.send(ctx, l.res.run, l.res)
	if e.Epoch == l.recipe.Epochs || l.res.stops(l.recipe) || time.Since(l.savedAt) > checkpointAfterEpoch {
		return l.save()
	}
	return nil
}

func (l *loop) predictions(o evaluation, epoch int) Predictions {
	p := Predictions{Epoch: epoch, Predicted: o.predicted, Confidence: o.confidence}
	for i := range o.predicted {
		p.Labels = append(p.Labels, l.data.val.label(i))
		p.Names = append(p.Names, l.data.valImages.split.Name(i))
	}
	return p
}

func (l *loop) save() error {
	if err := l.res.run.checkTaken(); err != nil {
		return err
	}
	l.savedAt = time.Now()
	return l.t.save(l.res.file(checkpointFile), l.at, l.res.Made)
}

func (l *loop) saveResult() error {
	if err := l.res.run.checkTaken(); err != nil {
		return err
	}
	l.res.Format = runFormat
	return writeJSON(l.res.file("result.json"), l.res)
}

// upgrade rewrites the files of a result that was begun before files had checksums, in today's form.
func (l *loop) upgrade() error {
	if l.res.Format >= 2 || len(l.res.History) == 0 && l.at.Steps == 0 {
		return nil
	}
	if sd, err := weights.Open(l.res.file(bestFile)); err == nil {
		err = sealed.WriteWeights(l.res.file(bestFile), "", sd.Entries(), nil)
		if err := errors.Join(err, sd.Close()); err != nil {
			return fmt.Errorf("tlkit: the weights of the best epoch could not be written: %w", err)
		}
	}
	if err := l.res.writeHistory(); err != nil {
		return err
	}
	if err := l.save(); err != nil {
		return err
	}
	return l.saveResult()
}
