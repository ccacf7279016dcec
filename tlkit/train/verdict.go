package train

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Verdict summarises the table of the run in a few sentences: the leading strategy, the differences within the noise of
// the validation set and the seeds, and the strategies that diverged, learned nothing or always name one class.
func (r *Run) Verdict() string {
	text := r.ranking()
	for _, res := range r.Results {
		for _, one := range res.Seeds() {
			if trouble := one.trouble(r.Config.Data.Classes); trouble != "" {
				text += " " + trouble
			}
		}
	}
	return text
}

// ranking compares the strategies by accuracy.
func (r *Run) ranking() string {
	best := r.Best()
	if best == nil {
		return "No strategy has completed an epoch yet."
	}
	top := best.Score()
	close, behind := r.gaps(best)
	seeds := "one seed each, so how much chance decides between seeds is not known"
	if top.Seeds > 1 {
		seeds = fmt.Sprintf("mean of %d seeds", top.Seeds)
	}
	n := len(best.Predictions.Labels)
	text := fmt.Sprintf("%s has the highest validation accuracy, %s (%s; one of %d images is %.2f points)", best.shown(), percent(top.Accuracy.Mean), seeds, n, 100/float64(max(1, n)))
	switch {
	case len(close)+len(behind) == 0:
		return text + "."
	case len(behind) == 0:
		return text + ", but that shows no winner: within the noise of it " + isAre(len(close)) + " " + strings.Join(close, ", ") + "."
	case len(close) == 0:
		return text + ", more than the noise above " + strings.Join(behind, ", ") + "."
	}
	return text + ", more than the noise above " + strings.Join(behind, ", ") + ", and not distinguishable from " + strings.Join(close, ", ") + "."
}

// gaps describes the other strategies, the best first: those within the noise of the best one, and those behind it.
func (r *Run) gaps(best *Result) (close, behind []string) {
	rest := slices.DeleteFunc(slices.Clone(r.Results), func(o *Result) bool { return o == best || o.Score().Seeds == 0 })
	slices.SortStableFunc(rest, func(a, b *Result) int {
		return -int(math.Copysign(1, a.Score().Accuracy.Mean-b.Score().Accuracy.Mean))
	})
	for _, o := range rest {
		s := o.Score()
		gap, error := best.Score().Accuracy.Mean-s.Accuracy.Mean, noise(best, o)
		text := fmt.Sprintf("%s (%s, %.1f points less; noise ±%.1f)", o.shown(), percent(s.Accuracy.Mean), 100*gap, 100*error)
		if gap > error {
			behind = append(behind, text)
		} else {
			close = append(close, text)
		}
	}
	return close, behind
}

// trouble describes what went wrong in a training; "" if no problem is found.
func (r *Result) trouble(classes []string) string {
	p := r.Predictions.Predicted
	switch {
	case r.Diverged != nil:
		return fmt.Sprintf("%s %s: try a smaller learning rate for it.", r.label(), r.Diverged)
	case len(classes) < 2:
		return ""
	case len(p) > 1 && slices.Max(p) == slices.Min(p) && slices.Max(r.Predictions.Labels) != slices.Min(r.Predictions.Labels):
		return fmt.Sprintf("%s names the class %q for every image: its balanced accuracy is %s, that of guessing; try another learning rate (FindLR) or Recipe.ClassWeights.",
			r.label(), classes[p[0]], percent(r.BalancedAccuracy()))
	case r.learnedNothing(len(classes)):
		return fmt.Sprintf("%s shows no sign of learning in %d epochs: its training loss was never below that of guessing (%.2f), and its balanced accuracy, %s, is within the noise of guessing; train longer, or try another learning rate (FindLR).",
			r.label(), len(r.History), math.Log(float64(len(classes))), percent(r.BalancedAccuracy()))
	}
	return ""
}

// learnedNothing reports whether the training loss stayed at or above that of uniform guessing, the logarithm of the
// number of classes, in every epoch, and the balanced accuracy of the best epoch is above that of guessing by no more
// than two standard errors: a loss with further terms may be high while the accuracy is good. One epoch is too short to
// tell, since its loss begins with that of a new head.
func (r *Result) learnedNothing(classes int) bool {
	if !(r.LearningRate > 0) || len(r.History) < 2 {
		return false
	}
	guess := math.Log(float64(classes))
	if slices.ContainsFunc(r.History, func(e Epoch) bool { return e.TrainLoss < 0.98*guess }) {
		return false
	}
	return r.BalancedAccuracy() <= 1/float64(classes)+2*r.Predictions.guessingError(classes)
}

// guessingError is the standard error of the balanced accuracy of uniform guesses. NaN means that there are no images.
func (p Predictions) guessingError(classes int) float64 {
	images := map[int]float64{}
	for _, label := range p.Labels {
		images[label]++
	}
	chance, sum := 1/float64(classes), 0.0
	for _, n := range images {
		sum += chance * (1 - chance) / n
	}
	return math.Sqrt(sum) / float64(len(images))
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// Best returns the result with the highest validation accuracy in the best epoch, as the mean over its seeds; among
// equals, the one of the lowest loss. It returns nil if no strategy has completed an epoch.
func (r *Run) Best() *Result {
	var best *Result
	var top Score
	for _, res := range r.Results {
		s := res.Score()
		if s.Seeds > 0 && (best == nil || s.Accuracy.Mean > top.Accuracy.Mean || (s.Accuracy.Mean == top.Accuracy.Mean && s.Loss.Mean < top.Loss.Mean)) {
			best, top = res, s
		}
	}
	return best
}
