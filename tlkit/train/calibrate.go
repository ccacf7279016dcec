package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// CalibrateOptions are the options of [Calibrate]. The zero value fits the temperature alone.
type CalibrateOptions struct {
	// Precision is the share of right predictions wanted among those that are certain, in (0, 1]; 0 sets no threshold.
	Precision float64
}

// Calibrated is the result of [Calibrate].
type Calibrated struct {
	// Calibration is what the model got.
	zoo.Calibration
	// Before and After are the figures on the images of the fit, with the model's former calibration and with the new
	// one; those of other images are a little worse.
	Before, After CalibrationScore
	// Images is the number of images of the fit. Certain is the number of them at or above the threshold, of which
	// Right are right; all images without a threshold.
	Images, Certain, Right int
	// Note says what could not be reached; "" if nothing.
	Note string
}

// CalibrationScore measures how far probabilities are from the share that is right; lower is better.
type CalibrationScore struct {
	// NLL is the mean cross-entropy (negative log-likelihood), in nats.
	NLL float64
	// ECE and Brier are the figures of the same names in [Evaluation].
	ECE, Brier float64
	// Reliability compares probability and accuracy, in 15 bins of the predicted class's probability.
	Reliability []ReliabilityBin `json:"-"`
}

// Calibrate fits a temperature for the model's probabilities on images that it was not trained on, and with
// CalibrateOptions.Precision the threshold below which a prediction is marked as uncertain. It sets m.Calibration:
// Predict and Evaluate use it, and Export keeps it with the model.
//
// The temperature is that of the lowest cross-entropy (Guo et al. 2017, arXiv 1706.04599, section 4.2); it changes no
// prediction, only its probability. The threshold is the lowest one at which the wanted share of the predictions is
// right. Both are fitted to the images of the split: Evaluate on others, such as data.Test, tells how well they hold.
// The split's classes are matched with the model's as in [Evaluate].
func Calibrate(m *zoo.Model, split *datasets.Split, opts ...CalibrateOptions) (*Calibrated, error) {
	o, err := optional.One("tlkit: Calibrate", opts)
	if err != nil {
		return nil, err
	}
	if !(o.Precision >= 0 && o.Precision <= 1) {
		return nil, fmt.Errorf("tlkit: CalibrateOptions.Precision is %g; expected a share such as 0.95, or 0 for no threshold", o.Precision)
	}
	if split, err = fitting(m, split, "calibrate"); err != nil {
		return nil, err
	}
	var logits [][]float32
	if err := eachLogits(m, split, func(row []float32) { logits = append(logits, slices.Clone(row)) }); err != nil {
		return nil, err
	}
	c := calibrated(logits, split.Labels(), o.Precision, cmp.Or(m.Calibration.Temperature, 1))
	m.Calibration = c.Calibration
	return c, nil
}

// calibrated fits temperature and threshold to logits. before is the temperature until now.
func calibrated(logits [][]float32, labels []int, precision, before float64) *Calibrated {
	c := &Calibrated{Images: len(labels)}
	c.Temperature, c.Note = fitTemperature(logits, labels)
	c.Before, _ = scoreAt(logits, labels, before)
	var p Predictions
	c.After, p = scoreAt(logits, labels, c.Temperature)
	if precision > 0 {
		var ok bool
		if c.Threshold, ok = threshold(p, precision); ok {
			c.Precision = precision
		} else {
			c.Note = joined(c.Note, fmt.Sprintf("no threshold makes %s of the certain predictions right, so none is set", percent(precision)))
		}
	}
	for i, confidence := range p.Confidence {
		if confidence >= c.Threshold {
			c.Certain++
			if p.Predicted[i] == p.Labels[i] {
				c.Right++
			}
		}
	}
	return c
}

// joined puts two notes into one line.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// Bounds of the temperature, in the mean distance of an image's highest logit from its mean: with the lowest one every
// prediction is certain, with the highest one all classes are almost equal. 1 is always within the bounds, so that
// no fit is worse than the probabilities without a temperature.
const (
	lowestTemperature  = 1.0 / 200
	highestTemperature = 20
)

