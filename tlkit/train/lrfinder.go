package train

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// LRCurve is the result of [Recipe.FindLR]: the training loss while the learning rate rises from step to step.
type LRCurve struct {
	// Strategy, Model and Data are the names of the strategy, the model and the data set.
	Strategy, Model, Data string
	// Phases is the number of the strategy's phases, of which the last was tested; 0 for a strategy without phases.
	Phases int
	// Rates are the base learning rates of the steps, Losses their training losses before the step, Smoothed the same
	// with a moving average.
	Rates, Losses, Smoothed []float64
	// Suggested is the rate at which the smoothed loss falls most steeply. Lowest is the rate of the lowest smoothed
	// loss, which is too high to train at. Both are 0 if the loss falls by no more than its noise.
	Suggested, Lowest float64
}

// The range test's constants: fastai's learning-rate finder has the same range, number of steps and limit.
const (
	lrLow, lrHigh = 1e-6, 10.
	lrSteps       = 100
	lrSmoothing   = 0.9 // per step; fastai's 0.98 lags behind by half of the range
	lrNoise       = 5.  // a fall of less than this many deviations of the smoothed loss does not count
	lrWorse       = 4.  // the test ends when the smoothed loss exceeds this many times its lowest
)

// FindLR is the learning-rate range test (Smith 2015, arXiv 1506.01186, section 3.3): it trains a copy of the model
// with the strategy for at most 100 steps, while the rate rises from 1e-6 to 10, and finds the rate at which the loss
// falls most steeply. It keeps nothing on disk and leaves the model as it is. It uses the recipe's batch size,
// optimizer and augmentation, but not its epochs, schedule and seeds.
//
// Of a strategy with phases, it trains the last one, from the starting values: the rate is that of its field
// LearningRate. The rate of a new output layer alone (HeadRate, WarmupRate) is that of strategy Transfer.
func (r Recipe) FindLR(ctx context.Context, ds *datasets.Dataset, pretrained *zoo.Model, s Strategy) (*LRCurve, error) {
	r.Seeds = 0
	r.Epochs = math.MaxInt32 // enough for the phases of any strategy
	r, err := r.withDefaults()
	if err == nil {
		err = checkFields(r)
	}
	if err != nil {
		return nil, err
	}
	if err := checkComparison(ds, pretrained, []Strategy{s}); err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	run := &Run{Name: "find-lr", Config: Config{Recipe: r}}
	res := &Result{Strategy: s.Name(), Seed: r.Seed, run: run}
	search, err := newComparison(run, ds, pretrained)
	if err != nil {
		return nil, err
	}
	defer search.close()
	c := &LRCurve{Strategy: s.Name(), Model: pretrained.Spec.Name, Data: ds.Name}
	err = search.findLR(ctx, res, s, c)
	if stopped := ctx.Err(); stopped != nil {
		return nil, fmt.Errorf("tlkit: the learning-rate range test of strategy %q was stopped after %d of at most %d steps, and nothing of it is kept: %w", s.Name(), len(c.Rates), lrSteps, stopped)
	}
	if err != nil {
		return nil, err
	}
	if len(c.Losses) > 0 && !numbers.Finite(c.Losses[0]) {
		return nil, fmt.Errorf("tlkit: the training loss of strategy %q is %g without a step of training, so that there is no learning rate to find; %s",
			s.Name(), c.Losses[0], whyNotFinite(notFinite(pretrained)))
	}
	c.suggest()
	return c, nil
}

// findLR trains the steps of a range test.
func (c *comparison) findLR(ctx context.Context, res *Result, s Strategy, curve *LRCurve) error {
	c.show.begin(res)
	c.adapt = func(p Plan) Plan {
		curve.Phases = len(p.Phases)
		return p.withLastPhase()
	}
	l, err := c.newLoop(ctx, res, s)
	if l != nil {
		defer l.close()
	}
	if err != nil {
		return err
	}
	if l.t.plan.Fit != nil {
		return fmt.Errorf("tlkit: strategy %q trains nothing, so there is no learning rate to find", s.Name())
	}
	if err := l.enter(ctx, 0); err != nil {
		return err
	}
	for curve.more() && ctx.Err() == nil {
		if err := l.testRates(ctx, curve); err != nil {
			return err
		}
	}
	return nil
}

