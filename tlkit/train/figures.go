package train

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Curves returns loss and accuracy of all strategies, epoch by epoch, training dashed and validation, or test, solid. A
// star marks the best epoch, whose weights are kept; with several seeds a line is their mean, and its band one standard
// deviation to either side. A diverged strategy does not flatten the others: the loss axis is cut, and says so. A
// baseline, which has no epochs, is a level line.
func (r *Run) Curves() plots.Figure {
	loss := plots.Panel{Title: "Loss", XLabel: "epoch", YLabel: "cross-entropy", Robust: true}
	accuracy := plots.Panel{Title: "Accuracy", XLabel: "epoch", YLabel: "share of images", YPercent: true}
	held := r.Config.Data.either("val", "test")
	for _, res := range r.Results {
		line := func(p *plots.Panel, split string, value func(Epoch) float64) {
			p.Lines = append(p.Lines, res.line(split, value))
		}
		line(&loss, "train", func(e Epoch) float64 { return e.TrainLoss })
		line(&loss, held, func(e Epoch) float64 { return e.ValLoss })
		line(&accuracy, "train", func(e Epoch) float64 { return e.TrainAccuracy })
		line(&accuracy, held, func(e Epoch) float64 { return e.ValAccuracy })
	}
	return plots.Curves(fmt.Sprintf("%s: %s, %s", r.Name, r.Config.Model.Name, r.Config.Data.Name), loss, accuracy)
}

// line draws one figure of the history over the epochs. A seed with fewer epochs than others is left out of the mean
// after its last.
func (r *Result) line(split string, value func(Epoch) float64) plots.Line {
	l := plots.Line{Name: r.shown(), Split: split}
	for epoch := 0; ; epoch++ {
		var values []float64
		for _, one := range r.Seeds() {
			if epoch < len(one.History) {
				values = append(values, value(one.History[epoch]))
			}
		}
		if len(values) == 0 {
			if split != "train" {
				l.Best = r.bestEpoch()
			}
			return l
		}
		s := spread(values)
		l.Points = append(l.Points, plots.Point{X: float64(epoch + 1), Y: s.Mean})
		if len(r.Repeats) > 0 {
			l.Band = append(l.Band, plots.Interval{Low: s.Mean - s.Deviation, High: s.Mean + s.Deviation})
		}
	}
}

// bestEpoch returns the number, from 1, of the best epoch in the history; 0 with several seeds, or before
// the first epoch.
func (r *Result) bestEpoch() int {
	best, ok := r.Best()
	if !ok || len(r.Repeats) > 0 {
		return 0
	}
	return 1 + slices.IndexFunc(r.History, func(e Epoch) bool { return e.Epoch == best.Epoch })
}

// Summary returns the table of the comparison: one row per strategy. With several seeds, figures are means, with the
// sample standard deviation after ±; times are of all seeds together. Further tasks that a strategy watches, such as
// the old one of [LwF], have a column each, with the accuracy after the last epoch.
func (r *Run) Summary() plots.Figure {
	columns := []string{"strategy", "best accuracy", "at epoch", "last accuracy", "macro F1", "balanced accuracy", r.Config.Data.either("validation loss", "test loss"), "trained parameters", "per epoch", "time"}
	watched := r.watched()
	var highest []int
	for i, name := range watched {
		columns = slices.Insert(columns, 4+i, name+", last")
		highest = append(highest, 4+i)
	}
	var rows [][]string
	var diverged []plots.Cell
	seeds := 0
	for _, res := range r.Results {
		s := res.Score()
		if res.title() != res.shown() {
			diverged = append(diverged, plots.Cell{Row: len(rows)})
		}
		if s.Seeds == 0 {
			rows = append(rows, append([]string{res.title()}, slices.Repeat([]string{"-"}, len(columns)-1)...))
			continue
		}
		seeds = max(seeds, s.Seeds)
		share := func(v Spread) string {
			if s.Seeds == 1 {
				return percent(v.Mean)
			}
			return fmt.Sprintf("%s ± %.1f", percent(v.Mean), 100*v.Deviation)
		}
		number := func(v Spread, digits int) string {
			if s.Seeds == 1 {
				return fmt.Sprintf("%.*f", digits, v.Mean)
			}
			return fmt.Sprintf("%.*f ± %.*f", digits, v.Mean, digits, v.Deviation)
		}
		epoch := fmt.Sprintf("%.0f", s.Epoch.Mean)
		if s.Seeds > 1 {
			epoch = number(s.Epoch, 1)
		}
		row := []string{res.title(), share(s.Accuracy), epoch, share(s.LastAccuracy)}
		for _, name := range watched {
			if also, ok := s.Also[name]; ok {
				row = append(row, share(also))
			} else {
				row = append(row, "-")
			}
		}
		rows = append(rows, append(row, number(s.MacroF1, 3), share(s.Balanced), number(s.Loss, 3),
			res.trainedValues(),
			duration(s.SecondsPerEpoch), duration(s.Seconds)))
	}
	caption := r.caption()
	if seeds > 1 {
		caption += fmt.Sprintf(": mean ± standard deviation of %d seeds", seeds)
	}
	return plots.Table(columns, rows, plots.TableOptions{Caption: caption,
		Highest: append(highest, 1, 3, 4+len(watched), 5+len(watched)), Lowest: []int{6 + len(watched)},
		Words: []int{7 + len(watched)}, WordCells: diverged})
}

