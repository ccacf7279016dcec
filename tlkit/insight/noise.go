package insight

import (
	"cmp"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// The prior of the share of wrong labels: as if, in noisePrior examples more, that share of noiseMean were wrong. It is
// about what Northcutt et al. (2021, Pervasive Label Errors, NeurIPS) found in the test sets of the field, 3.3 % on
// average, and keeps the estimate from 0 where there are few examples.
const (
	noisePrior = 40
	noiseMean  = 0.05
	mostNoise  = 0.4
)

// suspicion is the probability of being wrong from which on a label is named. It is below one half, because a person
// looks at what is named, and a right label that is looked at costs less than a wrong one that is not.
const suspicion = 0.25

// wrongLabels returns for each example the probability that its label is wrong, and the estimated share of wrong
// labels. probabilities are out-of-fold, [examples][classes].
//
// The model is that of uniform label noise (Natarajan et al. 2013, Learning with Noisy Labels, NeurIPS): a share r of
// the labels was replaced by one of the other classes, each as often. A classifier that was trained on such labels
// predicts the noisy label: its probability of class c is (1-r) p(c) + r/(classes-1) (1-p(c)), where p is that of the
// true class. So p follows from the prediction, and by Bayes the label c is right with the probability (1-r) p(c) /
// prediction(c). r is the mean of the probabilities of being wrong, found by expectation maximisation from any start.
// The predictions are first calibrated against the labels by a temperature (Guo et al. 2017, section 4.2).
//
// r is found because a regression on frozen features can't learn random labels: they get less than the model grants
// them. Of a classifier that predicts them exactly, every smaller r would explain the labels as well, and the prior
// decides. Where a fifth of the labels of few images is wrong, too small a share is found.
func wrongLabels(probabilities [][]float64, labels []int, classes int) (wrong []float64, share float64) {
	own := calibratedOwn(probabilities, labels)
	wrong = make([]float64, len(labels))
	share = noiseMean
	if classes < 2 {
		return wrong, 0
	}
	for range 500 {
		base, sum := share/float64(classes-1), 0.0
		for i, q := range own {
			wrong[i] = 1
			if q > base {
				truth := min(1, (q-base)/(1-share-base))
				wrong[i] = max(0, 1-(1-share)*truth/q)
			}
			sum += wrong[i]
		}
		was := share
		share = min(mostNoise, (sum+noisePrior*noiseMean)/float64(len(labels)+noisePrior))
		if math.Abs(share-was) < 1e-7 {
			break
		}
	}
	return wrong, share
}

// calibratedOwn returns the calibrated probability of each example's label.
func calibratedOwn(probabilities [][]float64, labels []int) []float64 {
	logits := make([][]float64, len(probabilities))
	for i, row := range probabilities {
		for _, p := range row {
			logits[i] = append(logits[i], -numbers.NegLog(p))
		}
	}
	at := func(logTemperature float64) (own []float64, loss float64) {
		for i, row := range logits {
			p := numbers.SoftmaxAt(row, math.Exp(logTemperature))[labels[i]]
			own = append(own, p)
			loss += numbers.NegLog(p)
		}
		return own, loss
	}
	// The loss has one minimum in the temperature; golden section.
	low, high := math.Log(0.2), math.Log(5)
	ratio := (math.Sqrt(5) - 1) / 2
	left, right := high-ratio*(high-low), low+ratio*(high-low)
	_, lossLeft := at(left)
	_, lossRight := at(right)
	for high-low > 1e-3 {
		if lossLeft < lossRight {
			high, right, lossRight = right, left, lossLeft
			left = high - ratio*(high-low)
			_, lossLeft = at(left)
		} else {
			low, left, lossLeft = left, right, lossRight
			right = low + ratio*(high-low)
			_, lossRight = at(right)
		}
	}
	own, _ := at((low + high) / 2)
	return own
}

// suspicious returns the examples whose labels are wrong with a probability above suspicion, unless the label is the
// most probable class; the most suspicious first. A class keeps one example at least, the least suspicious.
func suspicious(wrong []float64, probabilities [][]float64, labels []int) (out []int) {
	kept := map[int]int{} // examples of each class that are not named
	for i, label := range labels {
		if wrong[i] > suspicion && numbers.Argmax(probabilities[i]) != label {
			out = append(out, i)
		} else {
			kept[label]++
		}
	}
	own := func(i int) float64 { return probabilities[i][labels[i]] }
	slices.SortFunc(out, func(a, b int) int { return cmp.Or(cmp.Compare(own(b), own(a)), cmp.Compare(b, a)) })
	out = slices.DeleteFunc(out, func(i int) bool {
		last := kept[labels[i]] == 0
		if last {
			kept[labels[i]]++
		}
		return last
	})
	slices.Reverse(out)
	return out
}
