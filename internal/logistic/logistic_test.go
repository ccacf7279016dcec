package logistic

import (
	"math"
	"testing"
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
	p, err := OutOfFold(rows, labels, 2, 5, 0.01)
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
	if _, err := OutOfFold(rows[:1], labels[:1], 2, 5, 0.01); err == nil {
		t.Error("one example gave no error")
	}
}
