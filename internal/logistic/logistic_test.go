package logistic

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// matrix is Rows of equal length.
type matrix [][]float32

func (m matrix) Len() int            { return len(m) }
func (m matrix) Width() int          { return len(m[0]) }
func (m matrix) Row(i int) []float32 { return m[i] }

// TestOutOfFold holds that an example's own label has no part in its probabilities, and that they sum to 1.
func TestOutOfFold(t *testing.T) {
	var rows matrix
	var labels []int
	for i := range 30 {
		rows = append(rows, []float32{float32(i%2) + float32(i%7)/20, float32(i % 5)})
		labels = append(labels, i%2)
	}
	labels[4] = 1 // a wrong label: its features are those of class 0
	p, err := OutOfFold(t.Context(), rows, labels, 2, 5, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p {
		if math.Abs(p[i][0]+p[i][1]-1) > 1e-12 {
			t.Errorf("probabilities %v of example %d", p[i], i)
		}
		if own := p[i][i%2]; own < 0.5 {
			t.Errorf("example %d of class %d has %v", i, i%2, p[i])
		}
	}
	if _, err := OutOfFold(t.Context(), rows[:1], labels[:1], 2, 5, 0.01); err == nil {
		t.Error("one example gave no error")
	}
}

// TestOutOfFoldKnowsNoLabel holds that random labels of random features are predicted no better than by chance, also
// with more features than examples, where a weak penalty leaves the minimum far away.
func TestOutOfFoldKnowsNoLabel(t *testing.T) {
	for _, c := range []struct {
		examples, width, classes int
		l2                       float64
	}{{100, 1000, 2, 1e-4}, {300, 1280, 10, 1e-4}, {100, 200, 2, 0}} {
		rng := rand.New(rand.NewPCG(17, 4))
		var rows matrix
		var labels []int
		for range c.examples {
			row := make([]float32, c.width)
			for j := range row {
				row[j] = float32(rng.NormFloat64())
			}
			rows, labels = append(rows, row), append(labels, rng.IntN(c.classes))
		}
		p, err := OutOfFold(t.Context(), rows, labels, c.classes, 5, c.l2)
		if err != nil {
			t.Fatal(err)
		}
		hits := 0
		for i, label := range labels {
			if numbers.Argmax(p[i]) == label {
				hits++
			}
		}
		chance := 1 / float64(c.classes)
		most := chance + 4*math.Sqrt(chance*(1-chance)/float64(c.examples))
		share := float64(hits) / float64(c.examples)
		t.Logf("%+v: %.2f of the labels predicted, %.2f by chance", c, share, chance)
		if share > most {
			t.Errorf("%+v: %.2f of random labels predicted, want at most %.2f, four standard errors above chance", c, share, most)
		}
	}
}

// TestInterrupted: the end of the context ends a fit, with its error.
func TestInterrupted(t *testing.T) {
	rows := matrix{{0, 1}, {1, 0}, {0, 2}, {2, 1}, {0, 3}, {3, 1}}
	labels := []int{0, 1, 0, 1, 0, 1}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Fit(ctx, rows, labels, 2, 0.1); !errors.Is(err, context.Canceled) {
		t.Errorf("Fit: error %v", err)
	}
	if _, err := OutOfFold(ctx, rows, labels, 2, 3, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("OutOfFold: error %v", err)
	}
}
