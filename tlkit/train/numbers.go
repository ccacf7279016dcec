package train

import "math"

// softmax turns logits into probabilities.
func softmax(logits []float32) []float64 {
	top := math.Inf(-1)
	for _, v := range logits {
		top = math.Max(top, float64(v))
	}
	p := make([]float64, len(logits))
	sum := 0.0
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// negLog is -log(p), bounded so that one impossible example does not make a mean infinite.
func negLog(p float64) float64 { return -math.Log(math.Max(p, 1e-30)) }

// argmax returns the index of the first largest value.
func argmax(p []float64) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}
