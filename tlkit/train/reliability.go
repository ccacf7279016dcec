package train

import (
	"math"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// reliabilityBins is the number of bins of the calibration error, as in Guo et al. 2017.
const reliabilityBins = 15

// ReliabilityBin compares probability and accuracy for the images whose predicted class has a probability in (Low,
// High]; [plots.Reliability] draws a list of them.
type ReliabilityBin = plots.ReliabilityBin

// reliability sorts the predictions into bins of equal width (Guo et al. 2017, arXiv 1706.04599, section 2).
func (p Predictions) reliability() []ReliabilityBin {
	bins := make([]ReliabilityBin, reliabilityBins)
	for i, confidence := range p.Confidence {
		k := min(max(int(math.Ceil(confidence*reliabilityBins))-1, 0), reliabilityBins-1)
		bins[k].Images++
		bins[k].Confidence += confidence
		if p.Predicted[i] == p.Labels[i] {
			bins[k].Accuracy++
		}
	}
	for k := range bins {
		b := &bins[k]
		b.Low, b.High = float64(k)/reliabilityBins, float64(k+1)/reliabilityBins
		b.Confidence /= float64(b.Images)
		b.Accuracy /= float64(b.Images)
	}
	return bins
}

// calibrationError is the expected calibration error (ECE), Guo et al. 2017, equation 3. It is NaN without images.
func calibrationError(bins []ReliabilityBin) float64 { return plots.ReliabilitySet{Bins: bins}.ECE() }

// brier is the squared distance between an image's probabilities and its truth (Brier 1950): 0 is perfect, 2 the worst.
func brier(probabilities []float64, label int) float64 {
	sum := 0.0
	for class, p := range probabilities {
		if class == label {
			p--
		}
		sum += p * p
	}
	return sum
}
