// Package numbers has the small calculations on logits and probabilities that several packages need.
package numbers

import (
	"math"
	"slices"
	"strconv"
)

// Softmax returns the probabilities of logits, in double precision.
func Softmax[T float32 | float64](logits []T) []float64 { return SoftmaxAt(logits, 1) }

// SoftmaxAt returns the probabilities of logits that are divided by a temperature above 0.
func SoftmaxAt[T float32 | float64](logits []T, temperature float64) []float64 {
	top := math.Inf(-1)
	for _, v := range logits {
		top = math.Max(top, float64(v))
	}
	p := make([]float64, len(logits))
	sum := 0.0
	for i, v := range logits {
		p[i] = math.Exp((float64(v) - top) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Argmax returns the index of the first largest value.
func Argmax[T float32 | float64](p []T) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}

// Median returns the middle one of values, the mean of the two middle ones of an even number; 0 without values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// NegLog returns -log(p), bounded so that one impossible example does not make a mean infinite.
func NegLog(p float64) float64 { return -math.Log(math.Max(p, 1e-30)) }

// Finite reports whether v is a number, neither infinite nor NaN.
func Finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Thousands writes 269722 as "269,722".
func Thousands(n int) string {
	if n < 0 {
		return "-" + Thousands(-n)
	}
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
