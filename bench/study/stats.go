package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// band writes values in [0, 1] as their mean with the sample standard deviation and the extremes:
// "0.825 ± 0.004 (0.819 to 0.830)"; a single value alone.
func band(values []float64) string {
	if len(values) == 0 {
		return "-"
	}
	mean := 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	if len(values) == 1 {
		return fmt.Sprintf("%.3f", mean)
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return fmt.Sprintf("%.3f ± %.3f (%.3f to %.3f)", mean, math.Sqrt(squares/float64(len(values)-1)), slices.Min(values), slices.Max(values))
}

// each lists values in [0, 1], one per seed.
func each(values []float64) string {
	var all []string
	for _, v := range values {
		all = append(all, fmt.Sprintf("%.4f", v))
	}
	return strings.Join(all, " ")
}
