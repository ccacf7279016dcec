package train

import (
	"fmt"
	"math"
)

// Score summarises a strategy over the seeds that have completed an epoch. Accuracies and F1 are in [0, 1].
type Score struct {
	// Seeds is the number of seeds counted.
	Seeds int
	// Accuracy, MacroF1 and Loss are those of each seed's best epoch on the validation images. Choosing the epoch by
	// validation accuracy makes Accuracy a little too high; LastAccuracy is that of the last epoch, without a choice.
	Accuracy, MacroF1, Loss, LastAccuracy Spread
	// Balanced is the balanced accuracy of each seed's best epoch; see Result.BalancedAccuracy.
	Balanced Spread
	// ECE is the expected calibration error of each seed's best epoch, in [0, 1]; see Evaluation.ECE.
	ECE Spread
	// Also has the accuracies on further tasks after the last epoch, by name; see Epoch.Also.
	Also map[string]Spread
	// Epoch is the best epoch.
	Epoch Spread
	// SecondsPerEpoch is the mean time of an epoch, Seconds the time of all epochs of all seeds.
	SecondsPerEpoch, Seconds float64
}

// Spread is a mean with its sample standard deviation, which is 0 for a single value.
type Spread struct{ Mean, Deviation float64 }

// String is the mean with four digits, and after ± the deviation, if there is one: "0.6467", "0.6467 ± 0.012".
func (s Spread) String() string {
	if s.Deviation == 0 || math.IsNaN(s.Deviation) {
		return fmt.Sprintf("%.4g", s.Mean)
	}
	return fmt.Sprintf("%.4g ± %.2g", s.Mean, s.Deviation)
}

// spread returns mean and sample standard deviation (divisor n-1).
func spread(values []float64) Spread {
	n := float64(len(values))
	if n == 0 {
		return Spread{math.NaN(), math.NaN()}
	}
	var s Spread
	for _, v := range values {
		s.Mean += v / n
	}
	if n > 1 {
		for _, v := range values {
			s.Deviation += (v - s.Mean) * (v - s.Mean) / (n - 1)
		}
		s.Deviation = math.Sqrt(s.Deviation)
	}
	return s
}

// Score returns the result's figures over its seeds.
func (r *Result) Score() Score {
	var ece, accuracy, balanced, f1, loss, last, epoch []float64
	var s Score
	also := map[string][]float64{}
	epochs := 0
	for _, one := range r.Seeds() {
		best, ok := one.Best()
		if !ok {
			continue
		}
		end, _ := one.Last()
		accuracy, loss, last = append(accuracy, best.ValAccuracy), append(loss, best.ValLoss), append(last, end.ValAccuracy)
		for name, v := range end.Also {
			also[name] = append(also[name], v)
		}
		epoch = append(epoch, float64(best.Epoch))
		f1, balanced = append(f1, one.MacroF1()), append(balanced, one.BalancedAccuracy())
		ece = append(ece, calibrationError(one.Predictions.reliability()))
		s.Seconds += one.Seconds()
		epochs += len(one.History)
	}
	s.Seeds = len(accuracy)
	for name, values := range also {
		if s.Also == nil {
			s.Also = map[string]Spread{}
		}
		s.Also[name] = spread(values)
	}
	s.SecondsPerEpoch = s.Seconds / float64(max(1, epochs))
	s.ECE = spread(ece)
	s.Balanced = spread(balanced)
	s.Accuracy, s.MacroF1, s.Loss, s.LastAccuracy, s.Epoch = spread(accuracy), spread(f1), spread(loss), spread(last), spread(epoch)
	return s
}

// BalancedAccuracy is the mean recall of the classes on the validation images in the best epoch. A model that always
// names the most frequent class reaches only 1/(number of classes), however frequent that class is. A class without
// images is left out. The result is NaN before the first epoch.
func (r *Result) BalancedAccuracy() float64 { return r.predictions().balancedAccuracy() }

// predictions are none without a result.
func (r *Result) predictions() Predictions {
	if r == nil {
		return Predictions{}
	}
	return r.Predictions
}

func (p Predictions) balancedAccuracy() float64 {
	images, hits := map[int]float64{}, map[int]float64{}
	for i, label := range p.Labels {
		images[label]++
		if p.Predicted[i] == label {
			hits[label]++
		}
	}
	sum := 0.0
	for label, n := range images {
		sum += hits[label] / n
	}
	return sum / float64(len(images))
}

// MacroF1 is the mean over the classes of 2TP/(2TP+FP+FN) on the validation images in the best epoch. Unlike in
// accuracy, rare classes count as much as frequent ones. A class that neither occurs nor is predicted is left out. The
// result is NaN before the first epoch.
func (r *Result) MacroF1() float64 { return r.predictions().macroF1() }

func (p Predictions) macroF1() float64 {
	type counts struct{ hit, wrong, missed float64 }
	per := map[int]*counts{}
	of := func(class int) *counts {
		if per[class] == nil {
			per[class] = &counts{}
		}
		return per[class]
	}
	for i, label := range p.Labels {
		if p.Predicted[i] == label {
			of(label).hit++
		} else {
			of(label).missed++
			of(p.Predicted[i]).wrong++
		}
	}
	sum := 0.0
	for _, c := range per {
		sum += 2 * c.hit / (2*c.hit + c.wrong + c.missed)
	}
	return sum / float64(len(per))
}

// hitRates returns for each validation image the share of seeds whose best epoch classified it right.
func (r *Result) hitRates() []float64 {
	var rates []float64
	seeds := 0
	for _, one := range r.Seeds() {
		p := one.Predictions
		if len(p.Labels) == 0 {
			continue
		}
		if rates == nil {
			rates = make([]float64, len(p.Labels))
		}
		if len(p.Labels) != len(rates) {
			return nil
		}
		seeds++
		for i, label := range p.Labels {
			if p.Predicted[i] == label {
				rates[i]++
			}
		}
	}
	for i := range rates {
		rates[i] /= float64(seeds)
	}
	return rates
}

// noise is two standard errors of the difference of two strategies' accuracies, about half the width of its 95 %
// interval. The error has two sources: the choice of the validation images and the seeds. Both strategies are evaluated
// on the same images, so the first is the standard error of the per-image difference.
func noise(a, b *Result) float64 {
	ra, rb := a.hitRates(), b.hitRates()
	if len(ra) == 0 || len(ra) != len(rb) {
		return math.NaN()
	}
	differences := make([]float64, len(ra))
	for i := range ra {
		differences[i] = ra[i] - rb[i]
	}
	d := spread(differences).Deviation
	variance := d * d / float64(len(ra))
	for _, s := range []Score{a.Score(), b.Score()} {
		variance += s.Accuracy.Deviation * s.Accuracy.Deviation / float64(s.Seeds)
	}
	if gap := spread(differences).Mean; variance == 0 && gap != 0 {
		// Every image differs alike: another outcome may still have a share of 3/n (Hanley and Lippman-Hand 1983, the
		// rule of three).
		return min(1, 3/float64(len(ra)))
	}
	return min(1, 2*math.Sqrt(variance)) // accuracies differ by no more
}
