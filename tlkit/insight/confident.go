package insight

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// mislabelled returns the examples whose labels are probably wrong, the most suspicious first: confident learning
// (Northcutt et al. 2021, Confident Learning, arXiv 1911.00068, sections 3.1 and 3.2, pruning by noise rate).
// probabilities are out-of-fold, [examples][classes].
//
// The method counts, for each pair of a given and another class, the examples that look like the other class as much as
// its own examples do on average. As many examples of the given class, those that look most like the other class, are
// suspicious, unless the given class is their most probable one.
func mislabelled(probabilities [][]float64, labels []int, classes int) []int {
	joint := confidentJoint(probabilities, labels, classes)
	byLabel := make([][]int, classes)
	for i, label := range labels {
		byLabel[label] = append(byLabel[label], i)
	}
	suspicious := map[int]bool{}
	for given, examples := range byLabel {
		if len(examples) < 2 {
			continue // a class keeps one example at least
		}
		for other, n := range joint[given] {
			if other == given || n == 0 {
				continue
			}
			margin := func(i int) float64 { return probabilities[i][other] - probabilities[i][given] }
			order := slices.Clone(examples)
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(margin(b), margin(a)) })
			for _, i := range order[:min(n, len(order))] {
				if numbers.Argmax(probabilities[i]) != given {
					suspicious[i] = true
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(suspicious), func(a, b int) int {
		return cmp.Or(cmp.Compare(probabilities[a][labels[a]], probabilities[b][labels[b]]), cmp.Compare(a, b))
	})
}

// confidentJoint returns the estimated number of examples of each given class (rows) that belong to each class
// (columns). A row sums to the number of examples of its class.
func confidentJoint(probabilities [][]float64, labels []int, classes int) [][]int {
	threshold, n := make([]float64, classes), make([]int, classes)
	for i, label := range labels {
		threshold[label] += probabilities[i][label]
		n[label]++
	}
	for c := range threshold {
		threshold[c] /= float64(n[c]) // NaN without examples: nothing exceeds it
	}
	counts := make([][]float64, classes)
	for c := range counts {
		counts[c] = make([]float64, classes)
	}
	for i, label := range labels {
		if c := confidentClass(probabilities[i], threshold); c >= 0 {
			counts[label][c]++
		}
	}
	joint := make([][]int, classes)
	for c, row := range counts {
		row[c] = max(row[c], 1)
		sum := 0.0
		for _, v := range row {
			sum += v
		}
		for k := range row {
			row[k] *= float64(n[c]) / sum
		}
		joint[c] = rounded(row, n[c])
		keepOne(joint[c], c)
	}
	return joint
}

// confidentClass returns the class whose threshold an example's probability reaches, the most probable one of several;
// -1 if there is none.
func confidentClass(p, threshold []float64) int {
	best := -1
	for c, v := range p {
		if v >= threshold[c]-1e-6 && (best < 0 || v > p[best]) {
			best = c
		}
	}
	return best
}

// rounded returns the values as integers with the given sum: the largest fractions are rounded up, of equal ones the
// later.
func rounded(values []float64, sum int) []int {
	out, order := make([]int, len(values)), make([]int, len(values))
	for i, v := range values {
		out[i], order[i] = int(math.Floor(v)), i
		sum -= out[i]
	}
	part := func(i int) float64 { return values[i] - math.Floor(values[i]) }
	slices.SortStableFunc(order, func(a, b int) int {
		if math.Abs(part(a)-part(b)) < 1e-9 {
			return b - a
		}
		return cmp.Compare(part(b), part(a))
	})
	for k := range min(max(sum, 0), len(order)) {
		out[order[k]]++
	}
	return out
}

// keepOne leaves at least one example to the given class, at the cost of the largest other count.
func keepOne(row []int, given int) {
	if row[given] > 0 {
		return
	}
	most := given
	for c, n := range row {
		if n > row[most] {
			most = c
		}
	}
	if row[most] > 0 {
		row[most]--
		row[given]++
	}
}