// more reports whether the test goes on: it ends after lrSteps steps, or when the loss is not finite or much worse than
// its lowest.
func (c *LRCurve) more() bool {
	n := len(c.Rates)
	if n == 0 {
		return true
	}
	last, lowest := c.Smoothed[n-1], math.Inf(1)
	for _, v := range c.Smoothed {
		lowest = math.Min(lowest, v)
	}
	// A loss of one's own may be negative: the fall so far is its scale then.
	scale := lowest
	if lowest <= 0 {
		scale = math.Max(-lowest, c.Smoothed[0]-lowest)
	}
	return n < lrSteps && numbers.Finite(last) && !(last-lowest > (lrWorse-1)*scale)
}

// testRates takes the steps of one pass over the images.
func (l *loop) testRates(ctx context.Context, c *LRCurve) error {
	if err := l.readyTeacher(ctx); err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	l.order = l.recipe.orderOf(l.data.train.len(), l.at.Epoch)
	for b := range feed(work, l.data.train, l.data.extra, l.order, l.recipe.BatchSize, l.at.Epoch, l.at.Steps) {
		if b.err != nil {
			return b.err
		}
		logits, err := l.teacher.logits(b)
		if err != nil {
			return err
		}
		rate := lrLow * math.Pow(lrHigh/lrLow, float64(len(c.Rates))/(lrSteps-1))
		info := l.stepInfo(b.n, rate, float64(len(c.Rates))/lrSteps)
		f, err := l.t.trainStep(b, info, logits)
		if err != nil {
			return err
		}
		l.at.Step++
		l.at.Steps++
		if info.update == 1 && info.whole && numbers.Finite(f.loss) {
			if what := l.t.undefined(f); what != "" {
				d := Divergence{Undefined: what}
				return fmt.Errorf("tlkit: %s is NaN or infinite in the first step of strategy %q, while the loss of the labels is %g, so that there is no learning rate to find; %s",
					d.undefined().english, c.Strategy, f.loss, whyUndefined)
			}
		}
		c.add(rate, f.loss)
		l.show.search(len(c.Rates), lrSteps, rate, f.loss)
		if !c.more() {
			l.show.searched(len(c.Rates))
			return nil
		}
	}
	l.at.Epoch, l.at.Step = l.at.Epoch+1, 0
	return nil
}

// add appends a step. The moving average is corrected for its start at zero (Kingma and Ba 2014, section 3).
func (c *LRCurve) add(rate, loss float64) {
	c.Rates, c.Losses = append(c.Rates, rate), append(c.Losses, loss)
	sum, weight := 0.0, 0.0
	for _, v := range c.Losses {
		sum, weight = lrSmoothing*sum+(1-lrSmoothing)*v, lrSmoothing*weight+(1-lrSmoothing)
	}
	c.Smoothed = append(c.Smoothed, sum/weight)
}

// fall returns where the smoothed loss falls to its lowest: from the last step in the upper quarter of the way to the
// first after it in the lower quarter. The way begins at the mean of the first steps, or of more if that is higher.
// Falls before it come to nothing, and those after it are of the noise at the lowest.
func (c *LRCurve) fall(low int) (from, to int) {
	sum, top := 0.0, math.Inf(-1)
	for i, v := range c.Losses[:low+1] {
		if sum += v; i >= lrSteps/5 || i == low {
			top = math.Max(top, sum/float64(i+1))
		}
	}
	quarter := (top - c.Smoothed[low]) / 4
	for from = low; from > 0 && c.Smoothed[from] < top-quarter; {
		from--
	}
	for to = from; to < low && c.Smoothed[to] > c.Smoothed[low]+quarter; {
		to++
	}
	return from, to
}

// suggest finds the steepest fall of the smoothed loss over the logarithm of the rate, after which the loss does not
// return, before its lowest point, as the slope of a line through seven neighbouring points. The first tenth of the
// steps does not count, as in fastai's finder: the moving average has hardly averaged there, so that its slope is the
// difference of single batches.
func (c *LRCurve) suggest() {
	const reach, first = 3, lrSteps / 10
	if len(c.Smoothed) <= first {
		return
	}
	low := first
	for i, v := range c.Smoothed[first:] {
		if numbers.Finite(v) && v < c.Smoothed[low] {
			low = first + i
		}
	}
	var residuals []float64
	for i := range low + 1 {
		residuals = append(residuals, c.Losses[i]-c.Smoothed[i])
	}
	at, steepest := 0, 0.0
	from, to := c.fall(low)
	for i := max(first+reach, from); i+reach < len(c.Smoothed) && i <= to; i++ {
		slope := 0.0
		for d := -reach; d <= reach; d++ {
			slope += float64(d) * c.Smoothed[i+d]
		}
		if slope < steepest {
			at, steepest = i, slope
		}
	}
	if at == 0 {
		return
	}
	// A fall that the noise of the smoothed loss explains does not count: with few images per step the noise is large,
	// and the lowest of a hundred values is far below their mean.
	noise := spread(residuals).Deviation * math.Sqrt((1-lrSmoothing)/(1+lrSmoothing))
	if before := spread(c.Smoothed[first : at+1]).Mean; before-c.Smoothed[low] > lrNoise*noise+1e-6*math.Abs(before) {
		c.Suggested, c.Lowest = c.Rates[at], c.Rates[low]
	}
}