// trainedValues is how many parameters are trained, and of how many.
func (r *Result) trainedValues() string {
	if r.Trainable == r.Params {
		return "all " + numbers.Thousands(r.Params)
	}
	return fmt.Sprintf("%s of %s", numbers.Thousands(r.Trainable), numbers.Thousands(r.Params))
}

// caption names model, weights and data.
func (r *Run) caption() string {
	m, d := r.Config.Model, r.Config.Data
	if m.Weights == zoo.Random {
		return fmt.Sprintf("%s, with random weights, on %s (%d training, %d %s images)", m.Name, d.Name, d.Train, d.Val, d.compared())
	}
	return fmt.Sprintf("%s, pretrained as %s, on %s (%d training, %d %s images)", m.Name, m.Weights, d.Name, d.Train, d.Val, d.compared())
}

// title is the strategy's name, and the epoch and rate at which it diverged, if it did.
func (r *Result) title() string {
	for _, one := range r.Seeds() {
		switch {
		case one.Diverged != nil && len(r.Repeats) > 0:
			return fmt.Sprintf("%s (seed %d %s)", r.shown(), one.Seed, one.Diverged)
		case one.Diverged != nil:
			return fmt.Sprintf("%s (%s)", r.shown(), one.Diverged)
		}
	}
	return r.shown()
}

// watched returns the names of the further tasks that some strategy was evaluated on, sorted.
func (r *Run) watched() []string {
	names := map[string]bool{}
	for _, res := range r.Results {
		for name := range res.Score().Also {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Bundle is the whole of the run in one output: curves, table and [Run.Verdict]. A notebook shows it for a cell that
// ends in the run.
func (r *Run) Bundle() (map[string]any, error) {
	return plots.Stack(r.Name, r.Curves(), r.Summary(), r.verdict().figure()).Bundle()
}

// Bundle is the result's row of the table with its curves; see [Run.Bundle].
func (r *Result) Bundle() (map[string]any, error) {
	if err := r.exists("show"); err != nil {
		return nil, err
	}
	own := *r.run
	own.Results = []*Result{r}
	return plots.Stack(r.shown(), own.Curves(), own.Summary()).Bundle()
}

// Plot shows the curves of the run in the notebook (outside one it writes a file and prints its path).
func (r *Run) Plot() error { return plots.Show(r.Curves()) }

// Table shows the summary of the run, and [Run.Verdict] under it.
func (r *Run) Table() error {
	return plots.Show(plots.Stack(r.Name, r.Summary(), r.verdict().figure()))
}

// ConfusionMatrix returns how the compared images of each class (rows) were classified (columns) in the best epoch; nil
// without a result.
func (r *Result) ConfusionMatrix() [][]int {
	if r == nil {
		return nil
	}
	return r.Predictions.confusion(len(r.run.Config.Data.Classes))
}

// Confusion shows the confusion matrix of the strategy's best epoch.
func (r *Result) Confusion() error {
	if err := r.exists("show"); err != nil {
		return err
	}
	return plots.Show(plots.Confusion(r.run.Config.Data.Classes, r.ConfusionMatrix()))
}