// fitTemperature returns the temperature of the lowest mean cross-entropy. That is convex in the inverse temperature
// b, so that bisection finds the zero of its derivative.
func fitTemperature(logits [][]float32, labels []int) (temperature float64, note string) {
	scale, right := highest(logits, labels)
	if scale == 0 {
		return 1, "all logits of an image are equal, so that no temperature changes a probability; it stays 1"
	}
	low, high := min(1, 1/(highestTemperature*scale)), max(1, 1/(lowestTemperature*scale))
	switch {
	case right == len(labels) && slope(logits, labels, high) <= 0:
		return 1, "every image is classified right by far, so that no temperature is best; it stays 1. Give more images, or some that are mistaken"
	case slope(logits, labels, high) < 0:
		return 1 / high, fmt.Sprintf("%d of %d images are classified right, the others nearly so; the temperature is set to the lowest one, %.3g",
			right, len(labels), 1/high)
	case slope(logits, labels, low) > 0:
		reason := fmt.Sprintf("%d of %d images are classified right, but the logits of the others speak more against their classes", right, len(labels))
		if right*len(logits[0]) <= len(labels) {
			reason = "the model is right no more often than by chance"
		}
		return 1 / low, fmt.Sprintf("%s; the temperature is set to the highest one, %.3g", reason, 1/low)
	}
	for range 100 {
		middle := math.Sqrt(low * high)
		if slope(logits, labels, middle) < 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return 1 / math.Sqrt(low*high), ""
}

// highest returns the mean distance of an image's highest logit from the mean of its logits, and how many of the
// highest are those of the labels.
func highest(logits [][]float32, labels []int) (mean float64, right int) {
	for i, row := range logits {
		best, sum := numbers.Argmax(row), 0.0
		for _, v := range row {
			sum += float64(v)
		}
		mean += (float64(row[best]) - sum/float64(len(row))) / float64(len(logits))
		if best == labels[i] {
			right++
		}
	}
	return mean, right
}

// slope is the derivative of the mean cross-entropy with respect to the inverse temperature b: the mean logit under
// the probabilities, less that of the true class.
func slope(logits [][]float32, labels []int, b float64) float64 {
	sum := 0.0
	for i, row := range logits {
		for class, p := range numbers.SoftmaxAt(row, 1/b) {
			sum += p * (float64(row[class]) - float64(row[labels[i]]))
		}
	}
	return sum / float64(len(labels))
}

// scoreAt returns the figures and the predictions at a temperature.
func scoreAt(logits [][]float32, labels []int, temperature float64) (CalibrationScore, Predictions) {
	var s CalibrationScore
	var p Predictions
	n := float64(len(labels))
	for i, row := range logits {
		probabilities := numbers.SoftmaxAt(row, temperature)
		best := numbers.Argmax(probabilities)
		p.Labels, p.Predicted, p.Confidence = append(p.Labels, labels[i]), append(p.Predicted, best), append(p.Confidence, probabilities[best])
		s.NLL += numbers.NegLog(probabilities[labels[i]]) / n
		s.Brier += brier(probabilities, labels[i]) / n
	}
	s.Reliability = p.reliability()
	s.ECE = calibrationError(s.Reliability)
	return s, p
}

// threshold returns the lowest probability from which on the wanted share of the predictions is right. ok is false if
// there is none.
func threshold(p Predictions, precision float64) (at float64, ok bool) {
	order := ascending(len(p.Confidence))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Confidence[b], p.Confidence[a]) })
	right := 0
	for k, i := range order {
		if p.Predicted[i] == p.Labels[i] {
			right++
		}
		last := k == len(order)-1
		if !last && p.Confidence[order[k+1]] == p.Confidence[i] {
			continue // equal probabilities are accepted together
		}
		// The quotient of two whole numbers is rounded as the literal is: 55 of 100 are 0.55, but 0.55 of 100 are more
		// than 55.
		if float64(right)/float64(k+1) >= precision {
			at, ok = p.Confidence[i], true
			if last {
				at = 0
			}
		}
	}
	return at, ok
}

// String is one line, such as "temperature 1.85; threshold 0.742: 131 of 153 images are certain, 97.7% of them right".
func (c *Calibrated) String() string {
	text := fmt.Sprintf("temperature %.3g", c.Temperature)
	if c.Precision > 0 {
		text += fmt.Sprintf("; threshold %.3f: %d of %d images are certain, %s of them right",
			c.Threshold, c.Certain, c.Images, percent(float64(c.Right)/float64(max(1, c.Certain))))
	}
	return joined(text, c.Note)
}

// Figure is the reliability diagram before and after.
func (c *Calibrated) Figure() plots.Figure {
	return plots.Reliability("", plots.ReliabilitySet{Name: "before", Bins: c.Before.Reliability}, plots.ReliabilitySet{Name: "after", Bins: c.After.Reliability})
}

// Bundle is a table of the figures before and after, and the reliability diagram.
func (c *Calibrated) Bundle() (map[string]any, error) {
	row := func(name string, s CalibrationScore) []string {
		return []string{name, fmt.Sprintf("%.4f", s.NLL), percent(s.ECE), fmt.Sprintf("%.4f", s.Brier)}
	}
	table := plots.Table([]string{"probabilities", "NLL", "calibration error (ECE)", "Brier score"},
		[][]string{row("as they were", c.Before), row("calibrated", c.After)},
		plots.TableOptions{Caption: c.String(), Lowest: []int{1, 2, 3}, Words: []int{0}})
	return plots.Stack("calibration", table, c.Figure()).Bundle()
}