// String returns a sentence that names the learning rate to try.
func (c *LRCurve) String() string {
	n := len(c.Losses)
	if c.Suggested == 0 && n > 0 && n <= lrSteps/3 && !numbers.Finite(c.Losses[n-1]) {
		return fmt.Sprintf("%s on %s: the loss is %g in step %d, at a rate of %.1g already: a loss of one's own, the weights or the images are the reason rather than the rate",
			c.Strategy, c.Data, c.Losses[n-1], n, c.Rates[n-1])
	}
	if c.Suggested == 0 && n > 0 && n < lrSteps {
		return fmt.Sprintf("%s on %s: the loss falls by no more than its noise at any rate from %g to %.2g, where it rose to %.3g and ended the test; a larger Recipe.BatchSize makes it less noisy",
			c.Strategy, c.Data, lrLow, c.Rates[n-1], c.Losses[n-1])
	}
	if c.Suggested == 0 {
		return fmt.Sprintf("%s on %s: the loss falls by no more than its noise at any rate from %g to %g; a larger Recipe.BatchSize makes it less noisy", c.Strategy, c.Data, lrLow, lrHigh)
	}
	if c.Phases > 1 {
		return fmt.Sprintf("%s on %s: try a learning rate of %.1g for the last of its %d phases, where the loss falls most steeply; it is lowest at %.1g",
			c.Strategy, c.Data, c.Suggested, c.Phases, c.Lowest)
	}
	return fmt.Sprintf("%s on %s: try a learning rate of %.1g, where the loss falls most steeply; it is lowest at %.1g",
		c.Strategy, c.Data, c.Suggested, c.Lowest)
}

// Figure is the loss over the rate, each step's dashed and the smoothed one solid, with the suggestion dotted. Losses
// above those of the start, as at rates that are far too high, are cut.
func (c *LRCurve) Figure() plots.Figure {
	panel := plots.Panel{Title: "Learning-rate range test", XLabel: "learning rate", YLabel: "training loss", LogX: true}
	line := func(split string, values []float64) plots.Line {
		l := plots.Line{Name: c.Strategy, Split: split}
		for i, v := range values {
			l.Points = append(l.Points, plots.Point{X: c.Rates[i], Y: v})
		}
		return l
	}
	panel.Lines = []plots.Line{line("each step", c.Losses), line("smoothed", c.Smoothed)}
	panel.YMax = c.top()
	if c.Suggested > 0 {
		low, high := math.Inf(1), math.Inf(-1)
		for _, v := range c.Smoothed {
			if numbers.Finite(v) {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
		panel.Lines = append(panel.Lines, plots.Line{Name: fmt.Sprintf("suggested: %.1g", c.Suggested), Word: true, Split: plots.Dotted,
			Points: []plots.Point{{X: c.Suggested, Y: low}, {X: c.Suggested, Y: high}}})
	}
	return plots.Curves(fmt.Sprintf("%s: %s, %s", c.Strategy, c.Model, c.Data), panel)
}

// top returns the loss above which the figure is cut, 0 if there is no finite loss: the highest of the first half of
// the range, where no rate is too high, with a fifth of the fall from there as room.
func (c *LRCurve) top() float64 {
	high, low := math.Inf(-1), math.Inf(1)
	for i, v := range c.Losses {
		if !numbers.Finite(v) {
			continue
		}
		low = math.Min(low, v)
		if i <= len(c.Losses)/2 {
			high = math.Max(high, v)
		}
	}
	if low >= high {
		return 0
	}
	return high + 0.2*(high-low)
}

// Bundle is the figure with its sentence. A notebook shows it for a cell that ends in the curve.
func (c *LRCurve) Bundle() (map[string]any, error) {
	return plots.Stack("learning rate", c.Figure(), plots.Sentence(c.String())).Bundle()
}

// Plot shows the figure and its sentence.
func (c *LRCurve) Plot() error {
	if err := plots.Show(c.Figure()); err != nil {
		return err
	}
	return plots.Show(plots.Sentence(c.String()))
}
